/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_count.h"

#include <stdio.h>
#include <string.h>

void auth_count_ok(struct auth_stats *s, struct mono begun, struct mono now)
{
	uint64_t ms = now.ns > begun.ns ? (now.ns - begun.ns) / 1'000'000 : 0;
	s->ok++;
	s->time_sum_ms += ms;
	s->time_max_ms = MAX(s->time_max_ms, ms);
}

void auth_count_broken(struct auth_stats *s, const char *method)
{
	s->broken++;
	for (size_t i = 0; i < AUTH_METHODS_MAX; i++) {
		struct auth_broken *b = &s->broken_of[i];
		if (b->method[0] == '\0')
			snprintf(b->method, sizeof b->method, "%s", method);
		if (strncmp(b->method, method, sizeof b->method - 1) != 0)
			continue;
		b->n++;
		return;
	}
}

void auth_count_use(struct auth_stats *s, const char *method, enum msgs_result result, struct mono begun,
		    struct mono now)
{
	for (size_t i = 0; i < AUTH_METHODS_MAX; i++) {
		struct auth_use *u = &s->uses[i];
		if (u->method[0] == '\0')
			snprintf(u->method, sizeof u->method, "%s", method);
		if (strncmp(u->method, method, sizeof u->method - 1) != 0)
			continue;
		u->results[result]++;
		stats_hist_add(&u->times, now.ns > begun.ns ? now.ns - begun.ns : 0);
		return;
	}
}
