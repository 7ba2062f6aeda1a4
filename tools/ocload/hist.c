/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hist.h"

#include <math.h>

constexpr uint64_t STEPS = 1 << HIST_STEP_BITS;

/* Values below STEPS have a bucket each; above, the leading bit chooses a row and the next bits a step in it. */
static size_t bucket_of(uint64_t ns)
{
	if (ns < STEPS)
		return ns;
	if (ns >> HIST_VALUE_BITS != 0)
		return HIST_BUCKETS - 1;
	unsigned top = 63 - (unsigned)__builtin_clzll(ns);
	unsigned row = top - HIST_STEP_BITS;
	return ((size_t)row << HIST_STEP_BITS) + (ns >> row);
}

/* The largest value of a bucket. */
static uint64_t value_of(size_t bucket)
{
	if (bucket < STEPS)
		return bucket;
	unsigned row = (unsigned)(bucket >> HIST_STEP_BITS) - 1;
	uint64_t step = bucket - ((size_t)row << HIST_STEP_BITS);
	return ((step + 1) << row) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->n++;
	h->sum_ns += ns;
	h->max_ns = MAX(h->max_ns, ns);
	h->bucket[bucket_of(ns)]++;
}

void hist_merge(struct hist *into, const struct hist *h)
{
	into->n += h->n;
	into->sum_ns += h->sum_ns;
	into->max_ns = MAX(into->max_ns, h->max_ns);
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += h->bucket[i];
}

uint64_t hist_percentile(const struct hist *h, double share)
{
	uint64_t wanted = (uint64_t)ceil(share * (double)h->n), seen = 0;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= wanted && seen > 0)
			return MIN(value_of(i), h->max_ns);
	}
	return h->max_ns;
}

uint64_t hist_mean(const struct hist *h)
{
	return h->n == 0 ? 0 : h->sum_ns / h->n;
}
