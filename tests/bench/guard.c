/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard - what the gate costs a connection: prefixes loaded, addresses looked up in trie and board, events counted
 *
 * One line a number: "name value unit".  No argument; it ends within a few seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/guard.h"
#include "guard/trie.h"

constexpr unsigned LOOKUPS = 2'000'000;

static uint64_t seed = 88172645463325252u;

static uint64_t chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* As networks are given out: IPv4 mostly /24, IPv6 /29 to /48 below 2000::/3. */
static struct range some_prefix(unsigned i)
{
	struct range r = { .len = RANGE_FULL };
	if (i % 3 != 0) {
		r.lo = 0xffff'0000'0000 | (uint32_t)chance();
		return range_cut(&r, (uint8_t)(RANGE_V4_BITS + 16 + chance() % 9));
	}
	r.hi = 0x2000'0000'0000'0000 | chance() >> 3;
	return range_cut(&r, (uint8_t)(29 + chance() % 20));
}

static struct range some_address(bool v4)
{
	struct range r = { .len = RANGE_FULL, .lo = chance() };
	if (v4)
		r.lo = 0xffff'0000'0000 | (uint32_t)r.lo;
	else
		r.hi = 0x2000'0000'0000'0000 | chance() >> 3;
	return r;
}

static double since_ns(struct mono t, unsigned n)
{
	return (double)(clock_now().ns - t.ns) / n;
}

static struct trie *build(unsigned n)
{
	struct trie_maker m;
	void *piece = nullptr;
	size_t len;
	struct range *list = calloc(n + 1, sizeof *list);
	if (list == nullptr || trie_begin(&m) != ERR_OK)
		exit(EXIT_FAILURE);
	for (unsigned i = 0; i < n; i++)
		list[i] = some_prefix(i);
	struct mono t = clock_now();
	for (unsigned i = 0; i < n; i++)
		if (trie_add(&m, &list[i], TRIE_COUNTRY_BLOCK) != ERR_OK)
			exit(EXIT_FAILURE);
	if (trie_finish(&m, &piece, &len) != ERR_OK || trie_check(piece, len) != ERR_OK)
		exit(EXIT_FAILURE);
	printf("trie_load_%u %.1f ms\n", n, since_ns(t, 1) / 1e6);
	printf("trie_size_%u %.1f MB\n", n, (double)len / 1e6);
	free(list);
	return piece;
}

static void look_up(const struct trie *t, unsigned n, bool v4)
{
	unsigned found = 0;
	struct mono begun = clock_now();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct range a = some_address(v4);
		found += trie_find(t, &a).verdict != TRIE_NONE;
	}
	printf("trie_lookup_%s_%u %.1f ns hits=%u%%\n", v4 ? "v4" : "v6", n, since_ns(begun, LOOKUPS),
	       (unsigned)(100ull * found / LOOKUPS));
}

static void bench_board(unsigned bans)
{
	static struct board b;
	struct board_writer w;
	struct board_entry e = { .kind = BOARD_BAN, .until_ns = BOARD_FOR_EVER };
	unsigned found = 0;
	memset(&b, 0, sizeof b);
	board_format(&b, 0x1234'5678'9abc'def1);
	board_open(&w, &b, clock_now());
	for (unsigned i = 0; i < bans; i++) {
		struct range a = some_address(i % 2 == 0);
		e.range = range_is_v4(&a) ? a : range_cut(&a, RANGE_PEER_V6);
		if (board_put(&w, &e, clock_now()) != ERR_OK)
			exit(EXIT_FAILURE);
	}
	struct mono begun = clock_now(), now = begun;
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct range a = some_address(i % 2 == 0);
		found += board_find(&b, &a, now, &e);
	}
	printf("board_lookup_%u %.1f ns hits=%u\n", bans, since_ns(begun, LOOKUPS), found);
}

static void on_ban(void *, const struct board_entry *, enum guard_cause, bool)
{
}

static void bench_events(void)
{
	struct guard g;
	const struct guard_ops ops = { .ban = on_ban };
	const struct guard_conf conf = {
		.max_score = 80, .ban_s = 300, .reset_s = 1200, .points_connection = 1
	};
	if (guard_init(&g, 0x1234'5678'9abc'def1, ops) != ERR_OK)
		exit(EXIT_FAILURE);
	guard_set_conf(&g, &conf);
	struct mono begun = clock_now();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		const uint32_t ip = (uint32_t)chance();
		struct addr a = addr_of_ip(&ip, 4);
		guard_connections(&g, &a, 1, 1, begun, 0);
	}
	printf("guard_event_new_peer %.1f ns\n", since_ns(begun, LOOKUPS));
	guard_fini(&g);
}

int main(void)
{
	static const unsigned sizes[] = { 0, 1000, 300'000 };
	struct mono begun = clock_now();
	for (unsigned i = 0; i < LOOKUPS; i++)
		if (some_address(i % 2 == 0).len == 0)
			return EXIT_FAILURE;
	printf("making_an_address %.1f ns\n", since_ns(begun, LOOKUPS));
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct trie *t = build(sizes[i]);
		look_up(t, sizes[i], true);
		look_up(t, sizes[i], false);
		free(t);
	}
	bench_board(0);
	bench_board(16);
	bench_board(BOARD_BANS_MAX);
	bench_events();
	return EXIT_SUCCESS;
}
