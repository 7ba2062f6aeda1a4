/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_peer - the certificate that a client shows: asked for, taken, judged against ca-cert
 *
 * The library only proves that the client has the key.  Whether the certificate is good is decided here, with a store of our own:
 * a handshake with a bad one goes on, so that the client can be told by the login what is wrong.  The library's own store stays
 * empty: what it would take into it from a chain is thrown away after each step (tls_peer_settle).  Who signs clients must be in
 * ca-cert: other certificates of the chain count for nothing.
 *
 * Owner:    struct tls_peer_ca by struct tls_host; struct tls_peer by struct tls.
 * Runs in:  the worker.
 * Source:   RFC 5280 6, RFC 8446 4.3.2, protocol.md 4.7.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "base/base.h"

constexpr size_t TLS_PEER_DER_MAX = 8192; /* of a certificate */

/* Authorities of clients. */
struct tls_peer_ca;

enum tls_peer_state : uint8_t { TLS_PEER_NONE, TLS_PEER_GOOD, TLS_PEER_BAD };

struct tls_peer {
	const struct tls_peer_ca *ca;
	enum tls_peer_state state; /* of meaning only after the handshake */
	const char *why;           /* BAD: static */
	uint8_t *der;              /* GOOD: of the client */
	size_t der_len;
};

/* pem is copied.  ERR_SYNTAX: no certificate of an authority in it, or one that is broken. */
enum err tls_peer_ca_new(struct tls_peer_ca **out, const uint8_t *pem, size_t len);
void tls_peer_ca_free(struct tls_peer_ca *ca);

/* A certificate in DER.  ERR_OK: signed by an authority itself, in its time, and made for clients; else ERR_DENIED and *why, static. */
enum err tls_peer_judge(const struct tls_peer_ca *ca, const WOLFSSL_BUFFER_INFO *cert, const char **why);

/* Let a context ask clients for a certificate, which they need not have. */
void tls_peer_install(WOLFSSL_CTX *ctx);
/* For one connection. */
enum err tls_peer_new(struct tls_peer **out, const struct tls_peer_ca *ca, WOLFSSL *ssl);
void tls_peer_free(struct tls_peer *p);
/* After each step of the handshake. */
void tls_peer_settle(WOLFSSL_CTX *ctx);
