/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/dtls.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "wire/dtls.h"
#include "worker/dtls_resume.h"
#include "worker/rx.h"
#include "worker/session.h"

constexpr uint64_t HELLO_GAP_S = 3; /* between handshakes of a session: a replayed hello costs little */
constexpr uint64_t HANDSHAKE_MAX_S = 60;
constexpr uint64_t LINGER_S = 5; /* in which a client that sends data may still repeat its last flight */
constexpr uint64_t SEQ_GAP = 64; /* records that the library may still repeat below ours */
constexpr size_t HANDSHAKE_MTU = 1200;
constexpr uint8_t ALERT_CLOSE_NOTIFY = 0;
constexpr size_t REBIND_TRIES = 16;

/* {{ the library's side }} */

static int io_recv(WOLFSSL *, char *to, int len, void *arg)
{
	struct dtls_io *io = arg;
	if (io->in_len == 0)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	size_t n = MIN((size_t)len, io->in_len);
	memcpy(to, io->in, n);
	io->in_len = 0; /* a datagram is read at once or lost */
	return (int)n;
}

static int io_send(WOLFSSL *ssl, char *from, int len, void *arg)
{
	struct dtls_io *io = arg;
	io->dialect->note(io, ssl, (const uint8_t *)from, (size_t)len);
	if (io->seq_limit != 0 && io->last_seq >= io->seq_limit)
		return WOLFSSL_CBIO_ERR_GENERAL; /* that number is ours: it would be a nonce used twice */
	udp_queue(io->w, nullptr, &io->peer, &io->local, from, (size_t)len);
	udp_flush(io->w); /* the library uses its buffer again */
	return len;
}

void dtls_io_install(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetIORecv(ctx, io_recv);
	wolfSSL_CTX_SetIOSend(ctx, io_send);
}

static void hs_free(struct dtls_hs *hs)
{
	if (hs == nullptr)
		return;
	wolfSSL_free(hs->ssl);
	if (hs->io.dialect->forget != nullptr)
		hs->io.dialect->forget(hs);
	free(hs);
}

static struct dtls_hs *hs_new(struct worker *w, const struct dtls_dialect *dialect)
{
	struct dtls_hs *hs = calloc(1, sizeof *hs);
	if (hs == nullptr)
		return nullptr;
	hs->io.w = w;
	hs->io.dialect = dialect;
	hs->ssl = wolfSSL_new(dialect->ctx(w));
	if (hs->ssl == nullptr || (dialect->prepare != nullptr && dialect->prepare(hs) != ERR_OK)) {
		hs_free(hs);
		return nullptr;
	}
	wolfSSL_SetIOReadCtx(hs->ssl, &hs->io);
	wolfSSL_SetIOWriteCtx(hs->ssl, &hs->io);
	wolfSSL_set_psk_callback_ctx(hs->ssl, hs);
	wolfSSL_dtls_set_using_nonblock(hs->ssl, 1);
	wolfSSL_dtls_set_mtu(hs->ssl, HANDSHAKE_MTU);
	return hs;
}

static void point_at(struct dtls_hs *hs, const struct datagram *d)
{
	hs->io.in = d->bytes;
	hs->io.in_len = d->len;
	hs->io.peer = d->peer;
	hs->io.local = d->local;
	wolfSSL_dtls_set_peer(hs->ssl, &hs->io.peer, sizeof hs->io.peer); /* goes into the cookie */
}

/* {{ handshake }} */

static bool is_same_peer(const struct udp_peer *a, const struct udp_peer *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool dtls_uses(const struct session *s, const struct udp_peer *peer)
{
	return (s->chan != nullptr && is_same_peer(&s->chan->peer, peer)) ||
	       (s->hs != nullptr && is_same_peer(&s->hs->io.peer, peer)) || dtls_resume_uses(s, peer);
}

static void drop_hs(struct session *s)
{
	if (s->hs == nullptr)
		return;
	struct dtls_hs *hs = TAKE(s->hs);
	if (!dtls_uses(s, &hs->io.peer))
		udp_peer_drop(s->w, &hs->io.peer, s);
	hs_free(hs);
}

void dtls_chan_free(struct dtls_chan *c)
{
	if (c == nullptr)
		return;
	c->dialect->fini(c);
	free(c);
}

static void drop_chan(struct session *s)
{
	if (s->chan == nullptr)
		return;
	struct dtls_chan *c = TAKE(s->chan);
	if (!dtls_uses(s, &c->peer))
		udp_peer_drop(s->w, &c->peer, s);
	dtls_chan_free(c);
	s->udp_active = false;
	atomic_store_explicit(&s->slot->dtls_up, 0, memory_order_relaxed);
}

void dtls_promote(struct session *s, struct dtls_chan *c)
{
	struct dtls_chan *old = s->chan;
	s->chan = c;
	if (old != nullptr && !dtls_uses(s, &old->peer))
		udp_peer_drop(s->w, &old->peer, s);
	dtls_chan_free(old);
	STAT_INC(s->w, dtls_handshakes);
	snprintf(s->slot->dtls_cipher, sizeof s->slot->dtls_cipher, "%s", dtls_describe(c));
	atomic_store_explicit(&s->slot->dtls_seen, 1, memory_order_release);
	atomic_store_explicit(&s->slot->dtls_up, 1, memory_order_relaxed);
	session_udp_alive(s);
	log_info("dtls.up sid=%lu user=%s cipher=%s", s->route.sid, s->facts->username, dtls_describe(c));
}

static enum err promote(struct session *s)
{
	struct dtls_hs *hs = s->hs;
	struct dtls_chan *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->dialect = hs->io.dialect;
	c->peer = hs->io.peer;
	c->local = hs->io.local;
	uint64_t first_seq = hs->io.last_seq + SEQ_GAP;
	enum err e = c->dialect->take_keys(c, hs, first_seq);
	if (e != ERR_OK) {
		free(c);
		return e;
	}
	hs->done = true;
	hs->io.seq_limit = first_seq;
	dtls_promote(s, c);
	return ERR_OK;
}

static void arm(struct dtls_hs *hs)
{
	hs->retransmit_at = clock_add_s(hs->io.w->now, (uint64_t)wolfSSL_dtls_get_current_timeout(hs->ssl));
}

static void hs_failed(struct session *s, const char *why)
{
	STAT_INC(s->w, dtls_failed);
	log_info("dtls.failed sid=%lu user=%s why=\"%s\"", s->route.sid, s->facts->username, why);
	drop_hs(s);
}

static void advance(struct session *s)
{
	struct dtls_hs *hs = s->hs;
	int result = wolfSSL_accept(hs->ssl);
	if (result == WOLFSSL_SUCCESS) {
		enum err e = promote(s);
		if (e != ERR_OK)
			hs_failed(s, err_text(e));
		return;
	}
	int why = wolfSSL_get_error(hs->ssl, result);
	if (why != WOLFSSL_ERROR_WANT_READ && why != WOLFSSL_ERROR_WANT_WRITE) {
		char text[WOLFSSL_MAX_ERROR_SZ];
		hs_failed(s, wolfSSL_ERR_error_string((unsigned long)why, text));
		return;
	}
	arm(hs);
}

bool dtls_may_begin(struct session *s)
{
	bool ok = s->wants_dtls &&
		  (s->t.hello.ns == 0 || clock_is_past(s->w->now, clock_add_s(s->t.hello, HELLO_GAP_S)));
	if (!ok)
		STAT_INC(s->w, dtls_hello_limited);
	return ok;
}

void dtls_hello(struct session *s, const struct dtls_dialect *dialect, struct datagram *d)
{
	struct worker *w = s->w;
	struct dtls_hs **listener = &w->dtls_listeners[dialect->listener];
	STAT_INC(w, dtls_hellos);
	if (*listener == nullptr)
		*listener = hs_new(w, dialect);
	struct dtls_hs *l = *listener;
	if (l == nullptr)
		return;
	point_at(l, d);
	l->io.session = s;
	if (dialect->begin(l, d) != ERR_OK) {
		STAT_INC(w, dtls_failed);
		return; /* the virtual host permits none of its suites */
	}
	int result = wolfDTLS_accept_stateless(l->ssl);
	if (result == WOLFSSL_FAILURE) {
		l->io.session = nullptr;
		return; /* a cookie was sent, no state kept */
	}
	*listener = nullptr;
	if (result != WOLFSSL_SUCCESS || !dtls_may_begin(s) ||
	    (dialect->accepted != nullptr && dialect->accepted(l) != ERR_OK)) {
		hs_free(l);
		return;
	}
	drop_hs(s);
	s->hs = l;
	s->t.hello = l->started = w->now;
	udp_peer_set(w, &l->io.peer, s);
	advance(s);
}

void dtls_listener_free(struct worker *w)
{
	for (size_t i = 0; i < DTLS_LISTENERS; i++) {
		hs_free(w->dtls_listeners[i]);
		w->dtls_listeners[i] = nullptr;
	}
}

/* A key has carried nearly all it may: the client comes back with a new handshake, and TLS bridges the gap. */
static void retire_keys(struct session *s)
{
	if (s->chan == nullptr || !s->chan->dialect->is_exhausted(s->chan))
		return;
	log_info("dtls.rekey sid=%lu user=%s", s->route.sid, s->facts->username);
	dtls_close(s, true);
}

void dtls_tick(struct session *s)
{
	retire_keys(s);
	dtls_resume_tick(s);
	struct dtls_hs *hs = s->hs;
	if (hs == nullptr)
		return;
	if (clock_is_past(s->w->now, clock_add_s(hs->started, HANDSHAKE_MAX_S))) {
		if (hs->done)
			drop_hs(s);
		else
			hs_failed(s, "timed out");
	} else if (!hs->done && clock_is_past(s->w->now, hs->retransmit_at)) {
		hs->io.in_len = 0;
		if (wolfSSL_dtls_got_timeout(hs->ssl) != WOLFSSL_SUCCESS)
			hs_failed(s, "the client does not answer");
		else
			arm(hs);
	}
}

/* {{ records }} */

/* A flight, or a Finished that the client repeats. */
void dtls_feed_hs(struct session *s, const struct datagram *d, const uint8_t *p, size_t len)
{
	struct dtls_hs *hs = s->hs;
	if (hs == nullptr || memcmp(&hs->io.peer, &d->peer, sizeof d->peer) != 0)
		return;
	hs->io.in = p;
	hs->io.in_len = len;
	if (!hs->done) {
		advance(s);
		return;
	}
	uint8_t none[1];
	[[maybe_unused]] int n = wolfSSL_read(hs->ssl, none, sizeof none); /* repeats our last flight */
}

static void took_alert(struct session *s, const uint8_t *p, size_t len)
{
	if (len == 2 && p[1] != ALERT_CLOSE_NOTIFY)
		log_info("dtls.alert sid=%lu user=%s level=%u code=%u", s->route.sid, s->facts->username,
			 p[0], p[1]);
	drop_hs(s);
	drop_chan(s);
}

/* One authentic record. */
static void deliver(struct session *s, uint8_t type, uint8_t *payload, size_t len)
{
	s->t.rx_udp = s->w->now;
	if (type == DTLS_TYPE_ALERT) {
		took_alert(s, payload, len);
		return;
	}
	if (type == DTLS_TYPE_HANDSHAKE) { /* DTLS 1.3: only a KeyUpdate comes so late */
		log_info("dtls.rekey sid=%lu user=%s by=client", s->route.sid, s->facts->username);
		dtls_close(s, true);
		return;
	}
	if (type != DTLS_TYPE_DATA || len == 0)
		return;
	struct dtls_hs *hs = s->hs;
	if (hs != nullptr && hs->done &&
	    (!hs->io.dialect->hears_twice || clock_is_past(s->w->now, clock_add_s(hs->started, LINGER_S))))
		drop_hs(s); /* the client has our last flight */
	session_udp_alive(s);
	rx_frame(s, RX_UDP, payload[0], payload + 1, len - 1);
}

static bool is_elsewhere(const struct session *s, const struct datagram *d)
{
	return memcmp(&s->chan->peer, &d->peer, sizeof d->peer) != 0;
}

static bool is_denied(const struct session *s, const struct datagram *d)
{
	return s->vhost->deny_roaming && !addr_is_same_ip(&s->chan->peer.addr, &d->peer.addr);
}

static void move(struct session *s, const struct datagram *d)
{
	udp_peer_drop(s->w, &s->chan->peer, s);
	s->chan->peer = d->peer;
	s->chan->local = d->local;
	udp_peer_set(s->w, &d->peer, s);
	STAT_INC(s->w, dtls_rebinds);
	char ip[ADDR_TEXT_MAX];
	log_info("dtls.rebind sid=%lu user=%s ip=%s port=%u", s->route.sid, s->facts->username,
		 addr_text(&d->peer.addr, ip), d->peer.addr.port);
}

void dtls_open(struct session *s, const struct datagram *d, uint8_t *record, size_t len)
{
	struct dtls_chan *c = s->chan;
	uint64_t top_before = c->replay.top;
	uint8_t type, *payload;
	size_t payload_len;
	enum err e = c->dialect->open(c, record, len, &type, &payload, &payload_len);
	if (e == ERR_REPLAY)
		STAT_INC(s->w, dtls_replayed);
	else if (e != ERR_OK)
		STAT_INC(s->w, dtls_bad_record);
	if (e == ERR_RANGE)
		drop_chan(s); /* forgeries without end: the client comes back over TLS and a new handshake */
	if (e != ERR_OK)
		return;
	if (is_elsewhere(s, d)) {
		if (is_denied(s, d)) {
			STAT_INC(s->w, dtls_roaming_denied);
			return;
		}
		/* RFC 9147, 9: only a record newer than all before moves the session, so a captured one cannot */
		if (c->replay.top > top_before)
			move(s, d);
	}
	deliver(s, type, payload, payload_len);
}

/* A record of a handshake.  The library gets the rest of the datagram with it. */
static bool feed_handshake(struct session *s, struct datagram *d, const struct dtls_record *r)
{
	if (dtls_resume_feed(s, d, r))
		return true;
	dtls_feed_hs(s, d, d->bytes, d->len);
	return false;
}

void dtls_feed(struct session *s, struct datagram *d)
{
	struct dtls_record r;
	for (size_t at = 0; dtls_next_record(d->bytes, d->len, &at, &r) == ERR_OK;) {
		bool for_library = r.type == DTLS_TYPE_HANDSHAKE || r.type == DTLS_TYPE_CCS || r.epoch == 0;
		if (for_library && feed_handshake(s, d, &r))
			continue;
		if (for_library)
			return;
		if (s->chan == nullptr || s->chan->dialect->is_13 ||
		    memcmp(&s->chan->peer, &d->peer, sizeof d->peer) != 0)
			return;
		dtls_open(s, d, d->bytes + r.start, r.len);
		if (s->dead)
			return;
	}
}

/* {{ a client that moved }} */

/* Open a copy: a record of another session must stay as it was. */
static bool can_open(struct session *s, const struct datagram *d)
{
	struct dtls_record r;
	size_t at = 0;
	if (dtls_next_record(d->bytes, d->len, &at, &r) != ERR_OK || r.type != DTLS_TYPE_DATA)
		return false;
	uint8_t *copy = s->w->plain;
	uint8_t type, *payload;
	size_t len;
	if (r.len > sizeof s->w->plain)
		return false;
	memcpy(copy, d->bytes + r.start, r.len);
	struct replay before = s->chan->replay; /* it is opened again for real below */
	enum err e = s->chan->dialect->open(s->chan, copy, r.len, &type, &payload, &len);
	s->chan->replay = before;
	return e == ERR_OK;
}

bool dtls_try_rebind(struct worker *w, struct datagram *d)
{
	size_t tries = 0;
	for (struct session *s = w->sessions; s != nullptr && tries < REBIND_TRIES; s = s->next) {
		if (s->chan == nullptr || s->chan->dialect->is_13 ||
		    !addr_is_same_ip(&s->chan->peer.addr, &d->peer.addr))
			continue;
		tries++;
		if (!can_open(s, d))
			continue;
		move(s, d);
		dtls_feed(s, d);
		return true;
	}
	return false;
}

/* {{ out }} */

static enum err seal_and_queue(struct session *s, uint8_t record_type, uint8_t *text, size_t len)
{
	struct dtls_chan *c = s->chan;
	uint8_t *record;
	size_t record_len;
	TRY(c->dialect->seal(c, record_type, text, len, &record, &record_len));
	udp_queue(s->w, s, &c->peer, &c->local, record, record_len);
	s->t.tx_udp = s->w->now;
	return ERR_OK;
}

enum err dtls_send(struct session *s, uint8_t type, uint8_t *payload, size_t len)
{
	uint8_t *text = payload - 1;
	text[0] = type;
	enum err e = seal_and_queue(s, DTLS_TYPE_DATA, text, len + 1);
	if (e == ERR_RANGE)
		drop_chan(s); /* record numbers used up; the client makes a new handshake */
	return e;
}

void dtls_send_small(struct session *s, uint8_t type, const void *payload, size_t len)
{
	if (s->chan == nullptr || len > CSTP_PAYLOAD_MAX)
		return;
	static uint8_t
		bytes[DTLS_HEAD_ROOM + 1 + CSTP_PAYLOAD_MAX + DTLS_TAIL_ROOM]; /* one thread; sent below */
	uint8_t *at = bytes + DTLS_HEAD_ROOM + 1;
	if (len > 0)
		memcpy(at, payload, len);
	if (dtls_send(s, type, at, len) == ERR_OK)
		udp_flush(s->w);
}

void dtls_close(struct session *s, bool polite)
{
	if (s->chan != nullptr && polite) {
		uint8_t bytes[DTLS_HEAD_ROOM + 2 + DTLS_TAIL_ROOM] = {};
		uint8_t *alert = bytes + DTLS_HEAD_ROOM;
		alert[0] = 1; /* warning */
		alert[1] = ALERT_CLOSE_NOTIFY;
		if (seal_and_queue(s, DTLS_TYPE_ALERT, alert, 2) == ERR_OK)
			udp_flush(s->w);
	}
	drop_hs(s);
	dtls_resume_drop(s);
	drop_chan(s);
}

const char *dtls_describe(const struct dtls_chan *c)
{
	static const char *const ciphers[RECORD_SUITE_N] = {
		[RECORD_NONE] = "none",
		[RECORD_AES128_GCM] = "AES-128-GCM",
		[RECORD_AES256_GCM] = "AES-256-GCM",
		[RECORD_CHACHA20_POLY1305] = "CHACHA20-POLY1305",
	};
	if (c->text != nullptr)
		return c->text;
	static char text[64]; /* one thread */
	snprintf(text, sizeof text, "%s-(%s)", c->dialect->name, ciphers[c->suite]);
	return text;
}
