/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alarm - when a sign of trouble is worth a line in the log: when it begins, and from time to time while it lasts or comes again
 *
 * Owner:    who looks for the sign; zeroed bytes are an alarm that was never heard.
 * Never:    logs, or reads the clock.
 */
#pragma once

#include "base/clock.h"

struct alarm {
	bool is_on;
	struct mono quiet_until; /* no line before */
	uint64_t n;              /* times that it began */
};

/* How it is now.  true: say it; and then not again for again_s seconds, however often it ends and begins. */
bool alarm_feed(struct alarm *a, bool is_bad, uint64_t again_s, struct mono now);
