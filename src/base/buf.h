/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * buf - checked reader and writer over bytes
 *
 * The only pointer arithmetic on input: a length is checked here, once.  A failure sticks: after it every
 * further get gives zero and every further put does nothing, and reader_ok/writer_ok tell it at the end.
 *
 * Owner:  the caller owns the bytes; reader and writer live on its stack.
 * Never:  allocates.
 */
#pragma once

#include <stdarg.h>

#include "base/base.h"

struct reader {
	const uint8_t *at;
	size_t left; /* bytes not yet read */
	bool failed;
};

static inline struct reader reader_of(const void *p, size_t len)
{
	return (struct reader){ .at = p, .left = len };
}
static inline bool reader_ok(const struct reader *r)
{
	return !r->failed;
}

/* Step over len bytes and return where they begin; nullptr (and failed) if fewer are left. */
const uint8_t *reader_take(struct reader *r, size_t len);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u24be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u48be(struct reader *r);
/* Copy len bytes to out; zero-fills out on failure. */
void reader_copy(struct reader *r, void *out, size_t len);

struct writer {
	uint8_t *start;
	size_t len; /* bytes written */
	size_t cap;
	bool failed;
};

static inline struct writer writer_of(void *p, size_t cap)
{
	return (struct writer){ .start = p, .cap = cap };
}
static inline bool writer_ok(const struct writer *w)
{
	return !w->failed;
}

void writer_u8(struct writer *w, uint8_t v);
void writer_u16be(struct writer *w, uint16_t v);
void writer_u24be(struct writer *w, uint32_t v);
void writer_u32be(struct writer *w, uint32_t v);
void writer_u48be(struct writer *w, uint64_t v);
void writer_put(struct writer *w, const void *p, size_t len);
/* A string without its end; printf-like text without its end. */
void writer_str(struct writer *w, const char *s);
[[gnu::format(printf, 2, 3)]] void writer_fmt(struct writer *w, const char *fmt, ...);
