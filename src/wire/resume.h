/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resume - the server's side of the abbreviated handshake that Cisco's clients do over UDP (protocol.md 16.1)
 *
 * Client and server pretend to have met before: the master secret came from the client in CONNECT, over TLS, and the session id
 * from us.  So the whole handshake is
 *
 *	ClientHello -> HelloVerifyRequest -> ClientHello + cookie -> ServerHello CCS Finished -> CCS Finished
 *
 * with one suite that is known beforehand.  Two dialects: DTLS 1.2 (RFC 6347), and OpenSSL's before RFC 4347 ("01 00"), where the
 * hash leaves out the handshake headers and ChangeCipherSpec takes a message number.
 *
 * The client's extended_master_secret, encrypt_then_mac and session_ticket are not taken up.  RFC 7627, 5.3 would have the server
 * refuse a hello with the first; here the secret is the client's own, sent inside TLS, and two servers cannot share one.
 *
 * Owner:  the caller.  Secrets: master, struct resume_keys; struct resume has none that opens a record.
 * Runs in: the worker; pure: no clock, heap, log, and randomness is the caller's.
 */
#pragma once

#include "base/buf.h"
#include "wire/record.h"
#include "wire/resume_suite.h"

constexpr size_t RESUME_MASTER_LEN = 48;
constexpr size_t RESUME_ID_LEN = 32;
constexpr size_t RESUME_RANDOM_LEN = 32;
constexpr size_t RESUME_COOKIE_LEN = 20;
constexpr size_t RESUME_HELLO_LEN =
	12 + 2 + 32 + 1 + 32 + 2 + 1 + 2 + 5; /* ServerHello at most, with its header */
constexpr size_t RESUME_FINISHED_LEN = 12 + 12;
constexpr size_t RESUME_MESSAGE_MAX = 2048;

/* A ClientHello; pointers into its datagram. */
struct resume_hello {
	const uint8_t *message; /* with its 12-byte header */
	size_t message_len;
	const uint8_t *random;
	const uint8_t *id;      /* RESUME_ID_LEN */
	const uint8_t *cookie;
	size_t cookie_len;      /* 0: none yet */
	uint64_t record_seq;
	uint16_t message_seq;
	bool secure_renegotiation; /* the client knows RFC 5746: it must hear that we do too */
};

/* Of both directions, for the suite's engine. */
struct resume_keys {
	uint8_t client_mac[20], server_mac[20]; /* CBC suites only */
	uint8_t client_key[32], server_key[32]; /* suite->key_len */
	uint8_t client_iv[4], server_iv[4];     /* AEAD suites only */
};

/* A handshake between our flight and the client's. */
struct resume {
	const struct resume_suite *suite;
	uint8_t hello[RESUME_HELLO_LEN];       /* ours */
	size_t hello_len;
	uint8_t finished[RESUME_FINISHED_LEN]; /* ours, to be sealed in epoch 1 */
	uint8_t due[12];                       /* what the client's must say */
	uint16_t ccs_seq;                      /* message number of our ChangeCipherSpec, pre-RFC */
	uint64_t record_seq;                   /* next of epoch 0 */
};

/*
 * The datagram's first record: one whole ClientHello that offers the suite in the suite's version, without compression, naming a
 * session id of 32 bytes.  ERR_PROTO: no such thing; ERR_UNSUPPORTED: a sound hello that does not offer it.
 */
enum err resume_parse(const uint8_t *datagram, size_t n, const struct resume_suite *suite,
		      struct resume_hello *out);

/* A HelloVerifyRequest as a whole record, in answer to h. */
void resume_emit_verify(struct writer *w, const struct resume_suite *suite, const struct resume_hello *h,
			const uint8_t cookie[RESUME_COOKIE_LEN]);

/* Everything that follows from a hello.  Wipe keys.  ERR_CRYPTO: the library failed. */
enum err resume_begin(struct resume *r, const struct resume_suite *suite,
		      const uint8_t master[RESUME_MASTER_LEN], const uint8_t random[RESUME_RANDOM_LEN],
		      const struct resume_hello *h, struct resume_keys *keys);

/* Two whole records of epoch 0: ServerHello and ChangeCipherSpec, with new numbers each time.  Finished follows, sealed. */
void resume_emit_hello(struct resume *r, struct writer *w);

/* The content of an authentic handshake record of epoch 1: ERR_OK if it is the Finished that is due, else ERR_AUTH. */
enum err resume_check_finished(const struct resume *r, const uint8_t *message, size_t len);
