/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/period.h"

#include <time.h>

#include "keeper/keeper.h"

static void begin(struct keeper *k, struct mono now)
{
	struct session_stats *s = &k->sessions.stats;
	struct auth_stats *a = &k->auth.stats;
	k->period = (struct period){ now, time(nullptr), a->failures, a->ok };
	/* logins, opened and failures are totals */
	s->handled = s->timed_out = s->timed_out_idle = s->closed_error = 0;
	s->time_max_s = s->time_sum_s = 0;
	a->time_max_ms = a->time_sum_ms = 0;
}

void period_tick(struct keeper *k, struct mono now)
{
	const uint32_t length_s = k->now.cfg->server_stats_reset_time;
	if (k->period.began.ns == 0)
		k->period.began = now;
	if (length_s > 0 && clock_secs(k->period.began, now) >= length_s)
		begin(k, now);
}

void period_status(const struct period *p, const struct auth_stats *auth, Msg__KeeperStatus *out)
{
	out->period_began_at = (uint64_t)p->began_at;
	const uint64_t logins = auth->ok - p->ok_before;
	out->period_auth_failures = auth->failures - p->failures_before;
	out->auth_time_avg_ms = logins > 0 ? auth->time_sum_ms / logins : 0;
}
