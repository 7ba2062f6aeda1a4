/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_cost - which hash is computed for a user who does not exist, so that the time does not tell it
 *
 * The users of a file may have hashes of several schemes, whose cost differs by a factor of hundreds. If all who do not exist cost the
 * same, a user of another scheme than that gives himself away.  So each name that is nobody's gets a scheme of its own, always the same
 * one, and as many names get a scheme as users have it.  Who does not know the file's hashes cannot tell which: the choice hangs on them
 * (weighted rendezvous hashing, so that it moves as little as possible when the file changes).
 *
 * Owner:    one reading of a password file, into whose text it points.
 * Runs in:  the thread of the back end.
 */
#pragma once

#include "base/base.h"

constexpr size_t AUTH_COST_KINDS = 16; /* schemes with their parameters; users of further ones do not count */

struct auth_cost {
	size_t n;
	struct auth_cost_kind {
		const char *hash; /* of the first user who has it; borrowed */
		size_t len; /* of scheme and parameters in it */
		uint32_t users_n;
	} kinds[AUTH_COST_KINDS];
};

/* One user more has a hash that can be computed. */
void auth_cost_learn(struct auth_cost *c, const char *hash);

/* A hash of the scheme that this name gets; nullptr: the file has none.  Takes the same time for each name of that length. */
const char *auth_cost_of(const struct auth_cost *c, const char *name);
