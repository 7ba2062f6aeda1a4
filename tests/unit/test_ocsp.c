/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responses of openssl-ocsp for the serial number 0x1122334455; they serve the fuzzer as seeds too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keeper/ocsp.h"
#include "keeper/staple.h"

static uint8_t bytes[OCSP_RESPONSE_MAX + 1];

static size_t load(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/fuzz/corpus/ocsp/%s", TEST_DATA_DIR, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(n > 0);
	return n;
}

static void a_good_response(void **)
{
	static const uint8_t serial[] = { 0x11, 0x22, 0x33, 0x44, 0x55 };
	struct ocsp_info info;
	size_t len = load("good.der");
	assert_int_equal(ocsp_parse(&info, bytes, len), ERR_OK);
	assert_true(info.is_good);
	assert_int_equal(info.serial_len, sizeof serial);
	assert_memory_equal(info.serial, serial, sizeof serial);
	assert_int_equal(info.next_update - info.this_update, 2 * 86400);
	assert_null(staple_problem(bytes, len));
	len = load("nonext.der");
	assert_int_equal(ocsp_parse(&info, bytes, len), ERR_OK);
	assert_int_equal(info.next_update, 0);
	assert_true(info.this_update > 0);
}

static void a_revoked_certificate_is_a_problem(void **)
{
	struct ocsp_info info;
	size_t len = load("revoked.der");
	assert_int_equal(ocsp_parse(&info, bytes, len), ERR_OK);
	assert_false(info.is_good);
	assert_non_null(strstr(staple_problem(bytes, len), "revoked"));
}

static void a_part_is_no_response(void **)
{
	struct ocsp_info info = { .serial_len = 77 };
	size_t len = load("good.der");
	for (size_t n = 0; n < len; n++)
		assert_int_equal(ocsp_parse(&info, bytes, n), ERR_SYNTAX);
	assert_int_equal(ocsp_parse(&info, bytes, len + 1), ERR_SYNTAX); /* bytes behind it */
	assert_int_equal(info.serial_len, 77);
}

static void what_is_none(void **)
{
	static const char *const all[] = {
		"-----BEGIN OCSP RESPONSE-----\n",
		"\x30\x03\x0a\x01\x06" /* unauthorized */,
		"\x30\x03\x0a\x01",
		"\x31",
		"\x30\x80",
		"\x30\x81\x03\x0a\x01\x01" /* not the shortest length */,
		"\x30\x84\x01\x01\x01\x01",
		"",
	};
	struct ocsp_info info;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(ocsp_parse(&info, (const uint8_t *)all[i], strlen(all[i])), ERR_SYNTAX);
	assert_int_equal(ocsp_parse(&info, bytes, OCSP_RESPONSE_MAX + 1), ERR_RANGE);
	assert_non_null(staple_problem((const uint8_t *)"x", 1));
	assert_non_null(strstr(staple_problem(bytes, OCSP_RESPONSE_MAX + 1), "larger"));
}

/* Each byte in turn gets another value: refused or read, but what is read stays within its bounds. */
static void changed_bytes(void **)
{
	size_t refused = 0, len = load("good.der");
	for (size_t i = 0; i < len; i++) {
		const uint8_t was = bytes[i];
		for (unsigned v = 0; v < 256; v += 17) {
			struct ocsp_info info;
			bytes[i] = (uint8_t)v;
			if (ocsp_parse(&info, bytes, len) != ERR_OK)
				refused++;
			else
				assert_in_range(info.serial_len, 1, OCSP_SERIAL_MAX);
		}
		bytes[i] = was;
	}
	assert_true(refused > 500);
}

/* Times as they may not be written. */
static void malformed_times(void **)
{
	static const char *const all[] = { "20261324000000Z", "20260024000000Z", "20260132000000Z",
					   "20260100000000Z", "20260101240000Z", "20260101006000Z",
					   "2026010100000aZ", "20260101000000+", "202601010000.0Z" };
	size_t len = load("good.der");
	uint8_t *at = nullptr; /* the time of the single response: the second one */
	for (size_t i = 0, n = 0; i + 17 < len; i++)
		if (bytes[i] == 0x18 && bytes[i + 1] == 15 && bytes[i + 16] == 'Z' && ++n == 2)
			at = bytes + i + 2;
	assert_non_null(at);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct ocsp_info info;
		memcpy(at, all[i], 15);
		assert_int_equal(ocsp_parse(&info, bytes, len), ERR_SYNTAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_response),       cmocka_unit_test(a_revoked_certificate_is_a_problem),
		cmocka_unit_test(a_part_is_no_response), cmocka_unit_test(what_is_none),
		cmocka_unit_test(changed_bytes),         cmocka_unit_test(malformed_times),
	};
	return cmocka_run_group_tests_name("ocsp", tests, nullptr, nullptr);
}
