/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/port.h"

constexpr int BACKLOG = 4096;      /* the kernel lowers it to net.core.somaxconn */
constexpr int INHERITED_FIRST = 3; /* sd_listen_fds(3) */
/* some 3000 full datagrams: a worker that is busy for 20 ms at 1 Gbit/s loses none */
constexpr int UDP_BUFFER = 4 * 1024 * 1024;

/* What all sockets of a call have in common. */
struct want {
	const char *file; /* configuration, for messages */
	unsigned workers_n;
	bool is_udp;
	bool forbid_fragments;
	uint32_t port;
	int like; /* socket whose scope a new one gets; -1: none */
};

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
					      : ((const struct sockaddr_in *)a)->sin_port);
}

static const char *text_of(const struct sockaddr_storage *a, socklen_t len, char *out, size_t cap)
{
	if (getnameinfo((const struct sockaddr *)a, len, out, (socklen_t)cap, nullptr, 0, NI_NUMERICHOST) !=
	    0)
		snprintf(out, cap, "?");
	return out;
}

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static const char *option_of(const struct want *w)
{
	return w->is_udp ? "udp-port" : "tcp-port";
}

static void tell_taken(const struct listen_group *g, const struct want *w)
{
	char where[NI_MAXHOST], name[32], owner[64] = "another process";
	pid_t pid;
	if (port_owner(w->is_udp, port_of(&g->addr), name, sizeof name, &pid) == ERR_OK)
		snprintf(owner, sizeof owner, "%s (process %d)", name, pid);
	log_err("listen.taken %s port %u of %s is used by %s: stop it, or set another %s in %s",
		w->is_udp ? "UDP" : "TCP", port_of(&g->addr),
		text_of(&g->addr, g->addr_len, where, sizeof where), owner, option_of(w), w->file);
}

static void tell_failed(const struct listen_group *g, const struct want *w, const char *call)
{
	if (errno == EADDRINUSE) {
		tell_taken(g, w);
		return;
	}
	int error = errno;
	char where[NI_MAXHOST];
	text_of(&g->addr, g->addr_len, where, sizeof where);
	const char *cure = error == EACCES          ? "start as root, or with CAP_NET_BIND_SERVICE"
			   : error == EADDRNOTAVAIL ? "no interface has this address: correct listen-host"
						    : "see the error";
	log_err("listen.failed %s port %u of %s: %s: %s; %s (%s)", w->is_udp ? "UDP" : "TCP",
		port_of(&g->addr), where, call, strerror(error), cure, w->file);
}

/* Another server of ours, or of the same user, could share a SO_REUSEPORT port unnoticed: so first try without. */
static enum err probe(const struct listen_group *g, const struct want *w)
{
	int fd OWNED(base_closep) =
		socket(g->addr.ss_family, (w->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno == EAFNOSUPPORT ? ERR_UNSUPPORTED : ERR_SYS;
	if (g->addr.ss_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	/* lets connections of the last run be in TIME_WAIT; a listener is refused all the same */
	if (!w->is_udp)
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (const struct sockaddr *)&g->addr, g->addr_len) != 0 ||
	    (!w->is_udp && listen(fd, 1) != 0)) {
		/* IPv6 is there but switched off */
		if (g->addr.ss_family == AF_INET6 && errno == EADDRNOTAVAIL &&
		    IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&g->addr)->sin6_addr))
			return ERR_UNSUPPORTED;
		tell_failed(g, w, "bind");
		return ERR_SYS;
	}
	return ERR_OK;
}

static void set_udp(int fd, int family, bool forbid_fragments)
{
	if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER))
		set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER))
		set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
	if (family == AF_INET6) {
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
		    forbid_fragments ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
		return;
	}
	set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set(fd, IPPROTO_IP, IP_MTU_DISCOVER, forbid_fragments ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
}

/* What a socket unit says of where its socket is, for those that we put beside it. */
static const struct {
	int level, option;
} scope[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY },    { IPPROTO_IP, IP_FREEBIND }, { IPPROTO_IPV6, IPV6_FREEBIND },
	{ SOL_SOCKET, SO_BINDTOIFINDEX }, { SOL_SOCKET, SO_MARK },
};

static bool copy_scope(int fd, int like)
{
	for (size_t i = 0; i < ARRAY_LEN(scope); i++) {
		int theirs = 0, ours = 0;
		socklen_t len = sizeof theirs;
		/* options of the other family are none of this socket */
		if (getsockopt(like, scope[i].level, scope[i].option, &theirs, &len) != 0 ||
		    getsockopt(fd, scope[i].level, scope[i].option, &ours, &len) != 0)
			continue;
		if (theirs != ours && !set(fd, scope[i].level, scope[i].option, theirs))
			return false;
	}
	return true;
}

static bool set_scope(int fd, int family, int like)
{
	if (like >= 0)
		return copy_scope(fd, like);
	return family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

static enum err open_one(int *out, const struct listen_group *g, const struct want *w)
{
	int family = g->addr.ss_family;
	int fd OWNED(base_closep) =
		socket(family, (w->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && set(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
		  (w->is_udp || set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) && set_scope(fd, family, w->like) &&
		  bind(fd, (const struct sockaddr *)&g->addr, g->addr_len) == 0;
	if (!ok) {
		tell_failed(g, w, "bind");
		return ERR_SYS;
	}
	if (w->is_udp)
		set_udp(fd, family, w->forbid_fragments);
	else if (listen(fd, BACKLOG) != 0) {
		tell_failed(g, w, "listen");
		return ERR_SYS;
	}
	*out = fd;
	fd = -1;
	return ERR_OK;
}

static enum err open_group(struct listen *l, const struct sockaddr *addr, socklen_t len, const struct want *w)
{
	if (l->groups_n == LISTEN_GROUPS_MAX) {
		log_err("listen.too_many addresses=%zu: lower the number of listen-host lines in %s",
			l->groups_n, w->file);
		return ERR_FULL;
	}
	struct listen_group *g = &l->groups[l->groups_n];
	*g = (struct listen_group){ .addr_len = len, .is_udp = w->is_udp };
	memcpy(&g->addr, addr, len);
	TRY(probe(g, w));
	for (unsigned i = 0; i < LISTEN_WORKERS_MAX; i++)
		g->fds[i] = -1;
	l->groups_n++; /* from now on listen_close closes what is open */
	for (unsigned i = 0; i < w->workers_n; i++)
		TRY(open_one(&g->fds[i], g, w));
	return ERR_OK;
}

static enum err open_all_addresses(struct listen *l, const struct want *w)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)w->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)w->port) };
	enum err e4 = open_group(l, (struct sockaddr *)&v4, sizeof v4, w);
	if (e4 != ERR_OK && e4 != ERR_UNSUPPORTED)
		return e4;
	enum err e6 = open_group(l, (struct sockaddr *)&v6, sizeof v6, w);
	if (e6 == ERR_UNSUPPORTED)
		log_notice("listen.no_ipv6 port=%u", w->port);
	return e4 == ERR_OK && e6 == ERR_UNSUPPORTED ? ERR_OK : e6;
}

static enum err open_host(struct listen *l, const char *host, const struct want *w)
{
	if (strcmp(host, "*") == 0)
		return open_all_addresses(l, w);
	char port[8];
	snprintf(port, sizeof port, "%u", w->port);
	struct addrinfo hints = { .ai_socktype = w->is_udp ? SOCK_DGRAM : SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found;
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed != 0) {
		log_err("listen.unknown_host %s: %s; correct %slisten-host in %s", host, gai_strerror(failed),
			w->is_udp ? "udp-" : "", w->file);
		return ERR_NOTFOUND;
	}
	enum err e = ERR_OK;
	for (struct addrinfo *a = found; a != nullptr && e == ERR_OK; a = a->ai_next)
		e = open_group(l, a->ai_addr, a->ai_addrlen, w);
	freeaddrinfo(found);
	return e;
}

static enum err open_hosts(struct listen *l, const struct strlist *hosts, const struct want *w)
{
	if (hosts->n == 0)
		return open_all_addresses(l, w);
	for (size_t i = 0; i < hosts->n; i++)
		TRY(open_host(l, hosts->v[i], w));
	return ERR_OK;
}

/* {{ socket activation }} */

/* With ReusePort=yes in the unit each worker gets a socket of its own, the first the one that was handed over. */
static enum err spread(struct listen_group *g, const struct want *w)
{
	int fd = g->fds[0], is_on = 0;
	socklen_t len = sizeof is_on;
	struct want more = *w;
	if (w->workers_n == 1 || getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_on, &len) != 0 || !is_on)
		return ERR_OK;
	more.like = fd;
	more.is_udp = g->is_udp;
	for (unsigned i = 1; i < w->workers_n; i++)
		TRY(open_one(&g->fds[i], g, &more));
	g->is_shared = false;
	return ERR_OK;
}

static enum err adopt(struct listen *l, int fd, const struct want *w)
{
	int type = 0, listening = 0;
	socklen_t len = sizeof type;
	if (l->groups_n == LISTEN_GROUPS_MAX)
		return ERR_FULL;
	struct listen_group *g = &l->groups[l->groups_n];
	*g = (struct listen_group){ .addr_len = sizeof g->addr, .is_shared = true, .is_inherited = true };
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&g->addr, &g->addr_len) != 0)
		return ERR_SYS;
	g->is_udp = type == SOCK_DGRAM;
	if ((g->addr.ss_family != AF_INET && g->addr.ss_family != AF_INET6) || (!g->is_udp && !listening)) {
		log_err("listen.inherited descriptor=%d is neither a listening TCP nor a UDP socket: correct the .socket unit",
			fd);
		return ERR_UNSUPPORTED;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (g->is_udp)
		set_udp(fd, g->addr.ss_family, w->forbid_fragments);
	for (unsigned i = 0; i < LISTEN_WORKERS_MAX; i++)
		g->fds[i] = -1;
	g->fds[0] = fd;
	l->groups_n++;
	TRY(spread(g, w));
	log_info("listen.inherited descriptor=%d protocol=%s port=%u shared=%d", fd,
		 g->is_udp ? "udp" : "tcp", port_of(&g->addr), g->is_shared);
	return ERR_OK;
}

static enum err adopt_inherited(struct listen *l, const struct want *w)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	if (pid == nullptr || n == nullptr || strtol(pid, nullptr, 10) != getpid())
		return ERR_OK;
	char *end;
	long fds_n = strtol(n, &end, 10);
	if (end == n || *end != '\0' || fds_n < 0 || fds_n > (long)LISTEN_GROUPS_MAX) {
		log_err("listen.inherited LISTEN_FDS=%s is no number from 0 to %zu: give the server fewer sockets in the .socket unit",
			n, LISTEN_GROUPS_MAX);
		return ERR_RANGE;
	}
	for (long i = 0; i < fds_n; i++)
		TRY(adopt(l, INHERITED_FIRST + (int)i, w));
	return ERR_OK;
}

static bool has_kind(const struct listen *l, bool is_udp)
{
	for (size_t i = 0; i < l->groups_n; i++)
		if (l->groups[i].is_udp == is_udp)
			return true;
	return false;
}

/* {{ public }} */

enum err listen_open(struct listen *l, const struct config *c, const char *file, unsigned workers_n)
{
	assert(workers_n >= 1 && workers_n <= LISTEN_WORKERS_MAX);
	*l = (struct listen){ .workers_n = workers_n };
	struct want w = {
		.file = file, .workers_n = workers_n, .forbid_fragments = c->try_mtu_discovery, .like = -1
	};
	TRY(adopt_inherited(l, &w));
	w.port = c->tcp_port;
	if (!has_kind(l, false))
		TRY(open_hosts(l, &c->listen_host, &w));
	w.is_udp = true;
	w.port = c->vhosts[0].udp_port;
	if (!has_kind(l, true) && w.port != 0)
		TRY(open_hosts(l, c->udp_listen_host.n > 0 ? &c->udp_listen_host : &c->listen_host, &w));
	return ERR_OK;
}

void listen_close(struct listen *l)
{
	for (size_t i = 0; i < l->groups_n; i++)
		for (unsigned j = 0; j < LISTEN_WORKERS_MAX; j++)
			base_closep(&l->groups[i].fds[j]);
	l->groups_n = 0;
}

size_t listen_fds(const struct listen *l, bool is_udp, unsigned worker, int *out, size_t cap)
{
	size_t n = 0;
	for (size_t i = 0; i < l->groups_n && n < cap; i++)
		if (l->groups[i].is_udp == is_udp)
			out[n++] = l->groups[i].fds[l->groups[i].is_shared ? 0 : worker];
	return n;
}

/* A socket that was handed over is not ours to shut: the next server would get one that does not listen. */
static bool can_pause(const struct listen_group *g, unsigned worker)
{
	return !g->is_udp && !g->is_shared && !(g->is_inherited && worker == 0);
}

void listen_pause(const struct listen *l, unsigned worker)
{
	if (l->workers_n < 2)
		return; /* nobody else would serve them: let them wait */
	for (size_t i = 0; i < l->groups_n; i++)
		if (can_pause(&l->groups[i], worker))
			shutdown(l->groups[i].fds[worker], SHUT_RD);
}

void listen_resume(const struct listen *l, unsigned worker)
{
	for (size_t i = 0; i < l->groups_n; i++)
		if (can_pause(&l->groups[i], worker))
			listen(l->groups[i].fds[worker], BACKLOG);
}

bool listen_has_udp(const struct listen *l, int option)
{
	for (size_t i = 0; i < l->groups_n; i++) {
		int value = 0;
		socklen_t len = sizeof value;
		if (l->groups[i].is_udp)
			return getsockopt(l->groups[i].fds[0], SOL_UDP, option, &value, &len) == 0;
	}
	return false;
}
