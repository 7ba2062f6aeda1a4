/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stats - counters in shared memory, one region a worker
 *
 * Owner:    the worker writes with relaxed stores; control maps the region read only and reads with relaxed loads: a
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

struct stats_region {
	struct stats_counters c;
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
