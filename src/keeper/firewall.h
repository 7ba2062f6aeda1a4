/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * firewall - tells the supervisor what a restricted session may reach, as a second layer to the worker's own check (firewall = nftables)
 *
 * Told is what the options of the session say, in numbers only.  Nobody waits for it.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "keeper/session.h"

struct keeper;

/* Its connection begins, or was found by a new keeper. */
void firewall_begun(struct keeper *k, const struct session *s);
void firewall_ended(struct keeper *k, uint64_t sid);
/* All that there are have been told: others are of the past. */
void firewall_settled(struct keeper *k);
