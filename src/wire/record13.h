/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record13 - seal and open DTLS 1.3 records of an established session, in place
 *
 *	001 C S L EE | connection id if C | number 1 or 2, masked | length 2 if L | text, type 1, zeros | tag 16
 *
 * What is sealed has a number of two bytes and no length: it is alone in its datagram.  What is opened may have any form.
 *
 * Owner:  the session; one struct record13_dir for each direction and epoch.
 * Runs in: the worker that owns the session; no locks.
 * Never:  makes handshake records, allocates on the packet path, logs.
 * Source: RFC 9147, 4; keys RFC 8446, 7.3 with the labels of RFC 9147, 5.9.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/chacha.h>

#include "wire/record.h"

constexpr size_t RECORD13_CID_MAX = 8;
constexpr size_t RECORD13_HEAD_MAX = 1 + RECORD13_CID_MAX + 2;
constexpr size_t RECORD13_TAIL_MAX = 1 + 16;
constexpr size_t RECORD13_SECRET_MAX = 48;

/* Hides the numbers. */
union record13_mask {
	Aes aes;
	ChaCha chacha;
};

struct record13_dir {
	struct record_dir base; /* as there; iv is whole for every suite, explicit_len does not apply */
	union record13_mask mask;
	bool has_mask;
	uint8_t cid_len;
	uint8_t cid[RECORD13_CID_MAX]; /* in every record of this direction, if any */
};

/* The suite behind an IANA number of TLS 1.3; RECORD_NONE if it is not ours. */
enum record_suite record13_suite_of(uint16_t id);
/* Bytes that a record of ours adds to its payload: 20 and the connection id. */
size_t record13_overhead(size_t cid_len);

/*
 * secret: the traffic secret of this direction, as long as the hash of the suite.  ERR_RANGE: another length, a connection id
 * longer than RECORD13_CID_MAX, or first_seq beyond 48 bits.  d must not be moved by memcpy.
 */
enum err record13_init(struct record13_dir *d, enum record_suite suite, const uint8_t *secret,
		       size_t secret_len, uint16_t epoch, uint64_t first_seq, const uint8_t *cid,
		       size_t cid_len);
/* Wipes all; harmless on a zeroed or finished d. */
void record13_fini(struct record13_dir *d);

/* Where the payload lies in the buffer given to record13_seal. */
static inline size_t record13_head_len(const struct record13_dir *d)
{
	return 1u + d->cid_len + 2u;
}

/*
 * buf: record13_head_len() bytes of room, the payload, RECORD13_TAIL_MAX bytes of room.  ERR_RANGE: payload too long, or the
 * numbers of this epoch are used up.
 */
enum err record13_seal(struct record13_dir *d, uint8_t type, uint8_t *buf, size_t payload_len,
		       size_t *record_len);

/*
 * record: one whole record of n bytes (record13_next).  ERR_PROTO: not a record of this epoch and connection id; ERR_REPLAY;
 * both leave its bytes alone.  ERR_AUTH: forged or damaged, its bytes are spoiled.  ERR_UNSUPPORTED: authentic, but without a
 * type; the peer is broken.  ERR_RANGE: RECORD_FAILED_MAX forgeries, the key must not be used any more.
 */
enum err record13_open(struct record13_dir *d, struct replay *replay, uint8_t *record, size_t n,
		       uint8_t *type, uint8_t **payload, size_t *payload_len);

/* What stands in a unified header in clear. */
struct record13_head {
	uint8_t epoch_low;  /* two bits */
	bool has_cid;
	const uint8_t *cid; /* nullptr if none */
	size_t number_at;   /* offset of the number in the record */
	uint8_t number_len;
	size_t head_len;
	size_t len;         /* header and body */
};

/* The first byte of a record of DTLS 1.3, epoch 2 or more. */
static inline bool record13_is_unified(uint8_t first)
{
	return (first & 0xe0) == 0x20;
}

/* The same, and with a connection id. */
static inline bool record13_has_cid(uint8_t first)
{
	return (first & 0xf0) == 0x30;
}

/*
 * The record at *at, which moves behind it; begin with 0.  cid_len: of connection ids where the header says there is one; they
 * are not compared.  ERR_NOTFOUND at the end of the datagram; ERR_PROTO for a remainder that is no such record.
 */
enum err record13_next(const uint8_t *p, size_t n, size_t *at, size_t cid_len, struct record13_head *out);
