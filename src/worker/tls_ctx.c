/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_ctx - contexts and the signature callbacks that send the private key's work to the keeper */
#include "worker/tls.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/sha.h>

#include "base/log.h"
#include "worker/dtls13.h"
#include "worker/tls_io.h"

static const char TLS_CIPHERS[] =
	"TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char TLS12_CIPHERS[] =
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/* Best first.  The hybrid protects today's traffic from tomorrow's quantum computer; X25519 costs a third of P-256. */
static int GROUPS[] = { WOLFSSL_X25519MLKEM768, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1,
			WOLFSSL_ECC_SECP384R1 };

/* {{ signatures }}
 * The library calls once and gets WC_PENDING_E, calls again with the same input when tls_handshake is called again, and then gets the
 * signature (wolfssl.md 2d). */

static int sign_later(struct tls_sign *s, enum msgs_sign scheme, uint8_t hash, const uint8_t *in,
		      size_t in_len, uint8_t *out, word32 *out_len)
{
	switch (s->state) {
	case TLS_SIGN_NONE:
		if (in_len > 512)
			return BAD_FUNC_ARG;
		s->scheme = scheme;
		s->hash = hash;
		s->len = (uint16_t)in_len;
		memcpy(s->bytes, in, in_len);
		s->state = TLS_SIGN_WANTED;
		return WC_PENDING_E;
	case TLS_SIGN_WANTED:
	case TLS_SIGN_WAITING: return WC_PENDING_E;
	case TLS_SIGN_READY:
		if (s->len > *out_len)
			return BUFFER_E;
		memcpy(out, s->bytes, s->len);
		*out_len = s->len;
		s->state = TLS_SIGN_NONE;
		return 0;
	case TLS_SIGN_FAILED: return SIG_VERIFY_E;
	}
	return BAD_STATE_E;
}

static int sign_ecdsa(WOLFSSL *, const unsigned char *in, unsigned in_len, unsigned char *out,
		      word32 *out_len, const unsigned char *, unsigned, void *arg)
{
	return sign_later(arg, SIGN_ECDSA, WC_HASH_TYPE_NONE, in, in_len, out, out_len);
}

static int sign_rsa(WOLFSSL *, const unsigned char *in, unsigned in_len, unsigned char *out, word32 *out_len,
		    const unsigned char *, unsigned, void *arg)
{
	return sign_later(arg, SIGN_RSA_PKCS1, WC_HASH_TYPE_NONE, in, in_len, out, out_len);
}

static int sign_rsa_pss(WOLFSSL *, const unsigned char *in, unsigned in_len, unsigned char *out,
			unsigned *out_len, int hash, int, const unsigned char *, unsigned, void *arg)
{
	/* hash is an OID sum here: wolfssl.md 2d */
	return sign_later(arg, SIGN_RSA_PSS, (uint8_t)wc_OidGetHash(hash), in, in_len, out, out_len);
}

static int sign_ed25519(WOLFSSL *, const unsigned char *in, unsigned in_len, unsigned char *out,
			unsigned *out_len, const unsigned char *, unsigned, void *arg)
{
	return sign_later(arg, SIGN_ED25519, WC_HASH_TYPE_NONE, in, in_len, out, out_len);
}

/* The library would verify its RSA signature with the private key against faults; the keeper does that where the key is. */
static int check_rsa(WOLFSSL *, unsigned char *, unsigned, unsigned char **, const unsigned char *, unsigned,
		     void *)
{
	return 0;
}

static int check_rsa_pss(WOLFSSL *, unsigned char *, unsigned, unsigned char **, int, int,
			 const unsigned char *, unsigned, void *)
{
	return 0;
}

static void install_signers(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetEccSignCb(ctx, sign_ecdsa);
	wolfSSL_CTX_SetRsaSignCb(ctx, sign_rsa);
	wolfSSL_CTX_SetRsaPssSignCb(ctx, sign_rsa_pss);
	wolfSSL_CTX_SetEd25519SignCb(ctx, sign_ed25519);
	wolfSSL_CTX_SetRsaSignCheckCb(ctx, check_rsa);
	wolfSSL_CTX_SetRsaPssSignCheckCb(ctx, check_rsa_pss);
}

/* {{ contexts }} */

static enum err hash_leaf(struct tls_ctx *ctx, const Msg__Cert *cert)
{
	DerBuffer *der = nullptr;
	if (wc_PemToDer(cert->chain_pem.data, (long)cert->chain_pem.len, CERT_TYPE, &der, nullptr, nullptr,
			nullptr) != 0)
		return ERR_SYNTAX;
	uint8_t sum[WC_SHA_DIGEST_SIZE];
	int e = wc_ShaHash(der->buffer, der->length, sum);
	wc_FreeDer(&der);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(ctx->cert_sha1 + 2 * i, 3, "%02X", sum[i]);
	return e == 0 ? ERR_OK : ERR_CRYPTO;
}

static enum err make_tls(struct tls_ctx *ctx, const struct config *cfg, const Msg__Cert *cert)
{
	bool no_13 = cfg->vhosts[0].cisco_client_compat;
	ctx->tls = wolfSSL_CTX_new(no_13 ? wolfTLSv1_2_server_method() : wolfSSLv23_server_method());
	if (ctx->tls == nullptr)
		return ERR_NOMEM;
	bool ok = wolfSSL_CTX_SetMinVersion(ctx->tls, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
		  wolfSSL_CTX_set_cipher_list(ctx->tls, no_13 ? TLS12_CIPHERS : TLS_CIPHERS) ==
			  WOLFSSL_SUCCESS &&
		  wolfSSL_CTX_set_groups(ctx->tls, GROUPS, (int)ARRAY_LEN(GROUPS)) == WOLFSSL_SUCCESS &&
		  wolfSSL_CTX_use_certificate_chain_buffer(ctx->tls, cert->chain_pem.data,
							   (long)cert->chain_pem.len) == WOLFSSL_SUCCESS;
	/* no session cache in the process and no tickets yet: a reconnecting client resumes by its cookie */
	wolfSSL_CTX_set_session_cache_mode(ctx->tls, WOLFSSL_SESS_CACHE_OFF);
	wolfSSL_CTX_NoTicketTLSv12(ctx->tls);
	wolfSSL_CTX_no_ticket_TLSv13(ctx->tls);
	tls_io_install(ctx->tls);
	install_signers(ctx->tls);
	return ok ? ERR_OK : ERR_CRYPTO;
}

enum err tls_ctx_new(struct tls_ctx **out, const struct config *cfg, const Msg__Certs *certs, char why[160])
{
	if (certs->n_certs == 0) {
		snprintf(why, 160, "no server certificate");
		return ERR_CONFIG;
	}
	struct tls_ctx *ctx = calloc(1, sizeof *ctx);
	if (ctx == nullptr)
		return ERR_NOMEM;
	const Msg__Cert *cert = certs->certs[0];
	if (certs->n_certs > 1)
		log_warn(
			"tls.one_certificate of=%zu: only the first server-cert is presented in this version",
			certs->n_certs);
	ctx->refs = 1;
	ctx->generation = certs->generation;
	ctx->key = cert->key;
	enum err e = hash_leaf(ctx, cert);
	if (e == ERR_OK)
		e = make_tls(ctx, cfg, cert);
	if (e == ERR_OK)
		e = dtls_ctx_new(&ctx->dtls);
	if (e == ERR_OK)
		e = dtls13_ctx_new(&ctx->dtls13);
	if (e != ERR_OK) {
		snprintf(why, 160, "the TLS library refused the server certificate: %s", err_text(e));
		tls_ctx_put(ctx);
		return e;
	}
	*out = ctx;
	return ERR_OK;
}

struct tls_ctx *tls_ctx_get(struct tls_ctx *ctx)
{
	ctx->refs++;
	return ctx;
}

void tls_ctx_put(struct tls_ctx *ctx)
{
	if (ctx == nullptr || --ctx->refs > 0)
		return;
	wolfSSL_CTX_free(ctx->tls);
	wolfSSL_CTX_free(ctx->dtls);
	wolfSSL_CTX_free(ctx->dtls13);
	free(ctx);
}
