/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * keeper - all that the keeper process owns; a first argument, never a global
 *
 * Owner:    main().
 * Runs in:  the loop thread.  Threads exist only behind auth_queue.h and see nothing of this.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/acct.h"
#include "keeper/auth.h"
#include "keeper/auth_remote.h"
#include "keeper/closing.h"
#include "keeper/edition.h"
#include "keeper/entry.h"
#include "keeper/event.h"
#include "keeper/fetch.h"
#include "keeper/list.h"
#include "keeper/period.h"
#include "keeper/quota.h"
#include "keeper/recall.h"
#include "keeper/reload.h"
#include "keeper/restore.h"
#include "keeper/session.h"
#include "keeper/sso.h"
#include "keeper/maps.h"
#include "keeper/staple.h"
#include "keeper/ticket.h"
#include "keeper/trouble.h"
#include "keeper/watch.h"

constexpr unsigned KEEPER_WORKERS_MAX = 128;

/* The channel to one worker. */
struct keeper_worker {
	struct ipc *ipc; /* nullptr: not there */
	uint64_t channel; /* a new number for each channel */
};

struct keeper {
	uv_loop_t *loop;
	uv_timer_t tick;
	struct ipc *supervisor, *control, *metrics;
	struct keeper_worker workers[KEEPER_WORKERS_MAX];
	unsigned workers_n; /* that there are to be; of KEEPER_START */
	uint64_t last_channel;

	struct edition now, next, before; /* number 0: none */
	struct reload reload;     /* making of next */
	struct fetch *fetches;    /* password files under way */
	struct sessions sessions; /* in use once now is */
	struct auth auth;
	struct recall recall;     /* what survives us */
	struct auth_remote remote; /* PAM, RADIUS */
	struct sso sso;            /* browsers that sign on */
	struct acct acct;
	struct quotas quotas;
	struct period period;
	struct trouble trouble;
	struct restore restore;   /* after a restart: tunnels that workers already have */
	struct entries entries;   /* on their way in */
	unsigned scripts_n;       /* that the supervisor has not answered */
	char *device;             /* of the tunnel */
	struct closings closings; /* ends of connections that are being written */
	struct list_job *lists;
	bool wants_events;        /* an administrator looks at them */
	int64_t began_at;         /* unix; counters count from here */
	struct maps maps;
	struct watch watch;       /* who may knock */
	struct ticket_ring tickets;
	struct staples staples;
	struct mono crl_look_at;
	uv_timer_t stop;
	bool uses_utmp; /* there may be entries */
	bool is_running; /* GO came */
	bool is_stopping;
};

/* Where effects of sessions and logins go: serve.c. */
extern const struct session_ops keeper_session_ops;
extern const struct auth_ops keeper_auth_ops;

/* The configuration of next comes into force. */
enum err keeper_commit(struct keeper *k);
/* Everything ends: the loop runs out. */
void keeper_stop(struct keeper *k);
