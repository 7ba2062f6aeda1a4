/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocsp - what an OCSP response says, as far as it matters for stapling it; the signature is the client's business
 *
 * Owner:  the caller.
 * Never:  allocates; keeps a pointer.
 * Source: RFC 6960 4.2.1.
 */
#pragma once

#include "base/base.h"

constexpr size_t OCSP_SERIAL_MAX = 32;
constexpr size_t OCSP_RESPONSE_MAX = 16384; /* bytes; usual are 500 to 3000 */

struct ocsp_info {
	uint8_t serial[OCSP_SERIAL_MAX]; /* of the certificate it speaks of, without leading zeros */
	size_t serial_len;
	bool is_good;
	int64_t this_update, next_update; /* unix seconds; next_update 0: none */
};

/* DER of an OCSPResponse with a basic response; its first single response counts.  ERR_SYNTAX: it is none, or an error
 * response; ERR_RANGE: larger than OCSP_RESPONSE_MAX. */
enum err ocsp_parse(struct ocsp_info *out, const uint8_t *p, size_t len);
