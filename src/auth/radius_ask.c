/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"

/* What became of one server. */
struct talk {
	const struct radius_server *server;
	struct radius_request request;
	struct radius_key key;
	struct mono until;          /* when all patience ends */
	unsigned seen[RADIUS_UNSIGNED + 1]; /* datagrams, by verdict */
	bool is_down;               /* its host says that nobody listens */
};

/* {{ socket }} */

static bool bind_to(int fd, int family, const char *text)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	if (text[0] == '\0')
		return true;
	if (family == AF_INET && inet_pton(AF_INET, text, &a4.sin_addr) == 1)
		return bind(fd, (const struct sockaddr *)&a4, sizeof a4) == 0;
	if (family == AF_INET6 && inet_pton(AF_INET6, text, &a6.sin6_addr) == 1)
		return bind(fd, (const struct sockaddr *)&a6, sizeof a6) == 0;
	return false;
}

/* A socket that hears this server only; -1: there is no way to it. */
static int connect_to(const struct radius_server *s, const char *from)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV }, *all = nullptr;
	char port[8];
	int fd = -1;
	snprintf(port, sizeof port, "%u", s->port);
	int rc = getaddrinfo(s->host, port, &hints, &all);
	if (rc != 0) {
		log_err("radius.no_address server=\"%s\" error=\"%s\"", s->host, gai_strerror(rc));
		return -1;
	}
	for (const struct addrinfo *a = all; a != nullptr && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 ||
		    (bind_to(fd, a->ai_family, from) && connect(fd, a->ai_addr, a->ai_addrlen) == 0))
			continue;
		base_closep(&fd);
		fd = -1;
	}
	freeaddrinfo(all);
	return fd;
}

/* NAS-IP-Address or NAS-IPv6-Address: as configured, or where we send from. */
static void add_own_address(struct radius_request *r, int fd, const char *configured)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} own = {};
	socklen_t len = sizeof own;
	uint8_t a[16];
	if (inet_pton(AF_INET, configured, a) == 1)
		radius_add(r, RADIUS_NAS_IP_ADDRESS, a, 4);
	else if (inet_pton(AF_INET6, configured, a) == 1)
		radius_add(r, RADIUS_NAS_IPV6_ADDRESS, a, 16);
	else if (getsockname(fd, &own.any, &len) != 0)
		return;
	else if (own.any.sa_family == AF_INET)
		radius_add(r, RADIUS_NAS_IP_ADDRESS, &own.v4.sin_addr, 4);
	else if (own.any.sa_family == AF_INET6)
		radius_add(r, RADIUS_NAS_IPV6_ADDRESS, &own.v6.sin6_addr, 16);
}

/* {{ one server }} */

static enum err make_request(struct radius_ask *x, struct talk *t, int fd)
{
	uint8_t random[RADIUS_AUTHENTICATOR_LEN + 1];
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return ERR_SYS;
	radius_begin(&t->request, x->role == RADIUS_AUTH ? RADIUS_ACCESS_REQUEST : RADIUS_ACCOUNTING_REQUEST,
		     random[RADIUS_AUTHENTICATOR_LEN], random);
	x->fill(x->ctx, &t->request, t->key);
	add_own_address(&t->request, fd, radius_conf_settings(x->conf)->nas_ip);
	return radius_finish(&t->request, t->key);
}

/* Receive and verify one datagram. */
static bool hear(struct radius_ask *x, struct talk *t, int fd)
{
	ssize_t n = recv(fd, x->bytes, sizeof x->bytes, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0) {
		t->is_down = errno == ECONNREFUSED;
		return false;
	}
	enum radius_verdict v =
		(size_t)n > sizeof x->bytes
			? RADIUS_MALFORMED
			: radius_read(x->bytes, (size_t)n, &t->request, t->key,
				      radius_conf_settings(x->conf)->needs_signature, &x->answer);
	t->seen[v]++;
	return v == RADIUS_GOOD;
}

/* Until then; what is no answer is dropped. */
static bool listen_until(struct radius_ask *x, struct talk *t, int fd, struct mono then)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (!t->is_down) {
		struct mono now = clock_now();
		if (clock_is_past(now, then))
			return false;
		int n = poll(&p, 1, (int)((then.ns - now.ns) / 1'000'000) + 1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && hear(x, t, fd))
			return true;
	}
	return false;
}

/* The same packet each time, so that the server knows it for the same: RFC 5080, 2.2.2. */
static bool try_all(struct radius_ask *x, struct talk *t, int fd)
{
	const struct radius_settings *s = radius_conf_settings(x->conf);
	for (uint32_t i = 0; i < s->tries && !t->is_down; i++) {
		struct mono then = clock_add_s(clock_now(), s->timeout_s);
		if (send(fd, t->request.b, t->request.len, MSG_NOSIGNAL) < 0)
			t->is_down = errno == ECONNREFUSED;
		if (listen_until(x, t, fd, then.ns < t->until.ns ? then : t->until))
			return true;
		if (clock_is_past(clock_now(), t->until))
			break;
	}
	return false;
}

static void explain(struct radius_ask *x, const struct talk *t)
{
	const char *what =
		t->seen[RADIUS_UNSIGNED] > 0
			? "answers without Message-Authenticator; update it, or see require-message-authenticator"
		: t->seen[RADIUS_FORGED] > 0
			? "answers with a wrong authenticator; is the shared secret right?"
		: t->seen[RADIUS_MALFORMED] + t->seen[RADIUS_STRANGE] > 0 ? "answers with garbage"
		: t->is_down                                              ? "is down"
			     : "does not answer; does it know us, and is the shared secret right?";
	snprintf(x->error, sizeof x->error, "RADIUS server %.60s %s", t->server->host, what);
	if (t->seen[RADIUS_FORGED] + t->seen[RADIUS_UNSIGNED] + t->seen[RADIUS_MALFORMED] +
		    t->seen[RADIUS_STRANGE] >
	    0)
		log_err("radius.dropped server=\"%s\" forged=%u unsigned=%u malformed=%u strange=%u",
			t->server->host, t->seen[RADIUS_FORGED], t->seen[RADIUS_UNSIGNED],
			t->seen[RADIUS_MALFORMED], t->seen[RADIUS_STRANGE]);
}

static enum err ask_one(struct radius_ask *x, unsigned n, struct mono until)
{
	const struct radius_settings *s = radius_conf_settings(x->conf);
	const struct radius_server *server = &s->of[x->role].v[n];
	struct talk t = { .server = server,
			  .key = { (const uint8_t *)server->secret, strlen(server->secret) },
			  .until = until };
	int fd OWNED(base_closep) = connect_to(server, s->bind);
	if (fd < 0) {
		snprintf(x->error, sizeof x->error, "there is no way to RADIUS server %.60s", server->host);
		return ERR_BUSY;
	}
	enum err e = make_request(x, &t, fd);
	if (e == ERR_OK && !try_all(x, &t, fd))
		e = ERR_BUSY;
	if (e == ERR_BUSY || t.seen[RADIUS_FORGED] > 0)
		explain(x, &t);
	radius_wipe(&t.request);
	return e;
}

enum err radius_ask(struct radius_ask *x)
{
	unsigned order[RADIUS_SERVERS_MAX];
	unsigned n = radius_conf_order(x->conf, x->role, clock_now(), order);
	struct mono until = clock_add_s(clock_now(), RADIUS_PATIENCE_S);
	snprintf(x->error, sizeof x->error, "no RADIUS server is configured");
	for (unsigned i = 0; i < n && !clock_is_past(clock_now(), until); i++) {
		if (x->only >= 0 && order[i] != (unsigned)x->only)
			continue;
		enum err e = ask_one(x, order[i], until);
		if (e != ERR_BUSY) {
			x->only = (int)order[i];
			return e;
		}
		x->silent |= 1u << order[i];
	}
	return ERR_BUSY;
}
