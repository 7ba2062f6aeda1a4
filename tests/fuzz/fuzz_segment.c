/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: segment_init, segment_len_max, segment_next, segment_sum.
 *
 * Input: a byte of options, a struct virtio_net_hdr, a packet.
 * Options: 1 - the checksum fields of the header are set to fit the packet, and the packet's sum to its pseudo header.
 */
#include <stdlib.h>
#include <string.h>

#include "unit/test_offload.h"
#include "wire/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy_of(const uint8_t *p, size_t len)
{
	uint8_t *block = malloc(len > 0 ? len : 1);
	if (block == nullptr)
		abort();
	memcpy(block, p, len);
	return block;
}

/* true: done, so the segments have to have right checksums. */
static bool fit(struct virtio_net_hdr *h, uint8_t *p, size_t len)
{
	struct ip_packet k;
	if (ip_parse(p, len, &k) != ERR_OK || (k.protocol != IP_PROTO_TCP && k.protocol != IP_PROTO_UDP))
		return false;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = k.header_len;
	h->csum_offset = k.protocol == IP_PROTO_TCP ? 16 : 6;
	if (h->csum_start + h->csum_offset + 2u > k.len)
		return false;
	size_t upper_len = k.len - k.header_len;
	made_put16(p + h->csum_start + h->csum_offset, made_pseudo(p, nullptr, k.protocol, upper_len));
	if (k.version == 4) {
		made_put16(p + 10, 0);
		made_put16(p + 10, ~made_sum(0, p, k.header_len));
	}
	return true;
}

static void check_lone(struct segment *s, bool is_right)
{
	size_t len = s->packet.len, n;
	struct segment again = *s;
	uint8_t *in_place = copy_of(s->packet.start, len), *out = malloc(len);
	if (out == nullptr)
		abort();
	enum err e = segment_next(s, out, len - 1, &n);
	assert(e == ERR_FULL);
	e = segment_next(s, out, len, &n);
	assert(e == ERR_OK && n == len);
	again.packet.start = in_place;
	e = segment_next(&again, in_place, len, &n);
	assert(e == ERR_OK && memcmp(in_place, out, len) == 0);
	if (is_right)
		assert(made_is_right(out, len, s->csum_start, nullptr, s->packet.protocol));
	free(in_place);
	free(out);
}

/* Each segment in a block of exactly its size. */
static void check_run(struct segment *s, bool is_right)
{
	const struct ip_packet *k = &s->packet;
	size_t most = segment_len_max(s), at = 0, total = k->len - s->head_len;
	enum err e;
	do {
		size_t expected = s->head_len + MIN(s->size, total - at), len;
		uint8_t *out = malloc(expected);
		struct ip_packet one;
		if (out == nullptr)
			abort();
		e = segment_next(s, out, expected - 1, &len);
		assert(e == ERR_FULL);
		e = segment_next(s, out, expected, &len);
		assert(e == ERR_OK && len == expected && len <= most);
		e = ip_parse(out, len, &one);
		assert(e == ERR_OK && one.len == len && one.header_len == k->header_len &&
		       one.protocol == k->protocol);
		assert(memcmp(out + s->head_len, k->start + s->head_len + at, len - s->head_len) == 0);
		if (is_right)
			assert(made_is_right(out, len, k->header_len, nullptr, k->protocol));
		at += len - s->head_len;
		free(out);
	} while (at < total);
	size_t len;
	e = segment_next(s, nullptr, 0, &len);
	assert(e == ERR_NOTFOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr h;
	if (size < 1 + sizeof h)
		return 0;
	memcpy(&h, data + 1, sizeof h);
	size_t len = size - 1 - sizeof h;
	uint8_t *p = copy_of(data + 1 + sizeof h, len);
	bool is_right = (data[0] & 1) != 0 && fit(&h, p, len);
	assert(ip_sum_fold(segment_sum(3, p, len)) == ip_sum_fold(ip_sum(3, p, len)));
	struct segment s;
	if (segment_init(&s, &h, p, len) == ERR_OK) {
		assert(s.packet.start == p && s.packet.len <= len && segment_len_max(&s) <= s.packet.len);
		if (segment_is_lone(&s))
			check_lone(&s, is_right);
		else
			check_run(&s, is_right);
	}
	free(p);
	return 0;
}
