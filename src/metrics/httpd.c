/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/httpd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "metrics/metrics.h"
#include "metrics/render.h"
#include "metrics/scrape.h"

constexpr uint64_t SWEEP_MS = 250;

enum state : uint8_t {
	READING = 1,
	WAITING, /* for supervisor and keeper */
	WRITING,
	LINGERING, /* all is written; until the client closes, or the answer could be lost */
	CLOSED,
};

struct httpd_client {
	struct httpd_client *prev, *next;
	struct metrics *m;
	uv_poll_t poll;
	int fd;
	enum state state;
	struct mono deadline;
	struct scrape scrape;
	char *out; /* head and body */
	size_t out_len, out_at;
	size_t head_len;
	char head[SCRAPE_HEAD_MAX];
};

/* {{ end }} */

static void on_closed(uv_handle_t *handle)
{
	struct httpd_client *cl = CONTAINER_OF((uv_poll_t *)handle, struct httpd_client, poll);
	close(cl->fd);
	free(cl->out);
	free(cl);
}

static void hang_up(struct httpd_client *cl)
{
	if (cl->state == CLOSED)
		return;
	cl->state = CLOSED;
	DL_DELETE(cl->m->httpd.clients, cl);
	cl->m->httpd.clients_n--;
	uv_poll_stop(&cl->poll);
	uv_close((uv_handle_t *)&cl->poll, on_closed);
}

static void on_sweep(uv_timer_t *timer)
{
	struct httpd *h = CONTAINER_OF(timer, struct httpd, sweep);
	const struct mono now = clock_now();
	struct httpd_client *cl, *next;
	DL_FOREACH_SAFE(h->clients, cl, next) {
		if (!clock_is_past(now, cl->deadline))
			continue;
		h->slow += cl->state == READING || cl->state == WRITING;
		hang_up(cl);
	}
	if (h->clients == nullptr)
		uv_timer_stop(timer);
}

/* {{ answer }} */

static void on_ready(uv_poll_t *poll, int status, int events);

static void go_on(struct httpd_client *cl, enum state state, int events, uint64_t patience_ms)
{
	cl->state = state;
	cl->deadline = clock_add_ms(clock_now(), patience_ms);
	if (uv_poll_start(&cl->poll, events, on_ready) != 0)
		hang_up(cl);
}

static void write_more(struct httpd_client *cl)
{
	while (cl->out_at < cl->out_len) {
		ssize_t n = send(cl->fd, cl->out + cl->out_at, cl->out_len - cl->out_at,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			hang_up(cl);
			return;
		}
		cl->out_at += (size_t)n;
	}
	shutdown(cl->fd, SHUT_WR);
	go_on(cl, LINGERING, UV_READABLE, HTTPD_LINGER_MS);
}

static const char *reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} all[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].status == status)
			return all[i].text;
	return "Error";
}

static void respond(struct httpd_client *cl, unsigned status, const char *type, const char *body, size_t len)
{
	char head[320];
	int head_len =
		snprintf(head, sizeof head,
			 "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
			 "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
			 status, reason(status), type, len, status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (cl->scrape.is_head)
		len = 0;
	cl->out = malloc((size_t)head_len + len);
	if (cl->out == nullptr) {
		log_warn("metrics.answer error=\"%s\"", err_text(ERR_NOMEM));
		hang_up(cl);
		return;
	}
	memcpy(cl->out, head, (size_t)head_len);
	if (len > 0)
		memcpy(cl->out + head_len, body, len);
	cl->out_len = (size_t)head_len + len;
	go_on(cl, WRITING, UV_WRITABLE, HTTPD_WRITE_MS);
	if (cl->state == WRITING)
		write_more(cl);
}

static void respond_text(struct httpd_client *cl, unsigned status, const char *text)
{
	respond(cl, status, "text/plain; charset=utf-8", text, strlen(text));
}

/* A balancer is to send new clients elsewhere before they are refused here. */
static void respond_health(struct httpd_client *cl)
{
	const struct metrics *m = cl->m;
	cl->m->httpd.answered[1]++;
	if (m->is_draining)
		respond_text(cl, 503, "draining\n");
	else if (m->keeper == nullptr || !ipc_is_alive(m->keeper))
		respond_text(cl, 503, "no logins: the keeper is away\n");
	else
		respond_text(cl, 200, "serving\n");
}

static void respond_metrics(struct httpd_client *cl)
{
	char *text OWNED(base_freep) = nullptr;
	size_t len = 0;
	const bool is_open = cl->scrape.wants_openmetrics;
	if (render_all(&text, &len, cl->m, is_open) != ERR_OK) {
		respond_text(cl, 503, "out of memory\n");
		return;
	}
	cl->m->httpd.answered[0]++;
	respond(cl, 200,
		is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
			: "text/plain; version=0.0.4; charset=utf-8",
		text, len);
}

void httpd_told(struct metrics *m)
{
	struct httpd_client *cl, *next;
	DL_FOREACH_SAFE(m->httpd.clients, cl, next) {
		if (cl->state == WAITING)
			respond_metrics(cl);
	}
}

/* {{ request }} */

static void take_request(struct httpd_client *cl)
{
	static const char refused[] = "GET /metrics and GET /health are served here\n";
	unsigned status;
	enum err e = scrape_parse(&cl->scrape, &status, cl->head, cl->head_len);
	if (e == ERR_SHORT)
		return;
	if (e != ERR_OK) {
		cl->m->httpd.refused++;
		respond_text(cl, status, refused);
	} else if (cl->scrape.what == SCRAPE_HEALTH) {
		respond_health(cl);
	} else if (inquiry_begin(cl->m)) {
		respond_metrics(cl);
	} else {
		cl->state = WAITING;
		cl->deadline = clock_add_ms(clock_now(), 2 * INQUIRY_PATIENCE_MS);
		uv_poll_stop(&cl->poll); /* who has asked has nothing more to say */
	}
}

static void read_more(struct httpd_client *cl)
{
	char waste[512];
	bool is_asking = cl->state == READING;
	char *to = is_asking ? cl->head + cl->head_len : waste;
	size_t room = is_asking ? sizeof cl->head - cl->head_len : sizeof waste;
	ssize_t n = recv(cl->fd, to, room, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(cl);
		return;
	}
	if (!is_asking)
		return;
	cl->head_len += (size_t)n;
	take_request(cl);
}

static void on_ready(uv_poll_t *poll, int status, int)
{
	struct httpd_client *cl = CONTAINER_OF(poll, struct httpd_client, poll);
	if (status < 0)
		hang_up(cl);
	else if (cl->state == WRITING)
		write_more(cl);
	else if (cl->state == READING || cl->state == LINGERING)
		read_more(cl);
}

/* {{ connection }} */

static bool is_in(const struct prefix *p, const struct addr *a)
{
	const uint8_t *ip = nullptr;
	size_t len = addr_ip(a, &ip);
	if (len != (p->family == AF_INET ? 4u : 16u))
		return false;
	size_t bytes = p->len / 8;
	uint8_t mask = (uint8_t)(0xff00u >> p->len % 8);
	return memcmp(ip, p->addr, bytes) == 0 &&
	       (p->len % 8 == 0 || ((ip[bytes] ^ p->addr[bytes]) & mask) == 0);
}

static bool is_loopback(const struct addr *a)
{
	static const struct prefix v4 = { .family = AF_INET, .len = 8, .addr = { 127 } };
	static const struct prefix v6 = { .family = AF_INET6, .len = 128, .addr = { [15] = 1 } };
	return is_in(&v4, a) || is_in(&v6, a);
}

/* Who reached the UNIX socket is root. */
static bool may_ask(const struct config *c, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_UNIX)
		return true;
	if (from->ss_family != AF_INET && from->ss_family != AF_INET6)
		return false;
	const struct addr a = addr_of_sockaddr((const struct sockaddr *)from);
	if (c->metrics_allow.n == 0)
		return is_loopback(&a);
	for (size_t i = 0; i < c->metrics_allow.n; i++)
		if (is_in(&c->metrics_allow.v[i], &a))
			return true;
	return false;
}

static void welcome(struct metrics *m, int fd)
{
	struct httpd *h = &m->httpd;
	struct httpd_client *cl = calloc(1, sizeof *cl);
	if (cl == nullptr || uv_poll_init(m->loop, &cl->poll, fd) != 0) {
		free(cl);
		close(fd);
		return;
	}
	cl->m = m;
	cl->fd = fd;
	DL_APPEND(h->clients, cl);
	h->clients_n++;
	if (!uv_is_active((uv_handle_t *)&h->sweep))
		uv_timer_start(&h->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	go_on(cl, READING, UV_READABLE, HTTPD_READ_MS);
}

static void on_connection(uv_poll_t *poll, int status, int)
{
	struct httpd_socket *s = CONTAINER_OF(poll, struct httpd_socket, poll);
	struct httpd *h = &s->m->httpd;
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof from;
	int fd = status == 0 ? accept4(s->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK)
			     : -1;
	if (fd < 0)
		return;
	bool is_allowed = may_ask(s->m->config, &from);
	if (is_allowed && h->clients_n < HTTPD_CLIENTS_MAX) {
		welcome(s->m, fd);
		return;
	}
	h->denied += !is_allowed;
	h->busy += is_allowed;
	close(fd);
}

enum err httpd_add(struct metrics *m, int fd)
{
	struct httpd *h = &m->httpd;
	if (h->sockets_n == HTTPD_SOCKETS_MAX)
		return ERR_FULL;
	h->sockets[h->sockets_n++] = (struct httpd_socket){ .m = m, .fd = fd };
	return ERR_OK;
}

enum err httpd_start(struct metrics *m)
{
	struct httpd *h = &m->httpd;
	if (uv_timer_init(m->loop, &h->sweep) != 0)
		return ERR_SYS;
	for (size_t i = 0; i < h->sockets_n; i++)
		if (uv_poll_init(m->loop, &h->sockets[i].poll, h->sockets[i].fd) != 0 ||
		    uv_poll_start(&h->sockets[i].poll, UV_READABLE, on_connection) != 0)
			return ERR_SYS;
	return ERR_OK;
}

void httpd_stop(struct metrics *m)
{
	struct httpd *h = &m->httpd;
	struct httpd_client *cl, *next;
	DL_FOREACH_SAFE(h->clients, cl, next) {
		hang_up(cl);
	}
	for (size_t i = 0; i < h->sockets_n; i++) {
		if (m->is_serving)
			uv_close((uv_handle_t *)&h->sockets[i].poll, nullptr);
		close(h->sockets[i].fd);
	}
	if (m->is_serving)
		uv_close((uv_handle_t *)&h->sweep, nullptr);
	h->sockets_n = 0;
}
