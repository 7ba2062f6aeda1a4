/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * md5 - the hash of RFC 1321
 *
 * For two protocols only that know no other: the TLS 1.0 PRF and Finished of the pre-RFC DTLS dialect (wire/resume), where MD5 is
 * combined with SHA-1, and RADIUS (wire/radius).  The TLS library is built without it, and shall stay so: nothing else of ours may
 * reach it.
 *
 * Runs in: the worker, a child of the auth process; pure.
 */
#pragma once

#include "base/base.h"

constexpr size_t MD5_LEN = 16;
constexpr size_t MD5_BLOCK = 64;

struct md5 {
	uint32_t state[4];
	uint64_t bytes_n;
	uint8_t block[MD5_BLOCK];
};

void md5_init(struct md5 *m);
void md5_add(struct md5 *m, const void *p, size_t len);
/* Wipes m. */
void md5_finish(struct md5 *m, uint8_t out[MD5_LEN]);

/* RFC 2104; the message in two parts, the second may be empty.  A key of more than MD5_BLOCK bytes is ERR_RANGE. */
enum err md5_hmac(const uint8_t *key, size_t key_len, const void *a, size_t a_len, const void *b,
		  size_t b_len, uint8_t out[MD5_LEN]);
