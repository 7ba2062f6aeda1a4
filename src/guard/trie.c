/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/trie.h"

#include <stdlib.h>
#include <string.h>

constexpr uint64_t MAGIC = 0x6f63'6d74'7269'6501; /* and the version of the layout */
constexpr uint32_t ROOT_V6 = 1, ROOT_V4 = 2, FIRST = 3;
constexpr uint32_t STARTS_N = 1 << 16;
/* A start is below all prefixes of that many bits. */
constexpr uint8_t START_LEN_V4 = RANGE_V4_BITS + 16, START_LEN_V6 = 3 + 16;

/* Where to go on with an address, and what was met on the way. */
struct start {
	uint32_t node;
	uint8_t verdict[2], len[2];
};

struct trie {
	uint64_t magic;
	uint32_t nodes_n, prefixes_n;
	uint32_t wants_country;
	uint32_t zero;
	struct start v4[STARTS_N], v6[STARTS_N]; /* by the bits that START_LEN says */
	struct trie_node nodes[];
};

static unsigned rank_of(enum trie_verdict v)
{
	return v == TRIE_COUNTRY_ALLOW || v == TRIE_COUNTRY_BLOCK;
}

static unsigned bit(uint64_t hi, uint64_t lo, unsigned i)
{
	return (i < 64 ? hi >> (63 - i) : lo >> (127 - i)) & 1;
}

/* Bits that both have from the first on. */
static unsigned common(uint64_t hi_a, uint64_t lo_a, uint64_t hi_b, uint64_t lo_b)
{
	if (hi_a != hi_b)
		return (unsigned)__builtin_clzll(hi_a ^ hi_b);
	return lo_a != lo_b ? 64 + (unsigned)__builtin_clzll(lo_a ^ lo_b) : 128;
}

/* {{ reading }} */

static void note(const struct trie_node *n, struct start *met)
{
	for (unsigned r = 0; r < 2; r++) {
		met->verdict[r] = n->verdict[r] != 0 ? n->verdict[r] : met->verdict[r];
		met->len[r] = n->verdict[r] != 0 ? n->len : met->len[r];
	}
}

/* Follow the address from here, and remember the last verdict of each rank. */
static void walk(const struct trie_node *nodes, uint32_t at, const struct range *a, struct start *met)
{
	while (at != 0) {
		const struct trie_node *n = &nodes[at];
		if (common(n->hi, n->lo, a->hi, a->lo) < n->len)
			return;
		note(n, met);
		if (n->len >= a->len)
			return;
		at = n->child[bit(a->hi, a->lo, n->len)];
	}
}

struct trie_result trie_find(const struct trie *t, const struct range *address)
{
	struct start met = { .node = ROOT_V6 };
	if (t == nullptr)
		return (struct trie_result){};
	if (range_is_v4(address))
		met = t->v4[(address->lo >> 16) & 0xffff];
	else if (address->hi >> 61 == 1)
		met = t->v6[(address->hi >> (64 - START_LEN_V6)) & 0xffff];
	walk(t->nodes, met.node, address, &met);
	unsigned r = met.verdict[0] != 0 ? 0 : 1;
	return (struct trie_result){ (enum trie_verdict)met.verdict[r], met.len[r] };
}

uint32_t trie_count(const struct trie *t)
{
	return t != nullptr ? t->prefixes_n : 0;
}

bool trie_wants_country(const struct trie *t)
{
	return t != nullptr && t->wants_country != 0;
}

static bool is_node_good(const struct trie *t, uint32_t i)
{
	const struct trie_node *n = &t->nodes[i];
	for (unsigned c = 0; c < 2; c++)
		/* deeper with each step: no circle */
		if (n->child[c] >= t->nodes_n || (n->child[c] != 0 && t->nodes[n->child[c]].len <= n->len) ||
		    n->verdict[c] >= TRIE_VERDICTS_N)
			return false;
	return n->len <= RANGE_FULL;
}

enum err trie_check(const void *p, size_t len)
{
	const struct trie *t = p;
	if (len < sizeof *t || t->magic != MAGIC || t->nodes_n < FIRST ||
	    len != sizeof *t + (size_t)t->nodes_n * sizeof *t->nodes)
		return ERR_PROTO;
	for (uint32_t i = 0; i < STARTS_N; i++)
		if (t->v4[i].node >= t->nodes_n || t->v6[i].node >= t->nodes_n)
			return ERR_PROTO;
	for (uint32_t i = 0; i < t->nodes_n; i++)
		if (!is_node_good(t, i))
			return ERR_PROTO;
	return ERR_OK;
}

/* {{ building }} */

enum err trie_begin(struct trie_maker *m)
{
	*m = (struct trie_maker){ .cap = 1024, .n = FIRST };
	m->nodes = calloc(m->cap, sizeof *m->nodes);
	if (m->nodes == nullptr)
		return ERR_NOMEM;
	m->nodes[ROOT_V4] = (struct trie_node){ .lo = 0xffff'0000'0000, .len = RANGE_V4_BITS };
	return ERR_OK;
}

void trie_abandon(struct trie_maker *m)
{
	free(m->nodes);
	*m = (struct trie_maker){};
}

/* Two nodes are what one prefix needs at most. */
static enum err make_room(struct trie_maker *m)
{
	if (m->prefixes_n >= TRIE_PREFIXES_MAX)
		return ERR_FULL;
	if (m->n + 2 <= m->cap)
		return ERR_OK;
	struct trie_node *more = reallocarray(m->nodes, (size_t)m->cap * 2, sizeof *more);
	if (more == nullptr)
		return ERR_NOMEM;
	memset(more + m->cap, 0, m->cap * sizeof *more); /* no byte is chance: the piece is compared */
	m->nodes = more;
	m->cap *= 2;
	return ERR_OK;
}

static uint32_t new_node(struct trie_maker *m, const struct range *r)
{
	struct trie_node *n = &m->nodes[m->n];
	n->hi = r->hi;
	n->lo = r->lo;
	n->len = r->len;
	return m->n++;
}

/* Put a fork between a node and its child, where the child and r part. */
static uint32_t split(struct trie_maker *m, uint32_t parent, uint32_t child, const struct range *r,
		      unsigned len)
{
	const struct trie_node *c = &m->nodes[child];
	struct range part = range_cut(r, (uint8_t)len);
	unsigned side = bit(c->hi, c->lo, len), from = bit(c->hi, c->lo, m->nodes[parent].len);
	uint32_t fork = new_node(m, &part);
	m->nodes[fork].child[side] = child;
	m->nodes[parent].child[from] = fork;
	return fork;
}

/* The node of exactly this prefix, made if it is not there. */
static uint32_t place(struct trie_maker *m, const struct range *r)
{
	uint32_t at = range_is_v4(r) ? ROOT_V4 : ROOT_V6;
	while (m->nodes[at].len < r->len) {
		unsigned side = bit(r->hi, r->lo, m->nodes[at].len);
		uint32_t next = m->nodes[at].child[side];
		if (next == 0) {
			uint32_t leaf = new_node(m, r);
			m->nodes[at].child[side] = leaf;
			return leaf;
		}
		const struct trie_node *n = &m->nodes[next];
		unsigned same =
			MIN(common(n->hi, n->lo, r->hi, r->lo), MIN((unsigned)n->len, (unsigned)r->len));
		at = same < n->len ? split(m, at, next, r, same) : next;
	}
	return at;
}

enum err trie_add(struct trie_maker *m, const struct range *r, enum trie_verdict verdict)
{
	TRY(make_room(m));
	uint8_t *v = &m->nodes[place(m, r)].verdict[rank_of(verdict)];
	m->prefixes_n += *v == 0;
	if (*v == 0 || verdict < *v)
		*v = verdict;
	m->wants_country |= verdict == TRIE_COUNTRY_ALLOW;
	return ERR_OK;
}

/* What the walk of all addresses below this prefix has in common. */
static struct start start_of(const struct trie_maker *m, uint32_t root, const struct range *first)
{
	struct start met = { .node = root };
	while (met.node != 0) {
		const struct trie_node *n = &m->nodes[met.node];
		if (n->len > first->len || common(n->hi, n->lo, first->hi, first->lo) < n->len)
			break;
		note(n, &met);
		if (n->len == first->len) /* both ways go on from here */
			break;
		met.node = n->child[bit(first->hi, first->lo, n->len)];
	}
	return met;
}

static void make_starts(const struct trie_maker *m, struct trie *t)
{
	for (uint32_t i = 0; i < STARTS_N; i++) {
		const struct range v4 = { .lo = 0xffff'0000'0000 | (uint64_t)i << 16, .len = START_LEN_V4 };
		const struct range v6 = { .hi = 1ull << 61 | (uint64_t)i << (64 - START_LEN_V6),
					  .len = START_LEN_V6 };
		t->v4[i] = start_of(m, ROOT_V4, &v4);
		t->v6[i] = start_of(m, ROOT_V6, &v6);
	}
}

enum err trie_finish(struct trie_maker *m, void **out, size_t *len)
{
	size_t size = sizeof(struct trie) + (size_t)m->n * sizeof *m->nodes;
	struct trie *t = calloc(1, size);
	if (t == nullptr)
		return ERR_NOMEM;
	t->magic = MAGIC;
	t->nodes_n = m->n;
	t->prefixes_n = m->prefixes_n;
	t->wants_country = m->wants_country;
	make_starts(m, t);
	memcpy(t->nodes, m->nodes, (size_t)m->n * sizeof *m->nodes);
	trie_abandon(m);
	*out = t;
	*len = size;
	return ERR_OK;
}
