/* SPDX-License-Identifier: GPL-3.0-or-later */
/* packet - builds the frames that programs are tested with */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/base.h"

constexpr size_t PACKET_ROOM = 2048;
constexpr uint8_t FLAG_SYN = 0x02, FLAG_ACK = 0x10, FLAG_RST = 0x04;

struct frame {
	const char *source, *target;
	uint8_t protocol;       /* 0: UDP */
	uint16_t port, from;    /* 0: 443; 40000 */
	uint8_t flags;          /* of TCP */
	uint32_t seq;
	const uint8_t *payload; /* of UDP */
	size_t payload_len;
	int vlans;
	int extensions;         /* IPv6: destination options; IPv4: words of options */
	bool has_fragment;
	uint16_t fragment;      /* IPv4: frag_off; IPv6: offset and M */
	size_t cut;             /* 0: whole; else the frame is so long */
	int udp_len;            /* 0: the right one */
};

struct built {
	uint8_t bytes[PACKET_ROOM];
	size_t len;
	size_t ip_at, l4_at;
};

static inline void put(struct built *b, const void *bytes, size_t n)
{
	assert(b->len + n <= PACKET_ROOM);
	if (n > 0)
		memcpy(b->bytes + b->len, bytes, n);
	b->len += n;
}

static inline void put16(struct built *b, uint16_t v)
{
	put(b, &(uint16_t){ htons(v) }, 2);
}

static inline void put_transport(struct built *b, const struct frame *f)
{
	static const uint8_t zeros[8];
	b->l4_at = b->len;
	put16(b, f->from != 0 ? f->from : 40'000);
	put16(b, f->port != 0 ? f->port : 443);
	if (f->protocol == IPPROTO_TCP) {
		put(b, &(uint32_t){ htonl(f->seq) }, 4);
		put(b, zeros, 4);
		put(b, (uint8_t[]){ 0x50, f->flags, 0xff, 0xff }, 4);
		put(b, zeros, 4);
		return;
	}
	put16(b, f->udp_len != 0 ? (uint16_t)f->udp_len : (uint16_t)(8 + f->payload_len));
	put16(b, 0);
	put(b, f->payload, f->payload_len);
}

static inline void put_ipv6(struct built *b, const struct frame *f, uint8_t protocol)
{
	struct in6_addr from, to;
	inet_pton(AF_INET6, f->source, &from);
	inet_pton(AF_INET6, f->target, &to);
	put(b, (uint8_t[]){ 0x60, 0, 0, 0, 0, 0 }, 6);
	put(b, (uint8_t[]){ f->extensions > 0 ? 60 : f->has_fragment ? 44 : protocol, 64 }, 2);
	put(b, &from, 16);
	put(b, &to, 16);
	for (int i = 0; i < f->extensions; i++)
		put(b,
		    (uint8_t[]){ i + 1 < f->extensions ? 60
				 : f->has_fragment     ? 44
						       : protocol,
				 0, 1, 4, 0, 0, 0, 0 },
		    8);
	if (f->has_fragment)
		put(b,
		    (uint8_t[]){ protocol, 0, (uint8_t)(f->fragment >> 8), (uint8_t)f->fragment, 0, 0, 0, 1 },
		    8);
	put_transport(b, f);
	uint16_t len = htons((uint16_t)(b->len - b->ip_at - 40));
	memcpy(b->bytes + b->ip_at + 4, &len, 2);
}

static inline void put_ipv4(struct built *b, const struct frame *f, uint8_t protocol)
{
	struct in_addr from, to;
	inet_pton(AF_INET, f->source, &from);
	inet_pton(AF_INET, f->target, &to);
	put(b, (uint8_t[]){ (uint8_t)(0x45 + f->extensions), 0, 0, 0, 0, 1 }, 6);
	put16(b, f->fragment);
	put(b, (uint8_t[]){ 64, protocol, 0, 0 }, 4);
	put(b, &from, 4);
	put(b, &to, 4);
	for (int i = 0; i < f->extensions; i++)
		put(b, (uint8_t[]){ 1, 1, 1, 1 }, 4);
	put_transport(b, f);
	uint16_t len = htons((uint16_t)(b->len - b->ip_at));
	memcpy(b->bytes + b->ip_at + 2, &len, 2);
}

static inline struct built build_frame(const struct frame *f)
{
	struct built b = { 0 };
	bool is_v6 = strchr(f->source, ':') != nullptr;
	uint8_t protocol = f->protocol != 0 ? f->protocol : IPPROTO_UDP;
	put(&b, (uint8_t[12]){ 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 }, 12);
	for (int i = 0; i < f->vlans; i++) {
		put16(&b, i == 0 && f->vlans > 1 ? 0x88a8 : 0x8100);
		put16(&b, (uint16_t)(100 + i));
	}
	put16(&b, is_v6 ? 0x86dd : 0x0800);
	b.ip_at = b.len;
	if (is_v6)
		put_ipv6(&b, f, protocol);
	else
		put_ipv4(&b, f, protocol);
	if (f->cut > 0 && f->cut < b.len)
		b.len = f->cut;
	return b;
}
