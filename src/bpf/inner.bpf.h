/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inner - who owns an address inside the tunnel: the map that the keeper writes, for the programs that ask it */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/shared.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_ADDRESSES_MAX);
	__type(key, struct steer_inner);
	__type(value, struct steer_worker);
} inner SEC(".maps");

/* Lengths of IPv6 prefixes that clients have as a whole; 0 ends the list. */
const volatile __u8 prefix_len[STEER_PREFIXES_MAX] = {};

static __always_inline void inner_mask(struct steer_inner *to, __u8 len)
{
	for (int i = 0; i < 16; i++) {
		int left = (int)len - i * 8;
		to->addr[i] &= left >= 8 ? 0xff : left <= 0 ? 0 : (__u8)(0xff00 >> left);
	}
}

/* The prefix that an IPv6 address is in, written to owner. */
static __always_inline struct steer_worker *inner_find_prefix(const struct steer_inner *address,
							      struct steer_inner *owner)
{
	for (int i = 0; i < STEER_PREFIXES_MAX && prefix_len[i] != 0; i++) {
		*owner = *address;
		inner_mask(owner, prefix_len[i]);
		struct steer_worker *w = bpf_map_lookup_elem(&inner, owner);
		if (w)
			return w;
	}
	return (struct steer_worker *)0;
}
