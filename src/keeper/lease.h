/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lease - addresses for clients, out of the pools of the configuration
 *
 * A pool is cut into units: one address, or one subnet of ipv6-subnet-prefix bits.  Not given out are the network
 * address, our own end (the first host address) and, for IPv4, the broadcast address.  Pools come into being at first
 * use; what is taken is marked in pages of a bitmap that are allocated when first needed, so a /8 costs 48 KB.
 *
 * Owner:    the sessions; each lease taken must be given back.
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "config/config.h"

struct leases;

/* What one client has of one family; family 0: nothing. */
struct lease {
	struct prefix addr;   /* the client's address; len: the length of its unit */
	struct prefix server; /* our own end; len: of the pool */
	struct lease_pool *pool; /* nullptr: outside of every pool (kept over a restart of the keeper) */
	uint32_t unit;
};

enum err leases_new(struct leases **out);
void leases_free(struct leases *l);

/* Take a free unit of net.  unit_len: bits of a unit, 32 for IPv4.  user: whose last address is tried first; nullptr: the
 * next free one.  ERR_FULL: none is left. */
enum err lease_take(struct leases *l, const struct prefix *net, uint8_t unit_len, const char *user,
		    struct lease *out);

/* Take exactly this address, which a worker reported.  An address outside of net is granted without a pool;
 * ERR_EXISTS: somebody has it. */
enum err lease_claim(struct leases *l, const struct prefix *net, uint8_t unit_len, const struct prefix *addr,
		     struct lease *out);

/* Give back; *lease becomes empty.  An empty one is fine. */
void lease_give(struct leases *l, struct lease *lease);

/* Each pool that is in use or was: its network, length of a unit, units given out, units that may be. */
typedef void lease_pool_told(void *ctx, const struct prefix *net, uint8_t unit_len, uint64_t used,
			     uint64_t size);
void leases_each_pool(const struct leases *l, lease_pool_told *tell, void *ctx);

/* Leases that are out. */
uint64_t leases_count(const struct leases *l);
