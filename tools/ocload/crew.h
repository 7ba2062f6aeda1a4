/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * crew - all hands together: orders to them, sums of what they count, the progress line
 *
 * Runs in: main.
 */
#pragma once

#include "hand.h"

struct tally {
	uint64_t count[COUNT_N];
	uint64_t fails[FAIL_N];
};

struct crew {
	struct shared shared;
	struct hand **hands;
	uint32_t n;
	struct hist hist[LATENCY_N]; /* after crew_end */
	enum record_suite suite;
	struct tally shown; /* of the progress line before */
	struct mono begun, shown_at;
};

/* The reason of a failure was written to standard error. */
enum err crew_begin(struct crew *c, const struct options *o);
/* Ends the sessions and the threads, adds up the histograms; the tally stays readable by crew_tally before crew_fini. */
void crew_end(struct crew *c);
void crew_fini(struct crew *c);

/* rate is of all together and dealt out. */
void crew_order(struct crew *c, const struct order *o);
struct tally crew_tally(struct crew *c);
struct tally crew_since(struct crew *c, const struct tally *before);
uint64_t crew_fails(const struct tally *t);

/* Let time pass, with the progress line; false: SIGINT, go to the end. */
bool crew_wait(struct crew *c, double seconds);
bool crew_is_stopped(void);
