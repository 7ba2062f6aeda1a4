/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: lzs_expand, lzs_compress. */
#include <stdlib.h>
#include <string.h>

#include "wire/lzs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted comes back from what we make of it. */
static void check_back(const uint8_t *plain, size_t n)
{
	size_t cap = n + n / 8 + 16, len, back;
	uint8_t *packed = malloc(cap), *again = malloc(n);
	assert(packed != nullptr && again != nullptr);
	enum err e = lzs_compress(plain, n, packed, cap, &len);
	assert(e == ERR_OK && len <= cap);
	e = lzs_expand(packed, len, again, n, &back);
	assert(e == ERR_OK && back == n && memcmp(again, plain, n) == 0);
	free(packed);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t cap = (size_t)(data[0] << 8 | data[1]) % (LZS_INPUT_MAX + 1), len = 0;
	uint8_t *out = malloc(MAX(cap, (size_t)1)); /* of exactly this size, for the sanitizer */
	assert(out != nullptr);
	if (lzs_expand(data + 2, size - 2, out, cap, &len) == ERR_OK) {
		assert(len <= cap);
		if (len > 0)
			check_back(out, len);
	}
	free(out);
	if (size - 2 > 0 && size - 2 <= LZS_INPUT_MAX)
		check_back(data + 2, size - 2);
	return 0;
}
