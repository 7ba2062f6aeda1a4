/* SPDX-License-Identifier: GPL-3.0-or-later */
/* radius_file: files of configuration, right and wrong */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "auth/radius_file.h"

#define TEST(module, what) static void module##_##what(void **)

static enum err parse(struct radius_settings *s, const char *text, struct wordfile_why *why)
{
	char copy[2048];
	assert_true(strlen(text) < sizeof copy);
	strcpy(copy, text);
	return radius_file_parse(s, copy, why);
}

TEST(radius_file, says_all)
{
	struct radius_settings s;
	struct wordfile_why why;
	char secrets[] = "# a comment\n\nradius1.example.org\tfirst#secret  # of it\n"
			 "gate/192.0.2.1 second\n[2001:DB8::1] third\nradius1.example.org never\n";
	assert_int_equal(parse(&s,
			       "# RADIUS\r\n  authserver radius1.example.org, 192.0.2.1:1645\r\n"
			       "authserver [2001:db8::1]:99\nauthserver own:1812:a:b c\n"
			       "acctserver\tradius1.example.org\nservers /etc/secrets\ndictionary /x\n"
			       "default_realm\nradius_timeout 3\nradius_retries 0\nradius_deadtime 5\n"
			       "bindaddr *\nnas-identifier gate\nnas-ip 192.0.2.9\nserv-type udp\n"
			       "require-message-authenticator no",
			       &why),
			 ERR_OK);
	assert_int_equal(s.of[RADIUS_AUTH].n, 4);
	assert_int_equal(s.of[RADIUS_ACCT].n, 1);
	assert_string_equal(s.of[RADIUS_AUTH].v[0].host, "radius1.example.org");
	assert_int_equal(s.of[RADIUS_AUTH].v[0].port, 1812);
	assert_int_equal(s.of[RADIUS_AUTH].v[1].port, 1645);
	assert_string_equal(s.of[RADIUS_AUTH].v[2].host, "2001:db8::1");
	assert_int_equal(s.of[RADIUS_AUTH].v[2].port, 99);
	assert_string_equal(s.of[RADIUS_AUTH].v[3].secret, "a:b");
	assert_int_equal(s.of[RADIUS_ACCT].v[0].port, 1813);
	assert_int_equal(s.timeout_s, 3);
	assert_int_equal(s.tries, 1);
	assert_int_equal(s.dead_s, 5);
	assert_string_equal(s.bind, "");
	assert_string_equal(s.nas_identifier, "gate");
	assert_string_equal(s.nas_ip, "192.0.2.9");
	assert_false(s.needs_signature);
	assert_int_equal(radius_file_check(&s, &why), ERR_CONFIG);
	assert_int_equal(radius_file_secrets(&s, secrets, &why), ERR_OK);
	assert_int_equal(secrets[0], '\0');
	assert_string_equal(s.of[RADIUS_AUTH].v[0].secret, "first#secret");
	assert_string_equal(s.of[RADIUS_ACCT].v[0].secret, "first#secret");
	assert_string_equal(s.of[RADIUS_AUTH].v[1].secret, "second");
	assert_string_equal(s.of[RADIUS_AUTH].v[2].secret, "third");
	assert_string_equal(s.of[RADIUS_AUTH].v[3].secret, "a:b");
	assert_int_equal(radius_file_check(&s, &why), ERR_OK);
}

TEST(radius_file, defaults_are_safe)
{
	struct radius_settings s;
	struct wordfile_why why;
	assert_int_equal(parse(&s, "authserver a\n", &why), ERR_OK);
	assert_true(s.needs_signature);
	assert_int_equal(s.timeout_s, 10);
	assert_int_equal(s.tries, 3);
	assert_int_equal(radius_file_check(&s, &why), ERR_CONFIG); /* no secret is no empty secret */
	assert_non_null(strstr(why.text, "no secret for server a"));
	assert_int_equal(parse(&s, "acctserver a:1:b\n", &why), ERR_OK);
	assert_int_equal(radius_file_check(&s, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "no authserver"));
	assert_int_equal(parse(&s, "authserver host::\n", &why), ERR_RANGE);
	assert_int_equal(parse(&s, "authserver a:1:\n", &why), ERR_OK);
	assert_int_equal(radius_file_check(&s, &why), ERR_CONFIG);
}

TEST(radius_file, refusals)
{
	static const struct {
		const char *text, *why;
		unsigned line;
	} rows[] = {
		{ "authserver", "expected a value", 1 },
		{ "\n\nauthserver :1812", "expected a host", 3 },
		{ "authserver a,,b", "expected a host", 1 },
		{ "authserver 2001:db8::1", "in brackets", 1 },
		{ "authserver [2001:db8::1", "expected a host", 1 },
		{ "authserver [2001:db8::1]x", "host:port:secret", 1 },
		{ "authserver a:0", "from 1 to 65535", 1 },
		{ "authserver a:65536", "from 1 to 65535", 1 },
		{ "authserver a:-1", "from 1 to 65535", 1 },
		{ "authserver a:1x", "from 1 to 65535", 1 },
		{ "authserver a,b,c,d,e,f,g,h,i", "more than 8 servers", 1 },
		{ "radius_timeout 0", "from 1 to 60", 1 },
		{ "radius_timeout 99999999999999999999", "from 1 to 60", 1 },
		{ "radius_retries many", "from 0 to 100", 1 },
		{ "bindaddr gate", "expected an address", 1 },
		{ "nas-ip 192.0.2", "expected an address", 1 },
		{ "require-message-authenticator maybe", "yes or no", 1 },
		{ "require_message_authenticator no", "is not known", 1 },
		{ "serv-type tls", "only udp", 1 },
		{ "namespace blue", "not supported", 1 },
		{ "Authserver a", "is not known", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct radius_settings s;
		struct wordfile_why why;
		if (parse(&s, rows[i].text, &why) == ERR_OK || strstr(why.text, rows[i].why) == nullptr ||
		    why.line != rows[i].line)
			fail_msg("%s: line %u: %s", rows[i].text, why.line, why.text);
	}
}

TEST(radius_file, refused_secrets)
{
	char big[600], host[400];
	memset(big, 'x', sizeof big);
	memcpy(big, "a ", 2);
	big[300] = '\0';
	const char *const texts[] = { "a", "a ", "a two words", big };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct radius_settings s;
		struct wordfile_why why;
		char copy[600];
		assert_int_equal(parse(&s, "authserver a", &why), ERR_OK);
		strcpy(copy, texts[i]);
		assert_int_not_equal(radius_file_secrets(&s, copy, &why), ERR_OK);
		assert_int_equal(why.line, 1);
	}
	memset(host, 'x', sizeof host);
	memcpy(host, "authserver ", 11);
	host[300] = '\0';
	struct radius_settings s;
	struct wordfile_why why;
	assert_int_equal(parse(&s, host, &why), ERR_SYNTAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(radius_file_says_all),
		cmocka_unit_test(radius_file_defaults_are_safe),
		cmocka_unit_test(radius_file_refusals),
		cmocka_unit_test(radius_file_refused_secrets),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
