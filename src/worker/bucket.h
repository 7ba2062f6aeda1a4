/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bucket - a limit of bytes a second: what does not fit is dropped (rx-data-per-sec, tx-data-per-sec)
 *
 * Full it holds a quarter of a second, at least 64 KB, so that a super-packet passes at any rate.
 *
 * Owner:    a session.  Zeroed it limits nothing.
 * Never:    reads the clock.
 */
#pragma once

#include "base/base.h"

constexpr uint64_t BUCKET_LEAST = 65536;

struct bucket {
	uint64_t rate; /* bytes a second; 0: no limit */
	uint64_t tokens;
	uint64_t last_ns;
};

static inline uint64_t bucket_size(const struct bucket *b)
{
	return MAX(b->rate / 4, BUCKET_LEAST);
}

static inline void bucket_init(struct bucket *b, uint32_t rate, uint64_t now_ns)
{
	*b = (struct bucket){ .rate = rate, .last_ns = now_ns };
	b->tokens = bucket_size(b);
}

/* Are there tokens for len bytes?  Then they are gone. */
static inline bool bucket_take(struct bucket *b, size_t len, uint64_t now_ns)
{
	if (b->rate == 0)
		return true;
	uint64_t second = 1'000'000'000, passed = now_ns > b->last_ns ? now_ns - b->last_ns : 0;
	/* to the micro: what is lost by rounding would be the whole of a slow limit */
	uint64_t more = MIN(passed, 60 * second) / 1000 * b->rate / 1'000'000;
	if (more > 0) {
		b->tokens = MIN(b->tokens + more, bucket_size(b));
		b->last_ns = now_ns;
	}
	if (b->tokens < len)
		return false;
	b->tokens -= len;
	return true;
}
