/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packet.h"

#include <string.h>

#include "base/buf.h"
#include "wire/ip.h"

constexpr size_t UDP_LEN = 8; /* an ICMP echo has a header as long */
constexpr uint8_t HOPS = 64;
constexpr uint8_t ECHO4 = 8, ECHO4_REPLY = 0, ECHO6 = 128, ECHO6_REPLY = 129;

static size_t ip_len(uint8_t version)
{
	return version == 4 ? 20 : 40;
}

size_t packet_least(uint8_t version, size_t body_len)
{
	return ip_len(version) + UDP_LEN + PROBE_LEN + body_len;
}

void packet_shape_init(struct packet_shape *s, uint8_t version, size_t size)
{
	assert(size >= packet_least(version, 0) && size <= PACKET_ROOM);
	*s = (struct packet_shape){ .size = size, .version = version };
	size_t fill = size - packet_least(version, 0);
	for (size_t i = 0; i < PROBE_FILLS; i++)
		s->fill_sum[i] = ip_sum(0, probe_fill(i), fill);
}

static void put_ip4(struct writer *w, const struct packet_path *path, uint8_t protocol, size_t size)
{
	writer_u16be(w, 0x4500);
	writer_u16be(w, (uint16_t)size);
	writer_u32be(w, 0x00004000); /* id 0, don't fragment */
	writer_u8(w, HOPS);
	writer_u8(w, protocol);
	writer_u16be(w, 0);
	writer_put(w, path->src.ip + 12, 4);
	writer_put(w, path->dst.ip + 12, 4);
	uint16_t sum = ip_sum_fold(ip_sum(0, w->start, 20));
	w->start[10] = (uint8_t)(sum >> 8);
	w->start[11] = (uint8_t)sum;
}

static void put_ip6(struct writer *w, const struct packet_path *path, uint8_t protocol, size_t size)
{
	writer_u32be(w, 0x60000000);
	writer_u16be(w, (uint16_t)(size - 40));
	writer_u8(w, protocol);
	writer_u8(w, HOPS);
	writer_put(w, path->src.ip, 16);
	writer_put(w, path->dst.ip, 16);
}

static uint64_t sum_of_addresses(const struct packet_path *path, uint8_t version)
{
	size_t skip = version == 4 ? 12 : 0;
	return ip_sum(ip_sum(0, path->src.ip + skip, 16 - skip), path->dst.ip + skip, 16 - skip);
}

/* UDP and ICMPv6 count the addresses in; ICMP of IPv4 does not. */
static uint64_t sum_of_pseudo(const struct packet_path *path, uint8_t version, uint8_t protocol, size_t upper)
{
	if (protocol == IP_PROTO_ICMP)
		return 0;
	const uint8_t tail[4] = { 0, protocol, (uint8_t)(upper >> 8), (uint8_t)upper };
	return ip_sum(sum_of_addresses(path, version), tail, sizeof tail);
}

struct upper {
	uint8_t version;
	uint8_t protocol;
	size_t size;
	uint64_t body_sum; /* of what is behind the probe */
};

/* All but the body. */
static uint8_t *put_heads(uint8_t *out, const struct upper *u, const struct packet_path *path,
			  const struct probe *p)
{
	size_t head = ip_len(u->version), upper = u->size - head;
	struct writer w = writer_of(out, packet_least(u->version, 0));
	(u->version == 4 ? put_ip4 : put_ip6)(&w, path, u->protocol, u->size);
	uint8_t *sum_at = out + head + (u->protocol == IP_PROTO_UDP ? 6 : 2);
	if (u->protocol == IP_PROTO_UDP) {
		writer_u16be(&w, path->src.port);
		writer_u16be(&w, path->dst.port);
		writer_u16be(&w, (uint16_t)upper);
		writer_u16be(&w, 0);
	} else {
		writer_u16be(&w, (uint16_t)((u->version == 4 ? ECHO4 : ECHO6) << 8));
		writer_u16be(&w, 0);
		writer_u16be(&w, path->src.port);
		writer_u16be(&w, (uint16_t)p->seq);
	}
	probe_put(out + head + UDP_LEN, p);
	uint64_t sum = sum_of_pseudo(path, u->version, u->protocol, upper) + u->body_sum;
	uint16_t folded = ip_sum_fold(ip_sum(sum, out + head, UDP_LEN + PROBE_LEN));
	if (folded == 0 && u->protocol == IP_PROTO_UDP)
		folded = 0xffff;
	sum_at[0] = (uint8_t)(folded >> 8);
	sum_at[1] = (uint8_t)folded;
	return out + head + UDP_LEN + PROBE_LEN;
}

static void put_filled(uint8_t *out, const struct packet_shape *s, const struct packet_path *path,
		       const struct probe *p, uint8_t protocol)
{
	const struct upper u = { s->version, protocol, s->size, s->fill_sum[p->seq % PROBE_FILLS] };
	uint8_t *fill = put_heads(out, &u, path, p);
	memcpy(fill, probe_fill(p->seq), s->size - (size_t)(fill - out));
}

void packet_put_udp(uint8_t *out, const struct packet_shape *s, const struct packet_path *path,
		    const struct probe *p)
{
	put_filled(out, s, path, p, IP_PROTO_UDP);
}

void packet_put_echo(uint8_t *out, const struct packet_shape *s, const struct packet_path *path,
		     const struct probe *p)
{
	put_filled(out, s, path, p, s->version == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6);
}

size_t packet_put_control(uint8_t *out, const struct packet_path *path, const struct probe *p,
			  const void *body, size_t len)
{
	uint8_t version = addr_is_v4(&path->dst) ? 4 : 6;
	const struct upper u = { version, IP_PROTO_UDP, packet_least(version, len), ip_sum(0, body, len) };
	uint8_t *at = put_heads(out, &u, path, p);
	if (len > 0)
		memcpy(at, body, len);
	return u.size;
}

/* A sum over bytes that hold their own checksum is all ones. */
static bool sums_are_right(const struct ip_packet *k, size_t upper_len)
{
	const uint8_t *upper = k->start + k->header_len;
	if (k->version == 4 && ip_sum_fold(ip_sum(0, k->start, k->header_len)) != 0)
		return false;
	if (k->protocol == IP_PROTO_UDP && upper[6] == 0 && upper[7] == 0)
		return k->version == 4; /* sent without */
	uint64_t sum = k->protocol == IP_PROTO_ICMP ? 0 : ip_sum_pseudo(k, k->protocol, upper_len);
	return ip_sum_fold(ip_sum(sum, upper, upper_len)) == 0;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_ours(const struct ip_packet *k, const uint8_t *upper, uint16_t port)
{
	switch (k->protocol) {
	case IP_PROTO_UDP: return be16(upper) == port && be16(upper + 2) >= PACKET_CLIENT_PORT;
	case IP_PROTO_ICMP: return upper[0] == ECHO4_REPLY;
	case IP_PROTO_ICMP6: return upper[0] == ECHO6_REPLY;
	default: return false;
	}
}

enum packet_verdict packet_look(struct packet_in *out, const uint8_t *p, size_t n, uint16_t port)
{
	struct ip_packet k;
	if (ip_parse(p, n, &k) != ERR_OK)
		return PACKET_CORRUPT;
	size_t upper_len = k.len - k.header_len;
	const uint8_t *upper = k.start + k.header_len;
	if (k.fragment_offset > 0 || k.more_fragments || upper_len < UDP_LEN || !is_ours(&k, upper, port))
		return PACKET_OTHER;
	if (upper_len < UDP_LEN + PROBE_LEN || !sums_are_right(&k, upper_len))
		return PACKET_CORRUPT;
	*out = (struct packet_in){ .is_echo = k.protocol != IP_PROTO_UDP, .len = k.len };
	out->body = upper + UDP_LEN + PROBE_LEN;
	out->body_len = upper_len - UDP_LEN - PROBE_LEN;
	enum err e = probe_get(&out->probe, upper + UDP_LEN, PROBE_LEN);
	if (e == ERR_PROTO && out->is_echo)
		return PACKET_OTHER; /* the answer to somebody's ping */
	if (e != ERR_OK)
		return PACKET_CORRUPT;
	if (out->probe.kind == PROBE_DATA && !probe_is_fill(out->body, out->body_len, out->probe.seq))
		return PACKET_CORRUPT;
	return PACKET_GOOD;
}
