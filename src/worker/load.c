/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/load.h"

bool load_feed(struct load *l, uint64_t cpu_ns, struct mono now, bool *is_busy)
{
	const uint64_t wall_ns = now.ns - l->at.ns, used_ns = cpu_ns - l->cpu_ns;
	*is_busy = l->at.ns != 0 && now.ns > l->at.ns && used_ns >= wall_ns / 100 * LOAD_PERCENT;
	l->at = now;
	l->cpu_ns = cpu_ns;
	l->busy_n = *is_busy ? l->busy_n + 1 : 0;
	return alarm_feed(&l->alarm, l->busy_n >= LOAD_SECONDS, LOAD_AGAIN_S, now);
}
