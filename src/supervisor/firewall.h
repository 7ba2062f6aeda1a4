/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * firewall - the second layer of restrict-user-to-routes and -ports, and of isolate-clients: nftables, through libnftables
 *
 * The table is made with the first session that needs it, in one transaction each; changes that come together are one, too.  It goes with the
 * server, and what a killed server left goes at the next start.  When nftables fails, the log and occtl show status say so, and the
 * worker's check goes on alone.
 *
 * A new keeper tells all sessions that there are, and then that it was all: what it did not name is of the past.
 *
 * Owner:    the supervisor.
 * Runs in:  the loop.
 */
#pragma once

#include <uv.h>

#include "ipc/ipc.h"
#include "supervisor/firewall_text.h"

struct supervisor;
struct nft_ctx;
struct firewall_entry;

struct firewall {
	struct nft_ctx *nft; /* nullptr: switched off, or there is none */
	bool is_made, has_failed;
	uint64_t failures;
	char table[FIREWALL_TABLE_MAX];
	const char *device; /* of the supervisor */
	struct firewall_entry *all; /* by number of the connection */
	uv_timer_t gather;
};

/* At start: remove what is left of another server. */
void firewall_open(struct firewall *f, const char *device);
/* timers need the loop */
void firewall_start(struct firewall *f, uv_loop_t *loop);
/* MSG_FIREWALL of the keeper */
void firewall_on_session(struct ipc *ipc, struct ipc_msg *m);
/* The keeper is dead: wait for what the next one says. */
void firewall_keeper_died(struct firewall *f);
/* "off", "idle", "3 sessions", "failed" */
void firewall_describe(const struct firewall *f, char *out, size_t cap);
/* Remove the table; before the loop is closed, and again without harm. */
void firewall_close(struct firewall *f);
