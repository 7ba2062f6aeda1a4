/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard_tun - no packet leaves a tunnel with a source that is no session's (TCX or clsact, ingress of the TUN device)
 *
 * What workers write to the device is ingress to the kernel.  Each worker checks its clients' packets itself; this is the second wall,
 * which holds when a worker was taken over: it cannot send from addresses that no session has.  Networks behind clients are
 * in nets.  ICMP "packet too big", which workers send in the server's own name, passes.
 *
 * Counts what each session sends, joined packets as what they were.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/guard.h"
#include "bpf/inner.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GUARD_NETS_MAX);
	__type(key, struct guard_net);
	__type(value, __u32);
} nets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GUARD_KNOWN_MAX);
	__type(key, struct steer_inner);
	__type(value, struct guard_traffic);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, GUARD_COUNT_N);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

enum {
	IPV4_HEAD = 20,
	IPV6_HEAD = 40,
	ICMP_UNREACHABLE = 3,
	ICMP_MUST_FRAGMENT = 4,
	ICMPV6_TOO_BIG = 2,
	TCP_DATA_OFFSET = 12,
};

struct view {
	__u8 head[IPV6_HEAD];
	struct steer_inner source;
	__u32 transport_at; /* of IPv6 without extension headers */
	__u8 protocol;
	__u8 is_v6;
};

static __always_inline void count(__u32 what, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&counts, &what);
	if (n)
		*n += by;
}

static __always_inline int read_view(const struct __sk_buff *skb, struct view *v)
{
	if (bpf_skb_load_bytes(skb, 0, v->head, IPV4_HEAD) != 0)
		return -1;
	v->is_v6 = v->head[0] >> 4 == 6;
	if (v->is_v6) {
		if (bpf_skb_load_bytes(skb, 0, v->head, IPV6_HEAD) != 0)
			return -1;
		__builtin_memcpy(v->source.addr, v->head + 8, 16);
		v->protocol = v->head[6];
		v->transport_at = IPV6_HEAD;
		return 0;
	}
	v->source.addr[10] = v->source.addr[11] = 0xff;
	__builtin_memcpy(v->source.addr + 12, v->head + 12, 4);
	v->protocol = v->head[9];
	v->transport_at = (v->head[0] & 15u) * 4;
	return v->head[0] >> 4 == 4 ? 0 : -1;
}

/* {{ counting }} */

static __always_inline __u32 transport_len(const struct __sk_buff *skb, const struct view *v)
{
	__u8 offset = 0;
	if (v->protocol != IPPROTO_TCP)
		return 8;
	if (bpf_skb_load_bytes(skb, v->transport_at + TCP_DATA_OFFSET, &offset, 1) != 0)
		return 0;
	return (__u32)(offset >> 4) * 4;
}

/* gso_segs is 0 for what a process has written to the device: the size of a segment tells. */
static __always_inline __u32 packets_in(const struct __sk_buff *skb, const struct view *v)
{
	if (skb->gso_size == 0)
		return 1;
	__u32 heads = v->transport_at + transport_len(skb, v);
	return skb->len > heads ? 1 + (skb->len - heads - 1) / skb->gso_size : 1;
}

static __always_inline void count_session(const struct steer_inner *owner, __u32 packets, __u32 bytes)
{
	struct guard_traffic *t = bpf_map_lookup_elem(&sessions, owner);
	if (t) {
		__sync_fetch_and_add(&t->packets, packets);
		__sync_fetch_and_add(&t->bytes, bytes);
		return;
	}
	struct guard_traffic first = { .packets = packets, .bytes = bytes };
	bpf_map_update_elem(&sessions, owner, &first, BPF_ANY);
}

/* {{ judging }} */

static __always_inline int is_too_big(const struct __sk_buff *skb, const struct view *v)
{
	__u8 icmp[2];
	if ((v->protocol != IPPROTO_ICMP && v->protocol != IPPROTO_ICMPV6) ||
	    bpf_skb_load_bytes(skb, v->transport_at, icmp, sizeof icmp) != 0)
		return 0;
	return v->is_v6 ? icmp[0] == ICMPV6_TOO_BIG
			: icmp[0] == ICMP_UNREACHABLE && icmp[1] == ICMP_MUST_FRAGMENT;
}

static __always_inline int is_behind_a_client(const struct steer_inner *source)
{
	struct guard_net key = { .len = 128 };
	__builtin_memcpy(key.addr, source->addr, 16);
	return bpf_map_lookup_elem(&nets, &key) != (void *)0;
}

/* Whose counters it is for: the address, or the prefix that it is in. */
static __always_inline int is_of_a_session(const struct view *v, struct steer_inner *owner)
{
	*owner = v->source;
	if (bpf_map_lookup_elem(&inner, owner))
		return 1;
	if (v->is_v6 && inner_find_prefix(&v->source, owner))
		return 1;
	*owner = v->source;
	return is_behind_a_client(&v->source);
}

SEC("tc")
int guard_tun(struct __sk_buff *skb)
{
	struct view v = {};
	struct steer_inner owner;
	if (read_view(skb, &v) != 0)
		return TC_ACT_SHOT; /* the kernel would do the same */
	if (!is_of_a_session(&v, &owner)) {
		if (is_too_big(skb, &v))
			return TC_ACT_UNSPEC;
		count(GUARD_COUNT_inner_spoofed, 1);
		return TC_ACT_SHOT;
	}
	__u32 packets = packets_in(skb, &v);
	count(GUARD_COUNT_inner, packets);
	count(GUARD_COUNT_inner_bytes, skb->len);
	count_session(&owner, packets, skb->len);
	return TC_ACT_UNSPEC; /* other programs and filters follow */
}

char LICENSE[] SEC("license") = "GPL";
