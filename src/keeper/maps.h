/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * maps - tells the eBPF programs which worker has which session (bpf/shared.h); without maps it does nothing
 *
 * Owner:    struct keeper.
 */
#pragma once

#include "keeper/session.h"

struct maps {
	int inner, app_ids; /* maps; -1: none */
	bool warned;        /* a failure was logged already */
};

static inline void maps_init(struct maps *st)
{
	*st = (struct maps){ .inner = -1, .app_ids = -1 };
}
/* Takes both descriptors. */
void maps_set(struct maps *st, int inner, int app_ids);
void maps_fini(struct maps *st);

void maps_route(struct maps *st, const struct session *s, bool gone);
