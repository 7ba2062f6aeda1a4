/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/metrics.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "supervisor/admin.h"

constexpr int BACKLOG = 16;

static enum err open_tcp(int *out, const struct prefix *p, uint16_t port)
{
	struct addr a = addr_of_ip(p->addr, p->family == AF_INET ? 4 : 16);
	struct sockaddr_storage where;
	a.port = port;
	socklen_t len = addr_to_sockaddr(&a, p->family, &where);
	int on = 1, fd OWNED(base_closep) = socket(p->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    (p->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
	    bind(fd, (const struct sockaddr *)&where, len) != 0 || listen(fd, BACKLOG) != 0)
		return ERR_SYS;
	*out = fd;
	fd = -1;
	return ERR_OK;
}

static enum err open_listed(struct metrics *m, const char *text)
{
	struct prefix addr;
	uint16_t port;
	TRY(config_endpoint_parse(text, &addr, &port));
	if (open_tcp(&m->fds[m->n], &addr, port) != ERR_OK) {
		log_err("metrics.listen %s: %s; correct metrics-listen, or stop what uses the port", text,
			strerror(errno));
		return ERR_SYS;
	}
	m->n++;
	return ERR_OK;
}

enum err metrics_open(struct metrics *m, const struct config *c)
{
	*m = (struct metrics){};
	for (size_t i = 0; i < c->metrics_listen.n && m->n < METRICS_SOCKETS_MAX - 1; i++)
		TRY(open_listed(m, c->metrics_listen.v[i]));
	if (c->metrics_socket == nullptr)
		return ERR_OK;
	TRY(admin_open(&m->fds[m->n], c->metrics_socket, "metrics-socket"));
	m->n++;
	m->has_path = true;
	return ERR_OK;
}

void metrics_close(struct metrics *m, const struct config *c)
{
	if (m->has_path)
		unlink(c->metrics_socket);
	m->has_path = false;
	while (m->n > 0)
		close(m->fds[--m->n]);
}
