/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * inquiry - what supervisor and keeper say of themselves, asked for when a client wants it, and not more than four times a second
 *
 * Owner:    struct metrics.
 */
#pragma once

#include <uv.h>

#include "base/clock.h"
#include "ipc/ipc.h"

struct metrics;

constexpr uint64_t INQUIRY_FRESH_MS = 250;
constexpr uint64_t INQUIRY_PATIENCE_MS = 3'000; /* then the page has what is there */

struct inquiry {
	Msg__SupervisorStatus *supervisor; /* nullptr: it has not said anything */
	Msg__KeeperStatus *keeper;
	Msg__GuardStatus *guard;
	uint32_t supervisor_id, keeper_id, guard_id; /* questions without an answer yet; 0: none */
	struct mono at; /* when it was asked last; 0: never */
	uv_timer_t timer;
};

enum err inquiry_init(struct metrics *m);
void inquiry_fini(struct metrics *m);

/* true: what is there is new enough.  Else it is asked for, and httpd_told is called when all have answered or the patience is over. */
bool inquiry_begin(struct metrics *m);
/* The keeper is gone: what it said is no longer true. */
void inquiry_keeper_lost(struct metrics *m);

ipc_handler inquiry_on_supervisor; /* SUPERVISOR_STATUS_DONE */
ipc_handler inquiry_on_keeper; /* STATUS_DONE */
ipc_handler inquiry_on_guard; /* GUARD_STATUS_DONE */
