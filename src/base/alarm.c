/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/alarm.h"

bool alarm_feed(struct alarm *a, bool is_bad, uint64_t again_s, struct mono now)
{
	a->n += is_bad && !a->is_on;
	a->is_on = is_bad;
	if (!is_bad || (a->quiet_until.ns != 0 && !clock_is_past(now, a->quiet_until)))
		return false;
	a->quiet_until = clock_add_s(now, again_s);
	return true;
}
