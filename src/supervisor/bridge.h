/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bridge - the one writer of the lists that guard_xdp asks
 *
 * Keeps a copy of what is in the maps, with the end of each entry on CLOCK_MONOTONIC, which is the clock of the programs, too.  An entry
 * that has ended counts no more at once; bridge_expire takes it out of the map.
 *
 * Never blocked: loopback, everything (/0), and what bridge_protect names: blocks inside of it are refused, and larger blocks
 * have a hole there.
 *
 * A full map: ERR_FULL, one line in the log; who asked decides in user space as before.
 *
 * Owner:  the supervisor; one thread.
 */
#pragma once

#include "base/clock.h"
#include "bpf/guard.h"
#include "config/config.h"

struct bridge_entry;

struct bridge {
	int list4, list6; /* maps, of the skeleton; -1: none, the copy alone is kept */
	struct bridge_entry *entries;
	struct prefix *protected;
	size_t protected_n;
	uint32_t mark;
	uint64_t refused_n, full_n;
	bool is_full_told;
};

void bridge_init(struct bridge *b, int list4, int list6);
void bridge_fini(struct bridge *b);

/* These are let in from now on, and those of the last call no more. */
enum err bridge_protect(struct bridge *b, const struct prefix *v, size_t n);

/* end.ns 0: never.  An entry that is there already gets the new verdict and end.  ERR_DENIED: it would keep out a protected
 * address; ERR_RANGE: no such prefix; ERR_FULL. */
enum err bridge_add(struct bridge *b, const struct prefix *p, enum guard_verdict verdict, struct mono end);
/* ERR_NOTFOUND if it is not there. */
enum err bridge_remove(struct bridge *b, const struct prefix *p);

/* Between these two everything that is to stay is added anew; the rest goes with the second. */
void bridge_mark(struct bridge *b);
size_t bridge_sweep(struct bridge *b);

/* What has ended; returns how many. */
size_t bridge_expire(struct bridge *b, struct mono now);
size_t bridge_count(const struct bridge *b);
