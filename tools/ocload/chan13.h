/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chan13 - the part of a channel that is DTLS 1.3's (PSK-NEGOTIATE-13): the server's connection id in what we send, none in
 * what we receive
 *
 * Owner:  the channel.
 * Runs in: the thread of the client.
 */
#pragma once

#include "chan.h"

/* The reason of a failure was written to standard error. */
enum err chan13_ctx_new(WOLFSSL_CTX **out, const struct options *o);
/* The library's object; the identity of the key is the App-ID. */
enum err chan13_prepare(struct chan *c, WOLFSSL_CTX *ctx, const struct options *o,
			const struct reply_tunnel *t);
/* Count what the library sends with the keys of the channel: last_seq. */
void chan13_note(struct chan *c, const uint8_t *p, size_t len);
enum err chan13_take_keys(struct chan *c, uint64_t first_seq);
/* Wipes what the handshake left. */
void chan13_forget(struct chan *c);
