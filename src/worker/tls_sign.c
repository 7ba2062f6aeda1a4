/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_sign - the library's signature callbacks, which send the private key's work to the keeper */
#include "worker/tls_sign.h"

#include <string.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "worker/tls.h"

/* The library calls once and gets WC_PENDING_E, calls again with the same input when tls_handshake is called again, and then gets the
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

void tls_sign_install(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetEccSignCb(ctx, sign_ecdsa);
	wolfSSL_CTX_SetRsaSignCb(ctx, sign_rsa);
	wolfSSL_CTX_SetRsaPssSignCb(ctx, sign_rsa_pss);
	wolfSSL_CTX_SetEd25519SignCb(ctx, sign_ed25519);
	wolfSSL_CTX_SetRsaSignCheckCb(ctx, check_rsa);
	wolfSSL_CTX_SetRsaPssSignCheckCb(ctx, check_rsa_pss);
}
