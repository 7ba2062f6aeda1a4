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
#include "config/priority.h"
#include "ipc/ipc.h"
#include "wire/hello.h"
#include "wire/record.h"
#include "worker/tls_live.h"
#include "worker/tls_peer.h"

constexpr size_t TLS_RECORD_MAX = 16384; /* payload */
constexpr size_t TLS_SIGNATURE_MAX = 1024;

constexpr size_t TLS_CERTS_MAX = 8;    /* of one virtual host */
constexpr size_t TLS_SERIAL_MAX = 32;

/* The kind of key of a certificate. */
enum tls_kind : uint8_t { TLS_KEY_RSA = 1, TLS_KEY_P256, TLS_KEY_P384, TLS_KEY_P521, TLS_KEY_ED25519 };

/* A certificate of a virtual host, with a context of the library that presents it. */
struct tls_cert {
	WOLFSSL_CTX *ctx;
	const struct tls_host *host;
	uint32_t key;       /* number of its key in the keeper */
	enum tls_kind kind;
	char sha1[41];      /* of the leaf's DER, upper-case hex: protocol.md 4.9 */
	uint8_t serial[TLS_SERIAL_MAX];
	size_t serial_len;
};

/* A virtual host. */
struct tls_host {
	const struct vhost *vhost; /* of tls_ctx.config */
	struct tls_live *live;
	struct tls_peer_ca *peer_ca; /* whose certificates clients may show; nullptr: they are not asked */
	struct priority priority;
	struct tls_cert certs[TLS_CERTS_MAX];
	size_t certs_n;
	char dtls_ciphers[PRIORITY_NAMES_MAX]; /* "": no DTLS */
};

struct tls_ctx {
	struct config *config; /* counted */
	struct tls_host *hosts; /* in the order of config->vhosts */
	size_t hosts_n;
	WOLFSSL_CTX *dtls; /* DTLS 1.2 with pre-shared key */
	WOLFSSL_CTX *dtls13;
	uint32_t generation;
	unsigned refs;
};

/* Contexts for a configuration and the certificates that the keeper has checked.  live outlives them.  why (of 160 bytes) is
 * filled on failure. */
enum err tls_ctx_new(struct tls_ctx **out, struct config *cfg, const Msg__Certs *certs, struct tls_live *live,
		     char why[160]);
struct tls_ctx *tls_ctx_get(struct tls_ctx *ctx);
void tls_ctx_put(struct tls_ctx *ctx);

/* The host of this name, and its certificate that fits best what the client offers; hello nullptr: nothing is known. */
const struct tls_cert *tls_ctx_choose(const struct tls_ctx *ctx, const struct hello *hello);
/* The DTLS 1.2 suites that a virtual host permits, in the library's names; "": none. */
const char *tls_ctx_dtls_ciphers(const struct tls_ctx *ctx, const struct vhost *vhost);

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
	WOLFSSL *ssl; /* nullptr until tls_begin */
	struct tls_ctx *ctx; /* counted */
	const struct tls_cert *cert; /* presented; of ctx */
	const uint8_t *in; /* received, not yet taken by the library */
	size_t in_len;
	uint8_t *kept; /* the same, across returns to the loop; usually nullptr */
	uint8_t *out; /* sealed, not yet taken by the kernel; nullptr when empty */
	size_t out_len, out_off, out_cap;
	int fd;
	struct tls_sign *sign; /* during the handshake only */
	struct tls_peer *peer; /* until the tunnel; nullptr: no certificate was asked for */
};

void tls_init(struct tls *t, struct tls_ctx *ctx, int fd);
/* Choose virtual host and certificate, make the library's object.  hello as in tls_ctx_choose. */
enum err tls_begin(struct tls *t, const struct hello *hello);
void tls_fini(struct tls *t);

/* Receive once into scratch and offer it to the library.  ERR_BUSY: nothing there; ERR_CLOSED: the peer is gone.
 * After the caller has read all it can, tls_keep saves what the library left in scratch. */
enum err tls_receive(struct tls *t, uint8_t *scratch, size_t cap);
enum err tls_keep(struct tls *t);

/* One step of the handshake.  ERR_BUSY: wait for bytes, or for the keeper if sign->state is not NONE. */
enum err tls_handshake(struct tls *t);

/* What the client has shown, after the handshake; TLS_PEER_NONE also if it was not asked. */
enum tls_peer_state tls_peer_state(const struct tls *t);
/* It is needed no more. */
void tls_forget_peer(struct tls *t);

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
/* The virtual host that the client has named; the default one before tls_begin. */
const struct vhost *tls_vhost(const struct tls *t);
/* SHA-1 of the certificate presented, 40 upper-case hex digits. */
const char *tls_cert_sha1(const struct tls *t);
/* Its bulk cipher; RECORD_NONE if wire/record has none like it. */
enum record_suite tls_suite(const struct tls *t);
bool tls_is_13(const struct tls *t);
