/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

const uint8_t *reader_take(struct reader *r, size_t len)
{
	if (r->failed || len > r->left) {
		r->failed = true;
		return nullptr;
	}
	const uint8_t *p = r->at;
	if (len > 0) /* at may be nullptr in an empty reader */
		r->at += len;
	r->left -= len;
	return p;
}

/* n bytes, most significant first; zero after a failure. */
static uint64_t take_be(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);
	uint64_t v = 0;
	for (size_t i = 0; p != nullptr && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)take_be(r, 1);
}
uint16_t reader_u16be(struct reader *r)
{
	return (uint16_t)take_be(r, 2);
}
uint32_t reader_u24be(struct reader *r)
{
	return (uint32_t)take_be(r, 3);
}
uint32_t reader_u32be(struct reader *r)
{
	return (uint32_t)take_be(r, 4);
}
uint64_t reader_u48be(struct reader *r)
{
	return take_be(r, 6);
}

void reader_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);
	if (p != nullptr && len > 0)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

/* Room for len bytes, or nullptr and failed. */
static uint8_t *room(struct writer *w, size_t len)
{
	if (w->failed || len > w->cap - w->len) {
		w->failed = true;
		return nullptr;
	}
	uint8_t *p = len > 0 ? w->start + w->len : w->start; /* nullptr in an empty writer */
	w->len += len;
	return p;
}

static void put_be(struct writer *w, uint64_t v, size_t n)
{
	uint8_t *p = room(w, n);
	for (size_t i = 0; p != nullptr && i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

void writer_u8(struct writer *w, uint8_t v)
{
	put_be(w, v, 1);
}
void writer_u16be(struct writer *w, uint16_t v)
{
	put_be(w, v, 2);
}
void writer_u24be(struct writer *w, uint32_t v)
{
	put_be(w, v, 3);
}
void writer_u32be(struct writer *w, uint32_t v)
{
	put_be(w, v, 4);
}
void writer_u48be(struct writer *w, uint64_t v)
{
	put_be(w, v, 6);
}

void writer_put(struct writer *w, const void *p, size_t len)
{
	uint8_t *to = room(w, len);
	if (to != nullptr && len > 0)
		memcpy(to, p, len);
}

void writer_str(struct writer *w, const char *s)
{
	writer_put(w, s, strlen(s));
}

void writer_fmt(struct writer *w, const char *fmt, ...)
{
	if (w->failed)
		return;
	va_list ap;
	va_start(ap, fmt);
	size_t left = w->cap - w->len;
	/* vsnprintf wants room for the end it writes: a text that fills the last byte does not fit */
	int n = vsnprintf((char *)w->start + w->len, left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		w->failed = true;
	else
		w->len += (size_t)n;
}
