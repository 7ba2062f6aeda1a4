/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 1321, A.5 and RFC 2202, 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/md5.h"

#include "base/encode.h"

static void hex_is(const uint8_t *got, const char *want)
{
	char text[2 * MD5_LEN + 1] = {};
	size_t n;
	assert_int_equal(encode_to_hex(got, MD5_LEN, false, text, sizeof text, &n), ERR_OK);
	assert_string_equal(text, want);
}

static void known_hashes(void **)
{
	static const struct {
		const char *text, *hash;
	} known[] = {
		{ "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "a", "0cc175b9c0f1b6a831c399e269772661" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		  "d174ab98d277d9f5a5611c2c9f419d9f" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  "57edf4a22be3c955ac49da2e2107b67a" },
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct md5 m;
		uint8_t out[MD5_LEN];
		md5_init(&m);
		for (size_t at = 0; at < strlen(known[i].text); at++)
			md5_add(&m, known[i].text + at, 1);
		md5_finish(&m, out);
		hex_is(out, known[i].hash);
	}
}

/* Every length around the ends of blocks, whole and in two pieces. */
static void pieces_do_not_matter(void **)
{
	uint8_t bytes[200];
	memset(bytes, 'x', sizeof bytes);
	for (size_t len = 0; len <= sizeof bytes; len++) {
		uint8_t whole[MD5_LEN], parts[MD5_LEN];
		struct md5 m;
		md5_init(&m);
		md5_add(&m, bytes, len);
		md5_finish(&m, whole);
		md5_init(&m);
		md5_add(&m, bytes, len / 3);
		md5_add(&m, bytes + len / 3, len - len / 3);
		md5_finish(&m, parts);
		assert_memory_equal(whole, parts, sizeof whole);
	}
}

static void known_macs(void **)
{
	uint8_t out[MD5_LEN], key[16];
	memset(key, 0x0b, sizeof key);
	assert_int_equal(md5_hmac(key, sizeof key, "Hi There", 8, nullptr, 0, out), ERR_OK);
	hex_is(out, "9294727a3638bb1c13f48ef8158bfc9d");
	assert_int_equal(
		md5_hmac((const uint8_t *)"Jefe", 4, "what do ya want ", 16, "for nothing?", 12, out),
		ERR_OK);
	hex_is(out, "750c783e6ab0b503eaa86e310a5db738");
	uint8_t big[MD5_BLOCK + 1] = {};
	assert_int_equal(md5_hmac(big, sizeof big, "", 0, nullptr, 0, out), ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hashes),
		cmocka_unit_test(pieces_do_not_matter),
		cmocka_unit_test(known_macs),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
