/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard_xdp - floods end at the network card (XDP)
 *
 * Only packets to our addresses and ports are judged.  In this order: the list of the administrator and of the guard; for TCP a
 * bucket for each source's SYN, then one for all; for UDP what cannot be a record of ours, then the same two buckets.
 *
 * Real clients do not stand in the buckets with the flood.  A datagram from a known source passes.  A source becomes known by a
 * ClientHello with the secret id of a session (app_ids, written by the keeper), or because the server sends it application data
 * (guard_learn, on the way out), which it does only to proven addresses: after a change of address behind a NAT, for instance.
 * Until then a new port of a known address stands in the bucket of its source only. Forged sources can be neither, whatever their rate.  A SYN beyond the bucket of all sources passes when it comes a second
 * time within five seconds, as real clients send it; a flood of random sources does not repeat itself.
 *
 * Established TCP connections and later fragments are not judged, except by GUARD_VERDICT_BLOCK.
 */
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "bpf/guard.h"
#include "bpf/identity.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GUARD_PREFIXES_MAX);
	__type(key, struct guard_key4);
	__type(value, struct guard_entry);
} list4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GUARD_PREFIXES_MAX);
	__type(key, struct guard_key6);
	__type(value, struct guard_entry);
} list6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GUARD_OURS_MAX);
	__type(key, struct guard_ours);
	__type(value, __u32);
} ours SEC(".maps");

/* That of steer_udp, by bpf_map__reuse_fd. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_SESSIONS_MAX);
	__type(key, struct steer_app_id);
	__type(value, struct steer_worker);
} app_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUARD_KNOWN_MAX);
	__type(key, struct steer_flow);
	__type(value, __u32);
} known SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUARD_SOURCES_MAX);
	__type(key, struct guard_source);
	__type(value, __u64);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GUARD_SEEN_PAGES);
	__type(key, __u32);
	__type(value, __u8[GUARD_SEEN_PAGE]);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_COUNT_N);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct guard_settings settings = {};
__u64 syn_total, udp_total; /* times at which the buckets of all sources are empty again */

static __always_inline void count(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &what);
	if (n)
		*n += 1;
}

static __always_inline int pass(__u32 why)
{
	count(why);
	count(GUARD_COUNT_passed);
	return XDP_PASS;
}

static __always_inline int drop(__u32 why)
{
	count(why);
	return XDP_DROP;
}

/* {{ buckets }} */

/* Two processors at once may let one packet too many through. */
static __always_inline int is_over(const struct guard_rate *r, const struct guard_source *of, __u64 now,
				   __u32 units)
{
	if (r->cost_ns == 0)
		return 0;
	__u64 *empty = bpf_map_lookup_elem(&buckets, of);
	__u64 then = empty && *empty > now ? *empty : now;
	if (then > now + r->burst_ns)
		return 1;
	then += r->cost_ns * units;
	if (empty)
		*empty = then;
	else
		bpf_map_update_elem(&buckets, of, &then, BPF_ANY);
	return 0;
}

static __always_inline int is_over_total(const struct guard_rate *r, __u64 *empty, __u64 now, __u32 units)
{
	if (r->cost_ns == 0)
		return 0;
	__u64 then = *(volatile __u64 *)empty;
	if (then > now + r->burst_ns)
		return 1;
	__u64 cost = r->cost_ns * units;
	if (then >= now || __sync_val_compare_and_swap(empty, then, now + cost) != then)
		__sync_fetch_and_add(empty, cost);
	return 0;
}

static __always_inline void name_source(struct guard_source *out, const struct packet *p, __u8 kind)
{
	__builtin_memcpy(out->addr, p->source, 16);
	if (!p->is_v4)
		__builtin_memset(out->addr + 8, 0, 8);
	out->kind = kind;
}

/* {{ TCP }} */

static __always_inline __u32 hash_syn(const struct packet *p, const struct tcphdr *tcp)
{
	__u64 a, b, h = settings.seed;
	__builtin_memcpy(&a, p->source, 8);
	__builtin_memcpy(&b, p->source + 8, 8);
	h = (h ^ a) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ b) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ tcp->seq) * 0x9e3779b97f4a7c15ull;
	h = (h ^ h >> 32 ^ ((__u64)tcp->source << 16 | tcp->dest)) * 0x9e3779b97f4a7c15ull;
	return (__u32)(h >> 32);
}

/* Sent before, half a second to five ago; else it is noted.  The clock has 255 values of 0.54 s: 0 is "never". */
static __always_inline int is_second(const struct packet *p, const struct tcphdr *tcp, __u64 now)
{
	__u32 hash = hash_syn(p, tcp);
	__u32 page = hash / GUARD_SEEN_PAGE % GUARD_SEEN_PAGES;
	__u8 *bytes = bpf_map_lookup_elem(&seen, &page);
	if (!bytes)
		return 0;
	__u8 *at = bytes + (hash & (GUARD_SEEN_PAGE - 1));
	__u32 tick = (now >> 29) % 255;
	__u32 before = *at;
	__u32 age = (tick + 255 - (before - 1)) % 255;
	if (before != 0 && age >= 1 && age <= 10)
		return 1;
	*at = (__u8)(tick + 1);
	return 0;
}

static __always_inline int judge_syn(const struct packet *p, const struct tcphdr *tcp, __u64 now)
{
	struct guard_source of = {};
	count(GUARD_COUNT_syn);
	name_source(&of, p, GUARD_KIND_SYN);
	if (is_over(&settings.syn, &of, now, 1))
		return drop(GUARD_COUNT_syn_limited);
	if (!is_over_total(&settings.syn_total, &syn_total, now, 1)) {
		count(GUARD_COUNT_passed);
		return XDP_PASS;
	}
	return is_second(p, tcp, now) ? pass(GUARD_COUNT_syn_second) : drop(GUARD_COUNT_syn_total_limited);
}

/* {{ UDP }} */

struct datagram {
	__u32 at; /* offset of the payload in the frame */
	__u32 len; /* of the payload, by its header */
	__u32 here; /* of it in this frame: less if it is the first fragment */
	__be16 port; /* of the sender */
};

enum record {
	RECORD_BAD,
	RECORD_HELLO,
	RECORD_ANY,
};

static __always_inline int is_version(const __u8 head[2])
{
	return (head[0] == 0xfe && (head[1] == 0xfd || head[1] == 0xff)) || (head[0] == 1 && head[1] == 0);
}

/* As wire/dtls.c and wire/record13.c: 8 bytes of connection id that begin with the worker, a number, a type and a tag. */
static __always_inline enum record judge_record(const __u8 head[RECORD_HEAD + 1], const struct datagram *d)
{
	if ((head[0] & UNIFIED_MASK) == UNIFIED_CID)
		return d->len >= 1 + 8 + 1 + 1 + 16 && head[1] < settings.workers_n ? RECORD_ANY : RECORD_BAD;
	__u32 body = (__u32)head[11] << 8 | head[12];
	if (head[0] < 20 || head[0] > 23 || !is_version(head + 1) || body == 0 || RECORD_HEAD + body > d->len)
		return RECORD_BAD;
	return head[0] == TYPE_HANDSHAKE && head[3] == 0 && head[4] == 0 &&
			       head[RECORD_HEAD] == TYPE_CLIENT_HELLO
		       ? RECORD_HELLO
		       : RECORD_ANY;
}

/* Whether the hello has the id of a session. */
static __always_inline int read_id(struct xdp_md *ctx, const struct datagram *d, struct steer_app_id *id)
{
	union {
		__u8 head[HELLO_HEAD];
		__u8 line[IDENTITY_LINE];
	} u;
	if (d->here < HELLO_HEAD || bpf_xdp_load_bytes(ctx, d->at, u.head, HELLO_HEAD) != 0 ||
	    !identity_is_hello(u.head))
		return 0;
	if (u.head[HELLO_ID_LEN] == STEER_APP_ID_LEN) {
		__builtin_memcpy(id->id, &u.head[HELLO_ID], STEER_APP_ID_LEN);
		return bpf_map_lookup_elem(&app_ids, id) != (void *)0;
	}
	__u32 from_end = IDENTITY_END + IDENTITY_LINE;
	if (u.head[HELLO_ID_LEN] != 0 || d->here < d->len || d->len < HELLO_HEAD + from_end ||
	    bpf_xdp_load_bytes(ctx, d->at + d->len - from_end, u.line, IDENTITY_LINE) != 0 ||
	    identity_read(u.line, id) != 0)
		return 0;
	return bpf_map_lookup_elem(&app_ids, id) != (void *)0;
}

/* The source itself, and its address with any port: port 0. */
static __always_inline void make_known(struct steer_flow *flow)
{
	__u32 one = 1;
	bpf_map_update_elem(&known, flow, &one, BPF_ANY);
	flow->port = 0;
	if (!bpf_map_lookup_elem(&known, flow))
		bpf_map_update_elem(&known, flow, &one, BPF_ANY);
}

/* The id is a secret, but in clear in the hello: who has seen it can repeat it, not often. */
static __always_inline int judge_known_hello(const struct packet *p, const struct datagram *d,
					     const struct steer_app_id *id, __u64 now)
{
	struct guard_source of = { .kind = GUARD_KIND_HELLO };
	struct steer_flow flow = { .port = d->port };
	__builtin_memcpy(of.addr, id->id, sizeof of.addr);
	if (is_over(&settings.hello, &of, now, 1))
		return drop(GUARD_COUNT_hello_limited);
	__builtin_memcpy(flow.addr, p->source, 16);
	make_known(&flow);
	return pass(GUARD_COUNT_hello_known);
}

static __always_inline int judge_strange(const struct packet *p, const struct datagram *d, int is_blocked,
					 __u64 now)
{
	struct guard_source of = {};
	/* generic XDP sees trains of datagrams as one packet */
	__u32 units = 1 + d->len / 1500;
	if (is_blocked)
		return drop(GUARD_COUNT_blocked);
	name_source(&of, p, GUARD_KIND_UDP);
	if (is_over(&settings.udp, &of, now, units))
		return drop(GUARD_COUNT_udp_limited);
	/* the address of a client, from another port: his NAT has forgotten him, or it is his neighbour */
	struct steer_flow flow = {};
	__builtin_memcpy(flow.addr, p->source, 16);
	if (bpf_map_lookup_elem(&known, &flow))
		return pass(GUARD_COUNT_udp_strange);
	if (is_over_total(&settings.udp_total, &udp_total, now, units))
		return drop(GUARD_COUNT_udp_total_limited);
	return pass(GUARD_COUNT_udp_strange);
}

static __always_inline int judge_datagram(struct xdp_md *ctx, const struct packet *p,
					  const struct datagram *d, int is_blocked, __u64 now)
{
	__u8 head[RECORD_HEAD + 1];
	if (d->here < sizeof head || bpf_xdp_load_bytes(ctx, d->at, head, sizeof head) != 0)
		return drop(GUARD_COUNT_malformed);
	enum record record = judge_record(head, d);
	if (record == RECORD_BAD)
		return drop(GUARD_COUNT_malformed);
	struct steer_app_id id = {};
	if (record == RECORD_HELLO && read_id(ctx, d, &id))
		return judge_known_hello(p, d, &id, now);
	struct steer_flow flow = { .port = d->port };
	__builtin_memcpy(flow.addr, p->source, 16);
	if (record == RECORD_ANY && bpf_map_lookup_elem(&known, &flow))
		return pass(GUARD_COUNT_udp_known);
	return judge_strange(p, d, is_blocked, now);
}

/* {{ all }} */

static __always_inline int is_our_port(__be16 port)
{
	for (__u32 i = 0; i < GUARD_PORTS_MAX && i < settings.ports_n; i++)
		if (settings.ports[i] == port)
			return 1;
	return 0;
}

static __always_inline int is_ours(const struct packet *p, __be16 port)
{
	struct guard_ours key = { .port = port, .protocol = p->protocol };
	if (!is_our_port(port))
		return 0;
	__builtin_memcpy(key.addr, p->target, 16);
	return bpf_map_lookup_elem(&ours, &key) != (void *)0;
}

/* enum guard_verdict; 0: none in force */
static __always_inline __u32 look_up(const struct packet *p, __u64 now)
{
	struct guard_entry *e;
	if (p->is_v4) {
		struct guard_key4 key = { .len = 32 };
		__builtin_memcpy(key.addr, p->source + 12, 4);
		e = bpf_map_lookup_elem(&list4, &key);
	} else {
		struct guard_key6 key = { .len = 128 };
		__builtin_memcpy(key.addr, p->source, 16);
		e = bpf_map_lookup_elem(&list6, &key);
	}
	return e && (e->expires_ns == 0 || now < e->expires_ns) ? e->verdict : 0;
}

static __always_inline int judge_tcp(struct packet *p, enum packet_kind kind)
{
	const __be16 *ports = (const void *)p->at;
	if ((const __u8 *)(ports + 2) > p->end || !is_ours(p, ports[1]))
		return XDP_PASS;
	const struct tcphdr *tcp = packet_take(p, sizeof *tcp);
	if (!tcp) /* the kernel drops what is short; but a fragment would be completed */
		return kind == PACKET_FIRST ? drop(GUARD_COUNT_malformed) : XDP_PASS;
	__u64 now = bpf_ktime_get_ns();
	__u32 verdict = look_up(p, now);
	int is_syn = tcp->syn && !tcp->ack;
	if (verdict == GUARD_VERDICT_ALLOW)
		return pass(GUARD_COUNT_allowed);
	if (verdict == GUARD_VERDICT_BLOCK || (verdict == GUARD_VERDICT_BLOCK_NEW && is_syn))
		return drop(GUARD_COUNT_blocked);
	if (is_syn)
		return judge_syn(p, tcp, now);
	count(GUARD_COUNT_passed);
	return XDP_PASS;
}

static __always_inline int judge_udp(struct xdp_md *ctx, struct packet *p, enum packet_kind kind,
				     __u32 frame_len)
{
	const struct udphdr *udp = packet_take(p, sizeof *udp);
	if (!udp || !is_ours(p, udp->dest))
		return XDP_PASS;
	struct datagram d = { .at = (__u32)(p->at - p->start), .port = udp->source };
	__u32 whole = bpf_ntohs(udp->len);
	if (whole < sizeof *udp)
		return drop(GUARD_COUNT_malformed);
	d.len = whole - sizeof *udp;
	d.here = frame_len > d.at ? frame_len - d.at : 0;
	if (d.here < d.len && kind == PACKET_WHOLE)
		return drop(GUARD_COUNT_malformed);
	if (d.here > d.len)
		d.here = d.len; /* padding of a short frame */
	__u64 now = bpf_ktime_get_ns();
	__u32 verdict = look_up(p, now);
	if (verdict == GUARD_VERDICT_ALLOW)
		return pass(GUARD_COUNT_allowed);
	if (verdict == GUARD_VERDICT_BLOCK)
		return drop(GUARD_COUNT_blocked);
	return judge_datagram(ctx, p, &d, verdict == GUARD_VERDICT_BLOCK_NEW, now);
}

SEC("xdp.frags")
int guard_xdp(struct xdp_md *ctx)
{
	struct packet p = { .start = (const __u8 *)(long)ctx->data,
			    .end = (const __u8 *)(long)ctx->data_end };
	p.at = p.start;
	__be16 type = packet_ether_type(&p);
	enum packet_kind kind = type == bpf_htons(ETH_P_IP)     ? packet_parse4(&p)
				: type == bpf_htons(ETH_P_IPV6) ? packet_parse6(&p)
								: PACKET_OTHER;
	if (kind == PACKET_OTHER)
		return XDP_PASS;
	if (kind == PACKET_LATER) {
		count(GUARD_COUNT_fragments);
		return XDP_PASS;
	}
	if (p.protocol == IPPROTO_TCP)
		return judge_tcp(&p, kind);
	if (p.protocol == IPPROTO_UDP)
		return judge_udp(ctx, &p, kind, (__u32)bpf_xdp_get_buff_len(ctx));
	return XDP_PASS;
}

/* {{ on the way out }} */

/* Application data of DTLS 1.2, or what DTLS 1.3 encrypts: sent to proven addresses only. */
static __always_inline int is_for_proven(const struct __sk_buff *skb, __u32 at)
{
	__u8 type;
	return bpf_skb_load_bytes(skb, at, &type, 1) == 0 &&
	       (type == TYPE_DATA || (type & UNIFIED_ANY_MASK) == UNIFIED_ANY);
}

static __always_inline void learn(const struct __sk_buff *skb, struct packet *p)
{
	const struct udphdr *udp = packet_take(p, sizeof *udp);
	struct guard_ours key = { .protocol = IPPROTO_UDP };
	struct steer_flow flow = {};
	if (!udp || !is_our_port(udp->source))
		return;
	key.port = udp->source;
	__builtin_memcpy(key.addr, p->source, 16);
	flow.port = udp->dest;
	__builtin_memcpy(flow.addr, p->target, 16);
	if (bpf_map_lookup_elem(&known, &flow) || !bpf_map_lookup_elem(&ours, &key) ||
	    !is_for_proven(skb, (__u32)(p->at - p->start)))
		return;
	count(GUARD_COUNT_learned);
	make_known(&flow);
}

SEC("tc")
int guard_learn(struct __sk_buff *skb)
{
	struct packet p = { .start = (const __u8 *)(long)skb->data,
			    .end = (const __u8 *)(long)skb->data_end };
	p.at = p.start;
	__be16 type = packet_ether_type(&p);
	enum packet_kind kind = type == bpf_htons(ETH_P_IP)     ? packet_parse4(&p)
				: type == bpf_htons(ETH_P_IPV6) ? packet_parse6(&p)
								: PACKET_OTHER;
	if (p.protocol == IPPROTO_UDP && (kind == PACKET_WHOLE || kind == PACKET_FIRST))
		learn(skb, &p);
	return TC_ACT_UNSPEC; /* other programs and filters follow */
}

char LICENSE[] SEC("license") = "GPL";
