/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "chan13.h"
#include "conn.h"

static const char SYSTEM_CA[] = "/etc/ssl/certs/ca-certificates.crt";
static const char LABEL[] = "EXPORTER-openconnect-psk";
constexpr uint32_t SESSION_LIFE_S = 3600;
constexpr size_t BLOB_MAX = 1024;

static const struct {
	const char *name, *list;
} ciphers[] = {
	{ "aes128", "PSK-AES128-GCM-SHA256" },
	{ "aes256", "PSK-AES256-GCM-SHA384" },
	{ "chacha", "PSK-CHACHA20-POLY1305" },
};

static enum err complain(const char *what, const char *about)
{
	fprintf(stderr, "ocload: %s%s\n", what, about);
	return ERR_CONFIG;
}

static unsigned give_psk(WOLFSSL *ssl, const char *, char *identity, unsigned identity_cap,
			 unsigned char *key, unsigned cap)
{
	const uint8_t *psk = wolfSSL_get_psk_callback_ctx(ssl);
	if (psk == nullptr || cap < TLS_PSK_LEN)
		return 0;
	snprintf(identity, identity_cap, "psk");
	memcpy(key, psk, TLS_PSK_LEN);
	return TLS_PSK_LEN;
}

static const char TLS_CIPHERS[] =
	"TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
	"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

static enum err init_tls(struct tls *t, const struct options *o)
{
	t->tls = wolfSSL_CTX_new(wolfTLS_client_method());
	if (t->tls == nullptr)
		return ERR_NOMEM;
	/* without a list the library makes one at the first connection, and threads would do so at the same time */
	if (wolfSSL_CTX_set_cipher_list(t->tls, TLS_CIPHERS) != WOLFSSL_SUCCESS)
		return complain("this build has no cipher ", TLS_CIPHERS);
	int groups[] = { WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519,
			 WOLFSSL_ECC_SECP256R1 }; /* as browsers */
	if (wolfSSL_CTX_set_groups(t->tls, groups, (int)ARRAY_LEN(groups)) != WOLFSSL_SUCCESS)
		return complain("this build has no group ", "X25519MLKEM768");
	wolfSSL_CTX_SetIORecv(t->tls, conn_io_recv);
	wolfSSL_CTX_SetIOSend(t->tls, conn_io_send);
	wolfSSL_CTX_set_session_cache_mode(t->tls, WOLFSSL_SESS_CACHE_OFF);
	if (o->insecure) {
		wolfSSL_CTX_set_verify(t->tls, WOLFSSL_VERIFY_NONE, nullptr);
		return ERR_OK;
	}
	wolfSSL_CTX_set_verify(t->tls, WOLFSSL_VERIFY_PEER, nullptr);
	const char *file = o->cafile != nullptr ? o->cafile : SYSTEM_CA;
	if (wolfSSL_CTX_load_verify_locations_ex(t->tls, file, nullptr, WOLFSSL_LOAD_FLAG_IGNORE_ERR) !=
	    WOLFSSL_SUCCESS)
		return complain("cannot read authorities from ", file);
	return ERR_OK;
}

static enum err init_dtls(struct tls *t, const struct options *o)
{
	const char *list = "PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:PSK-CHACHA20-POLY1305";
	bool known = o->cipher == nullptr;
	for (size_t i = 0; !known && i < ARRAY_LEN(ciphers); i++) {
		known = strcmp(o->cipher, ciphers[i].name) == 0;
		list = ciphers[i].list;
	}
	if (!known)
		return complain("unknown cipher: ", o->cipher);
	t->dtls = wolfSSL_CTX_new(wolfDTLSv1_2_client_method());
	if (t->dtls == nullptr)
		return ERR_NOMEM;
	if (wolfSSL_CTX_set_cipher_list(t->dtls, list) != WOLFSSL_SUCCESS)
		return complain("this build has no cipher ", list);
	wolfSSL_CTX_set_psk_client_callback(t->dtls, give_psk);
	wolfSSL_CTX_set_verify(t->dtls, WOLFSSL_VERIFY_NONE, nullptr);
	return ERR_OK;
}

enum err tls_init(struct tls *t, const struct options *o)
{
	*t = (struct tls){ .o = o };
	if (wolfSSL_Init() != WOLFSSL_SUCCESS)
		return ERR_CRYPTO;
	enum err e = init_tls(t, o);
	if (e == ERR_OK)
		e = init_dtls(t, o);
	if (e == ERR_OK && options_offers_13(o))
		e = chan13_ctx_new(&t->dtls13, o);
	if (e != ERR_OK)
		tls_fini(t);
	return e;
}

void tls_fini(struct tls *t)
{
	wolfSSL_CTX_free(t->tls);
	wolfSSL_CTX_free(t->dtls);
	wolfSSL_CTX_free(t->dtls13);
	*t = (struct tls){};
	wolfSSL_Cleanup();
}

enum err tls_export_psk(WOLFSSL *ssl, uint8_t psk[static TLS_PSK_LEN])
{
	int rc =
		wolfSSL_export_keying_material(ssl, psk, TLS_PSK_LEN, LABEL, sizeof LABEL - 1, nullptr, 0, 0);
	wolfSSL_FreeArrays(ssl);
	return rc == WOLFSSL_SUCCESS ? ERR_OK : ERR_CRYPTO;
}

/*
 * wolfSSL has no setter for a session's id, so a serialised session is edited.  An empty one is
 *	side 1, born 4, timeout 4, id length 1 (0), master secret 48, EMS 1, alternative id 1 (0), version 2, suite 2, tail
 * in wolfSSL 5.9.2; a library with another layout refuses what is made here, and DTLS fails with ERR_CRYPTO.
 */
static enum err make_blob(struct writer *w, const uint8_t *id, size_t len)
{
	uint8_t bare[BLOB_MAX] = {}, *at = bare;
	WOLFSSL_SESSION *empty = wolfSSL_SESSION_new();
	if (empty == nullptr)
		return ERR_NOMEM;
	int bare_len = wolfSSL_i2d_SSL_SESSION(empty, nullptr);
	if (bare_len > 0 && (size_t)bare_len <= sizeof bare)
		bare_len = wolfSSL_i2d_SSL_SESSION(empty, &at);
	wolfSSL_SESSION_free(empty);
	constexpr int fixed = 1 + 4 + 4 + 1 + 48 + 1 + 1 + 2 + 2;
	if (bare_len < fixed || (size_t)bare_len > sizeof bare)
		return ERR_CRYPTO;
	writer_u8(w, WOLFSSL_CLIENT_END);
	writer_u32be(w, (uint32_t)time(nullptr));
	writer_u32be(w, SESSION_LIFE_S);
	writer_u8(w, (uint8_t)len);
	writer_put(w, id, len);
	writer_put(w, bare + 10, 48); /* master secret of zeros: never used */
	writer_put(w, "\0\0\xfe\xfd\x00\xa8", 6);
	writer_put(w, bare + fixed, (size_t)(bare_len - fixed));
	return writer_ok(w) ? ERR_OK : ERR_FULL;
}

enum err tls_set_app_id(WOLFSSL *ssl, const uint8_t *id, size_t len)
{
	uint8_t blob[BLOB_MAX + 64];
	struct writer w = writer_of(blob, sizeof blob);
	TRY(make_blob(&w, id, len));
	const unsigned char *at = blob;
	WOLFSSL_SESSION *session = wolfSSL_d2i_SSL_SESSION(nullptr, &at, (long)w.len);
	if (session == nullptr)
		return ERR_CRYPTO;
	int rc = wolfSSL_set_session(ssl, session);
	wolfSSL_SESSION_free(session);
	return rc == WOLFSSL_SUCCESS ? ERR_OK : ERR_CRYPTO;
}
