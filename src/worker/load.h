/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load - is the worker saturated?
 *
 * Owner:  the worker; fed once a second by its tick.  Zeroed bytes are a good beginning.
 */
#pragma once

#include "base/alarm.h"

constexpr unsigned LOAD_PERCENT = 95;  /* of a processor */
constexpr unsigned LOAD_SECONDS = 10;  /* one after another, until it is trouble */
constexpr uint64_t LOAD_AGAIN_S = 600; /* between lines */

struct load {
	uint64_t cpu_ns;
	struct mono at; /* 0: never */
	unsigned busy_n; /* looks in a row at which it was busy */
	struct alarm alarm;
};

/* The processor time of the process now.  *is_busy: all of it was used since the last look.  true: say that it is saturated. */
bool load_feed(struct load *l, uint64_t cpu_ns, struct mono now, bool *is_busy);
