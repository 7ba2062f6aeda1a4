/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/lzs.h"

#include <string.h>

constexpr size_t WINDOW = 2047; /* farthest copy */
constexpr size_t NEAR = 127;    /* of the short form */
constexpr unsigned HASH_BITS = 10;
constexpr unsigned TRIES = 8; /* earlier places looked at for one copy: time is bounded whatever the packet */
constexpr size_t LONG = 8; /* lengths from here on are written in nibbles */
constexpr unsigned NIBBLE = 15;

/* {{ bits, highest first }} */

struct bits_out {
	uint8_t *p;
	size_t len, cap;
	uint32_t held; /* the low held_n bits wait */
	unsigned held_n;
	bool full;
};

static void put(struct bits_out *b, uint32_t value, unsigned n)
{
	b->held = b->held << n | value;
	b->held_n += n;
	while (b->held_n >= 8) {
		if (b->len == b->cap) {
			b->full = true;
			b->held_n &= 7;
			return;
		}
		b->held_n -= 8;
		b->p[b->len++] = (uint8_t)(b->held >> b->held_n);
	}
}

struct bits_in {
	const uint8_t *p;
	size_t left;
	uint32_t held;
	unsigned held_n;
	bool short_of; /* more was asked for than there is */
};

static uint32_t take(struct bits_in *b, unsigned n)
{
	while (b->held_n < n) {
		if (b->left == 0) {
			b->short_of = true;
			return 0;
		}
		b->held = b->held << 8 | *b->p++;
		b->left--;
		b->held_n += 8;
	}
	b->held_n -= n;
	return b->held >> b->held_n & ((1u << n) - 1);
}

/* {{ compress }} */

/* Where three bytes were seen last, and before that; positions count from 1, 0: nowhere. */
struct places {
	uint16_t last[1 << HASH_BITS];
	uint16_t before[WINDOW + 1]; /* ring by position */
};
static_assert(((WINDOW + 1) & WINDOW) == 0, "the ring is indexed by mask");
static_assert(LZS_INPUT_MAX < UINT16_MAX);

static unsigned hash_of(const uint8_t *p)
{
	uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
	return three * 2654435761u >> (32 - HASH_BITS);
}

static void remember(struct places *at, const uint8_t *in, size_t i)
{
	unsigned h = hash_of(in + i);
	at->before[(i + 1) & WINDOW] = at->last[h];
	at->last[h] = (uint16_t)(i + 1);
}

/* Length of the longest earlier copy of what is at i, 0 if there is none of at least 3 bytes. */
static size_t find(const struct places *at, const uint8_t *in, size_t n, size_t i, size_t *offset)
{
	size_t best = 0;
	size_t seen = at->last[hash_of(in + i)];
	for (unsigned tries = TRIES; seen != 0 && i - (seen - 1) <= WINDOW && tries > 0; tries--) {
		const uint8_t *old = in + seen - 1;
		size_t len = 0;
		while (i + len < n && old[len] == in[i + len])
			len++;
		if (len > best) {
			best = len;
			*offset = i - (seen - 1);
		}
		size_t next = at->before[seen & WINDOW];
		if (next >= seen)
			break; /* the ring has gone round */
		seen = next;
	}
	return best < 3 ? 0 : best;
}

static void put_copy(struct bits_out *b, size_t offset, size_t len)
{
	if (offset <= NEAR)
		put(b, 3u << 7 | (uint32_t)offset, 9);
	else
		put(b, 2u << 11 | (uint32_t)offset, 13);
	if (len < 5) {
		put(b, (uint32_t)len - 2, 2);
		return;
	}
	if (len < LONG) {
		put(b, 12 + (uint32_t)len - 5, 4);
		return;
	}
	put(b, NIBBLE, 4);
	for (len -= LONG; len >= NIBBLE && !b->full; len -= NIBBLE)
		put(b, NIBBLE, 4);
	put(b, (uint32_t)len, 4);
}

enum err lzs_compress(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len)
{
	if (in_len == 0 || in_len > LZS_INPUT_MAX)
		return ERR_RANGE;
	struct bits_out b = { .p = out, .cap = cap };
	struct places at;
	memset(at.last, 0, sizeof at.last); /* before[] is read only where last[] leads */
	for (size_t i = 0; i < in_len && !b.full;) {
		size_t offset = 0;
		size_t copy = i + 3 <= in_len ? find(&at, in, in_len, i, &offset) : 0;
		if (copy == 0)
			put(&b, in[i], 9);
		else
			put_copy(&b, offset, copy);
		for (size_t end = i + MAX(copy, (size_t)1); i < end; i++)
			if (i + 3 <= in_len)
				remember(&at, in, i);
	}
	put(&b, 0x180, 9);
	if (b.held_n > 0)
		put(&b, 0, 8 - b.held_n);
	if (b.full)
		return ERR_FULL;
	*len = b.len;
	return ERR_OK;
}

/* {{ expand }} */

static size_t take_len(struct bits_in *b, size_t most)
{
	uint32_t v = take(b, 2);
	if (v < 3)
		return v + 2;
	v = take(b, 2);
	if (v < 3)
		return v + 5;
	size_t len = LONG;
	do {
		v = take(b, 4);
		len += v;
	} while (v == NIBBLE && len <= most && !b->short_of);
	return len;
}

/* A copy may overlap what it makes: that is how runs are written. */
static enum err copy(uint8_t *out, size_t at, size_t cap, size_t offset, size_t len)
{
	if (offset == 0 || offset > at)
		return ERR_PROTO;
	if (len > cap - at)
		return ERR_FULL;
	for (size_t i = 0; i < len; i++)
		out[at + i] = out[at + i - offset];
	return ERR_OK;
}

enum err lzs_expand(const uint8_t *in, size_t in_len, uint8_t *out, size_t cap, size_t *len)
{
	struct bits_in b = { .p = in, .left = in_len };
	size_t at = 0;
	while (!b.short_of) {
		if (take(&b, 1) == 0) {
			uint8_t byte = (uint8_t)take(&b, 8);
			if (b.short_of)
				break;
			if (at == cap)
				return ERR_FULL;
			out[at++] = byte;
			continue;
		}
		bool near = take(&b, 1) == 1;
		size_t offset = take(&b, near ? 7 : 11);
		if (b.short_of)
			break;
		if (near && offset == 0) {
			*len = at;
			return ERR_OK;
		}
		size_t n = take_len(&b, cap - at);
		if (b.short_of)
			break;
		TRY(copy(out, at, cap, offset, n));
		at += n;
	}
	return ERR_PROTO;
}
