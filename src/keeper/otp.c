/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/otp.h"

#include <stdio.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "base/secret.h"

static enum err digest_of(Hmac *h, const uint8_t *secret, size_t len, uint64_t counter,
			  uint8_t out[WC_SHA_DIGEST_SIZE])
{
	uint8_t moving[8];
	for (size_t i = 0; i < sizeof moving; i++)
		moving[i] = (uint8_t)(counter >> (56 - 8 * i));
	if (wc_HmacSetKey(h, WC_SHA, secret, (word32)len) != 0 ||
	    wc_HmacUpdate(h, moving, sizeof moving) != 0 || wc_HmacFinal(h, out) != 0)
		return ERR_CRYPTO;
	return ERR_OK;
}

enum err otp_code(const uint8_t *secret, size_t len, uint64_t counter, unsigned digits,
		  char out[OTP_CODE_SIZE])
{
	static const uint32_t powers[] = { 1'000'000, 10'000'000, 100'000'000 };
	if (digits < OTP_DIGITS_MIN || digits > OTP_DIGITS_MAX || len == 0 || len > OTP_SECRET_MAX)
		return ERR_RANGE;
	uint8_t d[WC_SHA_DIGEST_SIZE];
	Hmac h;
	if (wc_HmacInit(&h, nullptr, INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	enum err e = digest_of(&h, secret, len, counter, d);
	wc_HmacFree(&h);
	TRY(e);
	/* RFC 4226, 5.3: the last nibble says where the 31 bits are */
	size_t at = d[sizeof d - 1] & 0x0f;
	uint32_t bits = (uint32_t)(d[at] & 0x7f) << 24 | (uint32_t)d[at + 1] << 16 |
			(uint32_t)d[at + 2] << 8 | d[at + 3];
	snprintf(out, OTP_CODE_SIZE, "%0*u", (int)digits, bits % powers[digits - OTP_DIGITS_MIN]);
	return ERR_OK;
}

enum err otp_find(const uint8_t *secret, size_t len, uint64_t first, uint32_t n, unsigned digits,
		  const char *code, uint64_t *at)
{
	char given[OTP_CODE_SIZE] = {}, made[OTP_CODE_SIZE] = {};
	bool has_length = strlen(code) == digits && digits <= OTP_DIGITS_MAX;
	if (has_length)
		memcpy(given, code, digits);
	uint64_t found = 0;
	bool is_found = false;
	for (uint32_t i = 0; i < n; i++) {
		TRY(otp_code(secret, len, first + i, digits, made));
		bool is_same = secret_is_equal_bytes(given, made, sizeof made);
		found = is_same && !is_found ? first + i : found;
		is_found |= is_same;
	}
	explicit_bzero(made, sizeof made);
	if (!has_length || !is_found)
		return ERR_AUTH;
	*at = found;
	return ERR_OK;
}
