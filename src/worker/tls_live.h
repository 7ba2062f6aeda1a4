/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_live - what changes under TLS contexts while they are in use: keys of session tickets, OCSP responses
 *
 * Both come from the keeper and outlive a configuration.  A ticket holds the TLS session's secrets under AES-256-GCM and is
 * bound to the virtual host it was made for; the client sends it back to any worker.
 *
 * Owner:    the worker.
 * Source:   RFC 5077, RFC 8446 4.6.1, RFC 6066 8; wolfssl.md 2f.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "ipc/ipc.h"
#include "ipc/msgs.h"

struct tls_cert;

constexpr size_t TLS_LIVE_KEYS = 4;

struct tls_live_key {
	uint8_t name[MSGS_TICKET_NAME_LEN];
	uint8_t key[MSGS_TICKET_KEY_LEN];
};

struct tls_live_staple {
	struct tls_live_staple *next;
	Msg__Staple *m; /* owned */
};

struct tls_live {
	struct tls_live_key keys[TLS_LIVE_KEYS]; /* the first makes new tickets */
	size_t keys_n;
	struct tls_live_staple *staples;
};

/* MSG_TICKET_KEYS: replaces all keys, and wipes those of the message.  ERR_PROTO: malformed, nothing is changed. */
enum err tls_live_set_keys(struct tls_live *l, Msg__TicketKeys *m);
bool tls_live_has_keys(const struct tls_live *l);
/* MSG_STAPLE: replaces the response of that virtual host. */
enum err tls_live_set_staple(struct tls_live *l, const Msg__Staple *m);
void tls_live_fini(struct tls_live *l);

/* Let a context of this certificate's host make and take tickets, and staple. */
void tls_live_install_tickets(WOLFSSL_CTX *ctx, const struct tls_cert *cert);
void tls_live_install_staple(WOLFSSL_CTX *ctx, const struct tls_cert *cert);
