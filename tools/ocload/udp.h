/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * udp - many datagrams in one system call, both ways: UDP_SEGMENT and UDP_GRO where the kernel has them, sendmmsg and
 * recvmmsg else
 *
 * Owner:  a udp_in or udp_out is one thread's and serves all its sockets.
 */
#pragma once

#include <sys/socket.h>

#include "base/addr.h"

constexpr size_t UDP_BATCH = 16;          /* messages read at once, each of many segments */
constexpr size_t UDP_READ = 65536;
constexpr size_t UDP_SEGMENTS = 64;       /* what Linux takes at least */
constexpr size_t UDP_OUT = 65000;         /* bytes of all segments */

struct udp_in {
	uint8_t bytes[UDP_BATCH][UDP_READ];
	struct sockaddr_storage from[UDP_BATCH];
};

/* A datagram of that socket; its bytes may be written to. */
typedef void udp_take(void *arg, uint8_t *p, size_t n, const struct sockaddr_storage *from);

/* Datagrams of one length behind each other, to be sent on one socket. */
struct udp_out {
	size_t segment; /* length of each */
	size_t len;
	size_t n;
	bool no_segments; /* the kernel has none */
	uint8_t bytes[UDP_OUT + 2048]; /* room for a record that is being made */
};

/* A socket that does not block; to nullptr: not connected.  from nullptr: any address, port 0. */
enum err udp_open(int *fd, const struct addr *from, const struct addr *to);
/* Read and hand over what is there, at most UDP_BATCH messages.  ERR_BUSY: nothing; ERR_CLOSED: refused by the other end.
 * *dropped: SO_RXQ_OVFL, what this socket has lost since it was opened (left alone if it has lost nothing). */
enum err udp_read(int fd, struct udp_in *in, udp_take *take, void *arg, uint32_t *dropped);

/* The caller wrote a datagram of n bytes at udp_room; it is counted in.  All of a batch have the same length. */
static inline uint8_t *udp_room(struct udp_out *out)
{
	return out->bytes + out->len;
}
static inline void udp_added(struct udp_out *out, size_t n)
{
	out->segment = n;
	out->len += n;
	out->n++;
}
/* Is there room for one more of this length in the batch? */
static inline bool udp_fits(const struct udp_out *out, size_t n)
{
	return out->n < UDP_SEGMENTS && out->len + n <= UDP_OUT && (out->n == 0 || out->segment == n);
}
/* Send the batch, which is empty then.  to nullptr: the socket is connected.  *sent: datagrams that the kernel took. */
enum err udp_send(int fd, struct udp_out *out, const struct sockaddr_storage *to, size_t *sent);
