/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record - seal and open DTLS 1.2 AEAD records of an established session, in place
 *
 *	AES-GCM    type fe fd epoch seq len | explicit nonce 8 | text | tag 16
 *	ChaCha20   type fe fd epoch seq len |                    text | tag 16
 *
 * Owner:  the session; one struct record_dir for each direction and epoch.
 * Runs in: the worker that owns the session; no locks.
 * Never:  makes handshake records, allocates on the packet path, logs.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>

#include "base/base.h"
#include "wire/replay.h"

constexpr size_t RECORD_HEAD_MAX = 13 + 8;
constexpr size_t RECORD_TAIL_MAX = 16;
constexpr size_t RECORD_PAYLOAD_MAX = 16384;
constexpr size_t RECORD_NONCE_LEN = 12;
constexpr size_t RECORD_AAD_LEN = 13;
constexpr uint64_t RECORD_SEQ_MAX = (1ull << 48) - 1; /* never sealed: ERR_RANGE comes before */
constexpr uint64_t RECORD_FAILED_MAX = 1ull << 36;    /* forgeries tried, RFC 9147, 4.5.3 */

enum record_suite : uint8_t {
	RECORD_NONE,
	RECORD_AES128_GCM,
	RECORD_AES256_GCM,
	RECORD_CHACHA20_POLY1305,
	RECORD_SUITE_N
};

/* Key schedule, or the key where there is none. */
union record_key {
	Aes aes;
	uint8_t chacha[32];
};

/* An engine.  seal and open work in place; nonce is RECORD_NONCE_LEN bytes, tag tag_len. */
struct record_aead {
	const char *name;
	uint8_t key_len, iv_len, explicit_len, tag_len;
	uint64_t soft_blocks; /* 16-byte blocks under one key before it should be changed */
	enum err (*init)(union record_key *k, const uint8_t *key, size_t len);
	enum err (*seal)(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			 uint8_t *text, size_t len, uint8_t *tag);
	enum err (*open)(union record_key *k, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
			 uint8_t *text, size_t len, const uint8_t *tag);
	void (*fini)(union record_key *k);
};

struct record_dir {
	union record_key key;
	const struct record_aead *aead; /* nullptr: not set up */
	uint64_t next_seq; /* to seal with; opening leaves it alone */
	uint64_t blocks_n; /* sealed or opened with this key */
	uint64_t failed_n; /* records whose tag was wrong */
	uint16_t epoch;
	uint8_t iv[RECORD_NONCE_LEN]; /* GCM: the salt, 4 bytes */
};

/* nullptr for RECORD_NONE. */
const struct record_aead *record_aead_of(enum record_suite suite);
/* The suite behind an IANA number of DTLS 1.2 (wolfSSL_get_current_cipher_suite); RECORD_NONE if it is not ours. */
enum record_suite record_suite_of(uint16_t id);
/* Bytes that a record adds to its payload: 37 or 29. */
size_t record_overhead(enum record_suite suite);

/* ERR_RANGE: a length that is not the suite's, or first_seq beyond 48 bits. d must not be moved by memcpy. */
enum err record_init(struct record_dir *d, enum record_suite suite, const uint8_t *key, size_t key_len,
		     const uint8_t *iv, size_t iv_len, uint16_t epoch, uint64_t first_seq);
/* Wipes all; harmless on a zeroed or finished d. */
void record_fini(struct record_dir *d);

/* Where the payload lies in the buffer given to record_seal. */
static inline size_t record_head_len(const struct record_dir *d)
{
	return 13u + d->aead->explicit_len;
}

/*
 * buf: record_head_len() bytes of room, the payload, RECORD_TAIL_MAX bytes of room.  ERR_RANGE: payload too long,
 * or the numbers of this epoch are used up.
 */
enum err record_seal(struct record_dir *d, uint8_t type, uint8_t *buf, size_t payload_len,
		     size_t *record_len);

/*
 * record: one whole record of n bytes (dtls_next_record).  ERR_PROTO: not a record of this epoch; ERR_REPLAY; both
 * leave its bytes alone.  ERR_AUTH: forged or damaged, the bytes are spoiled, so try several sessions on copies.
 * ERR_RANGE: RECORD_FAILED_MAX forgeries, the key must not be used any more.
 */
enum err record_open(struct record_dir *d, struct replay *replay, uint8_t *record, size_t n, uint8_t *type,
		     uint8_t **payload, size_t *payload_len);

/* Time to rekey: a soft limit, records still pass. */
bool record_is_exhausted(const struct record_dir *d);
