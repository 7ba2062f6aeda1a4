/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/ip.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"

constexpr size_t IP4_HEAD = 20;
constexpr size_t IP4_HEAD_MAX = 60;
constexpr size_t IP6_HEAD = 40;
constexpr uint16_t IP4_DONT_FRAGMENT = 0x4000;
constexpr uint16_t IP4_MORE = 0x2000;
constexpr uint16_t IP4_MTU_MIN = 68; /* RFC 791: the longest header and 8 bytes */

constexpr uint8_t IP6_HOP_BY_HOP = 0;
constexpr uint8_t IP6_ROUTING = 43;
constexpr uint8_t IP6_FRAGMENT = 44;
constexpr uint8_t IP6_AUTH = 51;
constexpr uint8_t IP6_DEST_OPTIONS = 60;
constexpr unsigned IP6_EXTENSIONS_MAX = 8; /* bounds the work for one packet; real ones have three */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static enum err parse4(const uint8_t *p, size_t n, struct ip_packet *out)
{
	struct reader r = reader_of(p, n);
	const uint8_t *h = reader_take(&r, IP4_HEAD);
	if (h == nullptr)
		return ERR_SHORT;
	size_t header_len = (h[0] & 15u) * 4, len = be16(h + 2);
	uint16_t bits = be16(h + 6);
	size_t offset = (bits & 0x1fffu) * 8;
	if (header_len < IP4_HEAD || len < header_len || offset + (len - header_len) > UINT16_MAX)
		return ERR_PROTO;
	if (len > n)
		return ERR_SHORT;
	*out = (struct ip_packet){
		.start = p,
		.src = h + 12,
		.dst = h + 16,
		.len = len,
		.header_len = (uint16_t)header_len,
		.fragment_offset = (uint16_t)offset,
		.version = 4,
		.protocol = h[9],
		.tos = h[1],
		.more_fragments = (bits & IP4_MORE) != 0,
		.dont_fragment = (bits & IP4_DONT_FRAGMENT) != 0,
	};
	return ERR_OK;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IP6_HOP_BY_HOP || protocol == IP6_ROUTING || protocol == IP6_FRAGMENT ||
	       protocol == IP6_AUTH || protocol == IP6_DEST_OPTIONS;
}

/* Step over the extension header k->protocol names. */
static void take_extension(struct reader *r, struct ip_packet *k)
{
	const uint8_t *e = reader_take(r, 8);
	if (e == nullptr)
		return;
	size_t len = 8;
	if (k->protocol == IP6_FRAGMENT) {
		k->fragment_offset = be16(e + 2) & 0xfff8;
		k->more_fragments = (e[3] & 1) != 0;
	} else if (k->protocol == IP6_AUTH) {
		/* RFC 4302: in units of 4, less 2; a header of less than 8 bytes counts as 8 */
		len = MAX((e[1] + 2u) * 4, len);
	} else {
		len = (e[1] + 1u) * 8;
	}
	reader_take(r, len - 8);
	k->protocol = e[0];
	k->header_len += (uint16_t)len;
}

static enum err take_extensions(struct reader *r, struct ip_packet *k)
{
	/* what follows the header of a later fragment is the middle of something */
	for (unsigned i = 0; is_extension(k->protocol) && k->fragment_offset == 0; i++) {
		if (i == IP6_EXTENSIONS_MAX)
			return ERR_PROTO;
		take_extension(r, k);
		if (!reader_ok(r))
			return ERR_PROTO;
	}
	return ERR_OK;
}

static enum err parse6(const uint8_t *p, size_t n, struct ip_packet *out)
{
	struct reader r = reader_of(p, n);
	const uint8_t *h = reader_take(&r, IP6_HEAD);
	if (h == nullptr)
		return ERR_SHORT;
	size_t payload_len = be16(h + 4);
	const uint8_t *payload = reader_take(&r, payload_len);
	if (payload == nullptr)
		return ERR_SHORT;
	struct ip_packet k = {
		.start = p,
		.src = h + 8,
		.dst = h + 24,
		.len = IP6_HEAD + payload_len,
		.header_len = IP6_HEAD,
		.version = 6,
		.protocol = h[6],
		.tos = (uint8_t)(h[0] << 4 | h[1] >> 4),
		.dont_fragment = true,
	};
	r = reader_of(payload, payload_len);
	TRY(take_extensions(&r, &k));
	*out = k;
	return ERR_OK;
}

enum err ip_parse(const uint8_t *p, size_t n, struct ip_packet *out)
{
	if (n == 0)
		return ERR_SHORT;
	switch (p[0] >> 4) {
	case 4: return parse4(p, n, out);
	case 6: return parse6(p, n, out);
	default: return ERR_PROTO;
	}
}

bool ip_is_activity(const struct ip_packet *k)
{
	return k->protocol != IP_PROTO_ICMP && k->protocol != IP_PROTO_IGMP && k->protocol != IP_PROTO_ICMP6;
}

bool ip_is_group(uint8_t version, const uint8_t *addr)
{
	if (version == 6)
		return addr[0] == 0xff;
	static const uint8_t broadcast[] = { 255, 255, 255, 255 };
	return addr[0] >> 4 == 0xe || memcmp(addr, broadcast, sizeof broadcast) == 0;
}

/* Words are added as they lie in memory, 4 bytes at once; the sum is the same modulo 2^16 - 1 (RFC 1071, 2). */
uint64_t ip_sum(uint64_t sum, const void *p, size_t len)
{
	const uint8_t *at = p;
	for (; len >= 4; at += 4, len -= 4) {
		uint32_t word;
		memcpy(&word, at, 4);
		sum += word;
	}
	uint8_t rest[4] = {};
	for (size_t i = 0; i < len; i++)
		rest[i] = at[i];
	uint32_t word;
	memcpy(&word, rest, 4);
	return sum + word;
}

uint16_t ip_sum_fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)~sum);
}

uint64_t ip_sum_pseudo(const struct ip_packet *k, uint8_t protocol, size_t upper_len)
{
	uint64_t sum = ip_sum(0, k->src, ip_addr_len(k));
	sum = ip_sum(sum, k->dst, ip_addr_len(k));
	return sum + htonl((uint32_t)upper_len) + htons(protocol);
}

/* Header of the later fragments: RFC 791, 3.1, the copied flag of each option. */
static enum err make_later(struct ip_fragment4 *f)
{
	const struct ip_packet *k = &f->packet;
	struct reader r = reader_of(k->start + IP4_HEAD, k->header_len - IP4_HEAD);
	struct writer w = writer_of(f->later, sizeof f->later);
	writer_put(&w, k->start, IP4_HEAD);
	while (r.left > 0) {
		const uint8_t *option = r.at;
		uint8_t type = reader_u8(&r);
		if (type == 0)
			break;
		if (type == 1)
			continue;
		size_t len = reader_u8(&r);
		if (len < 2 || (reader_take(&r, len - 2), !reader_ok(&r)))
			return ERR_PROTO;
		if ((type & 0x80) != 0)
			writer_put(&w, option, len);
	}
	while (w.len % 4 != 0)
		writer_u8(&w, 0);
	if (!writer_ok(&w))
		return ERR_PROTO;
	f->later_len = (uint8_t)w.len;
	f->later[0] = (uint8_t)(0x40 | w.len / 4);
	return ERR_OK;
}

enum err ip_fragment4_init(struct ip_fragment4 *f, const struct ip_packet *k, uint16_t mtu)
{
	static_assert(sizeof f->later == IP4_HEAD_MAX);
	if (k->version != 4 || k->dont_fragment)
		return ERR_DENIED;
	if (mtu < IP4_MTU_MIN)
		return ERR_RANGE;
	/* a piece that is not the last one has a multiple of 8 bytes */
	if (k->more_fragments && (k->len - k->header_len) % 8 != 0)
		return ERR_PROTO;
	struct ip_fragment4 made = { .packet = *k, .mtu = mtu };
	TRY(make_later(&made));
	*f = made;
	return ERR_OK;
}

static void finish_head(uint8_t *head, size_t head_len, size_t len, size_t offset, bool more)
{
	put_be16(head + 2, len);
	put_be16(head + 6, offset / 8 | (more ? IP4_MORE : 0));
	put_be16(head + 10, 0);
	put_be16(head + 10, ip_sum_fold(ip_sum(0, head, head_len)));
}

enum err ip_fragment4_next(struct ip_fragment4 *f, uint8_t *out, size_t cap, size_t *out_len)
{
	if (f->is_done)
		return ERR_NOTFOUND;
	const struct ip_packet *k = &f->packet;
	const uint8_t *head = f->at == 0 ? k->start : f->later;
	size_t head_len = f->at == 0 ? k->header_len : f->later_len;
	size_t left = k->len - k->header_len - f->at;
	size_t room = f->mtu - head_len;
	bool is_last = left <= room;
	size_t payload_len = is_last ? left : room & ~(size_t)7;
	struct writer w = writer_of(out, cap);
	writer_put(&w, head, head_len);
	writer_put(&w, k->start + k->header_len + f->at, payload_len);
	if (!writer_ok(&w))
		return ERR_FULL;
	finish_head(out, head_len, w.len, (size_t)k->fragment_offset + f->at, k->more_fragments || !is_last);
	f->at += (uint16_t)payload_len;
	f->is_done = is_last;
	*out_len = w.len;
	return ERR_OK;
}
