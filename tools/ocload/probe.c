/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include <endian.h>
#include <string.h>

#include "base/buf.h"

constexpr uint32_t MAGIC = 0x6f636c; /* "ocl" */
constexpr size_t STEP = 8;           /* bytes between two pieces */
constexpr size_t PATTERN_LEN = PROBE_FILL_MAX + PROBE_FILLS * STEP;

static uint8_t pattern[PATTERN_LEN];

/* Before main: threads only read it. */
[[gnu::constructor]] static void make_pattern(void)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < PATTERN_LEN; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (uint8_t)(x >> 32);
	}
}

/* As it stands on the wire; big endian. */
struct head {
	uint32_t magic_kind;
	uint32_t run;
	uint32_t flow;
	uint32_t sum;
	uint64_t seq;
	uint64_t time;
};
static_assert(sizeof(struct head) == PROBE_LEN);

/* Multiply and fold over the 28 bytes that are not the sum; the bytes are taken as they stand. */
static uint32_t sum_of(const struct head *h)
{
	constexpr uint64_t k = 0xd6e8feb86659fd93;
	uint64_t x = (((uint64_t)be32toh(h->magic_kind) << 32) | be32toh(h->run)) * k;
	x = (x ^ (x >> 32) ^ be32toh(h->flow)) * k;
	x = (x ^ (x >> 32) ^ be64toh(h->seq)) * k;
	x = (x ^ (x >> 32) ^ be64toh(h->time)) * k;
	return (uint32_t)(x >> 32);
}

void probe_put(uint8_t out[static PROBE_LEN], const struct probe *p)
{
	struct head h = {
		.magic_kind = htobe32(MAGIC << 8 | p->kind),
		.run = htobe32(p->run),
		.flow = htobe32(p->flow),
		.seq = htobe64(p->seq),
		.time = htobe64(p->time_ns),
	};
	h.sum = htobe32(sum_of(&h));
	memcpy(out, &h, sizeof h);
}

enum err probe_get(struct probe *out, const uint8_t *p, size_t n)
{
	struct head h;
	if (n < sizeof h)
		return ERR_SHORT;
	memcpy(&h, p, sizeof h);
	if (be32toh(h.magic_kind) >> 8 != MAGIC)
		return ERR_PROTO;
	if (be32toh(h.sum) != sum_of(&h))
		return ERR_AUTH;
	*out = (struct probe){
		.kind = (enum probe_kind)(be32toh(h.magic_kind) & 255),
		.run = be32toh(h.run),
		.flow = be32toh(h.flow),
		.seq = be64toh(h.seq),
		.time_ns = be64toh(h.time),
	};
	return ERR_OK;
}

const uint8_t *probe_fill(uint64_t seq)
{
	return pattern + seq % PROBE_FILLS * STEP;
}

bool probe_is_fill(const uint8_t *p, size_t n, uint64_t seq)
{
	return n <= PROBE_FILL_MAX && memcmp(p, probe_fill(seq), n) == 0;
}

static void put_u64be(struct writer *w, uint64_t v)
{
	writer_u32be(w, (uint32_t)(v >> 32));
	writer_u32be(w, (uint32_t)v);
}

static uint64_t get_u64be(struct reader *r)
{
	uint64_t high = reader_u32be(r);
	return high << 32 | reader_u32be(r);
}

void probe_put_wish(uint8_t out[static PROBE_WISH_LEN], const struct probe_wish *w)
{
	struct writer to = writer_of(out, PROBE_WISH_LEN);
	writer_u16be(&to, w->size);
	writer_u16be(&to, w->flows_n);
	writer_u32be(&to, w->millis);
	put_u64be(&to, w->rate_mpps);
}

enum err probe_get_wish(struct probe_wish *out, const uint8_t *p, size_t n)
{
	struct reader r = reader_of(p, n);
	struct probe_wish w = { .size = reader_u16be(&r),
				.flows_n = reader_u16be(&r),
				.millis = reader_u32be(&r) };
	w.rate_mpps = get_u64be(&r);
	if (!reader_ok(&r))
		return ERR_SHORT;
	*out = w;
	return ERR_OK;
}

void probe_put_report(uint8_t out[static PROBE_REPORT_LEN], const struct probe_report *r)
{
	struct writer to = writer_of(out, PROBE_REPORT_LEN);
	const uint64_t all[] = { r->received, r->bytes,   r->twice,   r->reordered,
				 r->late,     r->corrupt, r->dropped, r->sent };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		put_u64be(&to, all[i]);
}

enum err probe_get_report(struct probe_report *out, const uint8_t *p, size_t n)
{
	struct reader from = reader_of(p, n);
	uint64_t all[8];
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = get_u64be(&from);
	if (!reader_ok(&from))
		return ERR_SHORT;
	*out = (struct probe_report){ all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7] };
	return ERR_OK;
}
