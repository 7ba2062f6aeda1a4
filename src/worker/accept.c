/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/accept.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "worker/conn.h"
#include "worker/worker.h"

constexpr int BATCH = 32;               /* connections before the loop gets its turn */
constexpr int NOTSENT_LOWAT =
	64 * 1024; /* bytes the kernel queues beyond what is in flight: short queues, short waits */

static void tune(int fd)
{
	int on = 1, lowat = NOTSENT_LOWAT;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat);
}

/* With a reset: nothing of it stays in the kernel. */
static void shut(int fd)
{
	struct linger now = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

static bool accept_one(struct listener *l)
{
	struct sockaddr_storage remote, local;
	socklen_t remote_len = sizeof remote, local_len = sizeof local;
	int fd = accept4(l->fd, (struct sockaddr *)&remote, &remote_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			log_err("accept.no_descriptors: raise the limit of open files (LimitNOFILE)");
		return errno == EINTR || errno == ECONNABORTED;
	}
	STAT_INC(l->w, tcp_accepted);
	struct addr to = {};
	if (getsockname(fd, (struct sockaddr *)&local, &local_len) == 0)
		to = addr_of_sockaddr((struct sockaddr *)&local);
	struct addr from = addr_of_sockaddr((struct sockaddr *)&remote);
	if (!l->w->gen.config->listen_proxy_proto && !gate_admits(l->w, &from)) {
		shut(fd);
		return true;
	}
	tune(fd);
	char who[ADDR_TEXT_MAX];
	if (conn_new(l->w, fd, &from, &to) != ERR_OK)
		log_warn("accept.refused ip=%s: too many connections without a login", addr_text(&from, who));
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int)
{
	struct listener *l = CONTAINER_OF(poll, struct listener, poll);
	if (status < 0)
		return;
	l->w->now = clock_now();
	for (int i = 0; i < BATCH && gate_takes_turn(l->w) && accept_one(l); i++)
		;
}

enum err accept_start(struct worker *w)
{
	for (size_t i = 0; i < w->listeners_n; i++) {
		struct listener *l = &w->listeners[i];
		if (l->w == nullptr && uv_poll_init(&w->loop, &l->poll, l->fd) != 0)
			return ERR_SYS;
		l->w = w;
		if (uv_poll_start(&l->poll, UV_READABLE, on_readable) != 0)
			return ERR_SYS;
	}
	return ERR_OK;
}

void accept_stop(struct worker *w)
{
	for (size_t i = 0; i < w->listeners_n; i++)
		uv_poll_stop(&w->listeners[i].poll);
}
