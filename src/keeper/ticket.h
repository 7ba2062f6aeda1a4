/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ticket - the keys of TLS session tickets, the same for all workers
 *
 * A new key each hour, the one before is kept: a ticket can be used one to two hours.  That is also how long a stolen key opens
 * recorded TLS 1.2 connections that used tickets; TLS 1.3 resumption adds a fresh key exchange.  Keys are never stored:
 * after a restart of the keeper clients make a full handshake.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "base/clock.h"
#include "ipc/ipc.h"
#include "keeper/vault.h"

constexpr uint64_t TICKET_ROTATE_S = 3600;

struct keeper;

struct ticket_ring {
	struct vault memory; /* the newest key first, then the one before */
	size_t n;
	struct mono rotate_at;
};

/* Each tick: makes and sends a new key when it is time. */
void ticket_tick(struct keeper *k, struct mono now);
/* To a worker that has just connected. */
void ticket_send(const struct keeper *k, struct ipc *worker);
void ticket_fini(struct ticket_ring *r);
