/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard - maps and settings of the guard's programs, for the kernel's side and the supervisor, who alone writes them
 *
 *   list4, list6  who is let in or kept out: longest prefix, with its end on the clock of bpf_ktime_get_ns (CLOCK_MONOTONIC)
 *   ours          our addresses and ports; nothing else is touched
 *   known         outer sources of clients that have proven themselves, see guard_xdp.bpf.c
 *   buckets       one for each source and kind of packet (GCRA: the time at which the bucket is empty again)
 *   counts        guard.def, one row for each processor
 *   nets          of guard_tun: networks behind clients
 *   sessions      of guard_tun: what each inner address has sent
 */
#pragma once

#include <linux/types.h>

#define GUARD_PREFIXES_MAX (1 << 18) /* of each family */
#define GUARD_OURS_MAX 4096
#define GUARD_PORTS_MAX 8
#define GUARD_SOURCES_MAX (1 << 16)
#define GUARD_KNOWN_MAX (1 << 17)
#define GUARD_NETS_MAX (1 << 16)
#define GUARD_SEEN_PAGE 4096u
#define GUARD_SEEN_PAGES 4096u

enum guard_verdict {
	GUARD_VERDICT_BLOCK = 1,     /* everything */
	GUARD_VERDICT_BLOCK_NEW = 2, /* new connections and strangers: tunnels that are open go on */
	GUARD_VERDICT_ALLOW = 3,     /* no limit either */
};

struct guard_key4 {
	__u32 len;
	__u8 addr[4];
};

struct guard_key6 {
	__u32 len;
	__u8 addr[16];
};

struct guard_entry {
	__u64 expires_ns; /* 0: never */
	__u32 verdict;    /* enum guard_verdict */
	__u32 mark;       /* of the supervisor's sweep; no business of the programs */
};

struct guard_ours {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

enum guard_kind {
	GUARD_KIND_SYN = 1,
	GUARD_KIND_UDP,
	GUARD_KIND_HELLO, /* addr: the first bytes of a session's id */
};

struct guard_source {
	__u8 addr[16]; /* IPv4 as above; IPv6: the /64 */
	__u8 kind;
	__u8 zero[3];
};

/* cost_ns 0: no limit */
struct guard_rate {
	__u64 cost_ns;
	__u64 burst_ns;
};

struct guard_settings {
	struct guard_rate syn, udp, hello;       /* of one source, of one id */
	struct guard_rate syn_total, udp_total;
	__u32 ports_n;
	__be16 ports[GUARD_PORTS_MAX];           /* asked before the map */
	__u32 workers_n;
	__u32 seed;
};

/* What a session has sent into the TUN device; its key is struct steer_inner. */
struct guard_traffic {
	__u64 packets; /* as they were before they were joined to super-packets */
	__u64 bytes;
};

/* A network behind a client (iroute). */
struct guard_net {
	__u32 len; /* IPv4: 96 more */
	__u8 addr[16];
};

enum guard_count {
#define GUARD_COUNT(name, help) GUARD_COUNT_##name,
#include "bpf/guard.def"
#undef GUARD_COUNT
	GUARD_COUNT_N,
};

static_assert(sizeof(struct guard_net) == 20, "key of a trie: no padding");
static_assert(sizeof(struct guard_key4) == 8 && sizeof(struct guard_key6) == 20,
	      "keys of a trie: no padding");
static_assert(sizeof(struct guard_entry) == 16, "value of lists");
static_assert(sizeof(struct guard_ours) == 20, "key of ours: no padding");
static_assert(sizeof(struct guard_source) == 20, "key of buckets: no padding");
