/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls - the TLS contexts of a configuration and one TLS stream over a socket
 *
 * The library never sees a descriptor: it reads from bytes that the worker has received and writes into an output buffer that the
 * worker sends.  Private keys are in the keeper: a signature callback returns WC_PENDING_E and the handshake goes on when the
 * keeper has answered (struct tls.sign).
 *
 * Owner:    struct tls_ctx, one per configuration generation, by the worker and the streams that use it, which are counted;
 *           struct tls by its connection.
 * Runs in:  the worker.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "config/config.h"
#include "ipc/ipc.h"

constexpr size_t TLS_RECORD_MAX = 16384; /* payload */
constexpr size_t TLS_SIGNATURE_MAX = 1024;

struct tls_ctx {
	WOLFSSL_CTX *tls;  /* TCP */
	WOLFSSL_CTX *dtls; /* DTLS 1.2 with pre-shared key */
	uint32_t generation;
	uint32_t key;      /* number of the certificate's key in the keeper */
	unsigned refs;
	char cert_sha1[41]; /* of the leaf's DER, upper-case hex: protocol.md 4.9 */
};

/* Contexts for a configuration and the certificates that the keeper has checked.  why (of 160 bytes) is filled on failure. */
enum err tls_ctx_new(struct tls_ctx **out, const struct config *cfg, const Msg__Certs *certs, char why[160]);
struct tls_ctx *tls_ctx_get(struct tls_ctx *ctx);
void tls_ctx_put(struct tls_ctx *ctx);

enum tls_sign_state : uint8_t {
	TLS_SIGN_NONE,
	TLS_SIGN_WANTED,
	TLS_SIGN_WAITING,
	TLS_SIGN_READY,
	TLS_SIGN_FAILED
};

/* What the handshake wants signed, and then the signature. */
struct tls_sign {
	enum tls_sign_state state;
	uint8_t scheme; /* enum msgs_sign */
	uint8_t hash; /* enum wc_HashType */
	uint16_t len;
	uint8_t bytes[TLS_SIGNATURE_MAX]; /* digest while WANTED, signature when READY */
};

struct tls {
	WOLFSSL *ssl;
	struct tls_ctx *ctx; /* counted */
	const uint8_t *in; /* received, not yet taken by the library */
	size_t in_len;
	uint8_t *kept; /* the same, across returns to the loop; usually nullptr */
	uint8_t *out; /* sealed, not yet taken by the kernel; nullptr when empty */
	size_t out_len, out_off, out_cap;
	int fd;
	struct tls_sign *sign; /* during the handshake only */
};

enum err tls_init(struct tls *t, struct tls_ctx *ctx, int fd);
void tls_fini(struct tls *t);

/* Receive once into scratch and offer it to the library.  ERR_BUSY: nothing there; ERR_CLOSED: the peer is gone.
 * After the caller has read all it can, tls_keep saves what the library left in scratch. */
enum err tls_receive(struct tls *t, uint8_t *scratch, size_t cap);
enum err tls_keep(struct tls *t);

/* One step of the handshake.  ERR_BUSY: wait for bytes, or for the keeper if sign->state is not NONE. */
enum err tls_handshake(struct tls *t);

/* Read plaintext.  ERR_BUSY: none now; ERR_CLOSED: close_notify. */
enum err tls_read(struct tls *t, uint8_t *p, size_t cap, size_t *len);
/* Seal into the output buffer, one record each TLS_RECORD_MAX bytes. */
enum err tls_write(struct tls *t, const void *p, size_t len);
/* Sealed bytes into the output buffer.  ERR_FULL: the peer reads nothing, 1 MB waits. */
enum err tls_queue(struct tls *t, const void *p, size_t len);
/* Hand the output to the kernel.  ERR_BUSY: some is left, wait for the socket to be writable. */
enum err tls_flush(struct tls *t);
size_t tls_unsent(const struct tls *t);
/* close_notify into the output buffer. */
void tls_shutdown(struct tls *t);

/* The 32-byte key of PSK-NEGOTIATE (protocol.md 16.2).  Frees what the library kept for it: once only. */
enum err tls_export_psk(struct tls *t, uint8_t psk[32]);
/* SHA-1 of the leaf certificate that this client was shown, 40 upper-case hex digits. */
const char *tls_cert_sha1(const struct tls *t);
/* What binds an upper protocol to this connection (RFC 5929, RFC 9266): values that no other connection has.  Which one a client uses
 * depends on its library: openconnect 9.01 takes the client's Finished with TLS 1.3, too.  How many; not after tls_export_psk. */
constexpr size_t TLS_BINDINGS_MAX = 3;
struct tls_binding {
	size_t len;
	uint8_t bytes[64];
};
size_t tls_bindings(struct tls *t, struct tls_binding out[TLS_BINDINGS_MAX]);
/* "(TLS1.3)-(ECDHE-X25519)-(AES-256-GCM)" as occtl shows it. */
void tls_describe(const struct tls *t, char *out, size_t cap);
bool tls_is_13(const struct tls *t);
