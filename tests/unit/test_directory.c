/* SPDX-License-Identifier: GPL-3.0-or-later */
/* directory_file, directory_text, directory_facts: what an LDAP directory and its configuration say */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "auth/directory_facts.h"
#include "auth/directory_text.h"
#include "auth/fact.h"

#define TEST(module, what) static void module##_##what(void **)

static enum err parse(struct directory_settings *s, const char *text, struct wordfile_why *why)
{
	char copy[4096];
	assert_true(strlen(text) < sizeof copy);
	strcpy(copy, text);
	return directory_file_parse(s, copy, why);
}

TEST(directory_file, says_all)
{
	struct directory_settings s;
	struct wordfile_why why;
	char secret[] = "  a secret \r\nmore\n";
	assert_int_equal(
		parse(&s,
		      "# a comment\n uri\tldap://one.example.test/ LDAPS://[2001:db8::1]:99,ldap://192.0.2.1:1389\r\n"
		      "uri ldapi://%2Frun%2Fldapi\nstarttls no\nca-file /ca.pem\nbind-dn cn=a b,dc=c\n"
		      "bind-password-file /secret\nbase dc=example,dc=test\nscope one\nfilter (&(a=%u)(b=*))\n"
		      "name-attribute sAMAccountName\ngroup-attribute memberOf\nallow-group a b\nallow-group c\n"
		      "group-base ou=g\ngroup-filter (|(member=%d)(memberUid=%u))\ngroup-name-attribute ou\n"
		      "timeout 9\ndeadtime 7\nipv4-attribute 1.2.3;lang-de\n",
		      &why),
		ERR_OK);
	assert_int_equal(s.servers_n, 4);
	assert_string_equal(s.servers[0].host, "one.example.test");
	assert_int_equal(s.servers[0].port, 389);
	assert_int_equal(s.servers[1].scheme, DIRECTORY_LDAPS);
	assert_string_equal(s.servers[1].host, "[2001:db8::1]");
	assert_int_equal(s.servers[1].port, 99);
	assert_int_equal(s.servers[2].port, 1389);
	assert_int_equal(s.servers[3].scheme, DIRECTORY_LDAPI);
	assert_string_equal(s.servers[3].host, "%2Frun%2Fldapi");
	assert_false(s.starttls);
	assert_string_equal(s.bind_dn, "cn=a b,dc=c");
	assert_int_equal(s.scope, DIRECTORY_ONE);
	assert_string_equal(s.groups.allowed[0], "a b");
	assert_int_equal(s.groups.allowed_n, 2);
	assert_string_equal(s.facts[DIRECTORY_IPV4], "1.2.3;lang-de");
	assert_int_equal(s.timeout_s, 9);
	assert_int_equal(directory_file_password(&s, secret, &why), ERR_OK);
	assert_string_equal(s.bind_password, "  a secret ");
	assert_int_equal(secret[2], '\0');
}

TEST(directory_file, has_safe_defaults)
{
	struct directory_settings s;
	struct wordfile_why why;
	assert_int_equal(parse(&s, "uri ldap://a\nbase dc=b", &why), ERR_OK);
	assert_true(s.starttls);
	assert_string_equal(s.filter, "(uid=%u)");
	assert_string_equal(s.name_attribute, "uid");
	assert_string_equal(s.ca_file, "/etc/ssl/certs/ca-certificates.crt");
}

TEST(directory_file, refuses)
{
	static const struct {
		const char *text, *why;
		unsigned line;
	} rows[] = {
		{ "", "no uri", 0 },
		{ "uri ldap://a", "no base", 0 },
		{ "uri http://a", "expected ldap://", 1 },
		{ "uri ldap://", "expected a host", 1 },
		{ "uri ldap:///", "expected a host", 1 },
		{ "uri ldap://a b", "expected ldap://", 1 },
		{ "uri ldap://a:0", "number", 1 },
		{ "uri ldap://a:70000", "number", 1 },
		{ "uri ldap://a:x", "number", 1 },
		{ "uri ldap://a/dc=b", "host", 1 },
		{ "uri ldap://[::1", "host", 1 },
		{ "uri ldap://[::1]x", "no more", 1 },
		{ "uri ldap://a@b", "host", 1 },
		{ "uri ldapi:///run/ldapi", "%2F", 1 },
		{ "\nuri", "expected a value", 2 },
		{ "uri ldap://a ldap://a ldap://a ldap://a ldap://a ldap://a ldap://a ldap://a ldap://a",
		  "more than 8", 1 },
		{ "starttls maybe", "yes or no", 1 },
		{ "scope all", "sub, one or base", 1 },
		{ "filter uid=%u", "brackets", 1 },
		{ "filter (uid=%u", "brackets", 1 },
		{ "filter (uid=%u))", "brackets", 1 },
		{ "filter (uid=%u)(a=b)", "brackets", 1 },
		{ "filter ((uid=%u)())", "brackets", 1 },
		{ "filter (uid=*)", "%u", 1 },
		{ "filter (uid=%d)", "behind %", 1 },
		{ "filter (uid=%u%)", "behind %", 1 },
		{ "group-filter (member=x)", "%u or %d", 1 },
		{ "name-attribute a b", "attribute", 1 },
		{ "name-attribute a)(b", "attribute", 1 },
		{ "timeout 0", "number", 1 },
		{ "timeout 41", "number", 1 },
		{ "deadtime -1", "number", 1 },
		{ "colour blue", "colour is not known", 1 },
		{ "uri ldap://a\nbase b\nbind-dn c", "belong together", 0 },
		{ "uri ldap://a\nbase b\nbind-password c", "belong together", 0 },
		{ "uri ldap://a\nbase b\nbind-dn c\nbind-password d\nbind-password-file e", "remove one", 0 },
		{ "uri ldap://a\nbase b\ngroup-base c", "belong together", 0 },
		{ "uri ldap://a\nbase b\ngroup-filter (member=%d)", "belong together", 0 },
		{ "uri ldap://a\nbase b\nallow-group c", "allow-group needs", 0 },
	};
	struct directory_settings s;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct wordfile_why why;
		if (parse(&s, rows[i].text, &why) == ERR_OK)
			fail_msg("taken: %s", rows[i].text);
		if (strstr(why.text, rows[i].why) == nullptr || why.line != rows[i].line)
			fail_msg("%s: line %u: %s", rows[i].text, why.line, why.text);
	}
	struct wordfile_why why;
	char empty[] = "\nsecret\n";
	assert_int_equal(directory_file_password(&s, empty, &why), ERR_SYNTAX);
}

TEST(directory_text, puts_names_into_filters)
{
	static const struct {
		const char *filter, *user, *dn, *want;
	} rows[] = {
		{ "(uid=%u)", "alice", nullptr, "(uid=alice)" },
		{ "(uid=%u)", "*", nullptr, "(uid=\\2a)" },
		{ "(uid=%u)", "a)(uid=*", nullptr, "(uid=a\\29\\28uid=\\2a)" },
		{ "(uid=%u)", "a\\2a", nullptr, "(uid=a\\5c2a)" },
		{ "(uid=%u)", "%d%u", nullptr, "(uid=\\25d\\25u)" },
		{ "(uid=%u)", "\xc3\xa9", nullptr, "(uid=\\c3\\a9)" },
		{ "(|(a=%u)(b=%u))", "x", nullptr, "(|(a=x)(b=x))" },
		{ "(&(m=%d)(u=%u))", "x", "cn=a\\,b (c),dc=d", "(&(m=cn=a\\5c,b \\28c\\29,dc=d)(u=x))" },
	};
	char out[128];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			directory_text_filter(out, sizeof out, rows[i].filter, rows[i].user, rows[i].dn),
			ERR_OK);
		assert_string_equal(out, rows[i].want);
	}
	assert_int_equal(directory_text_filter(out, 11, "(uid=%u)", "alic", nullptr), ERR_OK);
	assert_string_equal(out, "(uid=alic)");
	assert_int_equal(directory_text_filter(out, 10, "(uid=%u)", "alic", nullptr), ERR_RANGE);
	assert_string_equal(out, "");
	assert_int_equal(directory_text_filter(out, sizeof out, "(uid=%d)", "alic", nullptr), ERR_SYNTAX);
}

TEST(directory_text, knows_names)
{
	static const char *const good[] = { "a", "alice@example.test", "J\xc3\xbcrgen", "a b",
					    "\xf0\x9f\x98\x80" };
	static const char *const bad[] = { "",         "a\nb",         "\x7f",         "\xc3",
					   "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "a\xff",    "\x80" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(directory_text_is_name(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(directory_text_is_name(bad[i]));
}

TEST(directory_text, reads_groups)
{
	static const struct {
		const char *value, *want; /* nullptr: refused */
	} rows[] = {
		{ "staff", "staff" },
		{ "cn=staff,ou=groups,dc=x", "staff" },
		{ "CN=VPN users,DC=x", "VPN users" },
		{ "cn=a\\,b\\2Bc,dc=x", "a,b+c" },
		{ "cn=J\\C3\\BCrgen,dc=x", "J\xc3\xbcrgen" },
		{ "cn=a+ou=b,dc=x", "a" },
		{ "cn=,dc=x", nullptr },
		{ "cn=a\\", nullptr },
		{ "cn=a\\00b,dc=x", nullptr },
		{ "cn=a\\0Ab,dc=x", nullptr },
		{ "", nullptr },
		{ "a\nb", nullptr },
		{ "cn=\\FF,dc=x", nullptr },
		{ "a group=b", "a group=b" },
		{ "=a", "=a" },
		{ "cn=0123456789", nullptr },
	};
	char out[10];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = directory_text_group(out, sizeof out, rows[i].value, strlen(rows[i].value));
		if ((e == ERR_OK) != (rows[i].want != nullptr))
			fail_msg("%s", rows[i].value);
		if (e == ERR_OK)
			assert_string_equal(out, rows[i].want);
	}
}

TEST(directory_facts, are_checked)
{
	static const struct {
		enum directory_fact what;
		const char *value;
		bool is_good;
	} rows[] = {
		{ DIRECTORY_IPV4, "192.0.2.1", true },
		{ DIRECTORY_IPV4, "192.0.2.1/24", false },
		{ DIRECTORY_IPV4, "2001:db8::1", false },
		{ DIRECTORY_IPV4, "", false },
		{ DIRECTORY_IPV6, "2001:db8::1", true },
		{ DIRECTORY_IPV6, "::ffff:1.2.3.4.5", false },
		{ DIRECTORY_ROUTE, "192.0.2.0/24", true },
		{ DIRECTORY_ROUTE, "2001:db8::/32", true },
		{ DIRECTORY_ROUTE, "default\nroute = 0.0.0.0/0", false },
		{ DIRECTORY_DNS, "192.0.2.53", true },
		{ DIRECTORY_DNS, "dns.example.test", false },
		{ DIRECTORY_SESSION_TIMEOUT, "600", true },
		{ DIRECTORY_SESSION_TIMEOUT, "0", false },
		{ DIRECTORY_IDLE_TIMEOUT, "-1", false },
		{ DIRECTORY_IDLE_TIMEOUT, "99999999999", false },
		{ DIRECTORY_FACT_N, "x", false },
	};
	Msg__Facts *f = fact_new();
	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(directory_facts_add(f, rows[i].what, rows[i].value, strlen(rows[i].value)) ==
					 ERR_OK,
				 rows[i].is_good);
	assert_int_equal(f->ipv4.len, 4);
	assert_int_equal(f->ipv6_prefix_len, 128);
	assert_int_equal(f->n_routes, 2);
	assert_int_equal(f->n_dns, 1);
	assert_int_equal(f->session_timeout_s, 600);
	assert_int_equal(f->idle_timeout_s, 0);
	assert_int_equal(directory_facts_add(f, DIRECTORY_IPV4,
					     "1.2.3.4\0"
					     "5",
					     9),
			 ERR_SYNTAX);
	assert_int_equal(directory_facts_add_group(f, "cn=a,dc=x", 9), ERR_OK);
	assert_int_equal(directory_facts_add_group(f, "a", 1), ERR_OK);
	assert_int_equal(f->n_groups, 1);
	assert_true(fact_has_group(f, "a"));
	msg__facts__free_unpacked(f, nullptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_file_says_all),
		cmocka_unit_test(directory_file_has_safe_defaults),
		cmocka_unit_test(directory_file_refuses),
		cmocka_unit_test(directory_text_puts_names_into_filters),
		cmocka_unit_test(directory_text_knows_names),
		cmocka_unit_test(directory_text_reads_groups),
		cmocka_unit_test(directory_facts_are_checked),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
