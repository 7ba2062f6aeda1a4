/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * otp - one-time codes: HOTP (RFC 4226) and TOTP (RFC 6238) with HMAC-SHA-1
 *
 * Runs in:  any thread; no state.
 */
#pragma once

#include "base/base.h"

constexpr size_t OTP_SECRET_MAX = 128;
constexpr unsigned OTP_DIGITS_MIN = 6, OTP_DIGITS_MAX = 8;
constexpr size_t OTP_CODE_SIZE = OTP_DIGITS_MAX + 1; /* with the end */

/* The code of this counter, or of this time step, as digits.  ERR_RANGE: digits or the length of the secret; ERR_CRYPTO. */
enum err otp_code(const uint8_t *secret, size_t len, uint64_t counter, unsigned digits,
		  char out[OTP_CODE_SIZE]);

/*
 * Look for a code among n counters from first on.  All n are computed whatever is found, so that the time tells nothing.
 * *at: the counter that fits; ERR_AUTH: none does.
 */
enum err otp_find(const uint8_t *secret, size_t len, uint64_t first, uint32_t n, unsigned digits,
		  const char *code, uint64_t *at);
