/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tls_peer.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

struct tls_peer_ca {
	WOLFSSL_CERT_MANAGER *store;
};

/* {{ authorities }} */

enum err tls_peer_ca_new(struct tls_peer_ca **out, const uint8_t *pem, size_t len)
{
	struct tls_peer_ca *ca = calloc(1, sizeof *ca);
	if (ca == nullptr)
		return ERR_NOMEM;
	ca->store = wolfSSL_CertManagerNew();
	if (ca->store == nullptr ||
	    wolfSSL_CertManagerLoadCABuffer(ca->store, pem, (long)len, WOLFSSL_FILETYPE_PEM) !=
		    WOLFSSL_SUCCESS) {
		tls_peer_ca_free(ca);
		return ERR_SYNTAX;
	}
	*out = ca;
	return ERR_OK;
}

void tls_peer_ca_free(struct tls_peer_ca *ca)
{
	if (ca == nullptr)
		return;
	if (ca->store != nullptr)
		wolfSSL_CertManagerFree(ca->store);
	free(ca);
}

/* {{ judging }} */

static const char *reason(int error)
{
	switch (error) {
	case ASN_BEFORE_DATE_E: return "the certificate is not valid yet";
	case ASN_AFTER_DATE_E: return "the certificate has expired";
	case ASN_NO_SIGNER_E: return "no authority of ca-cert has signed the certificate";
	case ASN_SELF_SIGNED_E: return "the certificate is self-signed";
	case ASN_SIG_CONFIRM_E: return "the signature of the certificate is wrong";
	case ASN_NAME_INVALID_E: return "the authority may not sign this name";
	case ASN_PATHLEN_INV_E:
	case ASN_PATHLEN_SIZE_E: return "the chain is longer than the authority permits";
	case ASN_CRIT_EXT_E: return "the certificate has a critical extension that is not known";
	default: return "the certificate does not verify";
	}
}

/* nullptr: it may be used for what is asked of it. */
static const char *misuse(const WOLFSSL_BUFFER_INFO *cert)
{
	DecodedCert d;
	const char *why = nullptr;
	wc_InitDecodedCert(&d, cert->buffer, cert->length, nullptr);
	if (wc_ParseCert(&d, CERT_TYPE, NO_VERIFY, nullptr) != 0)
		why = "the certificate is malformed";
	else if (d.version != 2) /* counts from 0; what is older has no extensions, and so no limits */
		why = "the certificate is not of version 3";
	else if (d.extKeyUsageSet && (d.extKeyUsage & KEYUSE_DIGITAL_SIG) == 0)
		why = "the certificate is not made for signatures";
	else if (d.extExtKeyUsageSet && (d.extExtKeyUsage & (EXTKEYUSE_ANY | EXTKEYUSE_CLIENT_AUTH)) == 0)
		why = "the certificate is not made for clients";
	wc_FreeDecodedCert(&d);
	return why;
}

enum err tls_peer_judge(const struct tls_peer_ca *ca, const WOLFSSL_BUFFER_INFO *cert, const char **why)
{
	const char *problem;
	if (cert->length == 0 || cert->length > TLS_PEER_DER_MAX) {
		problem = "the certificate is too long";
	} else {
		int result = wolfSSL_CertManagerVerifyBuffer(ca->store, cert->buffer, (long)cert->length,
							     WOLFSSL_FILETYPE_ASN1);
		problem = result == WOLFSSL_SUCCESS ? misuse(cert) : reason(result);
	}
	if (problem == nullptr)
		return ERR_OK;
	*why = problem;
	return ERR_DENIED;
}

/* {{ the handshake }} */

static void take(struct tls_peer *p, const WOLFSSL_X509_STORE_CTX *shown)
{
	p->state = TLS_PEER_BAD;
	p->why = "the certificate is missing";
	if (shown->totalCerts < 1 || tls_peer_judge(p->ca, &shown->certs[0], &p->why) != ERR_OK)
		return;
	p->der_len = shown->certs[0].length;
	p->der = malloc(p->der_len);
	p->state = p->der != nullptr ? TLS_PEER_GOOD : TLS_PEER_BAD;
	p->why = "out of memory";
	if (p->der != nullptr)
		memcpy(p->der, shown->certs[0].buffer, p->der_len);
}

/* Called for each certificate, as the library's store knows no authority; all of the chain is there the first time.  The
 * library goes on whatever it is: that the client has the key is then still to be proven. */
static int on_certificate(int, WOLFSSL_X509_STORE_CTX *shown)
{
	struct tls_peer *p = shown->userCtx;
	if (p != nullptr && p->state == TLS_PEER_NONE)
		take(p, shown);
	return 1;
}

void tls_peer_install(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, on_certificate);
}

enum err tls_peer_new(struct tls_peer **out, const struct tls_peer_ca *ca, WOLFSSL *ssl)
{
	struct tls_peer *p = calloc(1, sizeof *p);
	if (p == nullptr)
		return ERR_NOMEM;
	p->ca = ca;
	wolfSSL_SetCertCbCtx(ssl, p);
	*out = p;
	return ERR_OK;
}

void tls_peer_free(struct tls_peer *p)
{
	if (p == nullptr)
		return;
	free(p->der);
	free(p);
}

void tls_peer_settle(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_UnloadCAs(ctx);
}
