/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quota - what a session has moved of its user's traffic-quota, and when his account ends (expire-date)
 *
 * The tick compares the session's counters, which are there anyway, with the budget that the keeper has given; nothing is done for a packet.
 * When it is used up, or REPORT_S after the last time, the keeper is told and gives another, or ends the session.  While there
 * is no keeper nothing is told, and nothing is forgotten.
 *
 * Owner:    a session.  Zeroed it has told nothing and has no budget: it asks with its first tick.
 */
#pragma once

#include "base/clock.h"
#include "ipc/ipc.h"

struct session;
struct worker;

struct quota {
	uint64_t told;     /* bytes of both directions that the keeper knows of */
	uint64_t budget;   /* beyond told */
	struct mono told_at;
	bool is_asked;     /* no answer yet */
};

/* false: the session is gone. */
bool quota_tick(struct session *s);
/* Bytes that the keeper does not know of; of a user without traffic-quota all. */
uint64_t quota_untold(const struct session *s);
/* There is a new keeper, which has given no budget. */
void quota_ask_again(struct worker *w);
/* MSG_QUOTA_BUDGET */
void quota_on_budget(struct ipc *ipc, struct ipc_msg *m);
