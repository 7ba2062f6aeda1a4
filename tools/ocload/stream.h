/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stream - UDP flows sent at a rate by the kernel's own stack, all from one socket
 *
 * Owner:  the peer, one for each run.
 */
#pragma once

#include "base/clock.h"
#include "probe.h"
#include "udp.h"

struct stream_flow {
	struct sockaddr_storage to;
	uint32_t id;
	uint64_t seq;
};

struct stream {
	uint32_t run;
	size_t size; /* of the IP packet */
	double rate; /* of all flows; 0: as fast as possible */
	unsigned burst;
	struct mono start, until;
	struct stream_flow *flows;
	size_t n, cursor;
	uint64_t sent;
	uint64_t skipped; /* were due too long ago */
};

/* to: an IPv6 socket address, v4-mapped for IPv4. */
enum err stream_add(struct stream *s, const struct sockaddr_storage *to, uint32_t id);
void stream_fini(struct stream *s);
/* Send what is due; how long nothing is due, in ns (UINT64_MAX: never again). */
uint64_t stream_run(struct stream *s, int fd, struct udp_out *out, struct mono now);
