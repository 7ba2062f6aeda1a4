/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * coalesce - packets of one batch joined to super-packets for the TUN queue, by the rules of the kernel's GRO
 *
 * Add the packets of a batch, then take what has to be written: TCP and UDP runs of one flow as one packet with a
 * struct virtio_net_hdr, everything else as it came.  Payload is not copied.  Order inside a flow is kept.
 *
 * Owner:  the worker; the packets are the caller's, are changed (the first header of a run) and must stay until
 *         coalesce_next has said ERR_NOTFOUND and the last one is written.
 * Runs in: the worker; pure.
 * Never:  joins a packet whose checksum is wrong: that one goes on alone, for its receiver to drop.
 */
#pragma once

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "base/base.h"

constexpr size_t COALESCE_PACKETS_MAX = 512; /* of one batch */
constexpr size_t COALESCE_FLOWS_MAX = 16;    /* that can still grow; one more closes the oldest */
constexpr size_t COALESCE_SEGMENTS_MAX = 64; /* of one super-packet: UDP_MAX_SEGMENTS before Linux 6.9 */

struct coalesce_piece {
	uint8_t *at;
	uint16_t len;
	uint16_t next; /* piece of the same run, no meaning in the last */
};

/* One write: a run, or a lone packet. */
struct coalesce_run {
	uint16_t first, last; /* pieces: the whole first packet, then payloads */
	uint16_t pieces_n;
	uint16_t len;      /* of the packet so far */
	uint16_t upper;    /* where TCP or UDP begins */
	uint16_t head_len; /* both headers */
	uint16_t size;     /* payload of the first */
	uint16_t last_id;  /* IPv4 */
	uint32_t next_seq; /* TCP */
	uint8_t protocol;
	uint8_t tail_flags; /* TCP: PSH and FIN of the last */
	bool is_verified;   /* checksum of the first packet */
	bool has_fixed_id;
};

/* A flow whose run can still grow. */
struct coalesce_flow {
	uint32_t pair;  /* hash of both addresses */
	uint32_t ports; /* as they lie in the packet */
	uint16_t run;
	bool is_open;
};

struct coalesce {
	bool has_uso; /* UDP may be joined: the kernel takes VIRTIO_NET_HDR_GSO_UDP_L4 */
	uint8_t victim;
	uint16_t pieces_n, runs_n, taken_n;
	struct coalesce_flow flows[COALESCE_FLOWS_MAX];
	struct coalesce_run runs[COALESCE_PACKETS_MAX];
	struct coalesce_piece pieces[COALESCE_PACKETS_MAX];
};

/* For one writev: iov[0] is hdr. */
struct coalesce_out {
	struct virtio_net_hdr hdr;
	unsigned packets_n; /* how many came in */
	unsigned iov_n;
	struct iovec iov[1 + COALESCE_SEGMENTS_MAX];
};

void coalesce_init(struct coalesce *c, bool has_uso);

/* One packet, exactly len bytes.  ERR_FULL: take and write everything, then add it again; ERR_RANGE: len is 0 or
 * above 65535. */
enum err coalesce_add(struct coalesce *c, uint8_t *packet, size_t len);

/* The next one to write, in the order of first packets.  ERR_NOTFOUND after the last: c is empty again. */
enum err coalesce_next(struct coalesce *c, struct coalesce_out *out);
