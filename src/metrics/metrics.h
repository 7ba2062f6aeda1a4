/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics - the process that tells monitoring how the server is: GET /metrics and GET /health
 *
 *   main.c     messages, order of life        inquiry.c  asks supervisor and keeper, keeps what they said for a moment
 *   httpd.c    connections                    render.c   all of it as text
 *   scrape.c   the head of a request          page.c     lines of OpenMetrics
 *
 * Owner:    main; the one struct that lists what this process has.
 * Runs in:  metrics, one thread, one loop.
 * Never:    holds a key, a cookie, a password or a name of a user; sends a message that changes anything.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"
#include "ipc/stats.h"
#include "metrics/httpd.h"
#include "metrics/inquiry.h"

constexpr size_t METRICS_WORKERS_MAX = 64;

struct metrics {
	uv_loop_t *loop;
	struct ipc *supervisor;
	struct ipc *keeper; /* nullptr while it is away */

	struct config *config; /* in force; nullptr before the first COMMIT */
	struct config *next;   /* accepted, waits for its COMMIT */
	uint32_t next_generation;

	const struct stats_region *regions[METRICS_WORKERS_MAX];
	unsigned workers_n;
	uint32_t slots_n; /* of each region, as the supervisor said */

	struct inquiry inquiry;
	struct httpd httpd;
	bool is_serving;  /* GO came */
	bool is_draining; /* the server is about to end */
	uint64_t started_at; /* of the whole server, unix */
};
