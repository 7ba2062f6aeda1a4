/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: strap_parse_key, strap_parse_signature, strap_emit_signed.
 *
 * The input is the value of either header.  A key that was read must be written as it came: DER has one way to say it.
 */
#include <string.h>

#include "base/encode.h"
#include "wire/strap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const uint8_t *key, struct slice text)
{
	uint8_t out[STRAP_BINDING_MAX + STRAP_DER_LEN], der[STRAP_DER_LEN];
	size_t len = 0;
	auto w = writer_of(out, sizeof out);
	strap_emit_signed(&w, key, 0, key);
	assert(writer_ok(&w) && w.len == STRAP_DER_LEN);
	assert(encode_from_base64(text.p, text.n, der, sizeof der, &len) == ERR_OK && len == sizeof der);
	assert(memcmp(out, der, sizeof der) == 0);
}

/* Neither number is zero. */
static void check_signature(const uint8_t *sig)
{
	static const uint8_t zero[STRAP_SIGNATURE_LEN / 2];
	assert(memcmp(sig, zero, sizeof zero) != 0);
	assert(memcmp(sig + sizeof zero, zero, sizeof zero) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t key[STRAP_KEY_LEN], signature[STRAP_SIGNATURE_LEN];
	const struct slice text = { .p = (const char *)data, .n = size };
	if (strap_parse_key(key, text) == ERR_OK)
		check_key(key, text);
	if (strap_parse_signature(signature, text) == ERR_OK)
		check_signature(signature);
	return 0;
}
