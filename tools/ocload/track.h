/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * track - the numbers of one flow as they arrive: lost, twice, out of order
 *
 * Owner:  the receiver; one for each flow and run.
 * Never:  allocates.
 */
#pragma once

#include "base/base.h"

constexpr uint64_t TRACK_BITS = 16384; /* how late a number may come and still be known */

enum track_verdict : uint8_t {
	TRACK_NEXT = 1,  /* a new highest number */
	TRACK_REORDERED, /* first time, but a higher one came before */
	TRACK_TWICE,
	TRACK_LATE, /* too old to tell whether it came before */
};

struct track {
	uint64_t next;  /* highest number seen + 1 */
	uint64_t first; /* the first number that came */
	bool begun;
	uint64_t seen[TRACK_BITS / 64]; /* ring of bits below next */
};

void track_init(struct track *t);
enum track_verdict track_add(struct track *t, uint64_t seq);
/* Numbers from the first to the highest: what should have come. */
uint64_t track_expected(const struct track *t);
