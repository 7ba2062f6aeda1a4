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

constexpr size_t UDP_BATCH = 32;
constexpr size_t UDP_DATAGRAM_MAX = 16384 + 64;

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
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Messages that wait for one sendmmsg. */
struct udp_out {
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iovs[UDP_BATCH];
	struct sockaddr_storage addrs[UDP_BATCH];
	struct udp_control controls[UDP_BATCH];
	struct session *sessions[UDP_BATCH]; /* to lower the MTU of; may be nullptr */
	uint32_t socket;
	size_t n;
};

struct peer_entry;

struct udp {
	struct udp_socket *sockets;
	size_t sockets_n;
	struct peer_entry *peers; /* outer address -> session */
	uint8_t *buffers;         /* UDP_BATCH of UDP_DATAGRAM_MAX */
	struct udp_out out;
};

enum err udp_start(struct worker *w);
void udp_fini(struct worker *w);

/* Find the session of d and give it to it; hands over or drops what is not ours. */
void udp_dispatch(struct worker *w, struct datagram *d);

/* Queue bytes, which must stay as they are until udp_flush; a full batch is flushed. */
void udp_queue(struct worker *w, struct session *s, const struct udp_peer *peer, const struct addr *local, const void *bytes,
               size_t len);
void udp_flush(struct worker *w);

/* Which session an outer address belongs to. */
void udp_peer_set(struct worker *w, const struct udp_peer *peer, struct session *s);
void udp_peer_drop(struct worker *w, const struct udp_peer *peer, const struct session *s);
