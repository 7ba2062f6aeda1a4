/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packet - IP packets as a client would send through its tunnel, and a look at those that come back
 *
 * Owner:  the thread that sends; pure.
 * Never:  allocates, reads the clock.
 */
#pragma once

#include "base/addr.h"
#include "probe.h"

constexpr size_t PACKET_ROOM = 16384; /* the longest packet */
constexpr uint16_t PACKET_CLIENT_PORT =
	20000; /* inner source port of flow 0 of each client; the others follow */

/* What all packets of a run have in common. */
struct packet_shape {
	size_t size; /* of the IP packet */
	uint8_t version;
	uint64_t fill_sum[PROBE_FILLS]; /* checksum of each fill at this size */
};

/* Shortest packet with a probe and body_len bytes in it, UDP or ICMP echo. */
size_t packet_least(uint8_t version, size_t body_len);
/* size: at least packet_least(version, 0), at most PACKET_ROOM. */
void packet_shape_init(struct packet_shape *s, uint8_t version, size_t size);

/* Inner addresses and ports of one flow; an ICMP echo has its identifier in src.port. */
struct packet_path {
	struct addr src, dst;
};

/* Write one packet of shape->size bytes with right checksums, filled behind the probe. */
void packet_put_udp(uint8_t *out, const struct packet_shape *s, const struct packet_path *path,
		    const struct probe *p);
void packet_put_echo(uint8_t *out, const struct packet_shape *s, const struct packet_path *path,
		     const struct probe *p);
/* The same with a body instead of the fill; the length of the packet is returned. */
size_t packet_put_control(uint8_t *out, const struct packet_path *path, const struct probe *p,
			  const void *body, size_t len);

enum packet_verdict : uint8_t {
	PACKET_GOOD = 1,
	PACKET_CORRUPT, /* ours and damaged, or no IP packet at all */
	PACKET_OTHER,   /* of somebody else: routers, neighbours, ICMP errors */
};

struct packet_in {
	struct probe probe;
	bool is_echo; /* an ICMP echo reply, else UDP */
	const uint8_t *body; /* behind the probe */
	size_t body_len;
	size_t len;
};

/* Checksums of IP, UDP and ICMP, of the probe, and each byte of the fill are verified.  port: of the peer. */
enum packet_verdict packet_look(struct packet_in *out, const uint8_t *p, size_t n, uint16_t port);
