/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t seed[2];

/* Before main, so that reading the seed needs no check: the only work done there. */
[[gnu::constructor]] static void make_seed(void)
{
	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		abort();
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint32_t table_hash(const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t h = seed[0] ^ len;
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		h = fold(h ^ word, seed[1] | 1);
	}
	uint64_t rest = 0;
	if (len > 0)
		memcpy(&rest, p, len);
	h = fold(h ^ rest, seed[1] | 1);
	return (uint32_t)(h ^ h >> 32);
}
