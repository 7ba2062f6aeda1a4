/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/dtls13.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/secret.h"
#include "fips/fips.h"
#include "wire/dtls.h"
#include "wire/hello13.h"
#include "worker/session.h"

/* A key without a hash of its own goes with SHA-256 (RFC 8446, 4.2.11): no AES-256 here. */
static const char AES128[] = "TLS13-AES128-GCM-SHA256";
static const char CHACHA20[] = "TLS13-CHACHA20-POLY1305-SHA256";
static const char CIPHERS[] = "TLS13-AES128-GCM-SHA256:TLS13-CHACHA20-POLY1305-SHA256";

/* The key comes from the TLS connection: it is as safe from quantum computers as that one, and the hello fits a datagram. */
static int GROUPS[] = { WOLFSSL_ECC_X25519, /* without the first: fips */ WOLFSSL_ECC_SECP256R1 };

constexpr uint8_t EPOCH_HANDSHAKE =
	2; /* low bits of the epochs; more than 3 needs a KeyUpdate, which ends the channel */
constexpr uint8_t EPOCH_DATA = 3;

static_assert(DTLS13_CID_LEN <= RECORD13_CID_MAX, "records have room for it");

struct dtls13_hs {
	uint8_t id[DTLS13_CID_LEN];
	struct dtls13_cid *cid; /* nullptr: not in the table, or the channel has it */
	const char *cipher; /* of the hello at hand; nullptr: none in common */
	size_t secret_len;
	uint8_t client_secret[RECORD13_SECRET_MAX], server_secret[RECORD13_SECRET_MAX];
};

/* {{ connection ids }} */

static struct dtls13_cid *find_cid(struct worker *w, const uint8_t id[DTLS13_CID_LEN])
{
	struct dtls13_cid *c = w->dtls13.last;
	if (c != nullptr && memcmp(c->id, id, DTLS13_CID_LEN) == 0)
		return c;
	HASH_FIND(hh, w->dtls13.ids, id, DTLS13_CID_LEN, c);
	if (c != nullptr)
		w->dtls13.last = c;
	return c;
}

static void free_cid(struct dtls13_cid *c)
{
	if (c == nullptr)
		return;
	struct worker *w = c->session->w;
	HASH_DELETE(hh, w->dtls13.ids, c);
	if (w->dtls13.last == c)
		w->dtls13.last = nullptr;
	free(c);
}

int dtls13_owner(const struct datagram *d)
{
	return d->len > DTLS13_CID_LEN ? d->bytes[1] : -1;
}

/* {{ handshake }} */

static int keep_secret(WOLFSSL *, int id, const unsigned char *secret, int len, void *arg)
{
	struct dtls13_hs *v = arg;
	uint8_t *to = id == CLIENT_TRAFFIC_SECRET   ? v->client_secret
		      : id == SERVER_TRAFFIC_SECRET ? v->server_secret
						    : nullptr;
	if (to == nullptr)
		return 0;
	if (len <= 0 || (size_t)len > RECORD13_SECRET_MAX)
		return BAD_FUNC_ARG;
	memcpy(to, secret, (size_t)len);
	v->secret_len = (size_t)len;
	return 0;
}

static unsigned psk_of(WOLFSSL *ssl, const char *identity, unsigned char *key, unsigned cap,
		       const char **cipher)
{
	const struct dtls_hs *hs = wolfSSL_get_psk_callback_ctx(ssl);
	const struct session *s = hs->io.session;
	uint8_t id[STEER_APP_ID];
	size_t len = 0;
	if (s == nullptr || hs->v13->cipher == nullptr || cap < sizeof s->psk ||
	    encode_from_hex(identity, strlen(identity), id, sizeof id, &len) != ERR_OK || len != sizeof id ||
	    memcmp(id, s->route.app_id, sizeof id) != 0)
		return 0;
	memcpy(key, s->psk, sizeof s->psk);
	*cipher = hs->v13->cipher;
	return sizeof s->psk;
}

enum err dtls13_ctx_new(WOLFSSL_CTX **out, bool is_fips)
{
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfDTLSv1_3_server_method());
	if (ctx == nullptr)
		return ERR_NOMEM;
	if (wolfSSL_CTX_set_cipher_list(ctx, CIPHERS) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_groups(ctx, GROUPS + is_fips, (int)(ARRAY_LEN(GROUPS) - is_fips)) !=
		    WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_only_dhe_psk(ctx) != 0) {
		wolfSSL_CTX_free(ctx);
		return ERR_CRYPTO;
	}
	wolfSSL_CTX_set_psk_server_tls13_callback(ctx, psk_of);
	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
	wolfSSL_CTX_no_ticket_TLSv13(ctx);
	dtls_io_install(ctx);
	*out = ctx;
	return ERR_OK;
}

static WOLFSSL_CTX *ctx_13(const struct worker *w)
{
	return w->gen.tls->dtls13;
}

static enum err prepare_13(struct dtls_hs *hs)
{
	struct worker *w = hs->io.w;
	struct dtls13_hs *v = hs->v13 = calloc(1, sizeof *v);
	if (v == nullptr)
		return ERR_NOMEM;
	do {
		TRY(fips_random(v->id, sizeof v->id));
		v->id[0] = (uint8_t)w->index;
	} while (find_cid(w, v->id) != nullptr);
	wolfSSL_KeepArrays(hs->ssl); /* without them the library has no secrets to show */
	return wolfSSL_send_hrr_cookie(hs->ssl, w->cookie_secret, sizeof w->cookie_secret) ==
				       WOLFSSL_SUCCESS &&
			       wolfSSL_dtls_cid_use(hs->ssl) == WOLFSSL_SUCCESS &&
			       wolfSSL_dtls_cid_set(hs->ssl, v->id, sizeof v->id) == WOLFSSL_SUCCESS &&
			       wolfSSL_set_tls13_secret_cb(hs->ssl, keep_secret, v) == WOLFSSL_SUCCESS
		       ? ERR_OK
		       : ERR_CRYPTO;
}

/* tls-priorities names the suites of DTLS 1.2; the bulk ciphers are the same. */
static enum err begin_13(struct dtls_hs *hs, const struct datagram *d)
{
	const struct session *s = hs->io.session;
	const char *list = tls_ctx_dtls_ciphers(s->w->gen.tls, s->vhost);
	struct hello13 hello;
	hs->v13->cipher = nullptr;
	TRY(hello13_parse(d->bytes, d->len, &hello));
	if (hello.has_aes128 && strstr(list, "PSK-AES128-GCM") != nullptr)
		hs->v13->cipher = AES128;
	else if (hello.has_chacha20 && strstr(list, "CHACHA20") != nullptr)
		hs->v13->cipher = CHACHA20;
	return hs->v13->cipher != nullptr ? ERR_OK : ERR_UNSUPPORTED;
}

static enum err accepted_13(struct dtls_hs *hs)
{
	struct worker *w = hs->io.w;
	struct dtls13_cid *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	memcpy(c->id, hs->v13->id, sizeof c->id);
	c->session = hs->io.session;
	HASH_ADD(hh, w->dtls13.ids, id, sizeof c->id, c);
	hs->v13->cid = c;
	return ERR_OK;
}

static void forget_13(struct dtls_hs *hs)
{
	if (hs->v13 == nullptr)
		return;
	free_cid(hs->v13->cid);
	secret_wipe_bytes(hs->v13, sizeof *hs->v13);
	free(hs->v13);
	hs->v13 = nullptr;
}

/* The numbers are masked, so records of the epoch are counted: they begin at 0. */
static void note_13(struct dtls_io *io, WOLFSSL *ssl, const uint8_t *p, size_t len)
{
	unsigned cid_len = 0;
	if (wolfSSL_dtls_cid_get_tx_size(ssl, &cid_len) != WOLFSSL_SUCCESS)
		cid_len = 0;
	for (size_t at = 0; at < len;) {
		struct record13_head h;
		struct dtls_record r;
		if (!record13_is_unified(p[at])) {
			if (dtls_next_record(p, len, &at, &r) != ERR_OK)
				return;
			continue;
		}
		if (record13_next(p, len, &at, cid_len, &h) != ERR_OK)
			return;
		if (h.epoch_low == EPOCH_DATA)
			io->last_seq++;
	}
}

static enum err make_directions(struct dtls_chan *c, const struct dtls13_hs *v, uint64_t first_seq,
				const uint8_t *tx_cid, size_t tx_cid_len)
{
	TRY(record13_init(&c->v13.rx, c->suite, v->client_secret, v->secret_len, EPOCH_DATA, 0, v->id,
			  sizeof v->id));
	enum err e = record13_init(&c->v13.tx, c->suite, v->server_secret, v->secret_len, EPOCH_DATA,
				   first_seq, tx_cid, tx_cid_len);
	if (e != ERR_OK)
		record13_fini(&c->v13.rx);
	return e;
}

static enum err take_keys_13(struct dtls_chan *c, struct dtls_hs *hs, uint64_t first_seq)
{
	struct dtls13_hs *v = hs->v13;
	uint8_t tx_cid[RECORD13_CID_MAX];
	unsigned tx_cid_len = 0;
	c->suite = record13_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(hs->ssl));
	if (c->suite == RECORD_NONE || wolfSSL_dtls_cid_is_enabled(hs->ssl) == 0)
		return ERR_UNSUPPORTED; /* a client of ours has ids */
	if (wolfSSL_dtls_cid_get_tx_size(hs->ssl, &tx_cid_len) != WOLFSSL_SUCCESS)
		tx_cid_len = 0;
	if (tx_cid_len > sizeof tx_cid)
		return ERR_UNSUPPORTED;
	if (tx_cid_len > 0 && wolfSSL_dtls_cid_get_tx(hs->ssl, tx_cid, sizeof tx_cid) != WOLFSSL_SUCCESS)
		return ERR_CRYPTO;
	replay_init(&c->replay);
	TRY(make_directions(c, v, first_seq, tx_cid, tx_cid_len));
	c->cid = TAKE(v->cid);
	secret_wipe_bytes(v->client_secret, sizeof v->client_secret);
	secret_wipe_bytes(v->server_secret, sizeof v->server_secret);
	STAT_INC(hs->io.w, dtls13_handshakes);
	return ERR_OK;
}

/* {{ records }} */

static enum err seal_13(struct dtls_chan *c, uint8_t type, uint8_t *text, size_t len, uint8_t **record,
			size_t *record_len)
{
	*record = text - record13_head_len(&c->v13.tx);
	return record13_seal(&c->v13.tx, type, *record, len, record_len);
}

static enum err open_13(struct dtls_chan *c, uint8_t *record, size_t n, uint8_t *type, uint8_t **payload,
			size_t *payload_len)
{
	return record13_open(&c->v13.rx, &c->replay, record, n, type, payload, payload_len);
}

static bool is_exhausted_13(const struct dtls_chan *c)
{
	return record_is_exhausted(&c->v13.tx.base) || record_is_exhausted(&c->v13.rx.base);
}

static void fini_13(struct dtls_chan *c)
{
	free_cid(c->cid);
	record13_fini(&c->v13.rx);
	record13_fini(&c->v13.tx);
}

bool dtls13_feed(struct worker *w, struct datagram *d)
{
	struct record13_head h;
	bool known = false;
	for (size_t at = 0, start = 0;; start = at) {
		if (record13_next(d->bytes, d->len, &at, DTLS13_CID_LEN, &h) != ERR_OK || !h.has_cid)
			return known;
		struct dtls13_cid *c = find_cid(w, h.cid); /* each time: a record may end its session */
		if (c == nullptr)
			return known;
		known = true;
		struct session *s = c->session;
		bool is_live = s->chan != nullptr && s->chan->cid == c;
		if (is_live && h.epoch_low != EPOCH_HANDSHAKE)
			dtls_open(s, d, d->bytes + start, h.len);
		else
			dtls_feed_hs(s, d, d->bytes + start, h.len);
	}
}

const struct dtls_dialect dtls_13 = {
	.name = "(DTLS1.3)-(ECDHE-PSK)",
	.listener = 1,
	.is_13 = true,
	.hears_twice = true,
	.ctx = ctx_13,
	.prepare = prepare_13,
	.begin = begin_13,
	.accepted = accepted_13,
	.forget = forget_13,
	.note = note_13,
	.take_keys = take_keys_13,
	.seal = seal_13,
	.open = open_13,
	.is_exhausted = is_exhausted_13,
	.fini = fini_13,
};
