/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DTLS 1.2 with a pre-shared key (protocol.md 16.2): what differs from the other dialects of dtls.c. */
#include <string.h>

#include "base/log.h"
#include "wire/dtls.h"
#include "worker/dtls.h"
#include "worker/session.h"

/* AEAD suites of pre-shared keys only: what wire/record can carry on. */
static const char CIPHERS[] =
	"PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:PSK-CHACHA20-POLY1305:ECDHE-PSK-CHACHA20-POLY1305";

static void note_numbers(struct dtls_io *io, WOLFSSL *, const uint8_t *p, size_t len)
{
	struct dtls_record r;
	for (size_t at = 0; dtls_next_record(p, len, &at, &r) == ERR_OK;)
		if (r.epoch == 1)
			io->last_seq = MAX(io->last_seq, r.seq);
}

static unsigned psk_of(WOLFSSL *ssl, const char *identity, unsigned char *key, unsigned cap)
{
	const struct dtls_hs *hs = wolfSSL_get_psk_callback_ctx(ssl);
	const struct session *s = hs->io.session;
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
	dtls_io_install(ctx);
	*out = ctx;
	return ERR_OK;
}

static WOLFSSL_CTX *ctx_12(const struct worker *w)
{
	return w->gen.tls->dtls;
}

static enum err prepare_12(struct dtls_hs *hs)
{
	struct worker *w = hs->io.w;
	return wolfSSL_DTLS_SetCookieSecret(hs->ssl, w->cookie_secret, sizeof w->cookie_secret) == 0
		       ? ERR_OK
		       : ERR_CRYPTO;
}

/* The suites of tls-priorities, or of those only the one of the TLS connection (match-tls-dtls-ciphers).  The listener serves this
 * session's hello now and may serve another's next. */
static enum err begin_12(struct dtls_hs *hs, const struct datagram *)
{
	static const char *const same[RECORD_SUITE_N] = {
		[RECORD_AES128_GCM] = "PSK-AES128-GCM-SHA256",
		[RECORD_AES256_GCM] = "PSK-AES256-GCM-SHA384",
		[RECORD_CHACHA20_POLY1305] = "PSK-CHACHA20-POLY1305",
	};
	const struct session *s = hs->io.session;
	const char *list = tls_ctx_dtls_ciphers(s->w->gen.tls, s->vhost);
	if (s->vhost->match_tls_dtls_ciphers) {
		const char *one = same[tls_suite(&s->conn->tls)];
		list = one != nullptr && strstr(list, one) != nullptr ? one : "";
	}
	if (list[0] == '\0' || wolfSSL_set_cipher_list(hs->ssl, list) != WOLFSSL_SUCCESS) {
		log_notice(
			"dtls.no_suite sid=%lu user=%s: tls-priorities or match-tls-dtls-ciphers leave none",
			s->route.sid, s->facts->username);
		return ERR_UNSUPPORTED;
	}
	return ERR_OK;
}

static enum err take_keys_12(struct dtls_chan *c, struct dtls_hs *hs, uint64_t first_seq)
{
	WOLFSSL *ssl = hs->ssl;
	int key_len = wolfSSL_GetKeySize(ssl), iv_len = wolfSSL_GetIVSize(ssl);
	c->suite = record_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(ssl));
	if (c->suite == RECORD_NONE)
		return ERR_UNSUPPORTED;
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

static enum err seal_12(struct dtls_chan *c, uint8_t type, uint8_t *text, size_t len, uint8_t **record,
			size_t *record_len)
{
	*record = text - record_head_len(&c->tx);
	return record_seal(&c->tx, type, *record, len, record_len);
}

static enum err open_12(struct dtls_chan *c, uint8_t *record, size_t n, uint8_t *type, uint8_t **payload,
			size_t *payload_len)
{
	return record_open(&c->rx, &c->replay, record, n, type, payload, payload_len);
}

static bool is_exhausted_12(const struct dtls_chan *c)
{
	return record_is_exhausted(&c->tx) || record_is_exhausted(&c->rx);
}

static void fini_12(struct dtls_chan *c)
{
	record_fini(&c->rx);
	record_fini(&c->tx);
}

const struct dtls_dialect dtls_12 = {
	.name = "(DTLS1.2)-(PSK)",
	.listener = 0,
	.ctx = ctx_12,
	.prepare = prepare_12,
	.begin = begin_12,
	.note = note_numbers,
	.take_keys = take_keys_12,
	.seal = seal_12,
	.open = open_12,
	.is_exhausted = is_exhausted_12,
	.fini = fini_12,
};
