/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * supervisor - everything the privileged process owns
 *
 *   main.c      argv, order of life            start.c    brings processes up, joins them
 *   listen.c    sockets of clients             serve.c    answers messages of children
 *   tun.c       device and queues              reload.c   a new configuration for all, or for none
 *   net.c       addresses                      stop.c     the end in order
 *   steering.c  eBPF: to the right worker      child.c    one row a process
 *   shield.c    eBPF: floods, forged sources   bridge.c   the lists that it asks
 *   notify.c    word to the service manager    pulse.c    is everybody well?
 *
 * Never:  reads a byte that came from the network.
 */
#pragma once

#include "supervisor/args.h"
#include "supervisor/child.h"
#include "supervisor/edit.h"
#include "supervisor/firewall.h"
#include "supervisor/generation.h"
#include "supervisor/guardmem.h"
#include "supervisor/kit.h"
#include "supervisor/listen.h"
#include "supervisor/metrics.h"
#include "supervisor/pulse.h"
#include "supervisor/scripts.h"
#include "supervisor/shield.h"
#include "supervisor/steering.h"
#include "supervisor/tun.h"

constexpr unsigned SUPERVISOR_WORKERS_MAX = 64;
constexpr size_t SUPERVISOR_CHILDREN_MAX = SUPERVISOR_WORKERS_MAX + 4;
constexpr size_t SUPERVISOR_SIGNALS_N = 5;

static_assert(SUPERVISOR_WORKERS_MAX <= LISTEN_WORKERS_MAX && SUPERVISOR_WORKERS_MAX <= TUN_QUEUES_MAX);

enum phase : uint8_t {
	PHASE_CHECK = 1, /* -t: the keeper only, and no GO */
	PHASE_START,     /* until all serve for the first time */
	PHASE_RUN,
	PHASE_STOP,
};

/* A change of the configuration on its way. */
struct reload {
	struct generation next; /* number 0: none on its way */
	bool is_wanted;         /* one more, when all processes are up */
	bool is_certs_only;     /* the keeper found other certificates under the same names */
	bool ready[SUPERVISOR_CHILDREN_MAX];
	unsigned asked_pid;     /* of the control process that asked; 0: a signal did */
	uint32_t asked_id;
	uv_timer_t timer;
};

struct stop {
	enum ipc_role step; /* who is being stopped */
	bool is_draining;   /* told to stop, but everything goes on until the timer: stop.h */
	bool comes_back;    /* another server is to follow: clients are not told to end */
	uv_timer_t timer;
};

struct supervisor {
	uv_loop_t loop;
	const struct args *args;
	enum phase phase;
	int status; /* to exit with */
	int folder; /* where we were started: relative names of files begin here */
	struct generation now;
	uint32_t generations_n; /* numbers given out */
	struct listen listen;
	struct tun tun;
	struct steering *steering; /* nullptr: without */
	struct shield *shield;     /* nullptr: no memory */
	uv_timer_t shield_timer;
	unsigned workers_n;
	uint32_t stats_slots_n;
	unsigned kits_n;
	struct kit kits[SUPERVISOR_WORKERS_MAX];
	struct guardmem guard;
	int control_socket;        /* -1: occtl is off */
	struct metrics metrics;
	uint64_t started_at;       /* unix seconds */
	size_t children_n;         /* keeper, control, workers; metrics and auth if they are needed, last */
	struct child children[SUPERVISOR_CHILDREN_MAX];
	struct edits edits;        /* of the keeper */
	struct scripts scripts;
	struct firewall firewall;
	struct reload reload;
	struct stop stop;
	struct pulse pulse;
	uv_timer_t start_timer;
	uv_signal_t signals[SUPERVISOR_SIGNALS_N];
};

constexpr size_t SUPERVISOR_KEEPER = 0, SUPERVISOR_CONTROL = 1, SUPERVISOR_WORKERS = 2;

static inline struct child *supervisor_keeper(struct supervisor *s)
{
	return &s->children[SUPERVISOR_KEEPER];
}
static inline struct supervisor *supervisor_of(const struct child *c)
{
	return child_owner(c);
}
/* Log level number in force: -d, else log-level. */
static inline uint32_t supervisor_debug(const struct supervisor *s, const struct config *c)
{
	return s->args->debug >= 0 ? (uint32_t)s->args->debug : c->log_level;
}
