/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * farewell - connections that ended while there is no keeper: kept until the next one can be told, so that accounting has them
 *
 * Owner:    struct worker.
 */
#pragma once

#include "ipc/msgs.h"

constexpr unsigned FAREWELLS_MAX = 8192;

struct worker;

struct farewell {
	uint64_t sid, rx_bytes, tx_bytes;
	uint64_t untold; /* of quota_untold */
	enum msgs_cause cause;
};
struct farewells {
	struct farewell *v;
	unsigned n, room;
};

/* Tell the keeper, or remember it. */
void farewell_say(struct worker *w, const struct farewell *f);
/* To a keeper that is new, before the report. */
void farewell_say_all(struct worker *w);
