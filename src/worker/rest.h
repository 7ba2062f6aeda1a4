/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rest - a short sleep when packets come fast but one at a time, so that they are taken together
 *
 * What a network card does with its interrupts: a wake-up costs more than a packet, and packets that wait for each other become
 * one read, one super-packet, one train.  The worker rests only while at least REST_PACKETS are to be expected of a rest; a lone
 * packet, a slow stream and one that comes in batches already are never delayed.
 *
 * Owner:    the worker, which calls rest_turn once in each turn of its loop, after the work and before it waits.
 * Never:    sleeps itself or reads the clock.
 */
#pragma once

#include "base/base.h"

constexpr uint32_t REST_NS = 100'000;
constexpr uint32_t REST_PACKETS = 3;

struct rest {
	uint64_t last_ns;  /* when the turn before ended */
	uint32_t packets;  /* taken in this turn; readers add to it */
	uint32_t gap_ns;   /* from packet to packet, smoothed; 0: nothing known */
};

/* The turn is over at now_ns.  How long to sleep; 0: not at all.  Turns that took no packet change nothing. */
uint32_t rest_turn(struct rest *r, uint64_t now_ns);
