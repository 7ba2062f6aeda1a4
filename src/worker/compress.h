/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compress - compressed packets of a session, each channel by the method agreed for it (protocol.md 17)
 *
 * Owner:    the worker; buffers of the process, touched only once a client compresses.
 * Runs in:  the worker.
 */
#pragma once

#include "wire/connect.h"
#include "wire/cstp.h"

struct session;

/* Agree on the methods: what the client offers, if the configuration has compression on. */
void compress_agree(struct session *s, const struct connect_req *req);

/* For a session that compresses: pack the packet at p in place if that makes it smaller over the channel that it would take now.
 * The frame type that it then needs; *len is its new length. */
enum cstp_type compress_packet(const struct session *s, uint8_t *p, size_t *len);

/* The packet of a compressed frame, *len bytes at most the session's MTU; nullptr: not one.  It stays until compress_forget. */
uint8_t *compress_expand(const struct session *s, bool over_tls, const uint8_t *payload, size_t *len);
/* The expanded packets are written: their room may be used again. */
void compress_forget(void);
/* No room for another packet of len bytes: flush and forget first. */
bool compress_is_full(size_t len);
