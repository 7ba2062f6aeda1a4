/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counters - what the workers count, seen through shared memory that is read only here
 *
 * Owner:  struct control; the mappings last as long as the process.
 */
#pragma once

#include "ipc/stats.h"

constexpr size_t COUNTERS_WORKERS_MAX = 250; /* descriptors of one message */

struct counters {
	const struct stats_region *regions[COUNTERS_WORKERS_MAX];
	uint32_t slots_n; /* of each region, as the supervisor said: a worker cannot make us read further */
	unsigned n;
};

/* Map the region of the next worker.  fd stays the caller's.  ERR_RANGE: too small or too many; ERR_SYS. */
enum err counters_map(struct counters *c, int fd, uint32_t slots_n);
void counters_fini(struct counters *c);

/* What a worker knows of a session, copied. */
struct counters_live {
	uint64_t rx_bytes, tx_bytes; /* rx: from the client */
	uint32_t mtu;
	bool has_dtls; /* data goes over DTLS now */
	char tls_cipher[64];
	char dtls_cipher[64];
	uint8_t pack_tls, pack_udp; /* as in struct stats_session */
};

/* The sessions of all workers at one moment, sorted by number: made once a listing. */
struct counters_index {
	struct counters_entry {
		uint64_t sid;
		const struct stats_session *slot;
	} *v;
	size_t n;
};

enum err counters_index_init(struct counters_index *ix, const struct counters *c);
void counters_index_fini(struct counters_index *ix);

/* false: no worker has this session (any more). */
bool counters_find(const struct counters_index *ix, uint64_t sid, struct counters_live *out);

/* Smallest and largest inner MTU of the sessions; 0 and 0 if there is none. */
void counters_mtus(const struct counters_index *ix, uint32_t *least, uint32_t *most);
