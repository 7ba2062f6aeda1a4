/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trie - many prefixes, and which is the longest that covers an address: a path-compressed binary trie
 *
 * It is one piece of memory without pointers, so that one process builds it, seals it in a memfd, and all others read it where it lies:
 * a new one is a new piece, and changing over is changing one pointer.  In front of each family is a table of 16 bits: of IPv4 the first, of IPv6 those
 * behind the three that all addresses in use have in common (2000::/3).
 *
 * Each prefix has a verdict of one of two ranks.  Those of the first rank (lines allow and block) decide before those of the second (countries);
 * within a rank the longest prefix does, and of two verdicts on the same prefix the smaller number.
 *
 * Owner:    who builds it; readers only look.
 * Never:    logs, or reads the clock; allocates only while it is built.
 */
#pragma once

#include "guard/range.h"

enum trie_verdict : uint8_t {
	TRIE_NONE,
	TRIE_ALLOW,
	TRIE_BLOCK,
	TRIE_COUNTRY_ALLOW,
	TRIE_COUNTRY_BLOCK,
	TRIE_VERDICTS_N
};

struct trie_node {
	uint64_t hi, lo;
	uint32_t child[2]; /* 0: none */
	uint8_t len;
	uint8_t verdict[2]; /* of each rank; 0: a fork only */
};

struct trie_result {
	enum trie_verdict verdict; /* TRIE_NONE: no prefix covers it */
	uint8_t len;               /* of the prefix that decided */
};

constexpr uint32_t TRIE_PREFIXES_MAX = 4'000'000;

/* {{ reading }} */

struct trie;

/* A mapping of len bytes that trie_bytes gave; ERR_PROTO: it is none, or damaged. */
enum err trie_check(const void *p, size_t len);
/* t nullptr: TRIE_NONE. */
struct trie_result trie_find(const struct trie *t, const struct range *address);
/* Prefixes in it. */
uint32_t trie_count(const struct trie *t);
/* Some country is allowed: what is in none of these is not. */
bool trie_wants_country(const struct trie *t);

/* {{ building }} */

struct trie_maker {
	struct trie_node *nodes; /* [0] is none, [1] the root of IPv6, [2] of IPv4 */
	uint32_t n, cap, prefixes_n;
	bool wants_country;
};

enum err trie_begin(struct trie_maker *m);
/* ERR_NOMEM; ERR_FULL: more than TRIE_PREFIXES_MAX. */
enum err trie_add(struct trie_maker *m, const struct range *r, enum trie_verdict verdict);
/* The finished piece; the caller frees *out. */
enum err trie_finish(struct trie_maker *m, void **out, size_t *len);
void trie_abandon(struct trie_maker *m);
