/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hist - histogram of durations: 64 steps for each power of two, so a percentile is wrong by 1.6 % at most
 *
 * Owner:  one thread; hist_merge adds up what several threads have seen.
 * Never:  allocates.
 */
#pragma once

#include "base/base.h"

constexpr unsigned HIST_STEP_BITS = 6;
constexpr unsigned HIST_VALUE_BITS = 40; /* ns: 18 minutes; longer counts as that long */
constexpr size_t HIST_BUCKETS = (HIST_VALUE_BITS - HIST_STEP_BITS + 1) << HIST_STEP_BITS;

struct hist {
	uint64_t n;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint32_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *h);
/* The value below which this share (0 to 1) lies; 0 if there is none. */
uint64_t hist_percentile(const struct hist *h, double share);
uint64_t hist_mean(const struct hist *h);
