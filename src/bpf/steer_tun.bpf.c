/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steer_tun - which queue of the TUN device gets a packet (TUNSETSTEERINGEBPF)
 *
 * Queue i belongs to worker i.  A packet goes to the worker that has the session with its destination address; unknown ones
 * are spread by a hash of the destination, so that they stay in order.  The kernel takes the result modulo the number of queues.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/inner.bpf.h"
#include "bpf/shared.h"

enum {
	IPV4_DESTINATION = 16,
	IPV6_DESTINATION = 24,
};

static __always_inline int read_destination(struct __sk_buff *skb, struct steer_inner *to, int *is_v6)
{
	__u8 version;
	if (bpf_skb_load_bytes(skb, 0, &version, 1) != 0)
		return -1;
	*is_v6 = version >> 4 == 6;
	if (*is_v6)
		return (int)bpf_skb_load_bytes(skb, IPV6_DESTINATION, to->addr, 16);
	to->addr[10] = 0xff;
	to->addr[11] = 0xff;
	return (int)bpf_skb_load_bytes(skb, IPV4_DESTINATION, &to->addr[12], 4);
}

/* FNV-1a */
static __always_inline __u32 hash(const struct steer_inner *to)
{
	__u32 h = 2166136261u;
	for (int i = 0; i < 16; i++)
		h = (h ^ to->addr[i]) * 16777619u;
	return h ^ h >> 16;
}

SEC("socket")
int steer_tun(struct __sk_buff *skb)
{
	struct steer_inner to = {}, owner;
	int is_v6 = 0;
	if (read_destination(skb, &to, &is_v6) != 0)
		return 0;
	struct steer_worker *w = bpf_map_lookup_elem(&inner, &to);
	if (!w && is_v6)
		w = inner_find_prefix(&to, &owner);
	return (int)(w ? w->index : hash(&to) & 0x7fff);
}

char LICENSE[] SEC("license") = "GPL";
