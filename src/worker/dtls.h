/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dtls - the UDP channel of a session: handshake through the library, records through wire/record
 *
 * A ClientHello is answered without state until its cookie is good (a listener object serves all addresses).  Then it gets the
 * handshake slot of the session that its session id names; the live channel is replaced only when the client's Finished is
 * verified, so a replayed hello cannot hurt it.
 *
 * Owner:    dtls_chan and dtls_hs by their session; the listener by the worker.
 * Source:   protocol.md 16.2, 16.3; wolfssl.md 2a, 2c.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "base/clock.h"
#include "wire/cbc.h"
#include "wire/record.h"
#include "wire/record13.h"
#include "worker/udp.h"

/* Room around a payload, for the longest record of any dialect. */
constexpr size_t DTLS_HEAD_ROOM = MAX(MAX(RECORD_HEAD_MAX, RECORD13_HEAD_MAX), CBC_HEAD_LEN);
constexpr size_t DTLS_TAIL_ROOM = MAX(MAX(RECORD_TAIL_MAX, RECORD13_TAIL_MAX), CBC_TAIL_MAX);

struct dtls_dialect;

/* An established channel. */
struct dtls_chan {
	const struct dtls_dialect *dialect;
	const char *text; /* "(DTLS1.2)-(RSA)-(AES-256-GCM)"; nullptr: by dialect and suite */
	union {
		struct {
			struct record_dir rx, tx;
		};
		struct {
			struct record13_dir rx, tx;
		} v13;
		struct {
			struct cbc_dir rx, tx;
		} cbc;
	};
	struct replay replay;
	struct dtls13_cid *cid; /* DTLS 1.3 */
	struct udp_peer peer;
	struct addr local;
	enum record_suite suite;
};

/* What the library's callbacks need. */
struct dtls_io {
	struct worker *w;
	struct session *session; /* nullptr: listener */
	const uint8_t *in;       /* the datagram at hand */
	size_t in_len;
	struct udp_peer peer;
	struct addr local;
	const struct dtls_dialect *dialect;
	uint64_t last_seq;       /* highest number that the library has sent with the keys of the channel */
	uint64_t seq_limit;      /* our own numbers begin here; 0: not yet */
};

struct dtls13_hs;
struct dtls13_cid;

/* A handshake; after its end kept until the client's first packet, to repeat a lost Finished. */
struct dtls_hs {
	WOLFSSL *ssl;
	struct dtls_io io;
	struct mono started, retransmit_at;
	bool done;
	struct dtls13_hs *v13; /* what DTLS 1.3 needs besides */
};

/*
 * What differs between the versions.  Handshakes are the library's; listener: index into the worker's listeners.  Functions
 * that may be nullptr: prepare, accepted, forget.
 */
struct dtls_dialect {
	const char *name; /* "(DTLS1.2)-(PSK)" */
	uint8_t listener;
	bool is_13; /* unified headers: its records come by another way than dtls_feed */
	bool hears_twice; /* the client may repeat its last flight though data has come from it */
	WOLFSSL_CTX *(*ctx)(const struct worker *w);
	/* A new object, for nobody yet; a hello, before its cookie is looked at (ERR_UNSUPPORTED: no suite is permitted); its cookie
	 * is good; the end. */
	enum err (*prepare)(struct dtls_hs *hs);
	enum err (*begin)(struct dtls_hs *hs, const struct datagram *d);
	enum err (*accepted)(struct dtls_hs *hs);
	void (*forget)(struct dtls_hs *hs);
	/* Look at records that the library is about to send: last_seq. */
	void (*note)(struct dtls_io *io, WOLFSSL *ssl, const uint8_t *p, size_t len);
	/* Keys and suite of a finished handshake; our own numbers begin at first_seq. */
	enum err (*take_keys)(struct dtls_chan *c, struct dtls_hs *hs, uint64_t first_seq);
	/* As record_seal and record_open; text has DTLS_HEAD_ROOM before it and DTLS_TAIL_ROOM behind. */
	enum err (*seal)(struct dtls_chan *c, uint8_t type, uint8_t *text, size_t len, uint8_t **record,
			 size_t *record_len);
	enum err (*open)(struct dtls_chan *c, uint8_t *record, size_t n, uint8_t *type, uint8_t **payload,
			 size_t *payload_len);
	bool (*is_exhausted)(const struct dtls_chan *c);
	void (*fini)(struct dtls_chan *c);
};
extern const struct dtls_dialect dtls_12;
constexpr size_t DTLS_LISTENERS = 2; /* one a dialect */

enum err dtls_ctx_new(WOLFSSL_CTX **out);
/* Both directions of the library go through struct dtls_io. */
void dtls_io_install(WOLFSSL_CTX *ctx);

/* A ClientHello of this dialect that names this session. */
void dtls_hello(struct session *s, const struct dtls_dialect *dialect, struct datagram *d);
/* A datagram from an address that belongs to this session. */
void dtls_feed(struct session *s, struct datagram *d);
/* A record of the handshake, alone in p, for the library. */
void dtls_feed_hs(struct session *s, const struct datagram *d, const uint8_t *p, size_t len);
/* A whole record for the live channel: opened, counted, delivered.  May close the channel, or the session. */
void dtls_open(struct session *s, const struct datagram *d, uint8_t *record, size_t len);
/* Whether some session of the same client IP can open it: then the session moves to that address. */
bool dtls_try_rebind(struct worker *w, struct datagram *d);

/* Once a second: retransmissions, and handshakes that take too long. */
void dtls_tick(struct session *s);
/* Seal payload, which has room for a record around it (DTLS_HEAD_ROOM + 1 before, DTLS_TAIL_ROOM behind), and queue it. */
enum err dtls_send(struct session *s, uint8_t type, uint8_t *payload, size_t len);
/* The same for a few bytes from anywhere; sent at once. */
void dtls_send_small(struct session *s, uint8_t type, const void *payload, size_t len);
/* End channel and handshake; with an alert close_notify if polite. */
void dtls_close(struct session *s, bool polite);
void dtls_listener_free(struct worker *w);
/* The client's Finished is verified: c, which is taken, becomes the live channel. */
void dtls_promote(struct session *s, struct dtls_chan *c);
/* Frees c and its keys; nullptr is fine. */
void dtls_chan_free(struct dtls_chan *c);
/* Whether the live channel or a handshake uses this address. */
bool dtls_uses(const struct session *s, const struct udp_peer *peer);
/* At least three seconds since the last handshake of this session, else counted. */
bool dtls_may_begin(struct session *s);
/* "(DTLS1.2)-(PSK)-(AES-256-GCM)"; valid until the next call. */
const char *dtls_describe(const struct dtls_chan *c);
