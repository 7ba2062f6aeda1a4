/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/table.h"
#include "wire/hello.h"
#include "wire/proxy.h"
#include "worker/authority.h"
#include "worker/rx.h"
#include "worker/session.h"
#include "worker/web.h"
#include "worker/worker.h"

constexpr uint64_t DRAIN_S = 2;
constexpr uint64_t PROXY_S = 5; /* a balancer sends its header with its first segment */
constexpr size_t PACKET_TYPICAL = 1500; /* of a record, to tell how many a read has brought */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct conn *c, int events)
{
	if (c->closed_handle || c->poll_events == events)
		return;
	c->poll_events = events;
	if (events == 0)
		uv_poll_stop(&c->poll);
	else
		uv_poll_start(&c->poll, events, on_poll);
}

void conn_forget_web(struct conn *c)
{
	if (c->web == nullptr)
		return;
	tls_forget_peer(&c->tls);
	http_fini(&c->web->http);
	connect_req_wipe(&c->web->connect);
	web_forget_body(c);
	free(c->web);
	c->web = nullptr;
}

enum err conn_new(struct worker *w, int fd, const struct addr *remote, const struct addr *local)
{
	struct conn *c = w->conns_n - w->sessions_n < WORKER_CONNS_MAX ? calloc(1, sizeof *c) : nullptr;
	if (c != nullptr)
		c->web = calloc(1, sizeof *c->web);
	if (c == nullptr || c->web == nullptr || uv_poll_init(&w->loop, &c->poll, fd) != 0) {
		if (c != nullptr)
			free(c->web);
		free(c);
		close(fd);
		return ERR_NOMEM;
	}
	tls_init(&c->tls, w->gen.tls, fd);
	c->w = w;
	c->fd = fd;
	c->state = w->gen.config->listen_proxy_proto ? CONN_PROXY : CONN_HELLO;
	c->remote = *remote;
	c->local = *local;
	uint64_t patience_s = w->gen.config->auth_timeout;
	c->deadline = clock_add_s(w->now, c->state == CONN_PROXY ? MIN(patience_s, PROXY_S) : patience_s);
	http_init(&c->web->http);
	DL_APPEND(w->conns, c);
	w->conns_n++;
	watch(c, UV_READABLE);
	if (c->state == CONN_HELLO)
		gate_entered(c);
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = CONTAINER_OF((uv_poll_t *)handle, struct conn, poll);
	tls_fini(&c->tls);
	free(c->session);
	free(c);
}

void conn_close(struct conn *c)
{
	if (c->closed_handle)
		return;
	if (c->state == CONN_TUNNEL)
		session_close(c->session, CAUSE_NETWORK);
	if (c->closed_handle)
		return;
	c->state = CONN_DEAD;
	gate_left(c);
	authority_forget(c);
	conn_forget_web(c);
	DL_DELETE(c->w->conns, c);
	c->w->conns_n--;
	c->closed_handle = true;
	uv_poll_stop(&c->poll);
	uv_close((uv_handle_t *)&c->poll, on_closed);
	close(c->fd);
}

void conn_finish(struct conn *c)
{
	if (c->state == CONN_DEAD || c->state == CONN_DRAIN)
		return;
	authority_forget(c);
	tls_shutdown(&c->tls);
	c->state = CONN_DRAIN;
	c->deadline = clock_add_s(c->w->now, DRAIN_S);
	conn_flush(c);
}

void conn_flush(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	enum err e = tls_flush(&c->tls);
	if (e == ERR_BUSY) {
		watch(c, c->poll_events | UV_WRITABLE);
		return;
	}
	if (e != ERR_OK) {
		conn_close(c);
		return;
	}
	/* closing with unread input would reset the connection under our last words: wait for the client to close */
	if (c->state == CONN_DRAIN)
		shutdown(c->fd, SHUT_WR);
	watch(c, c->waits_for_signature ? 0 : UV_READABLE);
}

/* {{ input, by state; ERR_BUSY: all read; anything else but ERR_OK ends the connection }} */

/* Whose connection this is: from the balancer, which alone may reach this port. */
static enum err in_proxy(struct conn *c)
{
	struct proxy h;
	enum err e = proxy_parse(&h, c->tls.in, c->tls.in_len);
	if (e == ERR_SHORT)
		return ERR_BUSY;
	if (e != ERR_OK) {
		char who[ADDR_TEXT_MAX];
		STAT_INC(c->w, proxy_refused);
		log_info("proxy.refused ip=%s why=\"%s\"", addr_text(&c->remote, who), err_text(e));
		return e;
	}
	if (!h.is_local) {
		c->remote = h.from;
		c->local = h.to;
		if (!gate_admits(c->w, &c->remote))
			return ERR_DENIED;
		gate_entered(c);
	}
	STAT_INC(c->w, proxy_headers);
	c->tls.in += h.len;
	c->tls.in_len -= h.len;
	c->state = CONN_HELLO;
	c->deadline = clock_add_s(c->w->now, c->tls.ctx->config->auth_timeout);
	return ERR_OK;
}

/* The library gets the same bytes; what is not understood here it will answer. */
static enum err in_hello(struct conn *c)
{
	struct hello hello;
	enum err e = hello_parse(&hello, c->tls.in, c->tls.in_len, c->w->plain);
	if (e == ERR_SHORT)
		return ERR_BUSY;
	TRY(tls_begin(&c->tls, e == ERR_OK ? &hello : nullptr));
	c->state = CONN_HANDSHAKE;
	return ERR_OK;
}

static void note_peer(struct conn *c)
{
	char who[ADDR_TEXT_MAX];
	switch (tls_peer_state(&c->tls)) {
	case TLS_PEER_NONE: break;
	case TLS_PEER_GOOD: STAT_INC(c->w, client_certs); break;
	case TLS_PEER_BAD:
		STAT_INC(c->w, client_certs_bad);
		log_notice("client_cert.refused ip=%s why=\"%s\"", addr_text(&c->remote, who),
			   c->tls.peer->why);
		break;
	}
}

/* Since the connection, or the end of its PROXY header: from there on auth-timeout runs. */
static void measure_handshake(struct conn *c)
{
	const uint64_t patience_ns = clock_add_s((struct mono){}, c->tls.ctx->config->auth_timeout).ns;
	const uint64_t now_ns = clock_now().ns, begin_ns = c->deadline.ns - patience_ns;
	if (now_ns > begin_ns)
		stats_hist_add(&c->w->stats->hists.tls_handshake, now_ns - begin_ns);
}

static enum err in_handshake(struct conn *c)
{
	enum err e = tls_handshake(&c->tls);
	if (e == ERR_OK) {
		c->state = CONN_REQUEST;
		STAT_INC(c->w, tls_handshakes);
		measure_handshake(c);
		if (wolfSSL_session_reused(c->tls.ssl))
			STAT_INC(c->w, tls_resumed);
		note_peer(c);
		return ERR_OK;
	}
	if (e != ERR_BUSY) {
		char who[ADDR_TEXT_MAX];
		STAT_INC(c->w, tls_failed);
		log_debug("tls.failed ip=%s why=%d", addr_text(&c->remote, who),
			  wolfSSL_get_error(c->tls.ssl, -1));
		return e;
	}
	if (c->tls.sign->state == TLS_SIGN_WANTED) {
		TRY(authority_sign(c));
		c->waits_for_signature = true;
	}
	return ERR_BUSY;
}

static enum err in_request(struct conn *c)
{
	size_t len;
	TRY(tls_read(&c->tls, c->w->plain, sizeof c->w->plain, &len));
	enum err e = web_input(c, c->w->plain, len);
	explicit_bzero(c->w->plain, len); /* passwords and cookies pass here */
	return e;
}

/* Nothing may come before the answer: a request sent ahead could be mistaken for part of another. */
static enum err in_asked(struct conn *c)
{
	size_t len;
	TRY(tls_read(&c->tls, c->w->plain, sizeof c->w->plain, &len));
	STAT_INC(c->w, http_refused);
	return ERR_PROTO;
}

/* Packets of several records are collected before they go to the TUN queue. */
static enum err in_tunnel(struct conn *c)
{
	struct worker *w = c->w;
	size_t len;
	if (sizeof w->plain - w->plain_used < TLS_RECORD_MAX)
		rx_flush(w);
	uint8_t *at = w->plain + w->plain_used;
	TRY(tls_read(&c->tls, at, TLS_RECORD_MAX, &len));
	w->plain_used += len;
	session_input(c->session, at, len);
	return ERR_OK;
}

static enum err in_drain(struct conn *c)
{
	c->tls.in_len = 0;
	return ERR_BUSY;
}

static enum err (*const on_input[CONN_N])(struct conn *c) = {
	[CONN_PROXY] = in_proxy,     [CONN_HELLO] = in_hello, [CONN_HANDSHAKE] = in_handshake,
	[CONN_REQUEST] = in_request, [CONN_ASKED] = in_asked, [CONN_TUNNEL] = in_tunnel,
	[CONN_DRAIN] = in_drain,     [CONN_DEAD] = in_drain,
};

/* An alert that the library left in the output, if the socket takes it. */
static void last_words(struct conn *c)
{
	enum err e = tls_flush(&c->tls);
	if (e != ERR_OK)
		log_debug("tls.alert_lost why=\"%s\"", err_text(e));
}

/* Let the library take all that is there. */
static void pump(struct conn *c)
{
	enum err e;
	do
		e = on_input[c->state](c);
	while (e == ERR_OK);
	rx_flush(c->w);
	if (c->state == CONN_DEAD)
		return;
	if (e == ERR_BUSY)
		e = tls_keep(&c->tls);
	if (e != ERR_OK) {
		if (e == ERR_CRYPTO && c->state != CONN_HANDSHAKE) /* those have a counter of their own */
			STAT_INC(c->w, tls_broken);
		last_words(c);
		conn_close(c);
		return;
	}
	conn_flush(c);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *c = CONTAINER_OF(poll, struct conn, poll);
	c->w->now = clock_now();
	if (status < 0) {
		conn_close(c);
		return;
	}
	if ((events & UV_WRITABLE) != 0)
		conn_flush(c);
	if ((events & UV_READABLE) == 0 || c->state == CONN_DEAD)
		return;
	enum err e = tls_receive(&c->tls, c->w->scratch, sizeof c->w->scratch);
	if (e == ERR_OK) {
		c->w->rest.packets += 1 + (uint32_t)(c->tls.in_len / PACKET_TYPICAL);
		pump(c);
	} else if (e != ERR_BUSY)
		conn_close(c);
}

void conn_signed(struct conn *c)
{
	c->waits_for_signature = false;
	if (c->state == CONN_HANDSHAKE)
		pump(c);
}

void conn_tick(struct conn *c)
{
	if (c->state == CONN_TUNNEL || !clock_is_past(c->w->now, c->deadline))
		return;
	if (c->state == CONN_PROXY)
		STAT_INC(c->w, proxy_refused);
	else if (c->state != CONN_DRAIN)
		STAT_INC(c->w, http_timeout);
	conn_close(c);
}
