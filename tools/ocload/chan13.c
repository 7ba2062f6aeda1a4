/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chan13.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/secret.h"
#include "wire/dtls.h"

constexpr uint8_t EPOCH_DATA = 3;

struct chan13 {
	char identity[ENCODE_HEX_LEN(32) + 1];
	const char *cipher;
	size_t secret_len;
	uint8_t client_secret[RECORD13_SECRET_MAX], server_secret[RECORD13_SECRET_MAX];
};

static int groups[] = { WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1 };

static const struct {
	const char *name, *list;
} ciphers[] = {
	{ "aes128", "TLS13-AES128-GCM-SHA256" }, /* the first is the default */
	{ "chacha", "TLS13-CHACHA20-POLY1305-SHA256" },
};

static const char *cipher_of(const struct options *o)
{
	if (o->cipher == nullptr)
		return ciphers[0].list;
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++)
		if (strcmp(ciphers[i].name, o->cipher) == 0)
			return ciphers[i].list;
	return nullptr;
}

static unsigned give_psk(WOLFSSL *ssl, const char *, char *identity, unsigned identity_cap,
			 unsigned char *key, unsigned cap, const char **cipher)
{
	const struct chan *c = wolfSSL_get_psk_callback_ctx(ssl);
	if (c == nullptr || cap < TLS_PSK_LEN || identity_cap < sizeof c->v13->identity)
		return 0;
	memcpy(identity, c->v13->identity, sizeof c->v13->identity);
	memcpy(key, c->psk, TLS_PSK_LEN);
	*cipher = c->v13->cipher;
	return TLS_PSK_LEN;
}

enum err chan13_ctx_new(WOLFSSL_CTX **out, const struct options *o)
{
	const char *cipher = cipher_of(o);
	if (cipher == nullptr) {
		fprintf(stderr, "ocload: DTLS 1.3 does not go with this cipher: %s\n", o->cipher);
		return ERR_CONFIG;
	}
	WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfDTLSv1_3_client_method());
	if (ctx == nullptr)
		return ERR_NOMEM;
	if (wolfSSL_CTX_set_cipher_list(ctx, cipher) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_set_groups(ctx, groups, (int)ARRAY_LEN(groups)) != WOLFSSL_SUCCESS ||
	    wolfSSL_CTX_only_dhe_psk(ctx) != 0) {
		wolfSSL_CTX_free(ctx);
		return ERR_CRYPTO;
	}
	wolfSSL_CTX_set_psk_client_tls13_callback(ctx, give_psk);
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, nullptr);
	wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
	*out = ctx;
	return ERR_OK;
}

static int keep_secret(WOLFSSL *, int id, const unsigned char *secret, int len, void *arg)
{
	struct chan13 *v = arg;
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

enum err chan13_prepare(struct chan *c, WOLFSSL_CTX *ctx, const struct options *o,
			const struct reply_tunnel *t)
{
	struct chan13 *v = c->v13 = calloc(1, sizeof *v);
	if (v == nullptr)
		return ERR_NOMEM;
	size_t n = 0;
	v->cipher = cipher_of(o);
	TRY(encode_to_hex(t->app_id, t->app_id_len, false, v->identity, sizeof v->identity, &n));
	c->ssl = wolfSSL_new(ctx);
	if (c->ssl == nullptr)
		return ERR_NOMEM;
	wolfSSL_set_psk_callback_ctx(c->ssl, c);
	wolfSSL_KeepArrays(c->ssl); /* without them the library has no secrets to show */
	return wolfSSL_UseKeyShare(c->ssl, WOLFSSL_ECC_X25519) == WOLFSSL_SUCCESS &&
			       wolfSSL_dtls_cid_use(c->ssl) == WOLFSSL_SUCCESS &&
			       wolfSSL_set_tls13_secret_cb(c->ssl, keep_secret, v) == WOLFSSL_SUCCESS
		       ? ERR_OK
		       : ERR_CRYPTO;
}

void chan13_note(struct chan *c, const uint8_t *p, size_t len)
{
	unsigned cid_len = 0;
	if (wolfSSL_dtls_cid_get_tx_size(c->ssl, &cid_len) != WOLFSSL_SUCCESS)
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
			c->last_seq++;
	}
}

enum err chan13_take_keys(struct chan *c, uint64_t first_seq)
{
	const struct chan13 *v = c->v13;
	uint8_t cid[RECORD13_CID_MAX];
	unsigned cid_len = 0;
	c->suite = record13_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(c->ssl));
	if (c->suite == RECORD_NONE || wolfSSL_dtls_cid_is_enabled(c->ssl) == 0 ||
	    wolfSSL_dtls_cid_get_tx_size(c->ssl, &cid_len) != WOLFSSL_SUCCESS || cid_len == 0 ||
	    cid_len > sizeof cid || wolfSSL_dtls_cid_get_tx(c->ssl, cid, sizeof cid) != WOLFSSL_SUCCESS)
		return ERR_UNSUPPORTED;
	replay_init(&c->replay);
	TRY(record13_init(&c->rx13, c->suite, v->server_secret, v->secret_len, EPOCH_DATA, 0, nullptr, 0));
	return record13_init(&c->tx13, c->suite, v->client_secret, v->secret_len, EPOCH_DATA, first_seq, cid,
			     cid_len);
}

void chan13_forget(struct chan *c)
{
	if (c->v13 != nullptr)
		secret_wipe_bytes(c->v13, sizeof *c->v13);
	free(c->v13);
	c->v13 = nullptr;
}
