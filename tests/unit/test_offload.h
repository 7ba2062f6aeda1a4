/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A builder of inner TCP and UDP packets, and checksums counted the plain way, beside those of wire/. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "wire/ip.h"

constexpr uint8_t FIN = 0x01, SYN = 0x02, RST = 0x04, PSH = 0x08, ACK = 0x10, URG = 0x20, ECE = 0x40,
		  CWR = 0x80;

struct made {
	uint8_t version, protocol;
	uint8_t host; /* last byte of the source address */
	uint8_t tos, ttl;
	uint16_t id;
	bool may_fragment;
	uint32_t label;        /* IPv6 */
	const uint8_t *middle; /* IPv4 options or IPv6 extension headers */
	size_t middle_len;
	uint8_t first_next; /* IPv6: what middle begins with */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window, urgent;
	const uint8_t *options; /* TCP */
	size_t options_len;
	size_t payload_len;
	uint8_t fill; /* first byte of the payload; it counts up */
};

static inline struct made made_tcp(uint8_t version, size_t payload_len)
{
	return (struct made){ .version = version,
			      .protocol = IP_PROTO_TCP,
			      .host = 1,
			      .ttl = 64,
			      .id = 100,
			      .sport = 40000,
			      .dport = 443,
			      .seq = 1000,
			      .ack = 77,
			      .flags = ACK,
			      .window = 500,
			      .payload_len = payload_len };
}

static inline struct made made_udp(uint8_t version, size_t payload_len)
{
	struct made m = made_tcp(version, payload_len);
	m.protocol = IP_PROTO_UDP;
	return m;
}

static inline void made_put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint16_t made_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void made_put32(uint8_t *p, uint32_t v)
{
	made_put16(p, v >> 16);
	made_put16(p + 2, v & 0xffff);
}

static inline uint32_t made_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Of addresses, protocol and length, not inverted; final: the last address of a routing header, else nullptr. */
static inline uint32_t made_pseudo(const uint8_t *p, const uint8_t *final, uint8_t protocol, size_t upper_len)
{
	size_t n = p[0] >> 4 == 4 ? 4 : 16;
	const uint8_t *src = p + (n == 4 ? 12 : 8);
	uint8_t end[4] = { (uint8_t)(upper_len >> 8), (uint8_t)upper_len, 0, protocol };
	uint32_t sum = made_sum(0, src, n);
	sum = made_sum(sum, final != nullptr ? final : src + n, n);
	return made_sum(sum, end, 4);
}

static inline size_t made_upper(const struct made *m)
{
	return (m->version == 4 ? 20 : 40) + m->middle_len;
}

static inline size_t made_head_len(const struct made *m)
{
	return made_upper(m) + (m->protocol == IP_PROTO_TCP ? 20 + m->options_len : 8);
}

static inline void made_ip(const struct made *m, uint8_t *p, size_t len)
{
	if (m->version == 4) {
		p[0] = (uint8_t)(0x40 | made_upper(m) / 4);
		p[1] = m->tos;
		made_put16(p + 2, len);
		made_put16(p + 4, m->id);
		p[6] = m->may_fragment ? 0 : 0x40;
		p[8] = m->ttl;
		p[9] = m->protocol;
		memcpy(p + 12, (uint8_t[]){ 10, 0, 0, m->host, 10, 9, 9, 9 }, 8);
	} else {
		made_put32(p, 6u << 28 | (uint32_t)m->tos << 20 | m->label);
		made_put16(p + 4, len - 40);
		p[6] = m->middle_len > 0 ? m->first_next : m->protocol;
		p[7] = m->ttl;
		memcpy(p + 8, (uint8_t[32]){ 0xfd, [15] = m->host, 0xfd, 1, [31] = 9 }, 32);
	}
	if (m->middle_len > 0)
		memcpy(p + made_upper(m) - m->middle_len, m->middle, m->middle_len);
	if (m->version == 4)
		made_put16(p + 10, ~made_sum(0, p, made_upper(m)));
}

/* A finished packet; its length. */
static inline size_t made_emit(const struct made *m, uint8_t *p)
{
	size_t at = made_upper(m), head_len = made_head_len(m), len = head_len + m->payload_len;
	uint8_t *upper = p + at;
	bool is_tcp = m->protocol == IP_PROTO_TCP;
	memset(p, 0, head_len);
	made_ip(m, p, len);
	made_put16(upper, m->sport);
	made_put16(upper + 2, m->dport);
	if (is_tcp) {
		made_put32(upper + 4, m->seq);
		made_put32(upper + 8, m->ack);
		upper[12] = (uint8_t)((20 + m->options_len) / 4 << 4);
		upper[13] = m->flags;
		made_put16(upper + 14, m->window);
		made_put16(upper + 18, m->urgent);
		if (m->options_len > 0)
			memcpy(upper + 20, m->options, m->options_len);
	} else {
		made_put16(upper + 4, len - at);
	}
	for (size_t i = 0; i < m->payload_len; i++)
		p[head_len + i] = (uint8_t)(m->fill + i + (i >> 8));
	uint16_t sum = (uint16_t)~made_sum(made_pseudo(p, nullptr, m->protocol, len - at), upper, len - at);
	made_put16(upper + (is_tcp ? 16 : 6), sum == 0 && !is_tcp ? 0xffff : sum);
	return len;
}

/* The one behind it in its flow. */
static inline void made_advance(struct made *m)
{
	m->id++;
	m->seq += (uint32_t)m->payload_len;
	m->fill += (uint8_t)(m->payload_len * 3 + 1);
}

/* Are the checksums of a finished packet right? Its TCP or UDP header is at upper. */
static inline bool made_is_right(const uint8_t *p, size_t len, size_t upper, const uint8_t *final,
				 uint8_t protocol)
{
	if (p[0] >> 4 == 4 && made_sum(0, p, (size_t)(p[0] & 15) * 4) != 0xffff)
		return false;
	if (protocol == IP_PROTO_UDP && made_get16(p + upper + 6) == 0)
		return false;
	return made_sum(made_pseudo(p, final, protocol, len - upper), p + upper, len - upper) == 0xffff;
}
