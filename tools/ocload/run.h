/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run - the modes: open sessions, measure, ask the peer, look for the highest rate
 *
 * Runs in: main.
 */
#pragma once

#include "crew.h"

constexpr size_t RUN_STEPS_MAX = 48;

/* What was measured at one rate. */
struct outcome {
	double seconds;
	double rate; /* that was asked for; 0: as fast as possible */
	bool is_known; /* both ends are: loss means something */
	uint64_t sent, received, bytes;
	uint64_t twice, reordered, late, corrupt;
	uint64_t dropped; /* by ocload's own sockets: not the server's fault, but in the loss */
	uint64_t blocked;
};

struct run {
	struct crew crew;
	struct outcome best; /* the only one without --sweep */
	struct outcome steps[RUN_STEPS_MAX];
	size_t steps_n;
	bool has_traffic;
	bool is_found; /* --sweep: best is below the bound */
	bool has_peer;
	double open_seconds, seconds;
	uint64_t logins;
	uint32_t held;  /* sessions open at the end of what was measured */
	struct tally total;
};

double run_loss(const struct outcome *o); /* percent; 0 if nothing was sent */

/* All of it; ERR_*: nothing could be measured, the reason was written to standard error. */
enum err run_mode(struct run *r, const struct options *o);
void run_fini(struct run *r);
