/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry - a client on its way from the request for its tunnel to the answer
 *
 *	begin -> FILES of user and group -> its place (limits, addresses) -> CLOSING of its connection before -> SCRIPT -> in
 *
 * Steps that the configuration does not need take no time.  Nobody waits for another's files or script, but a second request of
 * one session waits for the first.  The connection before is closed first when there are scripts, so that its disconnect-script
 * comes before the connect-script of the new one, which is about the same address.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "base/clock.h"
#include "ipc/ipc.h"
#include "keeper/session.h"

struct keeper;
struct entry;

constexpr unsigned ENTRIES_MAX = 8192;

struct entries {
	struct entry *all; /* in order of arrival */
	unsigned n;
};

/* MSG_OPEN: it is answered here or later. */
void entry_begin(struct keeper *k, struct ipc *ipc, uint32_t id, const Msg__Open *b);
/* MSG_USER_FILES and MSG_SCRIPT_DONE of the supervisor */
void entry_on_files(struct ipc *ipc, struct ipc_msg *m);
void entry_on_script_done(struct ipc *ipc, struct ipc_msg *m);
/* A connection of s is over. */
void entry_closed(struct keeper *k, const struct session *s);
void entry_tick(struct keeper *k, struct mono now);
void entry_fini(struct keeper *k);
