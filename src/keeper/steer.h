/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steer - tells the eBPF programs which worker has which session (bpf/shared.h); without maps it does nothing
 *
 * Owner:    struct keeper.
 */
#pragma once

#include "keeper/session.h"

struct steer {
	int inner, app_ids; /* maps; -1: none */
	bool warned;        /* a failure was logged already */
};

static inline void steer_init(struct steer *st)
{
	*st = (struct steer){ .inner = -1, .app_ids = -1 };
}
/* Takes both descriptors. */
void steer_set(struct steer *st, int inner, int app_ids);
void steer_fini(struct steer *st);

void steer_route(struct steer *st, const struct session *s, bool gone);
