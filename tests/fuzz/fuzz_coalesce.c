/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: coalesce_init, coalesce_add, coalesce_next; segment_init and segment_next to undo it.
 *
 * Input: a byte (1: UDP may be joined), then records that begin with a byte of options and a byte b:
 *   1 - a packet of b bytes follows; else it is the last one again, moved on in its flow (id, sequence number), then
 *       2 bytes follow: the place of a byte to change (modulo its length) and what to change there
 *   2 - its checksums are mended
 *   4 - everything is taken out before
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "unit/test_offload.h"
#include "wire/coalesce.h"
#include "wire/segment.h"

constexpr size_t PACKETS = 256;
constexpr size_t LEN_MAX = 512;

static struct coalesce c;
static struct coalesce_out out;
static struct packet {
	uint8_t original[LEN_MAX];
	uint8_t *block; /* of exactly its size */
	size_t len;
	bool is_out;
} packets[PACKETS];
static size_t packets_n;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t upper_of(const uint8_t *p)
{
	return p[0] >> 4 == 4 ? 20 : 40;
}

static uint8_t protocol_of(const uint8_t *p)
{
	return p[0] >> 4 == 4 ? p[9] : p[6];
}

/* Long enough for the plain headers of what it says it is? */
static bool has_heads(const uint8_t *p, size_t len)
{
	if (len < 1 || (p[0] >> 4 != 4 && p[0] >> 4 != 6) || len < upper_of(p))
		return false;
	size_t upper_len = len - upper_of(p);
	return (protocol_of(p) == IP_PROTO_TCP && upper_len >= 20) ||
	       (protocol_of(p) == IP_PROTO_UDP && upper_len >= 8);
}

static void mend(uint8_t *p, size_t len)
{
	if (!has_heads(p, len))
		return;
	size_t upper = upper_of(p);
	bool is_tcp = protocol_of(p) == IP_PROTO_TCP;
	uint8_t *csum = p + upper + (is_tcp ? 16 : 6);
	if (upper == 20) {
		made_put16(p + 2, len);
		made_put16(p + 10, 0);
		made_put16(p + 10, ~made_sum(0, p, 20));
	} else {
		made_put16(p + 4, len - 40);
	}
	if (!is_tcp)
		made_put16(p + upper + 4, len - upper);
	made_put16(csum, 0);
	uint16_t sum = (uint16_t)~made_sum(made_pseudo(p, nullptr, protocol_of(p), len - upper), p + upper,
					   len - upper);
	made_put16(csum, sum == 0 && !is_tcp ? 0xffff : sum);
}

static void advance(uint8_t *p, size_t len)
{
	if (!has_heads(p, len))
		return;
	size_t upper = upper_of(p);
	if (upper == 20)
		made_put16(p + 4, made_get16(p + 4) + 1u);
	if (protocol_of(p) != IP_PROTO_TCP)
		return;
	size_t head_len = upper + (size_t)(p[upper + 12] >> 4) * 4;
	uint32_t seq = (uint32_t)made_get16(p + upper + 4) << 16 | made_get16(p + upper + 6);
	made_put32(p + upper + 4, seq + (uint32_t)(len > head_len ? len - head_len : 0));
}

static size_t index_of(const void *at)
{
	for (size_t i = 0; i < packets_n; i++)
		if ((const uint8_t *)at >= packets[i].block &&
		    (const uint8_t *)at < packets[i].block + packets[i].len)
			return i;
	abort();
}

static bool is_same_flow(const struct packet *a, const struct packet *b)
{
	const uint8_t *p = a->original, *q = b->original;
	if (!has_heads(p, a->len) || !has_heads(q, b->len) || p[0] >> 4 != q[0] >> 4 ||
	    protocol_of(p) != protocol_of(q))
		return false;
	size_t upper = upper_of(p), addrs = upper == 20 ? 12 : 8;
	return memcmp(p + addrs, q + addrs, upper - addrs + 4) == 0;
}

/* It comes out now: nothing of its flow that came in before it may still be inside. */
static void take(size_t i)
{
	assert(!packets[i].is_out);
	packets[i].is_out = true;
	for (size_t before = 0; before < i; before++)
		assert(packets[before].is_out || !is_same_flow(&packets[before], &packets[i]));
}

static void check_lone(void)
{
	const struct packet *k = &packets[index_of(out.iov[1].iov_base)];
	take((size_t)(k - packets));
	assert(out.iov_n == 2 && out.iov[1].iov_base == k->block && out.iov[1].iov_len == k->len);
	assert(memcmp(k->block, k->original, k->len) == 0);
	assert(out.hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE && out.hdr.flags == 0);
}

/* What the segmenter makes of the run are the packets that went in, each of which was right. */
static void check_run(void)
{
	static uint8_t flat[UINT16_MAX], piece[LEN_MAX];
	size_t len = 0, n;
	for (unsigned i = 1; i < out.iov_n; i++) {
		assert(len + out.iov[i].iov_len <= sizeof flat);
		memcpy(flat + len, out.iov[i].iov_base, out.iov[i].iov_len);
		len += out.iov[i].iov_len;
	}
	struct segment s;
	enum err e = segment_init(&s, &out.hdr, flat, len);
	assert(e == ERR_OK && s.packet.len == len && s.head_len == out.hdr.hdr_len);
	uint16_t first_id = 0;
	for (unsigned i = 1; i < out.iov_n; i++) {
		size_t which = index_of(out.iov[i].iov_base);
		uint8_t *original = packets[which].original;
		take(which);
		e = segment_next(&s, piece, sizeof piece, &n);
		assert(e == ERR_OK && n == packets[which].len);
		assert(made_is_right(original, n, upper_of(original), nullptr, protocol_of(original)));
		assert(made_is_right(piece, n, upper_of(piece), nullptr, protocol_of(piece)));
		first_id = i == 1 ? made_get16(original + 4) : first_id;
		if (upper_of(original) == 20 && made_get16(original + 4) == first_id &&
		    (original[6] & 0x40) != 0) {
			memcpy(original + 4, piece + 4, 2); /* fixed ids come back counted */
			memcpy(original + 10, piece + 10, 2);
		}
		/* a sum of zero has two faces */
		size_t csum = upper_of(piece) + (protocol_of(piece) == IP_PROTO_TCP ? 16 : 6);
		if (made_get16(piece + csum) % 0xffff == 0)
			memcpy(original + csum, piece + csum, 2);
		if (upper_of(piece) == 20 && made_get16(piece + 10) % 0xffff == 0)
			memcpy(original + 10, piece + 10, 2);
		assert(memcmp(piece, original, n) == 0);
	}
	e = segment_next(&s, piece, sizeof piece, &n);
	assert(e == ERR_NOTFOUND);
}

static void drain(void)
{
	while (coalesce_next(&c, &out) == ERR_OK) {
		assert(out.iov_n == 1 + out.packets_n && out.iov[0].iov_base == &out.hdr);
		if (out.packets_n == 1)
			check_lone();
		else
			check_run();
	}
	for (size_t i = 0; i < packets_n; i++) {
		assert(packets[i].is_out);
		free(packets[i].block);
	}
	packets_n = 0;
}

/* In bytes[], of the last one's length; false: the input ends. */
static bool next_packet(struct reader *r, uint8_t *bytes, size_t *len)
{
	uint8_t options = reader_u8(r), b = reader_u8(r);
	if ((options & 1) != 0) {
		*len = b;
		reader_copy(r, bytes, b);
	} else {
		advance(bytes, *len);
		size_t at = reader_u8(r);
		uint8_t change = reader_u8(r);
		if (b > 0 && *len + b - 128u < LEN_MAX)
			*len = *len + b - 128u; /* b: 128 is the same length */
		if (*len > 0)
			bytes[at % *len] ^= change;
	}
	if ((options & 2) != 0)
		mend(bytes, *len);
	if ((options & 4) != 0 || packets_n == PACKETS)
		drain();
	return reader_ok(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	uint8_t bytes[LEN_MAX] = {};
	size_t len = 0;
	coalesce_init(&c, (reader_u8(&r) & 1) != 0);
	while (next_packet(&r, bytes, &len)) {
		struct packet *k = &packets[packets_n];
		if (len == 0)
			continue;
		*k = (struct packet){ .len = len, .block = malloc(len) };
		if (k->block == nullptr)
			abort();
		memcpy(k->original, bytes, len);
		memcpy(k->block, bytes, len);
		enum err e = coalesce_add(&c, k->block, len);
		assert(e == ERR_OK);
		packets_n++;
	}
	drain();
	return 0;
}
