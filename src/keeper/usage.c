/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/usage.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "keeper/keeper.h"

struct usage {
	Msg__PoolUse pools[USAGE_POOLS_MAX], *pool_list[USAGE_POOLS_MAX];
	char networks[USAGE_POOLS_MAX][INET6_ADDRSTRLEN + 4];
	size_t pools_n;
	Msg__CertEnd certs[USAGE_CERTS_MAX], *cert_list[USAGE_CERTS_MAX];
	Msg__BackUse backs[AUTH_METHODS_MAX], *back_list[AUTH_METHODS_MAX];
	uint64_t buckets[AUTH_METHODS_MAX][STATS_BOUNDS_N + 1];
};

static void add_pool(void *ctx, const struct prefix *net, uint8_t unit_len, uint64_t used, uint64_t size)
{
	struct usage *u = ctx;
	char text[INET6_ADDRSTRLEN] = "";
	if (u->pools_n == USAGE_POOLS_MAX)
		return;
	char *network = u->networks[u->pools_n];
	Msg__PoolUse *m = &u->pools[u->pools_n];
	msg__pool_use__init(m);
	inet_ntop(net->family, net->addr, text, sizeof text);
	snprintf(network, sizeof u->networks[0], "%s/%u", text, net->len);
	m->network = network;
	m->unit_len = unit_len;
	m->used = used;
	m->size = size;
	u->pool_list[u->pools_n++] = m;
}

static size_t fill_certs(struct usage *u, const struct edition *g)
{
	size_t n = 0;
	for (; n < g->certs_n && n < USAGE_CERTS_MAX; n++) {
		const struct key *key = g->keys[g->certs[n].key];
		msg__cert_end__init(&u->certs[n]);
		u->certs[n].vhost = g->cfg->vhosts[g->certs[n].vhost].name;
		u->certs[n].key_type = key_type(key);
		u->certs[n].not_after = key_not_after(key);
		u->certs[n].pair = g->certs[n].pair;
		u->cert_list[n] = &u->certs[n];
	}
	return n;
}

static size_t fill_backs(struct usage *u, const struct auth_stats *a)
{
	size_t n = 0;
	for (; n < AUTH_METHODS_MAX && a->uses[n].method[0] != '\0'; n++) {
		const struct auth_use *use = &a->uses[n];
		Msg__BackUse *m = &u->backs[n];
		msg__back_use__init(m);
		m->method = (char *)(uintptr_t)use->method;
		m->results = (uint64_t *)(uintptr_t)use->results;
		m->n_results = RESULTS_N;
		for (size_t i = 0; i <= STATS_BOUNDS_N; i++)
			u->buckets[n][i] = stats_read(&use->times.n[i]);
		m->buckets = u->buckets[n];
		m->n_buckets = STATS_BOUNDS_N + 1;
		m->sum_ns = stats_read(&use->times.sum_ns);
		u->back_list[n] = m;
	}
	return n;
}

enum err usage_new(struct usage **out, const struct keeper *k, Msg__KeeperStatus *m)
{
	struct usage *u = calloc(1, sizeof *u);
	if (u == nullptr)
		return ERR_NOMEM;
	leases_each_pool(k->sessions.leases, add_pool, u);
	m->pools = u->pool_list;
	m->n_pools = u->pools_n;
	m->certs = u->cert_list;
	m->n_certs = fill_certs(u, &k->now);
	m->backs = u->back_list;
	m->n_backs = fill_backs(u, &k->auth.stats);
	*out = u;
	return ERR_OK;
}

void usage_freep(struct usage **u)
{
	free(*u);
	*u = nullptr;
}
