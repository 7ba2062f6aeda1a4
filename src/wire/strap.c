/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/strap.h"

#include <string.h>

#include "base/encode.h"

constexpr uint8_t DER_SEQUENCE = 0x30;
constexpr uint8_t DER_INTEGER = 0x02;
constexpr size_t HALF = 32; /* of a key or signature */
constexpr size_t SIGNATURE_DER_MAX = 2 + 2 * (2 + 1 + HALF);

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 66 bytes: no unused bits, an uncompressed point: RFC 5480.
 * DER has one way to say it, so the head is compared and not parsed. */
static const uint8_t spki_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};
static_assert(sizeof spki_head + STRAP_KEY_LEN == STRAP_DER_LEN);

enum err strap_parse_key(uint8_t out[STRAP_KEY_LEN], struct slice base64)
{
	uint8_t der[STRAP_DER_LEN];
	size_t len = 0;
	if (base64.p == nullptr || encode_from_base64(base64.p, base64.n, der, sizeof der, &len) != ERR_OK ||
	    len != sizeof der || memcmp(der, spki_head, sizeof spki_head) != 0)
		return ERR_SYNTAX;
	memcpy(out, der + sizeof spki_head, STRAP_KEY_LEN);
	return ERR_OK;
}

/* A positive INTEGER in its shortest form, as 32 bytes. */
static bool take_integer(struct reader *r, uint8_t out[HALF])
{
	uint8_t tag = reader_u8(r), len = reader_u8(r);
	const uint8_t *p = len > 0 && len <= HALF + 1 ? reader_take(r, len) : nullptr;
	if (tag != DER_INTEGER || p == nullptr || (p[0] & 0x80) != 0)
		return false;
	if (p[0] ==
	    0) { /* there only to keep the next bit from being a sign; a zero is no part of a signature */
		if (len == 1 || (p[1] & 0x80) == 0)
			return false;
		p++;
		len--;
	}
	if (len > HALF)
		return false;
	memset(out, 0, HALF - len);
	memcpy(out + HALF - len, p, len);
	return true;
}

enum err strap_parse_signature(uint8_t out[STRAP_SIGNATURE_LEN], struct slice base64)
{
	uint8_t der[SIGNATURE_DER_MAX], both[STRAP_SIGNATURE_LEN];
	size_t len = 0;
	if (base64.p == nullptr || encode_from_base64(base64.p, base64.n, der, sizeof der, &len) != ERR_OK)
		return ERR_SYNTAX;
	struct reader r = reader_of(der, len);
	uint8_t tag = reader_u8(&r), inside = reader_u8(&r);
	if (tag != DER_SEQUENCE || inside != r.left || !take_integer(&r, both) ||
	    !take_integer(&r, both + HALF) || !reader_ok(&r) || r.left != 0)
		return ERR_SYNTAX;
	memcpy(out, both, sizeof both);
	return ERR_OK;
}

void strap_parse(struct strap *out, const struct http *h)
{
	*out = (struct strap){};
	out->has_key = strap_parse_key(out->key, http_header(h, "X-AnyConnect-STRAP-Pubkey")) == ERR_OK;
	out->has_signature =
		strap_parse_signature(out->signature, http_header(h, "X-AnyConnect-STRAP-Verify")) == ERR_OK;
}

void strap_emit_signed(struct writer *w, const uint8_t *binding, size_t binding_len,
		       const uint8_t key[STRAP_KEY_LEN])
{
	writer_put(w, binding, binding_len);
	writer_put(w, spki_head, sizeof spki_head);
	writer_put(w, key, STRAP_KEY_LEN);
}
