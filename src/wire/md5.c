/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/md5.h"

#include <string.h>

#include "base/secret.h"

/* RFC 1321, 3.4: floor(2^32 * |sin(i + 1)|) */
static const uint32_t sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
	0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
	0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
	0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
	0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const uint8_t turns[4][4] = {
	{ 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
};

static uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Which word step i reads, and its function of b, c, d. */
static uint32_t mix(uint32_t i, const uint32_t s[4], uint32_t *word)
{
	uint32_t b = s[1], c = s[2], d = s[3];
	switch (i / 16) {
	case 0: *word = i % 16; return (b & c) | (~b & d);
	case 1: *word = (5 * i + 1) % 16; return (d & b) | (~d & c);
	case 2: *word = (3 * i + 5) % 16; return b ^ c ^ d;
	default: *word = (7 * i) % 16; return c ^ (b | ~d);
	}
}

static void compress(uint32_t state[4], const uint8_t block[MD5_BLOCK])
{
	uint32_t s[4];
	memcpy(s, state, sizeof s);
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t word, turn = turns[i / 16][i % 4];
		uint32_t f = s[0] + mix(i, s, &word);
		f += sines[i] + get_le32(block + 4 * (size_t)word);
		s[0] = s[3];
		s[3] = s[2];
		s[2] = s[1];
		s[1] += f << turn | f >> (32 - turn);
	}
	for (size_t i = 0; i < 4; i++)
		state[i] += s[i];
	secret_wipe_bytes(s, sizeof s);
}

void md5_init(struct md5 *m)
{
	*m = (struct md5){ .state = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void md5_add(struct md5 *m, const void *p, size_t len)
{
	const uint8_t *at = p;
	while (len > 0) {
		size_t used = m->bytes_n % MD5_BLOCK;
		size_t n = MIN(len, MD5_BLOCK - used);
		memcpy(m->block + used, at, n);
		m->bytes_n += n;
		at += n;
		len -= n;
		if (m->bytes_n % MD5_BLOCK == 0)
			compress(m->state, m->block);
	}
}

void md5_finish(struct md5 *m, uint8_t out[MD5_LEN])
{
	uint8_t bits[8];
	put_le32(bits, (uint32_t)(m->bytes_n << 3));
	put_le32(bits + 4, (uint32_t)(m->bytes_n >> 29));
	static const uint8_t pad[MD5_BLOCK] = { 0x80 };
	md5_add(m, pad, 1 + (MD5_BLOCK + 55 - m->bytes_n % MD5_BLOCK) % MD5_BLOCK);
	md5_add(m, bits, sizeof bits);
	for (size_t i = 0; i < 4; i++)
		put_le32(out + 4 * i, m->state[i]);
	secret_wipe_bytes(m, sizeof *m);
}

static void begin_with(struct md5 *m, const uint8_t *key, size_t key_len, uint8_t mask)
{
	uint8_t block[MD5_BLOCK] = {};
	memcpy(block, key, key_len);
	for (size_t i = 0; i < sizeof block; i++)
		block[i] ^= mask;
	md5_init(m);
	md5_add(m, block, sizeof block);
	secret_wipe_bytes(block, sizeof block);
}

enum err md5_hmac(const uint8_t *key, size_t key_len, const void *a, size_t a_len, const void *b,
		  size_t b_len, uint8_t out[MD5_LEN])
{
	if (key_len > MD5_BLOCK)
		return ERR_RANGE;
	struct md5 m;
	uint8_t inner[MD5_LEN];
	begin_with(&m, key, key_len, 0x36);
	md5_add(&m, a, a_len);
	if (b_len > 0)
		md5_add(&m, b, b_len);
	md5_finish(&m, inner);
	begin_with(&m, key, key_len, 0x5c);
	md5_add(&m, inner, sizeof inner);
	md5_finish(&m, out);
	secret_wipe_bytes(inner, sizeof inner);
	return ERR_OK;
}
