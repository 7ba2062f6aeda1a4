/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cbc - seal and open DTLS records of AES-CBC with HMAC-SHA1, in place
 *
 *	type version epoch seq len | IV 16 | CBC( text | MAC 20 | padding 1..16 )
 *
 * For the old suites of Cisco's clients: DTLS 1.2 (fe fd) and the pre-RFC dialect (01 00).  Both have an explicit IV and MAC the
 * same bytes: epoch, seq, type, version, length of the text, text.  What opening does after decryption depends in time on the
 * length of the record alone, not on its padding or MAC (Lucky Thirteen).
 *
 * Owner:  the session; one struct cbc_dir for each direction.
 * Runs in: the worker that owns the session; no locks.
 * Never:  allocates on the packet path, logs.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/sha.h>

#include "wire/replay.h"

constexpr size_t CBC_MAC_LEN = 20;
constexpr size_t CBC_IV_LEN = 16;
constexpr size_t CBC_HEAD_LEN = 13 + CBC_IV_LEN;
constexpr size_t CBC_TAIL_MAX = CBC_MAC_LEN + 16;
constexpr size_t CBC_PAYLOAD_MAX = 16384;
constexpr uint64_t CBC_SOFT_BLOCKS = 1ull << 36; /* below the birthday bound of 2^64 by far: 1 TiB */
constexpr uint64_t CBC_FAILED_MAX = 1ull << 36;

struct cbc_dir {
	Aes aes;
	Aes iv_aes; /* to seal: IVs are numbers under a key of their own, so nobody can predict them */
	wc_Sha inner, outer; /* HMAC with the key taken in */
	bool ready;
	bool seals;
	uint16_t version, epoch;
	uint64_t next_seq; /* to seal with */
	uint64_t blocks_n;
	uint64_t failed_n;
};

struct cbc_keys {
	const uint8_t *mac; /* CBC_MAC_LEN */
	const uint8_t *key;
	size_t key_len;        /* 16 or 32 */
	const uint8_t *iv_key; /* 16 random bytes; nullptr: this direction opens only */
};

/* ERR_RANGE: a key length that is none; ERR_CRYPTO.  d must not be moved by memcpy. */
enum err cbc_init(struct cbc_dir *d, const struct cbc_keys *k, uint16_t version, uint16_t epoch,
		  uint64_t first_seq);
/* Wipes all; harmless on a zeroed or finished d. */
void cbc_fini(struct cbc_dir *d);

/* buf: CBC_HEAD_LEN bytes of room, the payload, CBC_TAIL_MAX bytes of room.  ERR_RANGE: too long, or numbers used up. */
enum err cbc_seal(struct cbc_dir *d, uint8_t type, uint8_t *buf, size_t payload_len, size_t *record_len);

/* As record_open; on ERR_AUTH the bytes are spoiled. */
enum err cbc_open(struct cbc_dir *d, struct replay *replay, uint8_t *record, size_t n, uint8_t *type,
		  uint8_t **payload, size_t *payload_len);

bool cbc_is_exhausted(const struct cbc_dir *d);
