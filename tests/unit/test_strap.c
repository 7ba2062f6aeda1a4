/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys and signatures as openconnect 9.01 sent them, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "wire/strap.h"

static const char KEY[] =
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6r/vDnn3N3TBhH2NDb9zRTe8Q0Z2tH7AfpNMduK7g49prSGpVFTGffS+DLbaCtpave6vFIvTL/uhGELq4Sv/sw==";
/* s has its first bit set, so that its INTEGER has 33 bytes */
static const char VERIFY[] =
	"MEUCICE5zv6viaPvAX4A68QhhVXSxtkEKGTLPTBhFKU8FAvYAiEA08iVRsn8ezzgHk6aCx5HHoTLRH1t/kQmVDHVytUxJgc=";

static void a_key_of_openconnect(void **)
{
	uint8_t key[STRAP_KEY_LEN];
	assert_int_equal(strap_parse_key(key, text_slice(KEY)), ERR_OK);
	assert_int_equal(key[0], 0xea);
	assert_int_equal(key[63], 0xb3);
}

static void a_signature_of_openconnect(void **)
{
	uint8_t sig[STRAP_SIGNATURE_LEN];
	assert_int_equal(strap_parse_signature(sig, text_slice(VERIFY)), ERR_OK);
	assert_int_equal(sig[0], 0x21);
	assert_int_equal(sig[32], 0xd3);
	assert_int_equal(sig[63], 0x07);
}

static enum err parse_der(const uint8_t *der, size_t len, bool is_key)
{
	char text[400];
	size_t n = 0;
	uint8_t out[STRAP_KEY_LEN];
	assert_int_equal(encode_to_base64(der, len, text, sizeof text, &n), ERR_OK);
	struct slice s = { .p = text, .n = n };
	return is_key ? strap_parse_key(out, s) : strap_parse_signature(out, s);
}

static void bad_keys(void **)
{
	static const char *const bad[] = { "", "A", "====", "MFkw", "not base64 at all" };
	uint8_t der[STRAP_DER_LEN + 4] = {}, key[STRAP_KEY_LEN] = { 7 };
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(strap_parse_key(key, text_slice(bad[i])), ERR_SYNTAX);
	assert_int_equal(strap_parse_key(key, (struct slice){}), ERR_SYNTAX);
	assert_int_equal(key[0], 7);
	assert_int_equal(encode_from_base64(KEY, strlen(KEY), der, sizeof der, &n), ERR_OK);
	assert_int_equal(n, STRAP_DER_LEN);
	assert_int_equal(parse_der(der, n, true), ERR_OK);
	assert_int_equal(parse_der(der, n - 1, true), ERR_SYNTAX); /* short */
	assert_int_equal(parse_der(der, n + 1, true), ERR_SYNTAX); /* more behind it */
	for (size_t i = 0; i < STRAP_DER_LEN - STRAP_KEY_LEN;
	     i++) { /* any byte of the head: another curve, a compressed point */
		der[i] ^= 1;
		assert_int_equal(parse_der(der, n, true), ERR_SYNTAX);
		der[i] ^= 1;
	}
}

static void small_numbers(void **)
{
	static const uint8_t der[] = { 0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x7f };
	char text[20];
	size_t n = 0;
	uint8_t sig[STRAP_SIGNATURE_LEN];
	assert_int_equal(encode_to_base64(der, sizeof der, text, sizeof text, &n), ERR_OK);
	assert_int_equal(strap_parse_signature(sig, (struct slice){ .p = text, .n = n }), ERR_OK);
	assert_int_equal(sig[31], 5);
	assert_int_equal(sig[30], 0);
	assert_int_equal(sig[63], 0x7f);
}

static void bad_signatures(void **)
{
	static const struct {
		const char *what;
		size_t len;
		uint8_t der[80];
	} bad[] = {
		{ "nothing", 0, {} },
		{ "no sequence", 8, { 0x31, 6, 2, 1, 5, 2, 1, 5 } },
		{ "shorter than it says", 8, { 0x30, 7, 2, 1, 5, 2, 1, 5 } },
		{ "longer than it says", 9, { 0x30, 6, 2, 1, 5, 2, 1, 5, 0 } },
		{ "one number", 5, { 0x30, 3, 2, 1, 5 } },
		{ "three numbers", 11, { 0x30, 9, 2, 1, 5, 2, 1, 5, 2, 1, 5 } },
		{ "no integer", 8, { 0x30, 6, 4, 1, 5, 2, 1, 5 } },
		{ "a number without bytes", 7, { 0x30, 5, 2, 0, 2, 1, 5 } },
		{ "a negative number", 8, { 0x30, 6, 2, 1, 0x80, 2, 1, 5 } },
		{ "a zero", 8, { 0x30, 6, 2, 1, 0, 2, 1, 5 } },
		{ "a zero too many", 9, { 0x30, 7, 2, 2, 0, 5, 2, 1, 5 } },
		{ "a long form of length", 9, { 0x30, 0x81, 6, 2, 1, 5, 2, 1, 5 } },
		{ "33 bytes without a sign", 39, { 0x30, 37, 2, 33, 1 } },
		{ "34 bytes", 40, { 0x30, 38, 2, 34, 0, 0x80 } },
		{ "a number that runs out", 8, { 0x30, 6, 2, 1, 5, 2, 9, 5 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("%s\n", bad[i].what);
		assert_int_equal(parse_der(bad[i].der, bad[i].len, false), ERR_SYNTAX);
	}
	uint8_t sig[STRAP_SIGNATURE_LEN];
	assert_int_equal(strap_parse_signature(sig, (struct slice){}), ERR_SYNTAX);
	assert_int_equal(strap_parse_signature(sig, text_slice("MEUC")), ERR_SYNTAX);
	assert_int_equal(strap_parse_signature(sig, text_slice(KEY)), ERR_SYNTAX);
}

static void what_is_signed(void **)
{
	uint8_t key[STRAP_KEY_LEN], out[STRAP_BINDING_MAX + STRAP_DER_LEN];
	static const uint8_t binding[48] = { 1, 2, 3 };
	char text[sizeof KEY];
	size_t n = 0;
	assert_int_equal(strap_parse_key(key, text_slice(KEY)), ERR_OK);
	auto w = writer_of(out, sizeof out);
	strap_emit_signed(&w, binding, sizeof binding, key);
	assert_true(writer_ok(&w));
	assert_int_equal(w.len, sizeof binding + STRAP_DER_LEN);
	assert_memory_equal(out, binding, sizeof binding);
	assert_int_equal(encode_to_base64(out + sizeof binding, STRAP_DER_LEN, text, sizeof text - 1, &n),
			 ERR_OK);
	text[n] = '\0';
	assert_string_equal(text, KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_of_openconnect),
		cmocka_unit_test(a_signature_of_openconnect),
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(small_numbers),
		cmocka_unit_test(bad_signatures),
		cmocka_unit_test(what_is_signed),
	};
	return cmocka_run_group_tests_name("strap", tests, nullptr, nullptr);
}
