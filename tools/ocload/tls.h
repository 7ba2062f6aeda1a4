/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls - what all connections share: contexts of the library, and the session that puts an App-ID into a ClientHello
 *
 * Owner:  main; made before the threads, which only read it.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "options.h"

struct tls {
	WOLFSSL_CTX *tls;
	WOLFSSL_CTX *dtls;
	WOLFSSL_CTX *dtls13; /* nullptr: not offered */
	const struct options *o;
};

constexpr size_t TLS_PSK_LEN = 32;

/* The reason of a failure was written to standard error. */
enum err tls_init(struct tls *t, const struct options *o);
void tls_fini(struct tls *t);

/* The key of the DTLS channel, from a TLS connection that kept its arrays. */
enum err tls_export_psk(WOLFSSL *ssl, uint8_t psk[static TLS_PSK_LEN]);

/*
 * Make the hello of a new DTLS object carry this session id.  The server finds the client by it and runs a full handshake
 * all the same (protocol.md 16.2).
 */
enum err tls_set_app_id(WOLFSSL *ssl, const uint8_t *id, size_t len);
