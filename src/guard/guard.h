/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard - who has knocked too often: points, failures and rates of each peer, and what follows from them
 *
 * A peer is an address of IPv4 or a /64 of IPv6.  Three things shut it out, each switched off by 0:
 *   - ocserv's points: wrong passwords and connections that came to nothing give points; at max_score the peer is banned.  Points are forgotten reset_s after the
 *     first of them;
 *   - failures: so many wrong passwords within a sliding window;
 *   - rate: a bucket of connections that refills by so many a minute.
 * A ban lasts ban_s; one that follows within reset_s of the end of the last one lasts twice as long as that, up to ban_max_s.
 *
 * The table is bounded and allocated once.  When it is full the peer that was longest silent is forgotten, banned ones last.
 *
 * Owner:    the keeper; one struct guard.
 * Runs in:  the loop thread.
 * Never:    allocates after guard_init, blocks, or logs.
 */
#pragma once

#include "base/clock.h"
#include "guard/board.h"

constexpr uint32_t GUARD_PEERS = 65'536;
constexpr uint32_t GUARD_WINDOW_PARTS = 4; /* the sliding window moves by a quarter of its length */

enum guard_cause : uint8_t { GUARD_SCORE = 1, GUARD_FAILURES, GUARD_RATE, GUARD_CAUSES_N };

struct guard_conf {
	uint32_t max_score; /* 0: points do not count */
	uint32_t ban_s, ban_max_s, reset_s;
	uint32_t points_wrong_password, points_connection;
	uint32_t failures, window_s;       /* 0: off */
	uint32_t rate_per_min, rate_burst; /* 0: off */
};

struct guard_peer;

struct guard_ops {
	/* A ban begins (or becomes longer), or ends (is_over).  cause is 0 for one that ends, or was loaded. */
	void (*ban)(void *ctx, const struct board_entry *e, enum guard_cause cause, bool is_over);
	/* Is this address always let in?  nullptr: none is. */
	bool (*is_allowed)(void *ctx, const struct addr *a);
	void *ctx;
};

struct guard_stats {
	uint64_t bans[GUARD_CAUSES_N]; /* since the start, by cause */
	uint64_t wrong_passwords, connections; /* that were counted */
	uint64_t evicted; /* peers forgotten because the table was full */
};

struct guard {
	struct guard_conf conf;
	struct guard_ops ops;
	uint64_t seed;
	struct guard_peer *peers; /* [0] ends the lists */
	uint32_t *heads; /* of chains, by hash */
	uint32_t used_n, banned_n;
	uint32_t silent, banned; /* lists, in order of last event */
	struct guard_stats stats;
};

enum err guard_init(struct guard *g, uint64_t seed, struct guard_ops ops);
void guard_fini(struct guard *g);
/* What is banned stays so, but with max_score, failures and rate all 0 all bans end. */
void guard_set_conf(struct guard *g, const struct guard_conf *conf);
bool guard_is_on(const struct guard *g);

/* {{ events; each may end in ops.ban }} */

/* So many were accepted, and so many ended without having proven anything: those give points. */
void guard_connections(struct guard *g, const struct addr *a, uint32_t accepted, uint32_t fruitless,
		       struct mono now, int64_t unix_now);
void guard_wrong_password(struct guard *g, const struct addr *a, struct mono now, int64_t unix_now);

/* A ban of before: until in the future.  One that is there already stays as it is. */
void guard_load(struct guard *g, const struct board_entry *e);
/* Bans and points of this peer are forgotten; false: it had none. */
bool guard_unban(struct guard *g, const struct range *peer);
/* Ends what is over: once a second. */
void guard_tick(struct guard *g, struct mono now);

/* {{ for the administrator }} */

/* Peers with points, banned or not, in any order. */
void guard_each(const struct guard *g, struct mono now, void (*each)(void *ctx, const struct board_entry *e),
		void *ctx);
