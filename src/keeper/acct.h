/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acct - accounting: start, interim and stop of each connection, through the auth process
 *
 * A record is kept until the other side says that it is with its server, and sent again when the auth process had to be
 * started anew.  A connection's number for the server is made of when it began and its sid, which both survive the keeper.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/session.h"

struct keeper;
struct acct_record;

constexpr size_t ACCT_RECORDS_MAX = 100'000; /* that wait; more are lost, and counted */

struct acct {
	struct acct_record *records; /* by number, in order */
	uint64_t last;
	uint64_t lost_n;
	struct mono next_look; /* for interim records */
};

/* Of a connection of a session: it began; it is over. */
void acct_opened(struct keeper *k, struct session *s);
void acct_closed(struct keeper *k, const struct session *s, const struct session_end *end);
/* Ask workers for the bytes of those whose interim record is due. */
void acct_tick(struct keeper *k, struct mono now);

/* MSG_TRAFFIC of a worker, MSG_ACCT_DONE of the auth process */
void acct_on_traffic(struct ipc *ipc, struct ipc_msg *m);
void acct_on_done(struct ipc *ipc, struct ipc_msg *m);
/* The auth process is new: it has none of the records. */
void acct_resend(struct keeper *k);
/* Records that no server has taken yet. */
uint64_t acct_waiting(const struct acct *a);
void acct_fini(struct acct *a);
