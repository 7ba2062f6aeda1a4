/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay - refuse a packet number seen before (sliding window, RFC 6479)
 *
 * Owner:  the session; one window for each receiving key.
 * Runs in: the worker that owns the session; no locks.
 * Never:  allocates, logs, or reads the clock.
 */
#pragma once

#include "base/base.h"

constexpr uint32_t REPLAY_BITS = 1024;
constexpr uint32_t REPLAY_WINDOW = REPLAY_BITS - 64; /* the word that top moves into is cleared as a whole */

struct replay {
	uint64_t top; /* highest number accepted */
	uint64_t seen[REPLAY_BITS / 64]; /* ring of bits below top */
};

void replay_init(struct replay *r);

/* ERR_REPLAY if seen or too old.  Cheap, records nothing: for a look before the tag is verified. */
enum err replay_check(const struct replay *r, uint64_t seq);

/* ERR_REPLAY if seen or too old; on ERR_OK the number is now recorded.
 * Call only after the tag has been verified. */
enum err replay_accept(struct replay *r, uint64_t seq);
