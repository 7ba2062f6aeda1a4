/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steer_udp - which worker's socket gets a datagram (SO_ATTACH_REUSEPORT_EBPF)
 *
 * A ClientHello whose session id is known goes to the worker that has the session, and its source address is remembered; later
 * datagrams follow by their source.  All else is left to the kernel's hash: the worker that gets it hands it over.  The session
 * id is a secret of one login, so nobody else can fill the table of sources.
 *
 * Loaded once for each listening address (sockets differ), with the other maps shared.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

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
	RECORD_TYPE = UDP_HDR,
	HANDSHAKE_TYPE = UDP_HDR + 13,
	FRAGMENT_OFFSET = UDP_HDR + 19,
	SESSION_ID_LEN = UDP_HDR + 59,
	SESSION_ID = UDP_HDR + 60,
	HELLO_MIN = SESSION_ID + STEER_APP_ID_LEN,
	TYPE_HANDSHAKE = 22,
	TYPE_CLIENT_HELLO = 1,
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

/* The worker whose session a whole ClientHello names. */
static __always_inline struct steer_worker *find_by_hello(struct sk_reuseport_md *ctx)
{
	__u8 head[HELLO_MIN] = {};
	if (bpf_skb_load_bytes(ctx, 0, head, sizeof head) != 0)
		return (struct steer_worker *)0;
	if (head[RECORD_TYPE] != TYPE_HANDSHAKE || head[HANDSHAKE_TYPE] != TYPE_CLIENT_HELLO ||
	    head[SESSION_ID_LEN] != STEER_APP_ID_LEN || head[FRAGMENT_OFFSET] != 0 ||
	    head[FRAGMENT_OFFSET + 1] != 0 || head[FRAGMENT_OFFSET + 2] != 0)
		return (struct steer_worker *)0;
	struct steer_app_id id;
	__builtin_memcpy(id.id, &head[SESSION_ID], sizeof id.id);
	return bpf_map_lookup_elem(&app_ids, &id);
}

SEC("sk_reuseport")
int steer_udp(struct sk_reuseport_md *ctx)
{
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
