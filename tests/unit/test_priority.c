/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/priority.h"

constexpr uint8_t ALL = PRIORITY_TLS12 | PRIORITY_TLS13 | PRIORITY_DTLS12 | PRIORITY_DTLS13;
constexpr uint8_t AEAD = PRIORITY_AES_128_GCM | PRIORITY_AES_256_GCM | PRIORITY_CHACHA20_POLY1305;

static struct priority parse(const char *text)
{
	struct priority p = {};
	struct config_why why = {};
	enum err e = priority_parse(&p, text, &why);
	if (e != ERR_OK)
		fail_msg("%s: %s", text, why.text);
	return p;
}

static bool has_group(const struct priority *p, uint16_t group)
{
	for (size_t i = 0; i < p->groups_n; i++)
		if (p->groups[i] == group)
			return true;
	return false;
}

static bool is_default(const struct priority *p)
{
	const struct priority d = parse(nullptr);
	return memcmp(p, &d, sizeof d) == 0;
}

static void what_means_the_default(void **)
{
	static const char *const texts[] = {
		"",
		"NORMAL",
		"normal:",
		"PERFORMANCE",
		"SECURE128",
		"PFS",
		"@SYSTEM",
		"@SYSTEM,NORMAL",
		"@OCSERV,NORMAL",
		/* of ocserv's sample configuration and of guides on the net */
		"NORMAL:%SERVER_PRECEDENCE:%COMPAT:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1",
		"NORMAL:%SERVER_PRECEDENCE:%COMPAT:-RSA:-VERS-SSL3.0:-ARCFOUR-128",
		"NORMAL:%SERVER_PRECEDENCE:%COMPAT:-VERS-SSL3.0",
		"PERFORMANCE:%SERVER_PRECEDENCE:%COMPAT:-ARCFOUR-128:-3DES-CBC",
		"SECURE128:%SERVER_PRECEDENCE:%COMPAT:-RSA:-DHE-RSA:-CAMELLIA-128-CBC:-CAMELLIA-256-GCM",
		"NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3",
		"NORMAL:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305",
		"NONE:+SECURE128",
		"@SYSTEM:-SIGN-RSA-SHA1:-GROUP-FFDHE2048:-GROUP-X448:-COMP-DEFLATE:!VERS-SSL3.0",
		"NORMAL:+VERS-TLS1.3:+CTYPE-X509:+COMP-NULL:+SIGN-ALL:+PSK:%SAFE_RENEGOTIATION:%PROFILE_MEDIUM",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct priority p = parse(texts[i]);
		if (!is_default(&p))
			fail_msg("%s is not the default", texts[i]);
	}
	const struct priority p = parse(nullptr);
	assert_int_equal(p.versions, ALL);
	assert_int_equal(p.ciphers, AEAD);
	assert_int_equal(p.suites_n, 9);
	assert_int_equal(p.suites[0], 0x1301);
	assert_int_equal(p.groups_n, 4);
	assert_int_equal(p.groups[0], 0x11ec);
	assert_false(p.no_tickets);
}

static void versions(void **)
{
	assert_int_equal(parse("NORMAL:-VERS-TLS1.3").versions, ALL & ~PRIORITY_TLS13);
	assert_int_equal(parse("NORMAL:-VERS-ALL:+VERS-TLS1.2").versions, ALL & ~PRIORITY_TLS13);
	assert_int_equal(parse("NORMAL:-VERS-TLS-ALL:+VERS-TLS1.3").versions, ALL & ~PRIORITY_TLS12);
	assert_int_equal(parse("NORMAL:-VERS-DTLS-ALL").versions, PRIORITY_TLS12 | PRIORITY_TLS13);
	assert_int_equal(parse("NORMAL:-VERS-DTLS1.2").versions, ALL & ~PRIORITY_DTLS12);
	assert_int_equal(parse("NORMAL:-VERS-TLS1.2").suites_n, 3);
	assert_int_equal(parse("NORMAL:-KX-ALL").versions, ALL & ~PRIORITY_TLS12); /* its suites are gone */
	assert_int_equal(parse("SUITEB192").versions, PRIORITY_TLS12 | PRIORITY_DTLS12 | PRIORITY_DTLS13);
}

static void ciphers_and_exchanges(void **)
{
	char names[PRIORITY_NAMES_MAX];
	struct priority p = parse("NORMAL:-AES-128-GCM");
	assert_int_equal(p.ciphers, PRIORITY_AES_256_GCM | PRIORITY_CHACHA20_POLY1305);
	assert_false(priority_has_suite(&p, 0x1301));
	assert_true(priority_has_suite(&p, 0x1302));
	p = parse("SECURE256:-CHACHA20-POLY1305:-VERS-TLS1.3:-ECDHE-RSA");
	priority_names(&p, names);
	assert_string_equal(names, "ECDHE-ECDSA-AES256-GCM-SHA384");
	priority_dtls_names(&p, names);
	assert_string_equal(names, "PSK-AES256-GCM-SHA384");
	p = parse("NORMAL:+AES-128-CBC");
	assert_true(priority_has_suite(&p, 0xc023) && priority_has_suite(&p, 0xc013));
	p = parse("NORMAL:+AES-128-CBC:-SHA1");
	assert_true(priority_has_suite(&p, 0xc023) && !priority_has_suite(&p, 0xc013));
	p = parse("NORMAL:-CIPHER-ALL:+AES-256-CBC");
	assert_int_equal(p.versions, PRIORITY_TLS12); /* neither TLS 1.3 nor our DTLS has CBC */
	priority_dtls_names(&p, names);
	assert_string_equal(names, "");
	p = parse("NORMAL:+AES-128-CBC:+AES-256-CBC");
	priority_names(&p, names); /* the longest */
	assert_true(strlen(names) < PRIORITY_NAMES_MAX);
	assert_int_equal(p.suites_n, 17);
	p = parse("NORMAL:+AES-128-CBC:-CIPHER-ALL:+AES-256-GCM");
	assert_int_equal(p.ciphers, PRIORITY_AES_256_GCM);
}

static void groups(void **)
{
	struct priority p = parse("NORMAL:-GROUP-ALL:+GROUP-SECP521R1:+GROUP-X25519");
	assert_int_equal(p.groups_n, 2);
	assert_int_equal(p.groups[0], 29); /* our order */
	p = parse("NORMAL:-GROUP-X25519-MLKEM768");
	assert_false(has_group(&p, 0x11ec));
	p = parse("NORMAL:-CURVE-ALL:+CURVE-SECP384R1");
	assert_true(has_group(&p, 24) && !has_group(&p, 23));
	p = parse("SECURE192");
	assert_true(has_group(&p, 24) && has_group(&p, 25) && !has_group(&p, 29));
}

static void flags(void **)
{
	assert_true(parse("NORMAL:%NO_TICKETS").no_tickets);
	assert_true(parse("NORMAL:%NO_TICKETS_TLS12").no_tickets);
}

static void compat_with_cisco(void **)
{
	struct priority p = parse("NORMAL");
	assert_true(priority_drop_tls13(&p));
	assert_int_equal(p.versions, ALL & ~PRIORITY_TLS13);
	assert_int_equal(p.suites[0], 0xc02b);
	p = parse("NORMAL:-VERS-TLS1.2");
	assert_false(priority_drop_tls13(&p));
}

static void refusals_name_word_and_cure(void **)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "HIGH:!aNULL:!MD5", "begins with NORMAL" },
		{ "ECDHE-RSA-AES128-GCM-SHA256", "begins with NORMAL" },
		{ "+AES-128-GCM", "begins with NORMAL" },
		{ "LEGACY", "begins with NORMAL" },
		{ "@FEDORA", "write NORMAL" },
		{ "@FEDORA,OTHER", "write NORMAL" },
		{ "NORMAL:+VERS-TLS1.0", "+VERS-TLS1.0: TLS 1.0 is broken" },
		{ "NORMAL:+VERS-TLS1.1", "RFC 8996" },
		{ "NORMAL:+VERS-SSL3.0", "RFC 7568" },
		{ "NORMAL:+VERS-DTLS1.0", "remove the word" },
		{ "NORMAL:+VERS-TLS1.4", "not a word" },
		{ "NORMAL:+RSA", "+RSA: static RSA has no forward secrecy; write +ECDHE-RSA" },
		{ "NORMAL:+DHE-RSA", "write +ECDHE-RSA" },
		{ "NORMAL:+ANON-ECDH", "does not prove" },
		{ "NORMAL:+ARCFOUR-128", "RC4" },
		{ "NORMAL:+3DES-CBC", "CVE-2016-2183" },
		{ "NORMAL:+AES-128-CCM", "CCM" },
		{ "NORMAL:+NULL", "would not encrypt" },
		{ "NORMAL:+MD5", "MD5 is broken" },
		{ "NORMAL:+GROUP-FFDHE2048", "write +GROUP-X25519" },
		{ "NORMAL:+GROUP-X448", "write +GROUP-X25519" },
		{ "NORMAL:-SIGN-ALL:+SIGN-RSA-SHA256", "-SIGN-ALL: signatures follow the key" },
		{ "NORMAL:+SIGN-RSA-SHA1", "SHA-1" },
		{ "NORMAL:+COMP-DEFLATE", "CVE-2012-4929" },
		{ "NORMAL:-COMP-NULL", "never compressed" },
		{ "NORMAL:%UNSAFE_RENEGOTIATION", "remove the word" },
		{ "NORMAL:%NO_SESSION_HASH", "triple handshake" },
		{ "NORMAL:%SERVER_PRECEDENC", "not a word" },
		{ "NORMAL:AES-128-GCM", "begins with +, - or %" },
		{ "NORMAL:SECURE128", "begins with +, - or %" },
		{ "NORMAL:-SECURE128", "not a word" },
		{ "NORMAL:+", "not a word" },
		{ "NORMAL:%", "not a word" },
		{ "NONE", "no version" },
		{ "NORMAL:-VERS-ALL", "no version of TLS is left; write" },
		{ "NORMAL:-CIPHER-ALL", "no cipher is left; write" },
		{ "NORMAL:-CIPHER-ALL:+AES-128-CBC:-VERS-TLS1.2", "no cipher suite is left" },
		{ "NORMAL:-MAC-ALL", "no cipher suite is left" },
		{ "NORMAL:-GROUP-ALL", "no group is left; write" },
		{ "NORMAL:-KX-ALL:-VERS-TLS1.3", "no cipher suite is left" },
		{ "NORMAL:+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		  "more than 63" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct priority p = { .suites_n = 77 };
		struct config_why why = {};
		if (priority_parse(&p, bad[i].text, &why) == ERR_OK)
			fail_msg("%s is accepted", bad[i].text);
		if (strstr(why.text, bad[i].says) == nullptr)
			fail_msg("%s: '%s' does not say '%s'", bad[i].text, why.text, bad[i].says);
		assert_int_equal(p.suites_n, 77);
	}
}

static void what_fips_leaves(void **)
{
	static const struct {
		const char *text;
		bool is_left;
		const char *suites, *dtls;
		uint16_t groups[3];
	} rows[] = {
		{ "NORMAL:-VERS-TLS1.2",
		  true,
		  "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384",
		  "PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384",
		  { 23, 24 } },
		{ "NORMAL:-VERS-TLS1.3:-AES-256-GCM:+AES-128-CBC:-ECDHE-RSA:+GROUP-SECP521R1",
		  true,
		  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256",
		  "PSK-AES128-GCM-SHA256",
		  { 23, 24, 25 } },
		{ "SECURE256",
		  true,
		  "TLS13-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
		  "PSK-AES256-GCM-SHA384",
		  { 25 } },
		{ "NORMAL:-AES-128-GCM:-AES-256-GCM", false, "", "", {} },
		{ "NORMAL:-GROUP-ALL:+GROUP-X25519", false, "", "", {} },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct priority p;
		struct config_why why = {};
		char names[PRIORITY_NAMES_MAX];
		assert_int_equal(priority_parse(&p, rows[i].text, &why), ERR_OK);
		assert_int_equal(priority_keep_approved(&p), rows[i].is_left);
		if (!rows[i].is_left)
			continue;
		priority_names(&p, names);
		assert_string_equal(names, rows[i].suites);
		priority_dtls_names(&p, names);
		assert_string_equal(names, rows[i].dtls);
		for (size_t k = 0; k < p.groups_n; k++)
			assert_int_equal(p.groups[k], rows[i].groups[k]);
		assert_true(p.groups_n == ARRAY_LEN(rows[i].groups) || rows[i].groups[p.groups_n] == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_means_the_default),
		cmocka_unit_test(versions),
		cmocka_unit_test(ciphers_and_exchanges),
		cmocka_unit_test(groups),
		cmocka_unit_test(flags),
		cmocka_unit_test(compat_with_cisco),
		cmocka_unit_test(refusals_name_word_and_cure),
		cmocka_unit_test(what_fips_leaves),
	};
	return cmocka_run_group_tests_name("priority", tests, nullptr, nullptr);
}
