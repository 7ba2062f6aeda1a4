/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load - packets of the clients of one hand: made at a rate, and counted when they come
 *
 * Runs in: the hand's thread.
 */
#pragma once

#include "hand.h"

/* A new order: numbers begin anew. */
void load_begin(struct hand *h, const struct order *o);
/* Send what is due.  Returns how long nothing is due, in ns; UINT64_MAX: never. */
uint64_t load_run(struct hand *h);
/* A data packet that came out of the tunnel of c. */
void load_take(struct client *c, const uint8_t *p, size_t n);
