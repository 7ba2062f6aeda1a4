/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/dtls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/log.h"
#include "wire/dtls.h"
#include "worker/rx.h"
#include "worker/session.h"

/* AEAD suites of pre-shared keys only: what wire/record can carry on. */
static const char CIPHERS[] =
	"PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:PSK-CHACHA20-POLY1305:ECDHE-PSK-CHACHA20-POLY1305";

constexpr uint64_t HELLO_GAP_S = 3; /* between handshakes of a session: a replayed hello costs little */
constexpr uint64_t HANDSHAKE_MAX_S = 60;
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

static void note_numbers(struct dtls_io *io, const uint8_t *p, size_t len)
{
	struct dtls_record r;
	for (size_t at = 0; dtls_next_record(p, len, &at, &r) == ERR_OK;)
		if (r.epoch == 1)
			io->last_seq = MAX(io->last_seq, r.seq);
}

static int io_send(WOLFSSL *, char *from, int len, void *arg)
{
	struct dtls_io *io = arg;
	note_numbers(io, (const uint8_t *)from, (size_t)len);
	udp_queue(io->w, nullptr, &io->peer, &io->local, from, (size_t)len);
	udp_flush(io->w); /* the library uses its buffer again */
	return len;
}

static unsigned psk_of(WOLFSSL *ssl, const char *identity, unsigned char *key, unsigned cap)
{
	const struct session *s = wolfSSL_get_psk_callback_ctx(ssl);
	if (s == nullptr || identity == nullptr || strcmp(identity, "psk") != 0 || cap < sizeof s->psk)
		return 0;
	memcpy(key, s->psk, sizeof s->psk);
	return sizeof s->psk;
}

enum err dtls_ctx_new(WOLFSSL_CTX **out)
{
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfDTLSv1_2_server_method());
	if (ctx == nullptr)
		return ERR_NOMEM;
	if (wolfSSL_CTX_set_cipher_list(ctx, CIPHERS) != WOLFSSL_SUCCESS) {
		wolfSSL_CTX_free(ctx);
		return ERR_CRYPTO;
	}
	wolfSSL_CTX_set_psk_server_callback(ctx, psk_of);
	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
	wolfSSL_CTX_NoTicketTLSv12(ctx);
	wolfSSL_CTX_SetIORecv(ctx, io_recv);
	wolfSSL_CTX_SetIOSend(ctx, io_send);
	*out = ctx;
	return ERR_OK;
}

static void hs_free(struct dtls_hs *hs)
{
	if (hs == nullptr)
		return;
	wolfSSL_free(hs->ssl);
	free(hs);
}

static struct dtls_hs *hs_new(struct worker *w)
{
	struct dtls_hs *hs = calloc(1, sizeof *hs);
	if (hs == nullptr)
		return nullptr;
	hs->ssl = wolfSSL_new(w->gen.tls->dtls);
	if (hs->ssl == nullptr) {
		free(hs);
		return nullptr;
	}
	hs->io.w = w;
	wolfSSL_SetIOReadCtx(hs->ssl, &hs->io);
	wolfSSL_SetIOWriteCtx(hs->ssl, &hs->io);
	wolfSSL_dtls_set_using_nonblock(hs->ssl, 1);
	wolfSSL_dtls_set_mtu(hs->ssl, HANDSHAKE_MTU);
	wolfSSL_DTLS_SetCookieSecret(hs->ssl, w->cookie_secret, sizeof w->cookie_secret);
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

static void drop_hs(struct session *s)
{
	if (s->hs == nullptr)
		return;
	if (s->chan == nullptr || memcmp(&s->chan->peer, &s->hs->io.peer, sizeof s->hs->io.peer) != 0)
		udp_peer_drop(s->w, &s->hs->io.peer, s);
	hs_free(s->hs);
	s->hs = nullptr;
}

static void drop_chan(struct session *s)
{
	if (s->chan == nullptr)
		return;
	if (s->hs == nullptr || memcmp(&s->chan->peer, &s->hs->io.peer, sizeof s->hs->io.peer) != 0)
		udp_peer_drop(s->w, &s->chan->peer, s);
	record_fini(&s->chan->rx);
	record_fini(&s->chan->tx);
	free(s->chan);
	s->chan = nullptr;
	s->udp_active = false;
	atomic_store_explicit(&s->slot->dtls_up, 0, memory_order_relaxed);
}

static enum err take_keys(struct dtls_chan *c, WOLFSSL *ssl, uint64_t first_seq)
{
	int key_len = wolfSSL_GetKeySize(ssl), iv_len = wolfSSL_GetIVSize(ssl);
	if (key_len <= 0 || iv_len <= 0)
		return ERR_CRYPTO;
	replay_init(&c->replay);
	TRY(record_init(&c->rx, c->suite, wolfSSL_GetClientWriteKey(ssl), (size_t)key_len,
			wolfSSL_GetClientWriteIV(ssl), (size_t)iv_len, 1, 0));
	enum err e = record_init(&c->tx, c->suite, wolfSSL_GetServerWriteKey(ssl), (size_t)key_len,
				 wolfSSL_GetServerWriteIV(ssl), (size_t)iv_len, 1, first_seq);
	if (e != ERR_OK)
		record_fini(&c->rx);
	return e;
}

/* The client's Finished is verified: its channel becomes the live one. */
static enum err promote(struct session *s)
{
	struct dtls_hs *hs = s->hs;
	struct dtls_chan *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->suite = record_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(hs->ssl));
	c->peer = hs->io.peer;
	c->local = hs->io.local;
	enum err e =
		c->suite != RECORD_NONE ? take_keys(c, hs->ssl, hs->io.last_seq + SEQ_GAP) : ERR_UNSUPPORTED;
	if (e != ERR_OK) {
		free(c);
		return e;
	}
	drop_chan(s);
	s->chan = c;
	hs->done = true;
	STAT_INC(s->w, dtls_handshakes);
	snprintf(s->slot->dtls_cipher, sizeof s->slot->dtls_cipher, "%s", dtls_describe(c));
	atomic_store_explicit(&s->slot->dtls_seen, 1, memory_order_release);
	atomic_store_explicit(&s->slot->dtls_up, 1, memory_order_relaxed);
	session_udp_alive(s);
	log_info("dtls.up sid=%lu user=%s cipher=%s", s->route.sid, s->facts->username, dtls_describe(c));
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

static bool may_begin(struct session *s)
{
	bool ok = s->wants_dtls &&
		  (s->t.hello.ns == 0 || clock_is_past(s->w->now, clock_add_s(s->t.hello, HELLO_GAP_S)));
	if (!ok)
		STAT_INC(s->w, dtls_hello_limited);
	return ok;
}

void dtls_hello(struct session *s, struct datagram *d)
{
	struct worker *w = s->w;
	STAT_INC(w, dtls_hellos);
	if (w->dtls_listener == nullptr)
		w->dtls_listener = hs_new(w);
	struct dtls_hs *l = w->dtls_listener;
	if (l == nullptr || !tls_ctx_limit_dtls(w->gen.tls, l->ssl, s->vhost))
		return;
	point_at(l, d);
	int result = wolfDTLS_accept_stateless(l->ssl);
	if (result == WOLFSSL_FAILURE)
		return; /* HelloVerifyRequest was sent, no state kept */
	w->dtls_listener = nullptr;
	if (result != WOLFSSL_SUCCESS || !may_begin(s)) {
		hs_free(l);
		return;
	}
	drop_hs(s);
	s->hs = l;
	s->t.hello = l->started = w->now;
	l->io.session = s;
	wolfSSL_set_psk_callback_ctx(l->ssl, s);
	udp_peer_set(w, &l->io.peer, s);
	advance(s);
}

void dtls_listener_free(struct worker *w)
{
	hs_free(w->dtls_listener);
	w->dtls_listener = nullptr;
}

/* A key has carried nearly all it may: the client comes back with a new handshake, and TLS bridges the gap. */
static void retire_keys(struct session *s)
{
	if (s->chan == nullptr || (!record_is_exhausted(&s->chan->tx) && !record_is_exhausted(&s->chan->rx)))
		return;
	log_info("dtls.rekey sid=%lu user=%s", s->route.sid, s->facts->username);
	dtls_close(s, true);
}

void dtls_tick(struct session *s)
{
	retire_keys(s);
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

/* The library gets the whole datagram: a flight, or a Finished that the client repeats. */
static void feed_hs(struct session *s, const struct datagram *d)
{
	struct dtls_hs *hs = s->hs;
	if (memcmp(&hs->io.peer, &d->peer, sizeof d->peer) != 0)
		return;
	hs->io.in = d->bytes;
	hs->io.in_len = d->len;
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
	if (type != DTLS_TYPE_DATA || len == 0)
		return;
	if (s->hs != nullptr && s->hs->done)
		drop_hs(s); /* the client has our Finished */
	session_udp_alive(s);
	rx_frame(s, RX_UDP, payload[0], payload + 1, len - 1);
}

static enum err open_one(struct session *s, uint8_t *record, size_t len)
{
	uint8_t type, *payload;
	size_t payload_len;
	enum err e = record_open(&s->chan->rx, &s->chan->replay, record, len, &type, &payload, &payload_len);
	if (e == ERR_REPLAY)
		STAT_INC(s->w, dtls_replayed);
	else if (e != ERR_OK)
		STAT_INC(s->w, dtls_bad_record);
	if (e == ERR_RANGE)
		drop_chan(s); /* forgeries without end: the client comes back over TLS and a new handshake */
	if (e == ERR_OK)
		deliver(s, type, payload, payload_len);
	return e;
}

void dtls_feed(struct session *s, struct datagram *d)
{
	struct dtls_record r;
	for (size_t at = 0; dtls_next_record(d->bytes, d->len, &at, &r) == ERR_OK;) {
		bool for_library = r.type == DTLS_TYPE_HANDSHAKE || r.type == DTLS_TYPE_CCS || r.epoch == 0;
		if (for_library) {
			if (s->hs != nullptr)
				feed_hs(s, d);
			return;
		}
		if (s->chan == nullptr || memcmp(&s->chan->peer, &d->peer, sizeof d->peer) != 0)
			return;
		if (open_one(s, d->bytes + r.start, r.len) == ERR_CLOSED || s->dead)
			return;
	}
}

/* {{ a client that moved }} */

/* Open a copy: a record of another session must stay as it was. */
static bool can_open(struct session *s, const struct datagram *d)
{
	struct dtls_record r;
	size_t at = 0;
	if (dtls_next_record(d->bytes, d->len, &at, &r) != ERR_OK || r.type != DTLS_TYPE_DATA ||
	    r.epoch != s->chan->rx.epoch)
		return false;
	uint8_t *copy = s->w->plain;
	uint8_t type, *payload;
	size_t len;
	if (r.len > sizeof s->w->plain)
		return false;
	memcpy(copy, d->bytes + r.start, r.len);
	struct replay window = s->chan->replay; /* it is opened again for real below */
	return record_open(&s->chan->rx, &window, copy, r.len, &type, &payload, &len) == ERR_OK;
}

bool dtls_try_rebind(struct worker *w, struct datagram *d)
{
	size_t tries = 0;
	for (struct session *s = w->sessions; s != nullptr && tries < REBIND_TRIES; s = s->next) {
		if (s->chan == nullptr || !addr_is_same_ip(&s->chan->peer.addr, &d->peer.addr))
			continue;
		tries++;
		if (!can_open(s, d))
			continue;
		udp_peer_drop(w, &s->chan->peer, s);
		s->chan->peer = d->peer;
		s->chan->local = d->local;
		udp_peer_set(w, &d->peer, s);
		STAT_INC(w, dtls_rebinds);
		log_info("dtls.rebind sid=%lu user=%s port=%u", s->route.sid, s->facts->username,
			 d->peer.addr.port);
		dtls_feed(s, d);
		return true;
	}
	return false;
}

/* {{ out }} */

static enum err seal_and_queue(struct session *s, uint8_t record_type, uint8_t *text, size_t len)
{
	struct dtls_chan *c = s->chan;
	uint8_t *record = text - record_head_len(&c->tx);
	size_t record_len;
	TRY(record_seal(&c->tx, record_type, record, len, &record_len));
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
		bytes[RECORD_HEAD_MAX + 1 + CSTP_PAYLOAD_MAX + RECORD_TAIL_MAX]; /* one thread; sent below */
	uint8_t *at = bytes + RECORD_HEAD_MAX + 1;
	if (len > 0)
		memcpy(at, payload, len);
	if (dtls_send(s, type, at, len) == ERR_OK)
		udp_flush(s->w);
}

void dtls_close(struct session *s, bool polite)
{
	if (s->chan != nullptr && polite) {
		uint8_t bytes[RECORD_HEAD_MAX + 2 + RECORD_TAIL_MAX] = {};
		uint8_t *alert = bytes + RECORD_HEAD_MAX;
		alert[0] = 1; /* warning */
		alert[1] = ALERT_CLOSE_NOTIFY;
		if (seal_and_queue(s, DTLS_TYPE_ALERT, alert, 2) == ERR_OK)
			udp_flush(s->w);
	}
	drop_hs(s);
	drop_chan(s);
}

const char *dtls_describe(const struct dtls_chan *c)
{
	static const char *const text[RECORD_SUITE_N] = {
		[RECORD_NONE] = "none",
		[RECORD_AES128_GCM] = "(DTLS1.2)-(PSK)-(AES-128-GCM)",
		[RECORD_AES256_GCM] = "(DTLS1.2)-(PSK)-(AES-256-GCM)",
		[RECORD_CHACHA20_POLY1305] = "(DTLS1.2)-(PSK)-(CHACHA20-POLY1305)",
	};
	return text[c->suite];
}
