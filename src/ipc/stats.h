/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stats - counters in shared memory, one region a worker
 *
 * Owner:    the worker writes with relaxed stores; control and metrics map the region read only and read with relaxed loads: a
 *           figure may be one packet old, never torn.  Strings of a slot are written before sid is stored (release) and read after
 *           it is loaded (acquire); a reader loads sid again afterwards and drops the slot if it changed.
 */
#pragma once

#include <stdatomic.h>

#include "base/base.h"

struct stats_session {
	_Atomic uint64_t sid; /* 0: free */
	_Atomic uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets; /* rx: from the client */
	_Atomic uint64_t last_rx_mono_ns;
	_Atomic uint32_t mtu;      /* inner */
	_Atomic uint32_t dtls_up;  /* 1: data goes over DTLS */
	char tls_cipher[64];       /* "(TLS1.3)-(ECDHE-X25519)-…" as occtl shows it */
	char dtls_cipher
		[64]; /* set while sid is set: read only if dtls_seen (partner: store-release in the worker) */
	_Atomic uint32_t dtls_seen;
	_Atomic uint8_t pack_tls, pack_udp; /* compression: 0 none, 1 lz4, 2 lzs */
};

struct stats_counters {
#define STAT(name, help) _Atomic uint64_t name;
#include "ipc/stats.def"
#undef STAT
};

/* How often something took how long: bucket i counts what took at most 1 us << i and more than the bucket before; the last one all that
 * took longer. */
constexpr size_t STATS_BOUNDS_N = 25;
struct stats_hist {
	_Atomic uint64_t n[STATS_BOUNDS_N + 1];
	_Atomic uint64_t sum_ns;
};

struct stats_hists {
#define HIST(name, help) struct stats_hist name;
#include "ipc/hist.def"
#undef HIST
};

struct stats_levels {
	_Atomic uint64_t cpu_ns; /* processor time since the process began */
#define LEVEL(name, help) _Atomic uint64_t name;
#include "ipc/level.def"
#undef LEVEL
};

struct stats_region {
	struct stats_counters c;
	struct stats_hists hists;
	struct stats_levels levels;
	uint32_t slots_n;
	_Atomic uint32_t slots_used; /* slots at and above this index were never used */
	alignas(64) struct stats_session slots[];
};

static inline size_t stats_size(uint32_t slots_n)
{
	return sizeof(struct stats_region) + (size_t)slots_n * sizeof(struct stats_session);
}

/* One writer: load and store, no locked instruction. */
static inline void stats_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t stats_read(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void stats_set(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

/* One writer. */
void stats_hist_add(struct stats_hist *h, uint64_t ns);

/* Map the region behind fd (which stays the caller's) read only, for a reader that does not trust its writer: slots_n is what the
 * supervisor said.  ERR_RANGE: it is too small; ERR_SYS.  stats_unmap ends it. */
enum err stats_map(const struct stats_region **out, int fd, uint32_t slots_n);
void stats_unmap(const struct stats_region *r, uint32_t slots_n);
