/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/lease.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

constexpr uint32_t PAGE_UNITS = 4096;
constexpr unsigned UNITS_BITS_MOST = 24; /* of a larger pool only the first 2^24 units are used */

struct page {
	uint32_t used;
	uint64_t bits[PAGE_UNITS / 64];
};

struct lease_pool {
	struct lease_pool *next;
	struct prefix net; /* host bits zero */
	uint8_t unit_len;
	uint32_t units;    /* in the pool */
	uint32_t first, last; /* that may be given out; none if last < first */
	uint32_t used;     /* of them, given out */
	uint32_t cursor;   /* where the next search begins */
	struct page *pages[]; /* nullptr: all free */
};

struct leases {
	struct lease_pool *pools;
	uint64_t count;
};

/* {{ addresses }} */

static unsigned bits_of(const struct prefix *p)
{
	return p->family == AF_INET ? 32 : 128;
}

/* Clear what is behind the first len bits. */
static void mask(struct prefix *p, unsigned len)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = len > i * 8 ? MIN(len - i * 8, 8u) : 0;
		p->addr[i] &= (uint8_t)(0xff00u >> keep);
	}
}

static struct prefix network_of(const struct prefix *p, unsigned len)
{
	struct prefix net = *p;
	net.len = (uint8_t)len;
	mask(&net, len);
	return net;
}

/* Add unit << shift to the address. */
static void add(struct prefix *p, uint32_t unit, unsigned shift)
{
	unsigned bytes = bits_of(p) / 8;
	uint64_t carry = 0;
	for (unsigned i = 0; i < bytes; i++) {
		unsigned at = i * 8; /* bit position of this byte, from the least significant */
		uint64_t part = at >= shift ? (at - shift < 32 ? (uint64_t)unit >> (at - shift) : 0)
					    : (shift - at < 8 ? (uint64_t)unit << (shift - at) : 0);
		uint64_t sum = p->addr[bytes - 1 - i] + (part & 0xff) + carry;
		p->addr[bytes - 1 - i] = (uint8_t)sum;
		carry = sum >> 8;
	}
}

/* The number of the unit that has the address; false if it is outside of the pool. */
static bool unit_of(const struct lease_pool *pool, const struct prefix *addr, uint32_t *unit)
{
	if (addr->family != pool->net.family)
		return false;
	struct prefix net = network_of(addr, pool->net.len);
	if (memcmp(net.addr, pool->net.addr, sizeof net.addr) != 0)
		return false;
	uint64_t v = 0;
	for (unsigned bit = pool->net.len; bit < pool->unit_len; bit++) {
		if (v > UINT32_MAX)
			return false;
		v = v << 1 | (addr->addr[bit / 8] >> (7 - bit % 8) & 1);
	}
	*unit = (uint32_t)v;
	return v < pool->units;
}

/* {{ bitmap }} */

static bool is_used(const struct lease_pool *pool, uint32_t unit)
{
	const struct page *page = pool->pages[unit / PAGE_UNITS];
	return page != nullptr && (page->bits[unit % PAGE_UNITS / 64] >> unit % 64 & 1) != 0;
}

static enum err mark(struct lease_pool *pool, uint32_t unit)
{
	struct page **page = &pool->pages[unit / PAGE_UNITS];
	if (*page == nullptr)
		*page = calloc(1, sizeof **page);
	if (*page == nullptr)
		return ERR_NOMEM;
	(*page)->bits[unit % PAGE_UNITS / 64] |= UINT64_C(1) << unit % 64;
	(*page)->used++;
	pool->used++;
	return ERR_OK;
}

static void unmark(struct lease_pool *pool, uint32_t unit)
{
	struct page *page = pool->pages[unit / PAGE_UNITS];
	assert(is_used(pool, unit));
	page->bits[unit % PAGE_UNITS / 64] &= ~(UINT64_C(1) << unit % 64);
	page->used--;
	pool->used--;
	if (page->used == 0) {
		free(page);
		pool->pages[unit / PAGE_UNITS] = nullptr;
	}
}

/* The first free unit in [from, to]; full pages are stepped over whole. */
static bool find_free(const struct lease_pool *pool, uint32_t from, uint32_t to, uint32_t *out)
{
	uint64_t unit = from;
	while (unit <= to) {
		const struct page *page = pool->pages[unit / PAGE_UNITS];
		if (page != nullptr && page->used == PAGE_UNITS) {
			unit = (unit / PAGE_UNITS + 1) * PAGE_UNITS;
			continue;
		}
		uint64_t word = page != nullptr ? page->bits[unit % PAGE_UNITS / 64] : 0;
		uint64_t free_bits = ~word & ~UINT64_C(0) << unit % 64;
		if (free_bits != 0) {
			unit = unit / 64 * 64 + (unsigned)__builtin_ctzll(free_bits);
			*out = (uint32_t)unit;
			return unit <= to;
		}
		unit = unit / 64 * 64 + 64;
	}
	return false;
}

/* {{ pools }} */

static void set_bounds(struct lease_pool *pool)
{
	bool whole_subnets = pool->unit_len < bits_of(&pool->net);
	bool is_v4 = pool->net.family == AF_INET;
	/* unit 0 has the network address; our own end is in unit 1, or in unit 0 if units are subnets */
	pool->first = whole_subnets ? 1 : 2;
	pool->last = pool->units - 1 - (is_v4 ? 1 : 0);
	if (pool->units <= pool->first || pool->last < pool->first) {
		pool->first = 1;
		pool->last = 0;
	}
	pool->cursor = pool->first;
}

static struct lease_pool *pool_new(const struct prefix *net, uint8_t unit_len)
{
	unsigned bits = MIN((unsigned)unit_len - net->len, UNITS_BITS_MOST);
	uint32_t units = UINT32_C(1) << bits;
	size_t pages = (units + PAGE_UNITS - 1) / PAGE_UNITS;
	struct lease_pool *pool = calloc(1, sizeof *pool + pages * sizeof pool->pages[0]);
	if (pool == nullptr)
		return nullptr;
	pool->net = *net;
	pool->unit_len = unit_len;
	pool->units = units;
	set_bounds(pool);
	return pool;
}

static void pool_free(struct lease_pool *pool)
{
	for (size_t i = 0; i < (pool->units + PAGE_UNITS - 1) / PAGE_UNITS; i++)
		free(pool->pages[i]);
	free(pool);
}

static enum err pool_find(struct leases *l, const struct prefix *net, uint8_t unit_len,
			  struct lease_pool **out)
{
	if (net->family == 0 || unit_len > bits_of(net) || net->len > unit_len)
		return ERR_RANGE;
	struct prefix masked = network_of(net, net->len);
	for (struct lease_pool *p = l->pools; p != nullptr; p = p->next)
		if (p->net.family == masked.family && p->net.len == masked.len && p->unit_len == unit_len &&
		    memcmp(p->net.addr, masked.addr, sizeof masked.addr) == 0) {
			*out = p;
			return ERR_OK;
		}
	struct lease_pool *p = pool_new(&masked, unit_len);
	if (p == nullptr)
		return ERR_NOMEM;
	p->next = l->pools;
	l->pools = p;
	*out = p;
	return ERR_OK;
}

static struct prefix client_of(const struct lease_pool *pool, uint32_t unit)
{
	struct prefix p = pool->net;
	unsigned host_bits = bits_of(&pool->net) - pool->unit_len;
	add(&p, unit, host_bits);
	if (host_bits > 0)
		add(&p, 1, 0); /* the first host of its subnet */
	p.len = pool->unit_len;
	return p;
}

static struct prefix server_of(const struct lease_pool *pool)
{
	struct prefix p = pool->net;
	add(&p, 1, 0);
	return p;
}

/* Is it taken through a pool that overlaps this one?  Networks of virtual hosts may. */
static bool is_elsewhere(const struct leases *l, const struct lease_pool *self, const struct prefix *addr)
{
	for (const struct lease_pool *p = l->pools; p != nullptr; p = p->next) {
		uint32_t unit;
		if (p != self && unit_of(p, addr, &unit) && is_used(p, unit))
			return true;
	}
	return false;
}

/* FNV-1a: stable over restarts and versions, which is its whole purpose here. */
static uint32_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;
	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3;
	return (uint32_t)(h >> 32 ^ h);
}

static enum err search(const struct leases *l, const struct lease_pool *pool, uint32_t start, uint32_t *out)
{
	if (pool->last < pool->first)
		return ERR_FULL;
	uint32_t unit = start, end = pool->last;
	for (int lap = 0; lap < 2; lap++) {
		while (find_free(pool, unit, end, out)) {
			struct prefix p = client_of(pool, *out);
			if (!is_elsewhere(l, pool, &p))
				return ERR_OK;
			if (*out == UINT32_MAX || *out >= end)
				break;
			unit = *out + 1;
		}
		unit = pool->first;
		if (start == pool->first)
			break;
		end = start - 1;
	}
	return ERR_FULL;
}

static enum err grant(struct leases *l, struct lease_pool *pool, uint32_t unit, struct lease *out)
{
	TRY(mark(pool, unit));
	*out = (struct lease){
		.addr = client_of(pool, unit), .server = server_of(pool), .pool = pool, .unit = unit
	};
	l->count++;
	return ERR_OK;
}

/* {{ public }} */

enum err leases_new(struct leases **out)
{
	struct leases *l = calloc(1, sizeof *l);
	if (l == nullptr)
		return ERR_NOMEM;
	*out = l;
	return ERR_OK;
}

void leases_free(struct leases *l)
{
	if (l == nullptr)
		return;
	while (l->pools != nullptr) {
		struct lease_pool *p = l->pools;
		l->pools = p->next;
		pool_free(p);
	}
	free(l);
}

enum err lease_take(struct leases *l, const struct prefix *net, uint8_t unit_len, const char *user,
		    struct lease *out)
{
	struct lease_pool *pool;
	TRY(pool_find(l, net, unit_len, &pool));
	uint32_t start = pool->cursor, unit;
	if (user != nullptr && pool->last >= pool->first)
		start = pool->first + hash(user) % (pool->last - pool->first + 1);
	TRY(search(l, pool, start, &unit));
	TRY(grant(l, pool, unit, out));
	if (user == nullptr)
		pool->cursor = unit < pool->last ? unit + 1 : pool->first;
	return ERR_OK;
}

enum err lease_claim(struct leases *l, const struct prefix *net, uint8_t unit_len, const struct prefix *addr,
		     struct lease *out)
{
	struct lease_pool *pool = nullptr;
	uint32_t unit;
	if (pool_find(l, net, unit_len, &pool) != ERR_OK || !unit_of(pool, addr, &unit)) {
		*out = (struct lease){ .addr = *addr };
		l->count++;
		return ERR_OK;
	}
	bool is_ours = unit < pool->first || unit > pool->last;
	if (is_ours || is_used(pool, unit) || is_elsewhere(l, pool, addr))
		return ERR_EXISTS;
	return grant(l, pool, unit, out);
}

void lease_give(struct leases *l, struct lease *lease)
{
	if (lease->addr.family == 0)
		return;
	if (lease->pool != nullptr)
		unmark(lease->pool, lease->unit);
	l->count--;
	*lease = (struct lease){};
}

uint64_t leases_count(const struct leases *l)
{
	return l->count;
}

void leases_each_pool(const struct leases *l, lease_pool_told *tell, void *ctx)
{
	for (const struct lease_pool *p = l->pools; p != nullptr; p = p->next)
		tell(ctx, &p->net, p->unit_len, p->used, p->last < p->first ? 0 : p->last - p->first + 1);
}
