/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/resume_suite.h"

#include "wire/dtls.h"
#include "wire/mtu.h"

static const struct resume_rules all = { .psk = true, .resume = true, .prestandard = true };

/* The name that is chosen; "PSK", or "" for no DTLS; with ">" before it from X-DTLS12-CipherSuite. */
static const char *choose(const char *old, const char *new, const struct resume_rules *rules, bool secret)
{
	static char out[64];
	struct connect_req r = { .has_secret = secret };
	strcpy(r.dtls_ciphers, old);
	strcpy(r.dtls12_ciphers, new);
	r.psk = text_list_has(text_slice(old), ':', "PSK-NEGOTIATE");
	auto c = resume_choose(&r, rules);
	assert_true((c.suite != nullptr) == (c.mode == RESUME_FAKE));
	if (c.mode == RESUME_FAKE)
		snprintf(out, sizeof out, "%s%s", c.suite->is_12 ? ">" : "", c.suite->name);
	else
		snprintf(out, sizeof out, "%s", c.mode == RESUME_PSK ? "PSK" : "");
	return out;
}

#define OPENCONNECT                                                                                                   \
	"PSK-NEGOTIATE:OC2-DTLS1_2-CHACHA20-POLY1305:OC-DTLS1_2-AES256-GCM:OC-DTLS1_2-AES128-GCM:DHE-RSA-AES256-SHA:" \
	"DHE-RSA-AES128-SHA:AES256-SHA:AES128-SHA:DES-CBC3-SHA"
#define OPENCONNECT12 \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:DHE-RSA-AES256-SHA:AES256-SHA:AES128-SHA"
#define CISCO12 \
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA"

static void order_of_modes(void **)
{
	assert_string_equal(choose(OPENCONNECT, OPENCONNECT12, &all, true), "PSK");
	assert_string_equal(choose(OPENCONNECT, OPENCONNECT12, &all, false), "PSK");
	struct resume_rules rules = all;
	rules.psk = false;
	assert_string_equal(choose(OPENCONNECT, OPENCONNECT12, &rules, true), ">ECDHE-RSA-AES256-GCM-SHA384");
	assert_string_equal(choose(OPENCONNECT, "", &rules, true), "OC-DTLS1_2-AES256-GCM");
	assert_string_equal(choose("OC-DTLS1_2-AES256-GCM", "AES128-SHA", &rules, true), ">AES128-SHA");
	assert_string_equal(choose("AES128-SHA", CISCO12, &rules, true), ">AES256-GCM-SHA384");
	assert_string_equal(choose("AES128-SHA:DHE-RSA-AES256-SHA:AES256-SHA:DES-CBC3-SHA", "", &rules, true),
			    "AES256-SHA");
}

static void each_suite_alone(void **)
{
	for (size_t i = 0; i < resume_suites_n; i++) {
		const struct resume_suite *s = &resume_suites[i];
		char want[64];
		snprintf(want, sizeof want, "%s%s", s->is_12 ? ">" : "", s->name);
		assert_string_equal(choose(s->is_12 ? "" : s->name, s->is_12 ? s->name : "", &all, true),
				    want);
	}
}

static void switches(void **)
{
	struct resume_rules rules = all;
	rules.resume = false;
	assert_string_equal(choose("AES128-SHA", CISCO12, &rules, true), "");
	assert_string_equal(choose(OPENCONNECT, CISCO12, &rules, true), "PSK");
	rules = all;
	rules.prestandard = false;
	rules.psk = false;
	assert_string_equal(choose("AES256-SHA:AES128-SHA:DES-CBC3-SHA", "", &rules, true), "");
	assert_string_equal(choose("AES256-SHA:OC-DTLS1_2-AES128-GCM", "", &rules, true),
			    "OC-DTLS1_2-AES128-GCM");
	assert_string_equal(choose("AES256-SHA", "AES256-SHA", &rules, true), ">AES256-SHA");
}

static void cipher_of_tls(void **)
{
	struct resume_rules rules = all;
	rules.psk = false;
	rules.match = true;
	rules.tls = RECORD_AES128_GCM;
	assert_string_equal(choose("", OPENCONNECT12, &rules, true), ">ECDHE-RSA-AES128-GCM-SHA256");
	assert_string_equal(choose("OC-DTLS1_2-AES128-GCM", "AES256-GCM-SHA384", &rules, true),
			    "OC-DTLS1_2-AES128-GCM");
	assert_string_equal(choose("AES128-SHA", "AES128-SHA", &rules, true), "");
	rules.tls = RECORD_CHACHA20_POLY1305;
	assert_string_equal(choose(OPENCONNECT, CISCO12, &rules, true), "");
	rules.tls = RECORD_NONE; /* a TLS cipher that we do not know matches nothing, the CBC ones neither */
	assert_string_equal(choose(OPENCONNECT, CISCO12, &rules, true), "");
}

static void ciphers_of_tls_priorities(void **)
{
	struct resume_rules rules = all;
	rules.psk = false;
	rules.is_denied[RECORD_AES256_GCM] = true;
	assert_string_equal(choose("", "AES256-GCM-SHA384:AES128-GCM-SHA256", &rules, true),
			    ">AES128-GCM-SHA256");
	rules.is_denied[RECORD_AES128_GCM] = true;
	assert_string_equal(choose("", "AES256-GCM-SHA384:AES128-GCM-SHA256", &rules, true), "");
	assert_string_equal(choose("", "AES256-GCM-SHA384:AES256-SHA", &rules, true), ">AES256-SHA");
}

static void no_secret_no_resumption(void **)
{
	assert_string_equal(choose("AES128-SHA", CISCO12, &all, false), "");
}

static void names_are_whole_words_of_their_header(void **)
{
	assert_string_equal(
		choose("XAES128-SHA:AES128-SHA2:AES128", "AES128-GCM:AES256-GCM-SHA3844", &all, true), "");
	assert_string_equal(choose("AES256-GCM-SHA384", "OC-DTLS1_2-AES256-GCM", &all, true), "");
	assert_string_equal(choose("", "", &all, true), "");
	assert_string_equal(choose(":::", ":", &all, true), "");
}

static void overheads(void **)
{
	for (size_t i = 0; i < resume_suites_n; i++)
		assert_int_equal(resume_overhead(&resume_suites[i]),
				 resume_suites[i].aead != RECORD_NONE ? MTU_RECORD_GCM : MTU_RECORD_CBC_SHA1);
	assert_int_equal(mtu_inner_dtls(1500, false, MTU_RECORD_CBC_SHA1), 1500 - 28 - 1 - 65);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_modes),
		cmocka_unit_test(each_suite_alone),
		cmocka_unit_test(switches),
		cmocka_unit_test(cipher_of_tls),
		cmocka_unit_test(ciphers_of_tls_priorities),
		cmocka_unit_test(no_secret_no_resumption),
		cmocka_unit_test(names_are_whole_words_of_their_header),
		cmocka_unit_test(overheads),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
