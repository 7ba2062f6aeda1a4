/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_load - sessions that an earlier keeper had, out of the store
 *
 * The store may be a moment behind; workers that lived on know better.  So a loaded session is WAITING and its addresses are only
 * wished for, until the workers have reported (restore.h) or there were none: then sessions_settle.  Reports win.
 *
 * Runs in:  the keeper's loop thread, between its start and the first tunnel it grants.
 */
#pragma once

#include "keeper/session.h"

constexpr uint64_t SESSION_SIDS_LEFT =
	1024; /* free behind the highest known: a little later ones may have been used */

/* At start, nothing else has happened yet.  in: as if a worker had reported it (worker is ignored, expires ns 0: never); alive_s: seconds
 * that its cookie is still good.  ERR_EXISTS, ERR_NOMEM. */
enum err session_load(struct sessions *a, const struct session_report *in, uint64_t alive_s,
		      uint64_t rx_bytes, uint64_t tx_bytes, struct mono now);
/* No connection gets this number or a lower one. */
void sessions_skip_sids(struct sessions *a, uint64_t last);
/* The workers have said all: what is still loaded gets its addresses back if they are free. */
void sessions_settle(struct sessions *a);
/* A worker tells of a connection that ended while there was no keeper. */
void session_loaded_closed(struct sessions *a, const struct session_over *e, struct mono now);
