/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trouble - signs that something is going to fail, told before users tell: a line in the log each, seldom, and a number for metrics
 *
 * The disk of state-dir tells for itself (store.h), and workers of their processors (worker/load.h).
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "base/alarm.h"
#include "ipc/messages.pb-c.h"

struct keeper;

constexpr uint64_t TROUBLE_CLOCK_S = 10;          /* that the clock of the wall may be set by at once */
constexpr uint64_t TROUBLE_POOL_PERCENT = 90;     /* given out */
constexpr int64_t TROUBLE_CERT_S = 14 * 86'400;   /* left */
constexpr uint64_t TROUBLE_BACK_MS = 5'000;       /* to answer */

struct trouble {
	struct mono tick_at, look_at;
	int64_t offset_s; /* between the clocks */
	bool has_offset;
	struct alarm clock, pool, cert, expired, back;
};

void trouble_tick(struct keeper *k, struct mono now);
/* A method has answered; of struct auth_ops. */
void trouble_answered(void *ctx, const char *method, struct mono begun, struct mono now);
void trouble_status(const struct trouble *t, Msg__KeeperStatus *out);

/* For tests: true if the clock of the wall has jumped since the last call; by so many seconds. */
bool trouble_clock(struct trouble *t, int64_t unix_now, struct mono now, int64_t *by_s);
