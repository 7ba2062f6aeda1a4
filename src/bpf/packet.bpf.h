/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packet - from the first byte of a frame to its transport header
 *
 * Up to two VLAN tags, options of IPv4, extension headers of IPv6, fragments.  What cannot be followed is PACKET_OTHER: the
 * kernel may judge it.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	PACKET_VLANS_MAX = 2,
	PACKET_EXTENSIONS_MAX = 6,
	PACKET_IP4_OFFSET = 0x1fff,
	PACKET_IP4_MORE = 0x2000,
	PACKET_IP6_OFFSET = 0xfff8,
	PACKET_IP6_MORE = 1,
};

enum packet_kind {
	PACKET_OTHER,
	PACKET_WHOLE,
	PACKET_FIRST, /* the first fragment of several */
	PACKET_LATER, /* has no transport header */
};

struct packet {
	const __u8 *start, *at, *end; /* at: the transport header */
	__u8 source[16], target[16];  /* IPv4 as ::ffff:a.b.c.d */
	__u8 is_v4;
	__u8 protocol;
};

/* The next n bytes, or nothing. */
static __always_inline const void *packet_take(struct packet *p, __u32 n)
{
	const __u8 *at = p->at;
	if (at + n > p->end)
		return (const void *)0;
	p->at = at + n;
	return at;
}

static __always_inline __be16 packet_ether_type(struct packet *p)
{
	const struct ethhdr *eth = packet_take(p, sizeof *eth);
	if (!eth)
		return 0;
	__be16 type = eth->h_proto;
	for (int i = 0; i < PACKET_VLANS_MAX; i++) {
		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		const __be16 *tag = packet_take(p, 4);
		if (!tag)
			return 0;
		type = tag[1];
	}
	return type;
}

static __always_inline enum packet_kind packet_parse4(struct packet *p)
{
	const struct iphdr *ip = packet_take(p, sizeof *ip);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return PACKET_OTHER;
	p->is_v4 = 1;
	p->protocol = ip->protocol;
	p->source[10] = p->source[11] = p->target[10] = p->target[11] = 0xff;
	__builtin_memcpy(p->source + 12, &ip->saddr, 4);
	__builtin_memcpy(p->target + 12, &ip->daddr, 4);
	__u16 fragment = bpf_ntohs(ip->frag_off);
	__u32 options = (ip->ihl - 5u) * 4;
	if (!packet_take(p, options & 0x3f))
		return PACKET_OTHER;
	if (fragment & PACKET_IP4_OFFSET)
		return PACKET_LATER;
	return fragment & PACKET_IP4_MORE ? PACKET_FIRST : PACKET_WHOLE;
}

/* Whether p->protocol was an extension, which is behind us now; kind is written by a fragment header. */
static __always_inline int packet_extension(struct packet *p, enum packet_kind *kind)
{
	const __u8 *head = p->at;
	__u32 units = 1; /* of 8 bytes */
	if (head + 8 > p->end)
		return 0;
	switch (p->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS: units = head[1] + 1u; break;
	case IPPROTO_FRAGMENT: {
		__u16 offset = (__u16)(head[2] << 8 | head[3]);
		*kind = offset & PACKET_IP6_OFFSET ? PACKET_LATER
			: offset & PACKET_IP6_MORE ? PACKET_FIRST
						   : PACKET_WHOLE;
		break;
	}
	default: return 0;
	}
	p->protocol = head[0];
	return packet_take(p, units * 8) != (const void *)0;
}

static __always_inline enum packet_kind packet_parse6(struct packet *p)
{
	const struct ipv6hdr *ip = packet_take(p, sizeof *ip);
	if (!ip || ip->version != 6)
		return PACKET_OTHER;
	p->protocol = ip->nexthdr;
	__builtin_memcpy(p->source, &ip->saddr, 16);
	__builtin_memcpy(p->target, &ip->daddr, 16);
	enum packet_kind kind = PACKET_WHOLE;
	for (int i = 0; i < PACKET_EXTENSIONS_MAX; i++)
		if (kind == PACKET_LATER || !packet_extension(p, &kind))
			break;
	return kind;
}
