/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock - monotonic time as a type, so that seconds and nanoseconds cannot mix */
#pragma once

#include "base/base.h"

struct mono {
	uint64_t ns; /* CLOCK_MONOTONIC; the same in all processes of the machine */
};

struct mono clock_now(void);

static inline struct mono clock_add_s(struct mono t, uint64_t s)
{
	return (struct mono){ t.ns + s * 1'000'000'000 };
}
static inline struct mono clock_add_ms(struct mono t, uint64_t ms)
{
	return (struct mono){ t.ns + ms * 1'000'000 };
}
/* Whole seconds from a to b; 0 if b is earlier. */
static inline uint64_t clock_secs(struct mono a, struct mono b)
{
	return b.ns > a.ns ? (b.ns - a.ns) / 1'000'000'000 : 0;
}
static inline bool clock_is_past(struct mono now, struct mono when)
{
	return now.ns >= when.ns;
}
