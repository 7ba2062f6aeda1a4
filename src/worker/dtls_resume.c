/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/dtls_resume.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "base/log.h"
#include "base/secret.h"
#include "fips/fips.h"
#include "worker/session.h"

constexpr uint64_t HANDSHAKE_MAX_S = 60;
constexpr uint64_t RETRANSMIT_S = 1;
constexpr uint64_t RETRANSMIT_MAX_S = 16;
constexpr size_t FLIGHT_MAX = 512;

/* Our flight is out, the client's Finished is due. */
struct dtls_resume {
	struct resume hand;
	struct dtls_chan *chan; /* keys, and the address that has proven itself */
	struct mono started, retransmit_at;
	uint64_t wait_s;
	uint8_t client_random[RESUME_RANDOM_LEN];
};

/* {{ records of CBC suites }} */

static enum err seal_cbc(struct dtls_chan *c, uint8_t type, uint8_t *text, size_t len, uint8_t **record,
			 size_t *record_len)
{
	*record = text - CBC_HEAD_LEN;
	return cbc_seal(&c->cbc.tx, type, *record, len, record_len);
}

static enum err open_cbc(struct dtls_chan *c, uint8_t *record, size_t n, uint8_t *type, uint8_t **payload,
			 size_t *payload_len)
{
	return cbc_open(&c->cbc.rx, &c->replay, record, n, type, payload, payload_len);
}

static bool is_exhausted_cbc(const struct dtls_chan *c)
{
	return cbc_is_exhausted(&c->cbc.rx) || cbc_is_exhausted(&c->cbc.tx);
}

static void fini_cbc(struct dtls_chan *c)
{
	cbc_fini(&c->cbc.rx);
	cbc_fini(&c->cbc.tx);
}

static const struct dtls_dialect dtls_cbc = {
	.seal = seal_cbc,
	.open = open_cbc,
	.is_exhausted = is_exhausted_cbc,
	.fini = fini_cbc,
};

/* {{ keys }} */

static enum err take_aead(struct dtls_chan *c, const struct resume_suite *suite, const struct resume_keys *k)
{
	c->dialect = &dtls_12;
	TRY(record_init(&c->rx, suite->aead, k->client_key, suite->key_len, k->client_iv, sizeof k->client_iv,
			1, 0));
	return record_init(&c->tx, suite->aead, k->server_key, suite->key_len, k->server_iv,
			   sizeof k->server_iv, 1, 0);
}

static enum err take_cbc(struct dtls_chan *c, const struct resume_suite *suite, const struct resume_keys *k)
{
	uint8_t iv_key[16];
	c->dialect = &dtls_cbc;
	TRY(fips_random(iv_key, sizeof iv_key));
	const struct cbc_keys rx = { k->client_mac, k->client_key, suite->key_len, nullptr };
	const struct cbc_keys tx = { k->server_mac, k->server_key, suite->key_len, iv_key };
	enum err e = cbc_init(&c->cbc.rx, &rx, suite->version, 1, 0);
	if (e == ERR_OK)
		e = cbc_init(&c->cbc.tx, &tx, suite->version, 1, 0);
	secret_wipe_bytes(iv_key, sizeof iv_key);
	return e;
}

static enum err chan_new(struct dtls_chan **out, const struct resume_suite *suite,
			 const struct resume_keys *k, const struct datagram *d)
{
	struct dtls_chan *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->suite = suite->aead;
	c->text = suite->text;
	c->peer = d->peer;
	c->local = d->local;
	replay_init(&c->replay);
	enum err e = suite->aead != RECORD_NONE ? take_aead(c, suite, k) : take_cbc(c, suite, k);
	if (e != ERR_OK) {
		dtls_chan_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

/* {{ the handshake }} */

bool dtls_resume_uses(const struct session *s, const struct udp_peer *peer)
{
	return s->resume != nullptr && memcmp(&s->resume->chan->peer, peer, sizeof *peer) == 0;
}

void dtls_resume_drop(struct session *s)
{
	if (s->resume == nullptr)
		return;
	struct dtls_resume *h = TAKE(s->resume);
	if (!dtls_uses(s, &h->chan->peer))
		udp_peer_drop(s->w, &h->chan->peer, s);
	dtls_chan_free(h->chan);
	free(h);
}

static void failed(struct session *s, const char *why)
{
	STAT_INC(s->w, dtls_failed);
	log_info("dtls.failed sid=%lu user=%s why=\"%s\"", s->route.sid, s->facts->username, why);
	dtls_resume_drop(s);
}

static void queue_now(struct session *s, const struct datagram *to, const uint8_t *p, size_t len)
{
	udp_queue(s->w, nullptr, &to->peer, &to->local, p, len);
	udp_flush(s->w);
}

/* ServerHello, ChangeCipherSpec and Finished in one datagram. */
static enum err send_flight(struct session *s)
{
	struct dtls_resume *h = s->resume;
	struct dtls_chan *c = h->chan;
	uint8_t out[FLIGHT_MAX], room[DTLS_HEAD_ROOM + RESUME_FINISHED_LEN + DTLS_TAIL_ROOM] = {};
	struct writer w = writer_of(out, sizeof out);
	resume_emit_hello(&h->hand, &w);
	memcpy(room + DTLS_HEAD_ROOM, h->hand.finished, RESUME_FINISHED_LEN);
	uint8_t *record;
	size_t len;
	TRY(c->dialect->seal(c, DTLS_TYPE_HANDSHAKE, room + DTLS_HEAD_ROOM, RESUME_FINISHED_LEN, &record,
			     &len));
	writer_put(&w, record, len);
	if (!writer_ok(&w))
		return ERR_RANGE;
	const struct datagram to = { .peer = c->peer, .local = c->local };
	queue_now(s, &to, out, w.len);
	h->retransmit_at = clock_add_s(s->w->now, h->wait_s);
	return ERR_OK;
}

/* HMAC over where it came from and what it says, as RFC 6347, 4.2.1 wants it. */
static enum err make_cookie(const struct session *s, const struct datagram *d, const struct resume_hello *h,
			    uint8_t cookie[RESUME_COOKIE_LEN])
{
	static const char label[] = "resume";
	uint8_t mac[WC_SHA256_DIGEST_SIZE];
	Hmac hmac;
	if (wc_HmacInit(&hmac, nullptr, INVALID_DEVID) != 0)
		return ERR_CRYPTO;
	bool ok = wc_HmacSetKey(&hmac, WC_SHA256, s->w->cookie_secret, sizeof s->w->cookie_secret) == 0 &&
		  wc_HmacUpdate(&hmac, (const uint8_t *)label, sizeof label) == 0 &&
		  wc_HmacUpdate(&hmac, (const uint8_t *)&d->peer, sizeof d->peer) == 0 &&
		  wc_HmacUpdate(&hmac, h->id, RESUME_ID_LEN) == 0 &&
		  wc_HmacUpdate(&hmac, h->random, RESUME_RANDOM_LEN) == 0 && wc_HmacFinal(&hmac, mac) == 0;
	wc_HmacFree(&hmac);
	memcpy(cookie, mac, RESUME_COOKIE_LEN);
	return ok ? ERR_OK : ERR_CRYPTO;
}

/* The client's address has proven itself; if not, it is asked to. */
static bool has_cookie(struct session *s, const struct datagram *d, const struct resume_hello *h)
{
	uint8_t cookie[RESUME_COOKIE_LEN];
	if (make_cookie(s, d, h, cookie) != ERR_OK)
		return false;
	if (h->cookie_len == sizeof cookie && secret_is_equal_bytes(cookie, h->cookie, sizeof cookie))
		return true;
	uint8_t out[FLIGHT_MAX];
	struct writer w = writer_of(out, sizeof out);
	resume_emit_verify(&w, s->dtls.suite, h, cookie);
	if (writer_ok(&w))
		queue_now(s, d, out, w.len);
	return false;
}

/* A client makes a new random for each handshake: one that was accepted before is a replay.  Eight bytes of it are enough. */
static bool is_replay(struct session *s, const struct resume_hello *h)
{
	uint64_t mark;
	memcpy(&mark, h->random + RESUME_RANDOM_LEN - sizeof mark, sizeof mark);
	for (size_t i = 0; i < MIN(s->hellos_n, DTLS_HELLOS); i++)
		if (s->hellos_seen[i] == mark)
			return true;
	return false;
}

static void remember(struct session *s, const struct resume_hello *h)
{
	memcpy(&s->hellos_seen[s->hellos_n++ % DTLS_HELLOS], h->random + RESUME_RANDOM_LEN - sizeof(uint64_t),
	       sizeof(uint64_t));
}

static enum err begin(struct session *s, const struct datagram *d, const struct resume_hello *hello)
{
	uint8_t random[RESUME_RANDOM_LEN];
	struct resume_keys keys;
	struct dtls_resume *h = calloc(1, sizeof *h);
	if (h == nullptr)
		return ERR_NOMEM;
	enum err e = fips_random(random, sizeof random);
	if (e == ERR_OK)
		e = resume_begin(&h->hand, s->dtls.suite, s->master, random, hello, &keys);
	if (e == ERR_OK)
		e = chan_new(&h->chan, s->dtls.suite, &keys, d);
	secret_wipe_bytes(&keys, sizeof keys);
	if (e != ERR_OK) {
		free(h);
		return e;
	}
	memcpy(h->client_random, hello->random, sizeof h->client_random);
	h->started = s->t.hello = s->w->now;
	h->wait_s = RETRANSMIT_S;
	s->resume = h;
	udp_peer_set(s->w, &d->peer, s);
	return send_flight(s);
}

/* The hello whose answer was lost, from where it came the first time. */
static bool is_repeated(const struct session *s, const struct datagram *d, const struct resume_hello *h)
{
	return dtls_resume_uses(s, &d->peer) &&
	       memcmp(s->resume->client_random, h->random, RESUME_RANDOM_LEN) == 0;
}

void dtls_resume_hello(struct session *s, const struct datagram *d)
{
	struct worker *w = s->w;
	struct resume_hello h;
	STAT_INC(w, dtls_hellos);
	enum err e = resume_parse(d->bytes, d->len, s->dtls.suite, &h);
	if (e != ERR_OK) {
		STAT_INC(w, dtls_hello_refused);
		log_debug("dtls.hello_refused sid=%lu user=%s suite=%s why=\"%s\"", s->route.sid,
			  s->facts->username, s->dtls.suite->name, err_text(e));
		return;
	}
	if (!has_cookie(s, d, &h) || is_repeated(s, d, &h))
		return; /* a lost flight goes again by the clock */
	if (is_replay(s, &h)) {
		STAT_INC(w, dtls_hello_replayed);
		return;
	}
	if (!dtls_may_begin(s))
		return;
	dtls_resume_drop(s);
	remember(s, &h);
	e = begin(s, d, &h);
	if (e != ERR_OK)
		failed(s, err_text(e));
}

/* {{ the client's flight }} */

static void took_finished(struct session *s, const uint8_t *message, size_t len)
{
	struct dtls_resume *h = s->resume;
	if (resume_check_finished(&h->hand, message, len) != ERR_OK) {
		failed(s, "the client's Finished is wrong");
		return;
	}
	struct dtls_chan *c = TAKE(h->chan);
	s->resume = nullptr;
	secret_wipe_bytes(h, sizeof *h);
	free(h);
	dtls_promote(s, c);
}

bool dtls_resume_feed(struct session *s, struct datagram *d, const struct dtls_record *r)
{
	if (!dtls_resume_uses(s, &d->peer))
		return s->dtls.mode ==
		       RESUME_FAKE; /* a Finished again, or what a stranger says in clear text */
	if (r->epoch == 0 || r->type != DTLS_TYPE_HANDSHAKE)
		return true; /* ChangeCipherSpec says nothing, an alert in clear text may be anybody's */
	struct dtls_chan *c = s->resume->chan;
	uint8_t type, *message;
	size_t len;
	if (c->dialect->open(c, d->bytes + r->start, r->len, &type, &message, &len) != ERR_OK)
		STAT_INC(s->w, dtls_bad_record);
	else
		took_finished(s, message, len);
	return true;
}

void dtls_resume_tick(struct session *s)
{
	struct dtls_resume *h = s->resume;
	if (h == nullptr)
		return;
	if (clock_is_past(s->w->now, clock_add_s(h->started, HANDSHAKE_MAX_S))) {
		failed(s, "timed out");
	} else if (clock_is_past(s->w->now, h->retransmit_at)) {
		h->wait_s = MIN(2 * h->wait_s, RETRANSMIT_MAX_S);
		if (send_flight(s) != ERR_OK)
			failed(s, "the flight cannot be sent again");
	}
}
