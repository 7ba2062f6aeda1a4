/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/coalesce.h"

#include <arpa/inet.h>
#include <string.h>

#include "wire/segment.h"

/* The rules are those of Linux 6.10: dev_gro_receive, inet_gro_receive, ipv6_gro_receive, tcp_gro_receive,
 * udp_gro_receive_segment.  Nothing is sent early: all runs stay until coalesce_next, so an order of runs by their
 * first packets is the order inside each flow. */

constexpr size_t IP4_HEAD = 20, IP6_HEAD = 40;
constexpr size_t IP4_TOS = 1, IP4_LEN = 2, IP4_ID = 4, IP4_BITS = 6, IP4_TTL = 8, IP4_PROTOCOL = 9,
		 IP4_CSUM = 10, IP4_ADDRS = 12;
constexpr size_t IP6_LEN = 4, IP6_NEXT = 6, IP6_HOPS = 7, IP6_ADDRS = 8;
constexpr uint16_t IP4_DONT_FRAGMENT = 0x4000;
constexpr size_t TCP_HEAD = 20;
constexpr size_t TCP_SEQ = 4, TCP_ACK = 8, TCP_DATA_OFFSET = 12, TCP_FLAGS = 13, TCP_WINDOW = 14,
		 TCP_CSUM = 16, TCP_URGENT = 18;
constexpr uint8_t TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_URG = 0x20,
		  TCP_CWR = 0x80;
constexpr size_t UDP_HEAD = 8;
constexpr size_t UDP_LEN = 4, UDP_CSUM = 6;

enum fit : uint8_t {
	FIT_ALIEN,  /* not even addresses */
	FIT_PAIR,   /* addresses: of the same flow as any run between them, for all we know */
	FIT_FLOW,   /* addresses and ports, but not to be joined */
	FIT_PACKET, /* may begin or continue a run */
};

struct head {
	uint8_t *p;
	uint32_t pair, ports;
	uint16_t len;
	uint16_t upper, head_len;
	uint8_t protocol;
	enum fit fit;
	bool is_verified;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put_be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A client that makes two flows collide closes its own runs early, no more. */
static uint32_t hash(const uint8_t *p, size_t len)
{
	uint64_t h = 0, word;
	for (size_t i = 0; i < len; i += 8) {
		memcpy(&word, p + i, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

static bool is_ip4(const uint8_t *p)
{
	return p[0] >> 4 == 4;
}

/* {{ what a packet is }} */

static void parse_tcp(struct head *h)
{
	const uint8_t *tcp = h->p + h->upper;
	size_t upper_len = h->len - h->upper;
	if (upper_len < TCP_HEAD)
		return;
	h->fit = FIT_FLOW;
	memcpy(&h->ports, tcp, 4);
	size_t head_len = (size_t)(tcp[TCP_DATA_OFFSET] >> 4) * 4;
	if (head_len < TCP_HEAD || head_len >= upper_len ||
	    (tcp[TCP_FLAGS] & (TCP_SYN | TCP_RST | TCP_URG)) != 0)
		return;
	h->head_len = (uint16_t)(h->upper + head_len);
	h->fit = FIT_PACKET;
}

static void parse_udp(struct head *h)
{
	const uint8_t *udp = h->p + h->upper;
	size_t upper_len = h->len - h->upper;
	if (upper_len < UDP_HEAD)
		return;
	h->fit = FIT_FLOW;
	memcpy(&h->ports, udp, 4);
	/* without a checksum: what comes out of the run would have one */
	if (upper_len == UDP_HEAD || be16(udp + UDP_LEN) != upper_len || be16(udp + UDP_CSUM) == 0)
		return;
	h->head_len = (uint16_t)(h->upper + UDP_HEAD);
	h->fit = FIT_PACKET;
}

/* false: a TCP or UDP header does not follow right behind, or is of a fragment. */
static bool parse_ip4(struct head *h)
{
	const uint8_t *p = h->p;
	h->pair = hash(p + IP4_ADDRS, 8);
	h->protocol = p[IP4_PROTOCOL];
	h->upper = IP4_HEAD;
	return p[0] == 0x45 && be16(p + IP4_LEN) == h->len &&
	       (be16(p + IP4_BITS) & ~IP4_DONT_FRAGMENT) == 0 && ip_sum_fold(ip_sum(0, p, IP4_HEAD)) == 0;
}

static bool parse_ip6(struct head *h)
{
	const uint8_t *p = h->p;
	h->pair = hash(p + IP6_ADDRS, 32);
	h->protocol = p[IP6_NEXT];
	h->upper = IP6_HEAD;
	return be16(p + IP6_LEN) + IP6_HEAD == h->len;
}

static struct head parse(uint8_t *p, size_t len)
{
	struct head h = { .p = p, .len = (uint16_t)len };
	bool is_4 = p[0] >> 4 == 4 && len >= IP4_HEAD;
	if (!is_4 && (p[0] >> 4 != 6 || len < IP6_HEAD))
		return h;
	h.fit = FIT_PAIR;
	if (!(is_4 ? parse_ip4(&h) : parse_ip6(&h)))
		return h;
	if (h.protocol == IP_PROTO_TCP)
		parse_tcp(&h);
	else if (h.protocol == IP_PROTO_UDP)
		parse_udp(&h);
	return h;
}

/* {{ does it continue a run? }} */

/* The addresses lie right before the upper header: pseudo header and the rest are one sum. */
static bool is_sum_right(const uint8_t *p, size_t len, size_t upper, uint8_t protocol)
{
	size_t addrs = is_ip4(p) ? IP4_ADDRS : IP6_ADDRS;
	uint64_t sum = htons((uint16_t)(len - upper)) + (uint64_t)htons(protocol);
	return ip_sum_fold(segment_sum(sum, p + addrs, len - addrs)) == 0;
}

static bool is_next_ip4(const struct coalesce_run *r, const uint8_t *first, const uint8_t *p)
{
	if (first[IP4_TOS] != p[IP4_TOS] || first[IP4_TTL] != p[IP4_TTL] || first[IP4_BITS] != p[IP4_BITS])
		return false;
	uint16_t step = (uint16_t)(be16(p + IP4_ID) - r->last_id);
	bool may_stay = r->pieces_n == 1 ? (p[IP4_BITS] & (IP4_DONT_FRAGMENT >> 8)) != 0 : r->has_fixed_id;
	bool may_step = r->pieces_n == 1 || !r->has_fixed_id;
	return (step == 0 && may_stay) || (step == 1 && may_step);
}

/* Traffic class and flow label, hop limit. */
static bool is_next_ip6(const uint8_t *first, const uint8_t *p)
{
	return memcmp(first, p, 4) == 0 && first[IP6_HOPS] == p[IP6_HOPS];
}

static bool is_next_tcp(const struct coalesce_run *r, const uint8_t *first, const uint8_t *tcp)
{
	size_t options_len = r->head_len - r->upper - TCP_HEAD;
	uint8_t differ = (first[TCP_FLAGS] ^ tcp[TCP_FLAGS]) & (uint8_t)~(TCP_CWR | TCP_FIN | TCP_PSH);
	return be32(tcp + TCP_SEQ) == r->next_seq && (tcp[TCP_FLAGS] & TCP_CWR) == 0 && differ == 0 &&
	       memcmp(first + TCP_ACK, tcp + TCP_ACK, 4) == 0 &&
	       first[TCP_DATA_OFFSET] == tcp[TCP_DATA_OFFSET] &&
	       memcmp(first + TCP_WINDOW, tcp + TCP_WINDOW, 2) == 0 &&
	       memcmp(first + TCP_URGENT, tcp + TCP_URGENT, 2 + options_len) == 0;
}

static bool is_next(const struct coalesce_run *r, const uint8_t *first, const struct head *h)
{
	size_t payload_len = h->len - h->head_len;
	if (h->head_len != r->head_len || payload_len > r->size || r->len + payload_len > UINT16_MAX ||
	    r->pieces_n == COALESCE_SEGMENTS_MAX)
		return false;
	if (!(is_ip4(first) ? is_next_ip4(r, first, h->p) : is_next_ip6(first, h->p)))
		return false;
	return r->protocol == IP_PROTO_UDP || is_next_tcp(r, first + r->upper, h->p + r->upper);
}

/* A lone packet is for its receiver to verify; a joined one is ours. */
static bool are_sums_right(const struct coalesce *c, struct coalesce_run *r, struct head *h)
{
	h->is_verified = is_sum_right(h->p, h->len, h->upper, h->protocol);
	if (!r->is_verified) {
		const struct coalesce_piece *first = &c->pieces[r->first];
		r->is_verified = is_sum_right(first->at, first->len, r->upper, r->protocol);
	}
	return h->is_verified && r->is_verified;
}

/* {{ runs and flows }} */

static bool is_same_pair(const uint8_t *a, const uint8_t *b)
{
	if (is_ip4(a) != is_ip4(b))
		return false;
	return is_ip4(a) ? memcmp(a + IP4_ADDRS, b + IP4_ADDRS, 8) == 0
			 : memcmp(a + IP6_ADDRS, b + IP6_ADDRS, 32) == 0;
}

static struct coalesce_flow *find_flow(struct coalesce *c, const struct head *h)
{
	for (size_t i = 0; i < COALESCE_FLOWS_MAX; i++) {
		struct coalesce_flow *f = &c->flows[i];
		if (!f->is_open || f->pair != h->pair || f->ports != h->ports)
			continue;
		const struct coalesce_run *r = &c->runs[f->run];
		if (r->protocol == h->protocol && is_same_pair(c->pieces[r->first].at, h->p))
			return f;
	}
	return nullptr;
}

static void close_pair(struct coalesce *c, const struct head *h)
{
	for (size_t i = 0; i < COALESCE_FLOWS_MAX; i++)
		if (c->flows[i].pair == h->pair)
			c->flows[i].is_open = false;
}

static struct coalesce_flow *pick_flow(struct coalesce *c)
{
	for (size_t i = 0; i < COALESCE_FLOWS_MAX; i++)
		if (!c->flows[i].is_open)
			return &c->flows[i];
	c->victim = (c->victim + 1) % COALESCE_FLOWS_MAX;
	return &c->flows[c->victim];
}

static uint16_t add_piece(struct coalesce *c, uint8_t *at, size_t len)
{
	c->pieces[c->pieces_n] = (struct coalesce_piece){ .at = at, .len = (uint16_t)len };
	return c->pieces_n++;
}

static uint8_t tail_flags(const struct head *h)
{
	return h->protocol == IP_PROTO_TCP ? h->p[h->upper + TCP_FLAGS] & (TCP_PSH | TCP_FIN) : 0;
}

/* The run that h is the first of. */
static uint16_t add_run(struct coalesce *c, const struct head *h)
{
	uint16_t piece = add_piece(c, h->p, h->len);
	struct coalesce_run *r = &c->runs[c->runs_n];
	*r = (struct coalesce_run){ .first = piece, .last = piece, .pieces_n = 1, .len = h->len };
	if (h->fit != FIT_PACKET)
		return c->runs_n++;
	r->upper = h->upper;
	r->head_len = h->head_len;
	r->size = h->len - h->head_len;
	r->protocol = h->protocol;
	r->is_verified = h->is_verified;
	if (is_ip4(h->p))
		r->last_id = be16(h->p + IP4_ID);
	if (h->protocol == IP_PROTO_TCP)
		r->next_seq = be32(h->p + h->upper + TCP_SEQ) + r->size;
	return c->runs_n++;
}

/* false: nothing may follow it. */
static bool join(struct coalesce *c, struct coalesce_run *r, const struct head *h)
{
	uint16_t payload_len = h->len - h->head_len;
	uint16_t piece = add_piece(c, h->p + h->head_len, payload_len);
	c->pieces[r->last].next = piece;
	r->last = piece;
	r->pieces_n++;
	r->len += payload_len;
	r->next_seq += payload_len;
	r->tail_flags = tail_flags(h);
	if (is_ip4(h->p)) {
		r->has_fixed_id = be16(h->p + IP4_ID) == r->last_id;
		r->last_id = be16(h->p + IP4_ID);
	}
	return payload_len == r->size && r->tail_flags == 0;
}

static void add_of_flow(struct coalesce *c, struct head *h)
{
	struct coalesce_flow *f = find_flow(c, h);
	if (f != nullptr && h->fit == FIT_PACKET) {
		struct coalesce_run *r = &c->runs[f->run];
		if (is_next(r, c->pieces[r->first].at, h) && are_sums_right(c, r, h)) {
			f->is_open = join(c, r, h);
			return;
		}
	}
	if (f != nullptr)
		f->is_open = false;
	uint16_t run = add_run(c, h);
	bool can_grow =
		h->fit == FIT_PACKET && tail_flags(h) == 0 && (h->protocol == IP_PROTO_TCP || c->has_uso);
	if (!can_grow)
		return;
	if (f == nullptr)
		f = pick_flow(c);
	*f = (struct coalesce_flow){ .pair = h->pair, .ports = h->ports, .run = run, .is_open = true };
}

static void clear(struct coalesce *c)
{
	c->pieces_n = c->runs_n = c->taken_n = 0;
	for (size_t i = 0; i < COALESCE_FLOWS_MAX; i++)
		c->flows[i].is_open = false;
}

void coalesce_init(struct coalesce *c, bool has_uso)
{
	*c = (struct coalesce){ .has_uso = has_uso };
}

enum err coalesce_add(struct coalesce *c, uint8_t *packet, size_t len)
{
	if (len == 0 || len > UINT16_MAX)
		return ERR_RANGE;
	if (c->pieces_n == COALESCE_PACKETS_MAX || c->taken_n > 0)
		return ERR_FULL;
	struct head h = parse(packet, len);
	switch (h.fit) {
	case FIT_ALIEN: add_run(c, &h); break;
	case FIT_PAIR:
		close_pair(c, &h);
		add_run(c, &h);
		break;
	case FIT_FLOW:
	case FIT_PACKET: add_of_flow(c, &h); break;
	}
	return ERR_OK;
}

/* {{ what is written }} */

static uint64_t sum_pseudo(const uint8_t *p, uint8_t protocol, size_t upper_len)
{
	bool is_4 = is_ip4(p);
	const uint8_t *addrs = p + (is_4 ? IP4_ADDRS : IP6_ADDRS);
	const struct ip_packet k = { .version = is_4 ? 4 : 6, .src = addrs, .dst = addrs + (is_4 ? 4 : 16) };
	return ip_sum_pseudo(&k, protocol, upper_len);
}

/* The first packet gets the header of the whole; the kernel finishes the sum that begins with the pseudo header. */
static void finish_run(const struct coalesce_run *r, uint8_t *p, struct virtio_net_hdr *hdr)
{
	bool is_4 = is_ip4(p), is_tcp = r->protocol == IP_PROTO_TCP;
	uint8_t *upper = p + r->upper;
	size_t upper_len = r->len - r->upper, csum_at = is_tcp ? TCP_CSUM : UDP_CSUM;
	if (is_4) {
		put_be16(p + IP4_LEN, r->len);
		put_be16(p + IP4_CSUM, 0);
		put_be16(p + IP4_CSUM, ip_sum_fold(ip_sum(0, p, IP4_HEAD)));
		hdr->gso_type = is_tcp ? VIRTIO_NET_HDR_GSO_TCPV4 : SEGMENT_GSO_UDP_L4;
	} else {
		put_be16(p + IP6_LEN, upper_len);
		hdr->gso_type = is_tcp ? VIRTIO_NET_HDR_GSO_TCPV6 : SEGMENT_GSO_UDP_L4;
	}
	if (is_tcp)
		upper[TCP_FLAGS] |= r->tail_flags;
	else
		put_be16(upper + UDP_LEN, upper_len);
	if (is_tcp && (upper[TCP_FLAGS] & TCP_CWR) != 0)
		hdr->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	put_be16(upper + csum_at, (uint16_t)~ip_sum_fold(sum_pseudo(p, r->protocol, upper_len)));
	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->hdr_len = r->head_len;
	hdr->gso_size = r->size;
	hdr->csum_start = r->upper;
	hdr->csum_offset = (uint16_t)csum_at;
}

enum err coalesce_next(struct coalesce *c, struct coalesce_out *out)
{
	if (c->taken_n == c->runs_n) {
		clear(c);
		return ERR_NOTFOUND;
	}
	const struct coalesce_run *r = &c->runs[c->taken_n++];
	const struct coalesce_piece *piece = &c->pieces[r->first];
	out->hdr = (struct virtio_net_hdr){};
	out->packets_n = r->pieces_n;
	out->iov[0] = (struct iovec){ &out->hdr, sizeof out->hdr };
	for (out->iov_n = 1;; piece = &c->pieces[piece->next]) {
		out->iov[out->iov_n] = (struct iovec){ piece->at, piece->len };
		if (out->iov_n++ == r->pieces_n)
			break;
	}
	if (r->pieces_n > 1)
		finish_run(r, out->iov[1].iov_base, &out->hdr);
	return ERR_OK;
}
