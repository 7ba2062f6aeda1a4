/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker - everything a worker process owns
 *
 * One process per core, pinned, sandboxed, single threaded.  It shares nothing with its siblings but datagrams handed over through
 * inboxes; its counters are read by control.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/clock.h"
#include "config/config.h"
#include "ipc/ipc.h"
#include "ipc/stats.h"
#include "wire/coalesce.h"
#include "guard/filter.h"
#include "worker/dtls.h"
#include "worker/dtls13.h"
#include "worker/farewell.h"
#include "worker/gate.h"
#include "worker/offers.h"
#include "worker/load.h"
#include "worker/rest.h"
#include "worker/steer.h"
#include "worker/tls.h"
#include "worker/udp.h"

constexpr size_t WORKER_SCRATCH = 65536; /* one read of a TCP socket; also plaintext */
constexpr size_t WORKER_PLAIN = 131072;   /* records of one read, opened */
constexpr size_t WORKER_CONNS_MAX = 8192; /* connections without a tunnel */

struct conn;
struct session;

/* A configuration with the contexts made from it; sessions keep the config they were opened with by reference. */
struct generation {
	uint32_t number;
	struct config *config;
	struct tls_ctx *tls;
	struct offers offers;
	struct filter filter;
};

struct listener {
	uv_poll_t poll;
	struct worker *w;
	int fd;
};

struct tun_queue {
	uv_poll_t poll;
	int fd; /* -1: none */
	bool vnet_hdr;
	bool takes_runs; /* super-packets may be written */
	unsigned offloads; /* TUN_F_... */
	char name[16];
};

struct worker {
	uv_loop_t loop;
	uv_timer_t tick; /* once a second: tick.c */
	uv_prepare_t turn; /* the work of a turn is done: main.c */
	struct rest rest;
	struct load load;
	unsigned index, workers_n;
	bool serving, stopping;
	bool comes_back; /* another server follows this one, for the same clients */
	struct mono now; /* of this turn of the loop */

	struct ipc *supervisor, *keeper;
	struct farewells farewells;
	struct conn *waiting; /* for an answer of the keeper, by request id */

	struct tls_live tls_live; /* ticket keys, OCSP responses */
	struct generation gen, next; /* in force; loaded but not committed */
	Msg__Certs *certs; /* of the next one */

	struct gate gate;
	struct listener *listeners;
	size_t listeners_n;
	struct udp udp;
	struct tun_queue tun;
	struct coalesce coalesce; /* packets on their way to the TUN queue */
	struct steer steer;
	struct dtls_hs *dtls_listeners[DTLS_LISTENERS]; /* answer first ClientHellos of all addresses */
	struct dtls13 dtls13;
	uint8_t cookie_secret[32]; /* of HelloVerifyRequest and HelloRetryRequest */
	struct mono cookie_until;

	struct conn *conns; /* all connections, those with a tunnel too */
	size_t conns_n, sessions_n;
	struct session *sessions;

	struct stats_region *stats;
	uint32_t slots_n, slot_hint;
	bool isolate;
	uint32_t rx_sample, tx_sample; /* batches that were not measured since the last that was */

	uint8_t scratch[WORKER_SCRATCH]; /* received bytes */
	uint8_t plain[WORKER_PLAIN]; /* opened bytes */
	size_t plain_used; /* of packets that wait for rx_flush */
};

#define STAT_ADD(w, name, n) stats_add(&(w)->stats->c.name, (n))
#define STAT_INC(w, name) STAT_ADD(w, name, 1)

/* Tell the supervisor that a peer broke the rules; it ends that process. */
void worker_report_violation(struct worker *w, enum ipc_role role, unsigned index, const char *what);
