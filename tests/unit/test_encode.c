/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/secret.h"

/* RFC 4648, 10 */
static const struct {
	const char *bytes, *base64, *hex;
} known[] = {
	{ "", "", "" },
	{ "f", "Zg==", "66" },
	{ "fo", "Zm8=", "666f" },
	{ "foo", "Zm9v", "666f6f" },
	{ "foob", "Zm9vYg==", "666f6f62" },
	{ "fooba", "Zm9vYmE=", "666f6f6261" },
	{ "foobar", "Zm9vYmFy", "666f6f626172" },
	{ "\xfb\xff\xbf", "+/+/", "fbffbf" },
};

static void known_answers_both_ways(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		char text[32];
		uint8_t bytes[32];
		size_t n = strlen(known[i].bytes), len = 99;
		assert_int_equal(encode_to_base64(known[i].bytes, n, text, sizeof text, &len), ERR_OK);
		assert_int_equal(len, strlen(known[i].base64));
		assert_int_equal(len, ENCODE_BASE64_LEN(n));
		assert_memory_equal(text, known[i].base64, len);
		assert_int_equal(encode_from_base64(text, len, bytes, sizeof bytes, &len), ERR_OK);
		assert_int_equal(len, n);
		assert_memory_equal(bytes, known[i].bytes, n);
		assert_int_equal(encode_to_hex(known[i].bytes, n, false, text, sizeof text, &len), ERR_OK);
		assert_int_equal(len, strlen(known[i].hex));
		assert_memory_equal(text, known[i].hex, len);
		assert_int_equal(encode_from_hex(text, len, bytes, sizeof bytes, &len), ERR_OK);
		assert_int_equal(len, n);
		assert_memory_equal(bytes, known[i].bytes, n);
	}
}

static void every_length_and_byte_survives(void **)
{
	uint8_t in[256], back[256];
	char text[512];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i * 167 + 13);
	for (size_t n = 0; n <= sizeof in; n++) {
		size_t len = 0, back_len = 0;
		assert_int_equal(encode_to_base64(in, n, text, ENCODE_BASE64_LEN(n), &len), ERR_OK);
		assert_true(ENCODE_BASE64_ROOM(len) >= n);
		assert_int_equal(encode_from_base64(text, len, back, n, &back_len), ERR_OK);
		assert_int_equal(back_len, n);
		assert_memory_equal(back, in, n);
		assert_int_equal(encode_to_hex(in, n, true, text, ENCODE_HEX_LEN(n), &len), ERR_OK);
		assert_int_equal(encode_from_hex(text, len, back, n, &back_len), ERR_OK);
		assert_int_equal(back_len, n);
		assert_memory_equal(back, in, n);
	}
}

static void missing_padding_is_tolerated(void **)
{
	uint8_t out[8];
	size_t len = 0;
	assert_int_equal(encode_from_base64("Zg", 2, out, 1, &len), ERR_OK);
	assert_int_equal(len, 1);
	assert_int_equal(encode_from_base64("Zm8", 3, out, 2, &len), ERR_OK);
	assert_int_equal(len, 2);
	assert_memory_equal(out, "fo", 2);
}

static void wrong_base64_is_refused(void **)
{
	static const char *const wrong[] = {
		"Z",    "Zm9vY", "Zg=",     "Zm8==", "Zm9v=",  "Zm9v==", "Zm9v====", "=",      "==",
		"====", "Zg===", "Z===",    "=Zg=",  "Zg==Zg", "Z=g=",   " Zg==",    "Zg==\n", "Zm 9v",
		"Zm9-", "Zm9_",  "Zm9\x80", "Zm9.",  "Zh==",   "Zh",     "Zm9=",     "Zm9",    "Zm9v\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t out[16];
		size_t len = 77;
		if (encode_from_base64(wrong[i], strlen(wrong[i]), out, sizeof out, &len) != ERR_SYNTAX)
			fail_msg("accepted '%s'", wrong[i]);
		assert_int_equal(len, 77);
	}
	uint8_t out[16];
	size_t len = 77;
	assert_int_equal(encode_from_base64("Zm\0v", 4, out, sizeof out, &len), ERR_SYNTAX);
}

static void wrong_hex_is_refused(void **)
{
	static const char *const wrong[] = { "0",    "abc", "0g", "g0", " 0", "0x",
					     "00 0", "/0",  ":0", "@0", "`0" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t out[16];
		size_t len = 77;
		if (encode_from_hex(wrong[i], strlen(wrong[i]), out, sizeof out, &len) != ERR_SYNTAX)
			fail_msg("accepted '%s'", wrong[i]);
		assert_int_equal(len, 77);
	}
}

static void hex_reads_either_case(void **)
{
	uint8_t out[4];
	size_t len = 0;
	assert_int_equal(encode_from_hex("aBCdeF09", 8, out, sizeof out, &len), ERR_OK);
	assert_memory_equal(out, "\xab\xcd\xef\x09", 4);
}

static void hex_writes_the_case_asked_for(void **)
{
	char out[2];
	size_t len = 0;
	assert_int_equal(encode_to_hex("\xaf", 1, true, out, sizeof out, &len), ERR_OK);
	assert_memory_equal(out, "AF", 2);
}

/* Every cap that is too small: refused, and nothing touched. */
static void nothing_is_written_beyond_cap(void **)
{
	char out[64];
	for (size_t cap = 0; cap < 12; cap++) {
		size_t len = 77;
		memset(out, '#', sizeof out);
		assert_int_equal(encode_to_base64("1234567", 7, out, cap, &len), ERR_FULL);
		assert_int_equal(encode_to_hex("123456", 6, false, out, cap, &len), ERR_FULL);
		assert_int_equal(len, 77);
		for (size_t i = 0; i < sizeof out; i++)
			assert_int_equal(out[i], '#');
	}
	for (size_t cap = 0; cap < 5; cap++) {
		size_t len = 77;
		memset(out, '#', sizeof out);
		assert_int_equal(encode_from_base64("Zm9vYmE=", 8, out, cap, &len), ERR_FULL);
		assert_int_equal(encode_from_hex("666f6f6261", 10, out, cap, &len), ERR_FULL);
		assert_int_equal(len, 77);
		for (size_t i = 0; i < sizeof out; i++)
			assert_int_equal(out[i], '#');
	}
}

static void a_length_that_would_overflow_is_refused(void **)
{
	char out[4];
	size_t len = 77;
	assert_int_equal(encode_to_base64("", SIZE_MAX, out, sizeof out, &len), ERR_FULL);
	assert_int_equal(encode_to_base64("", SIZE_MAX / 4 * 3 + 1, out, sizeof out, &len), ERR_FULL);
	assert_int_equal(encode_to_hex("", SIZE_MAX / 2 + 1, false, out, sizeof out, &len), ERR_FULL);
	assert_int_equal(len, 77);
}

static void secret_that_does_not_fit_is_refused(void **)
{
	uint8_t long_one[SECRET_MAX + 1] = { 1 };
	struct secret s OWNED(secret_wipe) = {};
	assert_int_equal(secret_set(&s, "abc", 3), ERR_OK);
	assert_int_equal(secret_set(&s, long_one, sizeof long_one), ERR_RANGE);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.b, "abc", 3);
	assert_int_equal(secret_set(&s, long_one, SECRET_MAX), ERR_OK);
	assert_int_equal(s.len, SECRET_MAX);
}

static void secrets_that_differ_are_not_equal(void **)
{
	struct secret a = {}, b = {};
	assert_false(secret_is_equal(&a, &b));
	assert_int_equal(secret_set(&a, "0123456789", 10), ERR_OK);
	assert_false(secret_is_equal(&a, &b));
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(secret_set(&b, "0123456789", 10), ERR_OK);
		b.b[i] ^= 0x80;
		assert_false(secret_is_equal(&a, &b));
	}
	assert_int_equal(secret_set(&b, "012345678", 9), ERR_OK);
	assert_false(secret_is_equal(&a, &b));
	assert_int_equal(secret_set(&b, "0123456789", 10), ERR_OK);
	assert_true(secret_is_equal(&a, &b));
	a.len = b.len = SECRET_MAX + 1;
	assert_false(secret_is_equal(&a, &b));
	assert_true(secret_is_equal_bytes("ab", "ac", 1));
	assert_false(secret_is_equal_bytes("ab", "ac", 2));
}

static void shorter_secret_leaves_nothing_of_the_longer(void **)
{
	struct secret s = {}, zero = {};
	assert_int_equal(secret_set(&s, "long secret", 11), ERR_OK);
	assert_int_equal(secret_set(&s, "x", 1), ERR_OK);
	assert_memory_equal(s.b + 1, zero.b, sizeof s.b - 1);
	secret_wipe(&s);
	assert_memory_equal(&s, &zero, sizeof s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers_both_ways),
		cmocka_unit_test(every_length_and_byte_survives),
		cmocka_unit_test(missing_padding_is_tolerated),
		cmocka_unit_test(wrong_base64_is_refused),
		cmocka_unit_test(wrong_hex_is_refused),
		cmocka_unit_test(hex_reads_either_case),
		cmocka_unit_test(hex_writes_the_case_asked_for),
		cmocka_unit_test(nothing_is_written_beyond_cap),
		cmocka_unit_test(a_length_that_would_overflow_is_refused),
		cmocka_unit_test(secret_that_does_not_fit_is_refused),
		cmocka_unit_test(secrets_that_differ_are_not_equal),
		cmocka_unit_test(shorter_secret_leaves_nothing_of_the_longer),
	};
	return cmocka_run_group_tests_name("encode", tests, nullptr, nullptr);
}
