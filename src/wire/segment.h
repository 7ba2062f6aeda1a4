/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * segment - a super-packet of the kernel taken apart: what a read of a TUN queue with IFF_VNET_HDR gives
 *
 * A read is a struct virtio_net_hdr and one packet of up to 64 KB: a run of TCP (TSO) or UDP (USO) of one flow
 * with one header, or a lone packet; its checksum may be left to us.  Segments are what the kernel's own GSO makes.
 *
 * Owner:  the caller; the bytes of the super-packet must stay until the last segment is out.
 * Runs in: the worker; pure.
 */
#pragma once

#include <linux/virtio_net.h>

#include "base/base.h"
#include "wire/ip.h"

constexpr uint8_t SEGMENT_GSO_UDP_L4 = 5; /* VIRTIO_NET_HDR_GSO_UDP_L4 is not in the headers of Linux 6.1 */

struct segment {
	struct ip_packet packet; /* the whole: route and MTU are looked up once for all segments */
	uint64_t ip_sum;         /* IPv4 header without length, id and checksum */
	uint64_t upper_sum; /* pseudo header, TCP or UDP header without what differs between segments */
	size_t at; /* payload bytes already given out */
	uint32_t seq; /* TCP: of the first segment */
	uint16_t id; /* IPv4: of the next segment */
	uint16_t size; /* payload of a segment, the last may have less; 0: a lone packet */
	uint16_t head_len; /* repeated before each payload: IP and TCP or UDP header */
	uint16_t csum_start; /* lone packet: sum from here to the end */
	uint16_t csum_at; /* and store here; 0: the checksum is complete */
	uint8_t flags; /* TCP: of the whole */
	bool is_done;
};

/*
 * One read: h and the len bytes behind it.  ERR_SHORT, ERR_PROTO: malformed (a bug in the kernel or in the caller);
 * ERR_UNSUPPORTED: a kind of super-packet that was not asked for.
 */
enum err segment_init(struct segment *s, const struct virtio_net_hdr *h, const uint8_t *packet, size_t len);

/* Length of the largest segment.  More than the session's MTU: answer with icmp_too_big of s->packet (once for
 * all), or cut each segment with ip_fragment4. */
size_t segment_len_max(const struct segment *s);

/* A lone packet: may be finished where it lies (out == packet), which spares the copy. */
static inline bool segment_is_lone(const struct segment *s)
{
	return s->size == 0;
}

/* The next whole IP packet.  ERR_NOTFOUND after the last; ERR_FULL: cap is less than it needs, call again. */
enum err segment_next(struct segment *s, uint8_t *out, size_t cap, size_t *out_len);

/* ip_sum with wider steps, for payloads. */
uint64_t segment_sum(uint64_t sum, const uint8_t *p, size_t len);
