/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * quota - what a user may use up: bytes (traffic-quota) and time (expire-date)
 *
 * The keeper counts, over all sessions of a user and across restarts (the store has each count).  Workers tell what their sessions
 * have moved when a budget is used up, at least all some seconds, and at the end; so no packet costs more.  Budgets
 * of one user's sessions together are never more than what he has left: when one is used up, his other sessions are asked, too.
 * A worker ends sessions at expire-date by itself; here is who is refused.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/session.h"
#include "keeper/store.h"

struct keeper;
struct quota;

struct quotas {
	struct quota *all; /* by virtual host and user, in the order of their numbers */
	uint64_t last;     /* number */
	uint64_t ended_n, refused_n, expired_ended_n, expired_refused_n;
};

/* When the period of this time began and ends, unix; 0: never. */
int64_t quota_period_begin(enum config_period period, int64_t now);
int64_t quota_period_end(enum config_period period, int64_t now);

/* From the store, before sessions come back. */
void quota_load(struct keeper *k);
/* To the store, which has lost what was put while it could not be written. */
void quota_put_all(struct keeper *k);
void quota_fini(struct quotas *a);

/* Why this session, whose own options are known, may not connect now (static; for the client); nullptr: it may.  Counted and logged. */
const char *quota_refusal(struct keeper *k, const struct session *s);
/* A worker's connection ends, with what it has not told yet. */
void quota_closed(struct keeper *k, uint32_t worker, const Msg__Closed *c);
void quota_status(const struct quotas *a, Msg__KeeperStatus *out);

/* MSG_QUOTA_USED; MSG_QUOTA_LIST and MSG_QUOTA_RESET of control. */
void quota_on_used(struct ipc *ipc, struct ipc_msg *m);
void quota_on_list(struct ipc *ipc, struct ipc_msg *m);
void quota_on_reset(struct ipc *ipc, struct ipc_msg *m);
