/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/counters.h"

#include <stdlib.h>
#include <string.h>

enum err counters_map(struct counters *c, int fd, uint32_t slots_n)
{
	if (c->n == COUNTERS_WORKERS_MAX)
		return ERR_RANGE;
	const struct stats_region *r;
	TRY(stats_map(&r, fd, slots_n));
	c->slots_n = slots_n;
	c->regions[c->n++] = r;
	return ERR_OK;
}

void counters_fini(struct counters *c)
{
	while (c->n > 0)
		stats_unmap(c->regions[--c->n], c->slots_n);
}

static uint32_t slots_used(const struct counters *c, unsigned worker)
{
	return MIN(atomic_load_explicit(&c->regions[worker]->slots_used, memory_order_acquire), c->slots_n);
}

static int by_sid(const void *a, const void *b)
{
	uint64_t x = ((const struct counters_entry *)a)->sid, y = ((const struct counters_entry *)b)->sid;
	return (x > y) - (x < y);
}

static void gather(struct counters_index *ix, const struct stats_session *slots, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		/* partner: the worker's release store, after it wrote the strings */
		uint64_t sid = atomic_load_explicit(&slots[i].sid, memory_order_acquire);
		if (sid != 0)
			ix->v[ix->n++] = (struct counters_entry){ .sid = sid, .slot = &slots[i] };
	}
}

enum err counters_index_init(struct counters_index *ix, const struct counters *c)
{
	uint32_t used[COUNTERS_WORKERS_MAX];
	size_t most = 1;
	for (unsigned i = 0; i < c->n; i++)
		most += used[i] = slots_used(c, i);
	*ix = (struct counters_index){ .v = calloc(most, sizeof *ix->v) };
	if (ix->v == nullptr)
		return ERR_NOMEM;
	for (unsigned i = 0; i < c->n; i++)
		gather(ix, c->regions[i]->slots, used[i]);
	qsort(ix->v, ix->n, sizeof *ix->v, by_sid);
	return ERR_OK;
}

void counters_index_fini(struct counters_index *ix)
{
	free(ix->v);
	*ix = (struct counters_index){};
}

static void copy_text(char out[static 64], const char in[static 64])
{
	memcpy(out, in, 64);
	out[63] = '\0';
}

static void copy_slot(struct counters_live *out, const struct stats_session *s)
{
	*out = (struct counters_live){
		.rx_bytes = stats_read(&s->rx_bytes),
		.tx_bytes = stats_read(&s->tx_bytes),
		.mtu = atomic_load_explicit(&s->mtu, memory_order_relaxed),
	};
	copy_text(out->tls_cipher, s->tls_cipher);
	out->pack_tls = atomic_load_explicit(&s->pack_tls, memory_order_relaxed);
	out->pack_udp = atomic_load_explicit(&s->pack_udp, memory_order_relaxed);
	/* partner: the worker's release store, after it wrote dtls_cipher */
	if (atomic_load_explicit(&s->dtls_seen, memory_order_acquire) == 0)
		return;
	copy_text(out->dtls_cipher, s->dtls_cipher);
	out->has_dtls = atomic_load_explicit(&s->dtls_up, memory_order_relaxed) != 0;
}

bool counters_find(const struct counters_index *ix, uint64_t sid, struct counters_live *out)
{
	const struct counters_entry key = { .sid = sid };
	const struct counters_entry *e =
		ix->n == 0 ? nullptr : bsearch(&key, ix->v, ix->n, sizeof key, by_sid);
	if (e == nullptr || atomic_load_explicit(&e->slot->sid, memory_order_acquire) != sid)
		return false;
	copy_slot(out, e->slot);
	/* the slot may have been given away meanwhile: what was copied counts only if it was not */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&e->slot->sid, memory_order_relaxed) == sid;
}

void counters_mtus(const struct counters_index *ix, uint32_t *least, uint32_t *most)
{
	*least = *most = 0;
	for (size_t i = 0; i < ix->n; i++) {
		uint32_t mtu = atomic_load_explicit(&ix->v[i].slot->mtu, memory_order_relaxed);
		if (mtu == 0)
			continue;
		*least = *least == 0 ? mtu : MIN(*least, mtu);
		*most = MAX(*most, mtu);
	}
}
