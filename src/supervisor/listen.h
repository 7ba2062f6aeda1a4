/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listen - the sockets that clients come to
 *
 * Each worker has its own TCP and UDP socket for each address (SO_REUSEPORT): the kernel spreads connections by their
 * addresses, no worker is woken for another's, and eBPF can name the worker of a datagram.  The supervisor keeps all of them
 * open, so nothing that waits in the socket of a dead worker is lost: the next one finds it.  A worker that dies again and
 * again must not swallow its share of the connections: listen_pause takes its TCP sockets out of the choice (what waited there
 * is reset, so clients come again at once and reach a sibling), listen_resume brings them back.
 * A socket that the service manager hands over is shared by all workers, unless its unit says ReusePort=yes: then the others get
 * sockets beside it, with its scope.
 *
 * Owner:   the supervisor, from start to end.
 * Never:   reads from any of them.
 */
#pragma once

#include <sys/socket.h>

#include "config/config.h"

constexpr unsigned LISTEN_WORKERS_MAX = 64;
constexpr size_t LISTEN_GROUPS_MAX = 32;

/* One address and port. */
struct listen_group {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	bool is_udp;
	bool is_shared; /* fds[0] is for all workers */
	bool is_inherited; /* fds[0] came from the service manager, who has it, too */
	int fds[LISTEN_WORKERS_MAX];
};

struct listen {
	unsigned workers_n;
	size_t groups_n;
	struct listen_group groups[LISTEN_GROUPS_MAX];
};

/* Opens all; what fails is logged with its cure. */
enum err listen_open(struct listen *l, const struct config *c, const char *file, unsigned workers_n);
void listen_close(struct listen *l);

/* The sockets of a worker, at most cap; returns how many. */
size_t listen_fds(const struct listen *l, bool is_udp, unsigned worker, int *out, size_t cap);

/* Whether the kernel cuts (UDP_SEGMENT) or joins (UDP_GRO) trains of datagrams; option is one of the two. */
bool listen_has_udp(const struct listen *l, int option);

void listen_pause(const struct listen *l, unsigned worker);
void listen_resume(const struct listen *l, unsigned worker);
