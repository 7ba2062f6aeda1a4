/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * farewell - connections that have ended: kept until a keeper says that the end is written, so that accounting has it
 *
 * A keeper that is killed takes with it what it had not read or not written; its successor is told again all that was not confirmed.
 *
 * Owner:    struct worker.
 */
#pragma once

#include "ipc/ipc.h"

constexpr unsigned FAREWELLS_MAX = 8192;

struct worker;
struct farewell;

struct farewells {
	struct farewell *by_sid; /* in the order in which they came */
};

/* Tell the keeper, or the next one; facts: of the connection, borrowed. */
void farewell_say(struct worker *w, const Msg__Closed *m, const Msg__Session *facts);
/* To a keeper that is new, before the report. */
void farewell_say_all(struct worker *w);
/* MSG_CLOSED_DONE: the keeper has written it. */
void farewell_on_done(struct ipc *ipc, struct ipc_msg *m);
void farewell_fini(struct farewells *all);
