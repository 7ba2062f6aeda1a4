/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: hello13_parse.
 *
 * A hello that passes has its identity as digits in it, and nothing is written for one that does not.
 */
#include <string.h>

#include "base/encode.h"
#include "wire/dtls.h"
#include "wire/hello13.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_digits(const uint8_t *data, size_t size, const uint8_t id[HELLO13_APP_ID_LEN])
{
	char digits[ENCODE_HEX_LEN(HELLO13_APP_ID_LEN) + 1];
	size_t n = 0;
	enum err e = encode_to_hex(id, HELLO13_APP_ID_LEN, false, digits, sizeof digits, &n);
	assert(e == ERR_OK && n == sizeof digits - 1);
	for (size_t at = 0; at + n <= size; at++)
		if (strncasecmp((const char *)data + at, digits, n) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello13 h = { .app_id = { 0x5a } }, before = h;
	if (hello13_parse(data, size, &h) != ERR_OK) {
		assert(memcmp(&h, &before, sizeof h) == 0);
		return 0;
	}
	struct dtls_peek peek;
	assert(dtls_classify(data, size, &peek) == DTLS_CLIENT_HELLO && peek.hello.is_whole);
	assert(has_digits(data, size, h.app_id));
	return 0;
}
