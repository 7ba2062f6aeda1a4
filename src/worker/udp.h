/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * udp - datagrams in and out, and which session they belong to
 *
 * Owner:    the worker; buffers are the worker's, not the session's.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/addr.h"
#include "base/table.h"

struct worker;
struct session;

constexpr size_t UDP_RUNS = 32;         /* messages of one sendmmsg */
constexpr size_t UDP_RUN_RECORDS = 64;  /* the kernel's limit of segments */
constexpr size_t UDP_RUN_BYTES = 65000; /* of one message, segments together */
constexpr size_t UDP_BUFFERS =
	524288;  /* receive space: 8 messages of coalesced datagrams, or 32 of one each */

/* Outer address of a client and the socket it came to. */
struct udp_peer {
	struct addr addr;
	uint32_t socket;
};
static_assert(sizeof(struct udp_peer) == 24);

struct datagram {
	uint8_t *bytes; /* may be changed in place */
	size_t len;
	struct udp_peer peer;
	struct addr local; /* our address that the client sent to */
	int from;          /* worker that handed it over; -1: our own socket */
	bool is_probe;     /* from an address nobody knows */
};

struct udp_socket {
	uv_poll_t poll;
	struct worker *w;
	int fd;
	int family;
};

struct udp_control {
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
					   2 * CMSG_SPACE(sizeof(int))];
};

/* Datagrams of one length (the last may be shorter) to one client: one message, cut by the kernel or the card (UDP_SEGMENT). */
struct udp_run {
	struct session *session; /* nullptr: of a handshake */
	struct udp_peer peer;
	struct addr local;
	uint32_t each; /* bytes of each */
	uint32_t bytes, n;
	struct iovec iovs[UDP_RUN_RECORDS];
};

/* What waits for one sendmmsg. */
struct udp_out {
	struct udp_run runs[UDP_RUNS];
	struct mmsghdr msgs[UDP_RUNS];
	struct sockaddr_storage addrs[UDP_RUNS];
	struct udp_control controls[UDP_RUNS];
	size_t n;
};

struct peer_entry;

struct udp {
	struct udp_socket *sockets;
	size_t sockets_n;
	struct peer_entry *peers; /* outer address -> session */
	struct peer_entry *last; /* found last: datagrams come in trains */
	uint8_t *buffers; /* UDP_BUFFERS */
	size_t buffer_len; /* of one message */
	bool gso, gro; /* UDP_SEGMENT, UDP_GRO */
	struct udp_out out;
};

enum err udp_start(struct worker *w);
void udp_fini(struct worker *w);

/* Find the session of d and give it to it; hands over or drops what is not ours. */
void udp_dispatch(struct worker *w, struct datagram *d);

/* Queue bytes, which must stay as they are until udp_flush; a full batch is flushed.  The order of a session's datagrams is kept. */
void udp_queue(struct worker *w, struct session *s, const struct udp_peer *peer, const struct addr *local,
	       const void *bytes, size_t len);
void udp_flush(struct worker *w);

/* Which session an outer address belongs to. */
void udp_peer_set(struct worker *w, const struct udp_peer *peer, struct session *s);
void udp_peer_drop(struct worker *w, const struct udp_peer *peer, const struct session *s);
