/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * syncookies - the kernel's SYN cookies for every connection (tcp_syncookies = 2) while SYN come faster than a rate
 *
 * The kernel itself makes them only when its queue is full (1, the default).  From the rate on it need not fill the queue first and keeps
 * nothing of a SYN; the price is that clients without TCP timestamps lose window scaling, so it is taken back when the rate has
 * been below a half for a minute.
 *
 * Owner:  the supervisor.
 */
#pragma once

#include "base/clock.h"

struct syncookies {
	uint64_t seen;        /* at the last call */
	struct mono at;
	struct mono quiet_at; /* the rate has been low since then */
	int before;           /* the setting that comes back; -1: it is not changed */
	bool is_broken;       /* cannot be written: told once */
};

void syncookies_init(struct syncookies *s);
/* syn: all that came until now; limit: a second, 0: never. */
void syncookies_feed(struct syncookies *s, uint64_t syn, uint32_t limit, struct mono now);
/* Puts the setting back. */
void syncookies_fini(struct syncookies *s);
