/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dtls13 - DTLS 1.3 for clients that ask for it (PSK-NEGOTIATE-13): pre-shared key with a Diffie-Hellman exchange, connection ids
 *
 * A ClientHello names its session by the identity of the key.  The server chooses a connection id for each handshake; its
 * first byte is the worker, so any worker and the steering program know where a record belongs, from whatever address it comes.
 * The session moves to a new address when an authentic record, newer than all before, has come from there.
 *
 * Owner:    ids by the worker; an id belongs to a handshake, then to the channel that it made.
 * Source:   protocol.md 16.2; RFC 9146, 6; RFC 9147, 9.
 */
#pragma once

#include "base/table.h"
#include "worker/dtls.h"

constexpr size_t DTLS13_CID_LEN = 8; /* worker, then random; bpf/steer_udp.bpf.c reads the first */

struct dtls13_cid {
	uint8_t id[DTLS13_CID_LEN];
	struct session *session;
	UT_hash_handle hh;
};

/* The ids of a worker. */
struct dtls13 {
	struct dtls13_cid *ids;
	struct dtls13_cid *last; /* found last: datagrams come in trains */
};

extern const struct dtls_dialect dtls_13;

/* is_fips: with the groups that FIPS 140-3 approves only. */
enum err dtls13_ctx_new(WOLFSSL_CTX **out, bool is_fips);

/* The worker that a datagram with a connection id is for; -1: it is too short. */
int dtls13_owner(const struct datagram *d);
/* A datagram whose first record has a connection id of ours.  false: no session has it. */
bool dtls13_feed(struct worker *w, struct datagram *d);
