/* SPDX-License-Identifier: GPL-3.0-or-later */
/* period - statistics begin anew each server-stats-reset-time, but for the totals.  Owner: struct keeper. */
#pragma once

#include "base/clock.h"
#include "ipc/messages.pb-c.h"
#include "keeper/auth.h"

struct keeper;

struct period {
	struct mono began;       /* ns 0: not yet */
	int64_t began_at;        /* unix; 0: with the server */
	uint64_t failures_before, ok_before; /* logins, at its begin */
};

void period_tick(struct keeper *k, struct mono now);
void period_status(const struct period *p, const struct auth_stats *auth, Msg__KeeperStatus *out);
