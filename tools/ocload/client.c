/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "ask.h"
#include "base/secret.h"
#include "frames.h"
#include "hand.h"

constexpr unsigned ROUNDS_MAX = 5;
constexpr uint64_t RETRY_MS = 100;

static const struct {
	const char *word, *text;
} fails[FAIL_N] = {
	[FAIL_NONE] = { "none", "no failure" },
#define FAIL(name, word, text) [FAIL_##name] = { word, text },
#include "fail.def"
#undef FAIL
};

const char *client_fail_word(enum fail f)
{
	return fails[f].word;
}

const char *client_fail_text(enum fail f)
{
	return fails[f].text;
}

void client_init(struct client *c, struct hand *h, uint32_t index)
{
	*c = (struct client){ .hand = h, .index = index, .state = CLIENT_IDLE, .conn.fd = -1 };
}

static void forget_dialog(struct client *c)
{
	if (c->dialog != nullptr)
		secret_wipe_bytes(c->dialog, offsetof(struct dialog, text));
	free(c->dialog);
	c->dialog = nullptr;
}

static void drop_all(struct client *c)
{
	conn_close(&c->conn);
	chan_free(c->chan);
	c->chan = nullptr;
	forget_dialog(c);
	free(c->partial);
	c->partial = nullptr;
	c->partial_len = 0;
	c->watches_out = false;
}

void client_fini(struct client *c)
{
	drop_all(c);
	free(c->seq);
	free(c->tracks);
	c->seq = nullptr;
	c->tracks = nullptr;
}

void client_watch(struct client *c)
{
	bool wanted = c->state == CLIENT_TCP || conn_is_stuck(&c->conn);
	if (wanted == c->watches_out || c->conn.fd < 0)
		return;
	c->watches_out = wanted;
	[[maybe_unused]] enum err e =
		hand_watch(c->hand, c, c->conn.fd, false, EPOLLIN | (wanted ? EPOLLOUT : 0u), false);
}

static void enter(struct client *c, enum client_state s)
{
	c->state = s;
	c->entered = clock_now();
}

/* {{ ends }} */

void client_stop(struct client *c, enum fail why, bool polite)
{
	struct hand *h = c->hand;
	if (c->state == CLIENT_IDLE)
		return;
	if (why != FAIL_NONE) {
		c->retry_at = clock_add_ms(h->now, RETRY_MS);
		hand_fail(h, c, why);
		if (c->state == CLIENT_OPEN)
			hand_add(h, COUNT_lost, 1);
	}
	if (c->state < CLIENT_OPEN)
		h->opening_n--;
	if (polite && c->state >= CLIENT_SHAKE)
		client_send_frame(c, CSTP_DISCONNECT,
				  "\xb0"
				  "ocload is done",
				  15);
	hand_add(h, COUNT_closed, 1);
	drop_all(c);
	enter(c, CLIENT_IDLE);
}

/* The cause behind an error, by the state it came in. */
static enum fail cause(const struct client *c, enum err e)
{
	static const enum fail by_state[CLIENT_N] = {
		[CLIENT_IDLE] = FAIL_LOCAL, [CLIENT_TCP] = FAIL_TCP,      [CLIENT_TLS] = FAIL_TLS,
		[CLIENT_LOGIN] = FAIL_HTTP, [CLIENT_CONNECT] = FAIL_HTTP, [CLIENT_SHAKE] = FAIL_PROTO,
		[CLIENT_OPEN] = FAIL_PROTO,
	};
	if (e == ERR_CLOSED)
		return FAIL_CLOSED;
	if (e == ERR_NOMEM || e == ERR_SYS)
		return c->state == CLIENT_TCP ? FAIL_TCP : FAIL_LOCAL;
	if (e == ERR_AUTH)
		return FAIL_AUTH;
	if (e == ERR_DENIED)
		return FAIL_REFUSED;
	return by_state[c->state];
}

/* {{ requests }} */

typedef void ask_one(struct writer *w, const struct ask *a, const struct reply_form *form);

static void emit_init(struct writer *w, const struct ask *a, const struct reply_form *)
{
	ask_init(w, a);
}

static void emit_connect(struct writer *w, const struct ask *a, const struct reply_form *)
{
	ask_connect(w, a);
}

static enum err ask(struct client *c, ask_one *emit, const struct reply_form *form)
{
	const struct shared *s = c->hand->shared;
	struct dialog *d = c->dialog;
	uint8_t bytes[16 * 1024];
	struct writer w = writer_of(bytes, sizeof bytes);
	const char *password = users_of(&s->users, c->index, d->user, sizeof d->user);
	struct ask a = { .host = s->host,
			 .user = d->user,
			 .password = password,
			 .context = d->context,
			 .cookie = d->cookie,
			 .base_mtu = (uint32_t)s->o->base_mtu,
			 .wants_dtls = s->wants_dtls,
			 .offers_12 = options_offers_12(s->o),
			 .offers_13 = options_offers_13(s->o) };
	if (getrandom(a.dtls_secret, sizeof a.dtls_secret, 0) != sizeof a.dtls_secret)
		return ERR_SYS;
	emit(&w, &a, form);
	if (!writer_ok(&w))
		return ERR_RANGE;
	return conn_write(&c->conn, bytes, w.len);
}

/* {{ steps: ERR_OK: another state was entered, ERR_BUSY: more must come }} */

static enum err step_tcp(struct client *c)
{
	TRY(conn_connected(&c->conn));
	enter(c, CLIENT_TLS);
	return ERR_OK;
}

static enum err step_tls(struct client *c)
{
	struct hand *h = c->hand;
	TRY(conn_handshake(&c->conn));
	hist_add(&h->hist[LATENCY_TLS], clock_now().ns - c->started.ns);
	if (!h->shared->wants_dtls)
		wolfSSL_FreeArrays(c->conn.ssl);
	c->dialog = malloc(sizeof *c->dialog);
	if (c->dialog == nullptr)
		return ERR_NOMEM;
	memset(c->dialog, 0, offsetof(struct dialog, text));
	enter(c, CLIENT_LOGIN);
	return ask(c, emit_init, nullptr);
}

/* The next answer; ERR_BUSY if it is not whole. */
static enum err read_reply(struct client *c, struct reply *r, bool has_body)
{
	struct dialog *d = c->dialog;
	for (;;) {
		size_t n;
		enum err e = conn_read(&c->conn, d->text + d->len, sizeof d->text - d->len, &n);
		if (e == ERR_BUSY)
			break;
		TRY(e);
		d->len += n;
		if (d->len == sizeof d->text)
			return ERR_RANGE;
	}
	enum err e = reply_parse(r, d->text, d->len, has_body);
	return e == ERR_SHORT ? ERR_BUSY : e;
}

static void eat_reply(struct dialog *d, const struct reply *r)
{
	d->len -= r->len;
	memmove(d->text, d->text + r->len, d->len);
}

static enum err keep_cookies(struct dialog *d, const struct reply *r, const struct reply_form *f)
{
	struct slice context = reply_cookie(r, "webvpncontext"), cookie = reply_cookie(r, "webvpn");
	if (cookie.n == 0)
		cookie = f->token;
	if (context.n > 0)
		TRY(text_copy(d->context, sizeof d->context, context));
	return cookie.n > 0 ? text_copy(d->cookie, sizeof d->cookie, cookie) : ERR_OK;
}

static enum err step_login(struct client *c)
{
	struct dialog *d = c->dialog;
	struct reply r;
	struct reply_form form;
	TRY(read_reply(c, &r, true));
	if (r.status == 401 || r.status == 403)
		return ERR_AUTH;
	if (r.status != 200)
		return ERR_PROTO;
	reply_read_form(&form, r.body);
	TRY(keep_cookies(d, &r, &form));
	if (d->cookie[0] != '\0') {
		eat_reply(d, &r);
		hist_add(&c->hand->hist[LATENCY_LOGIN], clock_now().ns - c->entered.ns);
		enter(c, CLIENT_CONNECT);
		return ask(c, emit_connect, nullptr);
	}
	if (form.has_error || (form.has_form && ++d->rounds > ROUNDS_MAX))
		return ERR_AUTH;
	if (!form.asks_user && !form.asks_password && !form.asks_secondary)
		return ERR_PROTO;
	enum err e = ask(c, ask_reply, &form);
	eat_reply(d, &r);
	return e == ERR_OK ? ERR_BUSY : e;
}

static void opened(struct client *c)
{
	struct hand *h = c->hand;
	enter(c, CLIENT_OPEN);
	h->opening_n--;
	c->rx_at = c->tx_at = h->now;
	hist_add(&h->hist[LATENCY_TOTAL], clock_now().ns - c->started.ns);
	hand_add(h, COUNT_opened, 1);
}

static enum err begin_channel(struct client *c)
{
	struct hand *h = c->hand;
	uint8_t psk[TLS_PSK_LEN];
	if (!h->shared->wants_dtls) {
		opened(c);
		return ERR_OK;
	}
	enter(c, CLIENT_SHAKE);
	const struct options *o = h->shared->o;
	if (c->tunnel.dtls_port == 0 || !(c->tunnel.dtls13 ? options_offers_13(o) : options_offers_12(o)))
		return ERR_UNSUPPORTED;
	TRY(tls_export_psk(c->conn.ssl, psk));
	enum err e = chan_new(&c->chan, &h->shared->tls, &h->shared->server, &c->tunnel, psk, h->now);
	secret_wipe_bytes(psk, sizeof psk);
	TRY(e);
	return hand_watch(h, c, c->chan->fd, true, EPOLLIN, true);
}

static enum err step_connect(struct client *c)
{
	struct dialog *d = c->dialog;
	struct reply r;
	TRY(read_reply(c, &r, false));
	if (r.status != 200)
		return ERR_DENIED;
	TRY(reply_read_tunnel(&c->tunnel, &r));
	hist_add(&c->hand->hist[LATENCY_CONNECT], clock_now().ns - c->entered.ns);
	eat_reply(d, &r);
	size_t left = d->len;
	enum err e = begin_channel(c);
	if (e == ERR_OK && left > 0)
		e = frames_take(c, (const uint8_t *)d->text, left);
	if (e == ERR_OK)
		forget_dialog(c);
	return e;
}

static enum err step_tunnel(struct client *c)
{
	uint8_t *plain = c->conn.io->plain;
	for (;;) {
		size_t n;
		TRY(conn_read(&c->conn, plain, SCRATCH_PLAIN, &n));
		TRY(frames_take(c, plain, n));
	}
}

typedef enum err step(struct client *c);
static step *const steps[CLIENT_N] = {
	[CLIENT_TCP] = step_tcp,         [CLIENT_TLS] = step_tls,      [CLIENT_LOGIN] = step_login,
	[CLIENT_CONNECT] = step_connect, [CLIENT_SHAKE] = step_tunnel, [CLIENT_OPEN] = step_tunnel,
};

/* As far as what has come goes. */
static void walk(struct client *c)
{
	enum err e;
	enum client_state in;
	do {
		in = c->state;
		e = steps[in](c);
	} while (e == ERR_OK);
	if (e == ERR_BUSY)
		e = conn_flush(&c->conn);
	if (e != ERR_OK && e != ERR_BUSY) {
		client_stop(c, in == CLIENT_CONNECT && c->state == CLIENT_SHAKE ? FAIL_DTLS : cause(c, e),
			    e != ERR_CLOSED);
		return;
	}
	client_watch(c);
}

void client_start(struct client *c)
{
	struct hand *h = c->hand;
	const struct shared *s = h->shared;
	c->tried = true;
	c->wish_granted = false;
	c->started = clock_now();
	h->opening_n++;
	hand_add(h, COUNT_started, 1);
	enter(c, CLIENT_TCP);
	enum err e = conn_open(&c->conn, &h->io, &s->tls, &s->server, s->servername, !s->o->insecure);
	if (e == ERR_OK)
		e = hand_watch(h, c, c->conn.fd, false, EPOLLIN | EPOLLOUT, true);
	c->watches_out = true;
	if (e != ERR_OK)
		client_stop(c, FAIL_LOCAL, false);
}

void client_tcp_ready(struct client *c, bool in, bool out)
{
	if (c->conn.fd < 0)
		return;
	if (c->state == CLIENT_TCP) {
		walk(c);
		return;
	}
	if (out && conn_is_stuck(&c->conn)) {
		enum err e = conn_flush(&c->conn);
		if (e != ERR_OK && e != ERR_BUSY) {
			client_stop(c, FAIL_CLOSED, false);
			return;
		}
		client_watch(c);
	}
	for (bool more = in; more && c->conn.fd >= 0;) {
		enum err e = conn_fill(&c->conn, &more);
		if (e == ERR_BUSY)
			return;
		if (e != ERR_OK)
			client_stop(c, FAIL_CLOSED, false);
		else
			walk(c);
	}
}

/* {{ datagrams }} */

static void take_datagram(void *arg, uint8_t *p, size_t n, const struct sockaddr_storage *)
{
	struct client *c = arg;
	if (c->chan == nullptr)
		return;
	if (c->chan->is_up) {
		if (frames_take_datagram(c, p, n) != ERR_OK)
			client_stop(c, FAIL_CLOSED, false);
		return;
	}
	enum err e = chan_shake(c->chan, p, n, c->hand->now);
	if (e == ERR_OK) {
		struct hand *h = c->hand;
		h->suite = c->chan->suite;
		hand_add(h, COUNT_dtls_up, 1);
		hand_add(h, COUNT_dtls13_up, c->tunnel.dtls13);
		c->rebound_at = h->now;
		hist_add(&h->hist[LATENCY_DTLS], clock_now().ns - c->entered.ns);
		/* The server sends on this channel, and drops its handshake, when something has come. */
		client_send_frame(c, CSTP_KEEPALIVE, nullptr, 0);
		opened(c);
	} else if (e != ERR_BUSY) {
		client_stop(c, FAIL_DTLS, false);
	}
}

void client_udp_ready(struct client *c)
{
	for (unsigned i = 0; i < 4 && c->chan != nullptr; i++) {
		uint32_t dropped = c->chan->dropped;
		enum err e = udp_read(c->chan->fd, &c->hand->in, take_datagram, c, &dropped);
		if (c->chan == nullptr || e == ERR_BUSY)
			return;
		if (e != ERR_OK) /* refused: nobody listens there */
			return;
		hand_add(c->hand, COUNT_socket_dropped, dropped - c->chan->dropped);
		c->chan->dropped = dropped;
	}
}

/* {{ time }} */

static bool is_past_s(const struct client *c, struct mono since, double s)
{
	return c->hand->now.ns > since.ns + (uint64_t)(s * 1e9);
}

/* Another port; the server learns it with the next record. */
static void rebind(struct client *c)
{
	c->rebound_at = c->hand->now;
	client_udp_ready(c); /* what has come to the old one */
	if (c->chan == nullptr || !c->chan->is_up)
		return;
	if (chan_rebind(c->chan) != ERR_OK ||
	    hand_watch(c->hand, c, c->chan->fd, true, EPOLLIN, true) != ERR_OK) {
		client_stop(c, FAIL_LOCAL, true);
		return;
	}
	hand_add(c->hand, COUNT_rebinds, 1);
	client_send_frame(c, CSTP_KEEPALIVE, nullptr, 0);
}

static void tick_open(struct client *c)
{
	const struct reply_tunnel *t = &c->tunnel;
	double every = c->hand->shared->o->rebind;
	if (every > 0 && !client_uses_tls(c) && is_past_s(c, c->rebound_at, every))
		rebind(c);
	if (!client_is_open(c))
		return;
	if (t->dpd_s > 0 && is_past_s(c, c->rx_at, t->dpd_s * 2.5)) {
		client_stop(c, FAIL_TIMEOUT, false);
		return;
	}
	if (t->dpd_s > 0 && is_past_s(c, c->rx_at, t->dpd_s) && is_past_s(c, c->asked_at, t->dpd_s * 0.5)) {
		c->asked_at = c->hand->now;
		client_send_frame(c, CSTP_DPD_REQ, nullptr, 0);
	} else if (t->keepalive_s > 0 && is_past_s(c, c->tx_at, t->keepalive_s)) {
		client_send_frame(c, CSTP_KEEPALIVE, nullptr, 0);
	}
}

void client_tick(struct client *c)
{
	if (client_is_open(c)) {
		tick_open(c);
		return;
	}
	if (!client_is_busy(c))
		return;
	enum err e = c->chan != nullptr ? chan_tick(c->chan, c->hand->now) : ERR_BUSY;
	if (e != ERR_BUSY)
		client_stop(c, FAIL_DTLS, true);
	else if (is_past_s(c, c->started, c->hand->shared->o->timeout))
		client_stop(c, c->state == CLIENT_SHAKE ? FAIL_DTLS : FAIL_TIMEOUT, true);
}
