/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chan - the DTLS channel of a client: a handshake by the library with the pre-shared key, then wire/record
 *
 * Owner:  the client; allocated only if data goes over DTLS.
 * Runs in: the thread of the client.
 */
#pragma once

#include "base/clock.h"
#include "reply.h"
#include "tls.h"
#include "udp.h"
#include "wire/record13.h"

struct chan13;

struct chan {
	int fd;
	bool is_up;
	WOLFSSL *ssl; /* while the handshake goes on */
	struct mono now, retransmit_at;
	uint64_t last_seq; /* of the library's records with the keys of the channel */
	const uint8_t *in;
	size_t in_len;
	struct addr to;
	const struct tls *tls;
	bool is_13;
	union {
		struct {
			struct record_dir rx, tx;
		};
		struct {
			struct record13_dir rx13, tx13;
		};
	};
	struct chan13 *v13; /* while a handshake of DTLS 1.3 goes on */
	struct replay replay;
	enum record_suite suite;
	uint32_t dropped; /* by the socket */
	uint8_t psk[TLS_PSK_LEN];
};

/* The socket is open and the first hello is sent.  to: address of the TLS connection; its port is t's. */
enum err chan_new(struct chan **out, const struct tls *tls, const struct addr *to,
		  const struct reply_tunnel *t, const uint8_t psk[static TLS_PSK_LEN], struct mono now);
void chan_free(struct chan *c);

/* A datagram while the channel is not up; ERR_BUSY: the handshake goes on, ERR_OK: it is up now. */
enum err chan_shake(struct chan *c, const uint8_t *p, size_t n, struct mono now);
/* Send again what is due; as chan_shake. */
enum err chan_tick(struct chan *c, struct mono now);

/* Go on from another port. */
enum err chan_rebind(struct chan *c);

/* The next record of a datagram, opened; *at begins with 0.  ERR_NOTFOUND: no more; else what there is to say of this one. */
enum err chan_open(struct chan *c, uint8_t *p, size_t n, size_t *at, uint8_t *type, uint8_t **payload,
		   size_t *payload_len);

/* Bytes of a datagram that carries a payload of n. */
size_t chan_record_len(const struct chan *c, size_t n);
/* Where the payload of the next record lies in the batch: type byte, packet. */
uint8_t *chan_payload(const struct chan *c, struct udp_out *out);
/* Seal the payload written there; a type byte and a packet, n bytes in all. */
enum err chan_seal(struct chan *c, struct udp_out *out, size_t n);
