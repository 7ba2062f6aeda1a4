/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/board.h"

#include <string.h>

constexpr uint64_t MAGIC = 0x6f63'6d67'7561'7201; /* and the version of the layout */
constexpr unsigned RETRIES = 4; /* a writer is inside of one place for some nanoseconds */

static_assert(sizeof(struct board_slot) == 40);

static uint64_t mix(uint64_t a, uint64_t b)
{
	const unsigned __int128 p = (unsigned __int128)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* With a secret: a stranger cannot choose addresses that fall into one bucket. */
static uint32_t bucket_of(const struct board *b, const struct range *r)
{
	uint64_t h = mix(r->hi ^ b->seed, r->lo ^ 0x9e37'79b9'7f4a'7c15 ^ r->len);
	return (uint32_t)(mix(h, b->seed | 1) % BOARD_BUCKETS);
}

void board_format(struct board *b, uint64_t seed)
{
	b->seed = seed;
	b->magic = MAGIC;
}

enum err board_check(const struct board *b)
{
	return b->magic == MAGIC ? ERR_OK : ERR_PROTO;
}

static uint64_t get(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void set(_Atomic uint64_t *p, uint64_t v)
{
	atomic_store_explicit(p, v, memory_order_relaxed);
}

/* {{ reading }} */

/* One whole state of a place; false: it is empty, or is being written just now. */
static bool read_slot(const struct board_slot *s, struct board_entry *out)
{
	for (unsigned i = 0; i < RETRIES; i++) {
		uint64_t info = atomic_load_explicit(
			&s->info, memory_order_acquire); /* partner: the release in write_slot */
		if ((info & 0xff) == BOARD_NONE)
			return false;
		*out = (struct board_entry){ .kind = (enum board_kind)(info & 0xff),
					     .range = { get(&s->hi), get(&s->lo), (uint8_t)(info >> 8) },
					     .until_ns = get(&s->until_ns),
					     .since = get(&s->since),
					     .score = (uint32_t)(info >> 32) };
		atomic_thread_fence(memory_order_acquire); /* partner: the fence in write_slot */
		if (get(&s->info) == info)
			return true;
	}
	return false;
}

static bool is_over(uint64_t until_ns, struct mono now)
{
	return until_ns != BOARD_FOR_EVER && now.ns >= until_ns;
}

static bool find_exact(const struct board *b, const struct range *r, struct mono now, struct board_entry *out)
{
	const struct board_slot *s = &b->slots[bucket_of(b, r) * BOARD_WAYS];
	for (uint32_t i = 0; i < BOARD_WAYS; i++)
		if (get(&s[i].hi) == r->hi && get(&s[i].lo) == r->lo && read_slot(&s[i], out) &&
		    range_is_same(&out->range, r) && !is_over(out->until_ns, now))
			return true;
	return false;
}

bool board_get(const struct board *b, const struct range *r, struct board_entry *out)
{
	return find_exact(b, r, (struct mono){ 0 }, out);
}

/* The longest length below n that is in use; -1: none. */
static int next_length(const struct board *b, int n)
{
	while (n > 0) {
		n--;
		uint64_t word = get(&b->lengths[n / 64]) << (63 - n % 64);
		if (word != 0)
			return n - __builtin_clzll(word);
		n -= n % 64;
	}
	return -1;
}

bool board_find(const struct board *b, const struct range *address, struct mono now, struct board_entry *out)
{
	const int least = range_is_v4(address) ? RANGE_V4_BITS : 1;
	for (int n = next_length(b, RANGE_FULL + 1); n >= least; n = next_length(b, n)) {
		struct range r = range_cut(address, (uint8_t)n);
		if (find_exact(b, &r, now, out))
			return true;
	}
	return false;
}

void board_each(const struct board *b, struct mono now, void (*each)(void *ctx, const struct board_entry *e),
		void *ctx)
{
	struct board_entry e;
	for (size_t i = 0; i < ARRAY_LEN(b->slots); i++)
		if (read_slot(&b->slots[i], &e) && !is_over(e.until_ns, now))
			each(ctx, &e);
}

/* {{ writing }} */

static void write_slot(struct board_slot *s, const struct board_entry *e)
{
	uint64_t number = ((get(&s->info) >> 16) + 1) & 0xffff;
	set(&s->info, number << 16); /* empty while it is written */
	atomic_thread_fence(memory_order_release);
	set(&s->hi, e->range.hi);
	set(&s->lo, e->range.lo);
	set(&s->until_ns, e->until_ns);
	set(&s->since, e->since);
	uint64_t info = e->kind | (uint64_t)e->range.len << 8 | number << 16 | (uint64_t)e->score << 32;
	atomic_store_explicit(&s->info, info, memory_order_release);
}

/* The bit before the first entry of a length, and until after the last. */
static void count(struct board_writer *w, uint8_t len, int by)
{
	_Atomic uint64_t *word = &w->b->lengths[len / 64];
	uint64_t bit = 1ull << (len % 64);
	w->per_length[len] += (uint32_t)by;
	set(word, w->per_length[len] > 0 ? get(word) | bit : get(word) & ~bit);
}

static void clear_slot(struct board_slot *s)
{
	set(&s->info, get(&s->info) & 0xffff'0000); /* the number stays */
}

void board_open(struct board_writer *w, struct board *b, struct mono now)
{
	*w = (struct board_writer){ .b = b };
	for (size_t i = 0; i < ARRAY_LEN(b->slots); i++) {
		struct board_slot *s = &b->slots[i];
		if (is_over(get(&s->until_ns), now))
			clear_slot(s);
		else if ((get(&s->info) & 0xff) != BOARD_NONE)
			w->per_length[(uint8_t)(get(&s->info) >> 8)]++;
	}
	for (unsigned len = 0; len < ARRAY_LEN(w->per_length); len++)
		count(w, (uint8_t)len, 0);
}

/* The place of this range; else a free one; else that of the ban which ends first; nullptr: all are blocks. */
static struct board_slot *choose(struct board_writer *w, const struct range *r, struct mono now)
{
	struct board_slot *s = &w->b->slots[bucket_of(w->b, r) * BOARD_WAYS], *best = nullptr;
	uint64_t best_until = UINT64_MAX;
	for (uint32_t i = 0; i < BOARD_WAYS; i++) {
		uint64_t info = get(&s[i].info), until = get(&s[i].until_ns);
		if ((info & 0xff) != BOARD_NONE && get(&s[i].hi) == r->hi && get(&s[i].lo) == r->lo &&
		    (uint8_t)(info >> 8) == r->len)
			return &s[i];
		if ((info & 0xff) == BOARD_NONE || is_over(until, now))
			until = 0;
		else if ((info & 0xff) == BOARD_BLOCK)
			continue;
		if (best == nullptr || until < best_until) {
			best = &s[i];
			best_until = until;
		}
	}
	return best;
}

enum err board_put(struct board_writer *w, const struct board_entry *e, struct mono now)
{
	struct board_slot *s = choose(w, &e->range, now);
	if (s == nullptr)
		return ERR_FULL;
	uint64_t before = get(&s->info);
	count(w, e->range.len, 1);
	write_slot(s, e);
	if ((before & 0xff) != BOARD_NONE)
		count(w, (uint8_t)(before >> 8), -1);
	return ERR_OK;
}

bool board_drop(struct board_writer *w, const struct range *r)
{
	struct board_slot *s = &w->b->slots[bucket_of(w->b, r) * BOARD_WAYS];
	for (uint32_t i = 0; i < BOARD_WAYS; i++) {
		uint64_t info = get(&s[i].info);
		if ((info & 0xff) == BOARD_NONE || get(&s[i].hi) != r->hi || get(&s[i].lo) != r->lo ||
		    (uint8_t)(info >> 8) != r->len)
			continue;
		clear_slot(&s[i]);
		count(w, r->len, -1);
		return true;
	}
	return false;
}
