/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A coalescer, the packets of a batch and what they were before; for test_coalesce*.c. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_offload.h"
#include "wire/coalesce.h"
#include "wire/segment.h"

constexpr size_t SLOT = 2048;
constexpr size_t SLOTS = COALESCE_PACKETS_MAX + 8;

static struct coalesce c;
static struct coalesce_out out;
static uint8_t slots[SLOTS][SLOT], originals[SLOTS][SLOT];
static size_t lens[SLOTS], slots_n;

static inline void start(bool has_uso)
{
	coalesce_init(&c, has_uso);
	slots_n = 0;
}

/* What is in the next slot. */
static inline enum err add_slot(size_t len)
{
	lens[slots_n] = len;
	memcpy(originals[slots_n], slots[slots_n], len);
	enum err e = coalesce_add(&c, slots[slots_n], len);
	slots_n += e == ERR_OK ? 1 : 0;
	return e;
}

static inline enum err try_add(const struct made *m)
{
	return add_slot(made_emit(m, slots[slots_n]));
}

static inline void add(const struct made *m)
{
	assert_int_equal(try_add(m), ERR_OK);
}

/* The next write holds so many packets. */
static inline void expect_out(unsigned packets_n)
{
	assert_int_equal(coalesce_next(&c, &out), ERR_OK);
	assert_int_equal(out.packets_n, packets_n);
	assert_int_equal(out.iov_n, 1 + packets_n);
	assert_ptr_equal(out.iov[0].iov_base, &out.hdr);
	assert_int_equal(out.iov[0].iov_len, sizeof out.hdr);
	if (packets_n == 1) {
		static const struct virtio_net_hdr none;
		assert_memory_equal(&out.hdr, &none, sizeof none);
	}
}

static inline void expect_end(void)
{
	assert_int_equal(coalesce_next(&c, &out), ERR_NOTFOUND);
}

static inline uint8_t *flatten(size_t *len)
{
	static uint8_t flat[65536];
	*len = 0;
	for (unsigned i = 1; i < out.iov_n; i++) {
		assert_true(*len + out.iov[i].iov_len <= sizeof flat);
		memcpy(flat + *len, out.iov[i].iov_base, out.iov[i].iov_len);
		*len += out.iov[i].iov_len;
	}
	return flat;
}

/* The write holds the originals at these places; with fixed ids they come back counted. */
static inline void expect_originals(const size_t *which, size_t n, bool has_fixed_id)
{
	struct segment s;
	size_t len, got;
	uint8_t piece[SLOT];
	const uint8_t *flat = flatten(&len);
	assert_int_equal(segment_init(&s, &out.hdr, flat, len), ERR_OK);
	assert_int_equal(s.packet.len, len);
	for (size_t i = 0; i < n; i++) {
		uint8_t *original = originals[which[i]];
		assert_int_equal(segment_next(&s, piece, sizeof piece, &got), ERR_OK);
		assert_int_equal(got, lens[which[i]]);
		if (has_fixed_id) {
			memcpy(original + 4, piece + 4, 2);
			memcpy(original + 10, piece + 10, 2);
		}
		assert_memory_equal(piece, original, got);
	}
	assert_int_equal(segment_next(&s, piece, sizeof piece, &got), ERR_NOTFOUND);
}

static inline void expect_run(size_t first, size_t n)
{
	size_t which[COALESCE_SEGMENTS_MAX];
	for (size_t i = 0; i < n; i++)
		which[i] = first + i;
	expect_out((unsigned)n);
	expect_originals(which, n, false);
}

/* After a change by hand. */
static inline void mend(uint8_t *p, size_t upper, size_t len, uint8_t protocol)
{
	uint8_t *csum = p + upper + (protocol == IP_PROTO_TCP ? 16 : 6);
	if (p[0] >> 4 == 4) {
		made_put16(p + 10, 0);
		made_put16(p + 10, ~made_sum(0, p, 20));
	}
	made_put16(csum, 0);
	made_put16(csum, ~made_sum(made_pseudo(p, nullptr, protocol, len - upper), p + upper, len - upper));
}
