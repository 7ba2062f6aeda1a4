/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch - the keeper's part of the guard: what is reported becomes points and bans (guard/guard.h), decisions go to the board that workers
 * read (guard/board.h), to the store, and to the supervisor for what filters packets
 *
 * A new keeper takes the bans from the board as the last one left them; after a restart of the whole server they come from the store.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "guard/board.h"
#include "guard/guard.h"
#include "ipc/ipc.h"

struct keeper;

struct watch {
	struct guard guard;
	struct board *board; /* nullptr: there is none, and nothing is counted */
	struct board_writer writer;
	bool is_loaded;
	bool wants_blocks; /* the supervisor does, of KEEPER_START */
	unsigned blocks_n; /* of the administrator, on the board */
	struct mono tick_at;
};

/* fd of KEEPER_START; stays the caller's. */
enum err watch_map(struct keeper *k, int fd);
/* GO came: the supervisor, if it wants to, hears of all that is shut out now. */
void watch_go(struct keeper *k);
/* A configuration is in force. */
void watch_set_config(struct keeper *k);
void watch_tick(struct keeper *k, struct mono now);
void watch_fini(struct watch *w);

/* A password was wrong; of struct auth_ops. */
void watch_wrong_password(void *ctx, const struct addr *remote);

uint64_t watch_banned(const struct watch *w);

ipc_handler watch_on_seen;   /* worker */
ipc_handler watch_on_list;   /* control */
ipc_handler watch_on_change;
ipc_handler watch_on_status;
