/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ip - headers of the packets inside the tunnel; checksums; fragments of IPv4
 *
 * Runs in: the worker; pure, a parsed packet points into the caller's bytes.
 */
#pragma once

#include "base/base.h"

constexpr uint8_t IP_PROTO_ICMP = 1;
constexpr uint8_t IP_PROTO_IGMP = 2;
constexpr uint8_t IP_PROTO_TCP = 6;
constexpr uint8_t IP_PROTO_UDP = 17;
constexpr uint8_t IP_PROTO_ICMP6 = 58;

struct ip_packet {
	const uint8_t *start;
	const uint8_t *src, *dst; /* 4 or 16 bytes */
	size_t len;               /* of the packet: bytes behind it in the buffer are not its own */
	uint16_t header_len;      /* with IPv4 options or IPv6 extension headers: where protocol begins */
	uint16_t fragment_offset; /* bytes */
	uint8_t version;          /* 4 or 6 */
	uint8_t protocol;         /* of the payload; of a later fragment that of the first */
	uint8_t tos;              /* traffic class: ip_dscp, ip_ecn */
	bool more_fragments;
	bool dont_fragment; /* IPv6: always */
};

/* ERR_SHORT: the buffer ends before the packet does; ERR_PROTO: no IP packet (jumbograms are refused too). */
enum err ip_parse(const uint8_t *p, size_t n, struct ip_packet *out);

static inline uint8_t ip_dscp(const struct ip_packet *k)
{
	return k->tos >> 2;
}
static inline uint8_t ip_ecn(const struct ip_packet *k)
{
	return k->tos & 3;
}
static inline size_t ip_addr_len(const struct ip_packet *k)
{
	return k->version == 4 ? 4 : 16;
}

/* Does it keep an idle session alive?  Not ICMP, ICMPv6 and IGMP: routers and neighbours chatter by themselves. */
bool ip_is_activity(const struct ip_packet *k);
/* Multicast, or IPv4 limited broadcast. */
bool ip_is_group(uint8_t version, const uint8_t *addr);

/* Internet checksum (RFC 1071): add up any number of pieces, all but the last of even length, then fold. */
uint64_t ip_sum(uint64_t sum, const void *p, size_t len);
/* The complement, ready to be stored big endian. */
uint16_t ip_sum_fold(uint64_t sum);
/* Pseudo header of TCP, UDP and ICMPv6 in a packet with k's addresses. */
uint64_t ip_sum_pseudo(const struct ip_packet *k, uint8_t protocol, size_t upper_len);

/* An IPv4 packet cut to an MTU, one fragment a call (RFC 791). */
struct ip_fragment4 {
	struct ip_packet packet;
	uint16_t mtu;
	uint16_t at; /* payload bytes already given out */
	uint8_t later_len;
	bool is_done;
	uint8_t later
		[60]; /* header of all fragments but the first: options without the copied flag are gone */
};

/* ERR_DENIED: IPv6, or must not be fragmented; ERR_RANGE: mtu below 68; ERR_PROTO: malformed options. */
enum err ip_fragment4_init(struct ip_fragment4 *f, const struct ip_packet *k, uint16_t mtu);
/* ERR_NOTFOUND after the last; ERR_FULL: cap is too small for this one (mtu bytes always do). */
enum err ip_fragment4_next(struct ip_fragment4 *f, uint8_t *out, size_t cap, size_t *out_len);
