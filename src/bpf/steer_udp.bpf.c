/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steer_udp - which worker's socket gets a datagram (SO_ATTACH_REUSEPORT_EBPF)
 *
 * A ClientHello whose session id is known goes to the worker that has the session, and its source address is remembered; later
 * datagrams follow by their source.  DTLS 1.3 names the session by the identity of a pre-shared key, and its later datagrams
 * have a connection id that begins with the worker, so their source does not matter.  All else is left to the kernel's hash: the
 * worker that gets it hands it over.  Session id and identity are a secret of one login, so nobody else can fill the table of
 * sources.
 *
 * Loaded once for each listening address (sockets differ), with the other maps shared.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/identity.bpf.h"
#include "bpf/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, STEER_WORKERS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_SESSIONS_MAX);
	__type(key, struct steer_app_id);
	__type(value, struct steer_worker);
} app_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STEER_FLOWS_MAX);
	__type(key, struct steer_flow);
	__type(value, struct steer_worker);
} flows SEC(".maps");

enum {
	UDP_HDR = 8, /* the context begins at the UDP header */
	IPV4_SOURCE = 12, /* in the IP header */
	IPV6_SOURCE = 8,
};

static __always_inline int read_source(struct sk_reuseport_md *ctx, struct steer_flow *f)
{
	if (bpf_skb_load_bytes(ctx, 0, &f->port, sizeof f->port) != 0)
		return -1;
	if (ctx->eth_protocol == bpf_htons(ETH_P_IPV6))
		return (int)bpf_skb_load_bytes_relative(ctx, IPV6_SOURCE, f->addr, 16, BPF_HDR_START_NET);
	f->addr[10] = 0xff;
	f->addr[11] = 0xff;
	return (int)bpf_skb_load_bytes_relative(ctx, IPV4_SOURCE, &f->addr[12], 4, BPF_HDR_START_NET);
}

/* A hello of DTLS 1.3: its session by the identity of the key, as far from the end as one binder leaves it. */
static __always_inline struct steer_worker *find_by_identity(struct sk_reuseport_md *ctx)
{
	__u8 line[IDENTITY_LINE] = {};
	struct steer_app_id id = {};
	if (ctx->len < UDP_HDR + HELLO_HEAD + IDENTITY_LINE + IDENTITY_END ||
	    bpf_skb_load_bytes(ctx, ctx->len - IDENTITY_END - IDENTITY_LINE, line, sizeof line) != 0 ||
	    identity_read(line, &id) != 0)
		return (struct steer_worker *)0;
	return bpf_map_lookup_elem(&app_ids, &id);
}

/* The worker whose session a whole ClientHello names. */
static __always_inline struct steer_worker *find_by_hello(struct sk_reuseport_md *ctx)
{
	__u8 head[HELLO_HEAD] = {};
	if (bpf_skb_load_bytes(ctx, UDP_HDR, head, sizeof head) != 0 || !identity_is_hello(head))
		return (struct steer_worker *)0;
	if (head[HELLO_ID_LEN] == 0)
		return find_by_identity(ctx);
	if (head[HELLO_ID_LEN] != STEER_APP_ID_LEN)
		return (struct steer_worker *)0;
	struct steer_app_id id;
	__builtin_memcpy(id.id, &head[HELLO_ID], sizeof id.id);
	return bpf_map_lookup_elem(&app_ids, &id);
}

/* The worker in the connection id of a record; -1 if it has none. */
static __always_inline int owner_by_cid(struct sk_reuseport_md *ctx)
{
	__u8 head[2] = {};
	if (bpf_skb_load_bytes(ctx, UDP_HDR, head, sizeof head) != 0 ||
	    (head[0] & UNIFIED_MASK) != UNIFIED_CID)
		return -1;
	return head[1];
}

SEC("sk_reuseport")
int steer_udp(struct sk_reuseport_md *ctx)
{
	int owner = owner_by_cid(ctx);
	if (owner >= 0) {
		__u32 index = (__u32)owner;
		bpf_sk_select_reuseport(ctx, &sockets, &index, 0); /* as below */
		return SK_PASS;
	}
	struct steer_flow flow = {};
	if (read_source(ctx, &flow) != 0)
		return SK_PASS;
	struct steer_worker *worker = find_by_hello(ctx);
	if (worker)
		bpf_map_update_elem(&flows, &flow, worker, BPF_ANY);
	else
		worker = bpf_map_lookup_elem(&flows, &flow);
	if (worker) {
		__u32 index = worker->index;
		/* fails if that socket is closed: then the kernel's hash decides */
		bpf_sk_select_reuseport(ctx, &sockets, &index, 0);
	}
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
