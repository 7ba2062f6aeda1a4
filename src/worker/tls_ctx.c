/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_ctx - the contexts of a configuration: one for each certificate of each virtual host, and the choice among them */
#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/sha.h>

#include "base/log.h"
#include "worker/dtls.h"
#include "worker/dtls13.h"
#include "worker/tls.h"
#include "worker/tls_io.h"
#include "worker/tls_sign.h"

/* {{ certificates }} */

static enum tls_kind kind_of(const DecodedCert *d)
{
	switch (d->keyOID) {
	case RSAk: return TLS_KEY_RSA;
	case ED25519k: return TLS_KEY_ED25519;
	case ECDSAk:
		return d->pkCurveOID == ECC_SECP521R1_OID   ? TLS_KEY_P521
		       : d->pkCurveOID == ECC_SECP384R1_OID ? TLS_KEY_P384
							    : TLS_KEY_P256;
	default: return TLS_KEY_RSA; /* the keeper accepts no other */
	}
}

static enum err read_leaf(struct tls_cert *cert, const uint8_t *der, word32 len)
{
	DecodedCert d;
	wc_InitDecodedCert(&d, der, len, nullptr);
	bool ok = wc_ParseCert(&d, CERT_TYPE, NO_VERIFY, nullptr) == 0 && d.serialSz >= 0 &&
		  (size_t)d.serialSz <= TLS_SERIAL_MAX;
	if (ok) {
		size_t zeros = 0;
		while (zeros + 1 < (size_t)d.serialSz && d.serial[zeros] == 0)
			zeros++;
		cert->kind = kind_of(&d);
		cert->serial_len = (size_t)d.serialSz - zeros;
		memcpy(cert->serial, d.serial + zeros, cert->serial_len);
	}
	wc_FreeDecodedCert(&d);
	return ok ? ERR_OK : ERR_SYNTAX;
}

static enum err describe_leaf(struct tls_cert *cert, const Msg__Cert *m)
{
	DerBuffer *der = nullptr;
	if (wc_PemToDer(m->chain_pem.data, (long)m->chain_pem.len, CERT_TYPE, &der, nullptr, nullptr,
			nullptr) != 0)
		return ERR_SYNTAX;
	uint8_t sum[WC_SHA_DIGEST_SIZE];
	enum err e = wc_ShaHash(der->buffer, der->length, sum) == 0
			     ? read_leaf(cert, der->buffer, der->length)
			     : ERR_CRYPTO;
	wc_FreeDer(&der);
	for (size_t i = 0; e == ERR_OK && i < sizeof sum; i++)
		snprintf(cert->sha1 + 2 * i, 3, "%02X", sum[i]);
	return e;
}

/* {{ contexts }} */

static WOLFSSL_METHOD *method_of(const struct priority *p)
{
	if ((p->versions & PRIORITY_TLS13) == 0)
		return wolfTLSv1_2_server_method();
	return (p->versions & PRIORITY_TLS12) != 0 ? wolfSSLv23_server_method() : wolfTLSv1_3_server_method();
}

/* TLS 1.2 does not heed the list of TLS 1.3, and its clients must also name the curve of an ECDSA certificate. */
static bool limit_curves(WOLFSSL_CTX *ctx, const struct priority *p, enum tls_kind kind)
{
	static const uint16_t own_curve[] = { [TLS_KEY_RSA] = 0,
					      [TLS_KEY_P256] = 23,
					      [TLS_KEY_P384] = 24,
					      [TLS_KEY_P521] = 25,
					      [TLS_KEY_ED25519] = 0 };
	for (size_t i = 0; i < p->groups_n; i++)
		if (wolfSSL_CTX_UseSupportedCurve(ctx, p->groups[i]) != WOLFSSL_SUCCESS)
			return false;
	return own_curve[kind] == 0 || wolfSSL_CTX_UseSupportedCurve(ctx, own_curve[kind]) == WOLFSSL_SUCCESS;
}

static enum err fill_ctx(WOLFSSL_CTX *ctx, const struct priority *p, enum tls_kind kind, const Msg__Cert *m)
{
	char names[PRIORITY_NAMES_MAX];
	int groups[PRIORITY_GROUPS_MAX];
	priority_names(p, names);
	for (size_t i = 0; i < p->groups_n; i++)
		groups[i] = p->groups[i];
	int least = (p->versions & PRIORITY_TLS12) != 0 ? WOLFSSL_TLSV1_2 : WOLFSSL_TLSV1_3;
	bool ok = wolfSSL_CTX_SetMinVersion(ctx, least) == WOLFSSL_SUCCESS &&
		  wolfSSL_CTX_set_cipher_list(ctx, names) == WOLFSSL_SUCCESS &&
		  wolfSSL_CTX_set_groups(ctx, groups, (int)p->groups_n) == WOLFSSL_SUCCESS &&
		  limit_curves(ctx, p, kind) &&
		  wolfSSL_CTX_use_certificate_chain_buffer(ctx, m->chain_pem.data, (long)m->chain_pem.len) ==
			  WOLFSSL_SUCCESS &&
		  /* 0-RTT could be replayed */
		  ((p->versions & PRIORITY_TLS13) == 0 || wolfSSL_CTX_set_max_early_data(ctx, 0) == 0);
	return ok ? ERR_OK : ERR_CRYPTO;
}

static enum err add_cert(struct tls_host *host, const Msg__Cert *m)
{
	if (host->certs_n == TLS_CERTS_MAX)
		return ERR_FULL;
	struct tls_cert *cert = &host->certs[host->certs_n];
	*cert = (struct tls_cert){ .host = host, .key = m->key };
	TRY(describe_leaf(cert, m));
	cert->ctx = wolfSSL_CTX_new(method_of(&host->priority));
	if (cert->ctx == nullptr)
		return ERR_NOMEM;
	host->certs_n++;
	TRY(fill_ctx(cert->ctx, &host->priority, cert->kind, m));
	wolfSSL_CTX_set_session_cache_mode(cert->ctx, WOLFSSL_SESS_CACHE_OFF); /* tickets serve all workers */
	/* a resumed connection shows no certificate, and a ticket would have to be as good as one */
	if (host->priority.no_tickets || host->peer_ca != nullptr) {
		wolfSSL_CTX_NoTicketTLSv12(cert->ctx);
		wolfSSL_CTX_no_ticket_TLSv13(cert->ctx);
	} else {
		tls_live_install_tickets(cert->ctx, cert);
	}
	if (host->vhost->ocsp_response != nullptr)
		tls_live_install_staple(cert->ctx, cert);
	if (host->peer_ca != nullptr)
		tls_peer_install(cert->ctx);
	tls_io_install(cert->ctx);
	tls_sign_install(cert->ctx);
	return ERR_OK;
}

static const char *name_of(const struct tls_host *host)
{
	return host->vhost->name[0] != '\0' ? host->vhost->name : "the default host";
}

static enum err add_authorities(struct tls_host *host, const struct vhost *v, const Msg__Certs *certs,
				char why[160])
{
	if (!config_wants_certificate(v))
		return ERR_OK;
	for (size_t i = 0; i < certs->n_client_cas; i++) {
		const Msg__ClientCa *m = certs->client_cas[i];
		if (m->vhost == v->index && host->peer_ca == nullptr &&
		    tls_peer_ca_new(&host->peer_ca, m->pem.data, m->pem.len) == ERR_OK)
			return ERR_OK;
	}
	snprintf(why, 160, "the TLS library refused ca-cert of %.60s", name_of(host));
	return ERR_CONFIG;
}

static enum err fill_host(struct tls_host *host, const struct config *cfg, const struct vhost *v,
			  const Msg__Certs *certs, char why[160])
{
	struct config_why problem = {};
	host->vhost = v;
	enum err e = priority_parse(&host->priority, v->tls_priorities, &problem);
	if (e != ERR_OK || (v->cisco_client_compat && !priority_drop_tls13(&host->priority))) {
		snprintf(why, 160, "tls-priorities of %.60s: %.80s", name_of(host),
			 e != ERR_OK ? problem.text : "no version is left with cisco-client-compat");
		return ERR_CONFIG;
	}
	if (cfg->fips != FIPS_OFF && !priority_keep_approved(&host->priority)) {
		snprintf(why, 160, "fips leaves nothing of tls-priorities of %.60s", name_of(host));
		return ERR_CONFIG;
	}
	priority_dtls_names(&host->priority, host->dtls_ciphers);
	TRY(add_authorities(host, v, certs, why));
	for (size_t i = 0; i < certs->n_certs; i++) {
		if (certs->certs[i]->vhost != v->index)
			continue;
		e = add_cert(host, certs->certs[i]);
		if (e == ERR_OK)
			continue;
		snprintf(why, 160, "the TLS library refused server-cert %zu of %.60s: %s", host->certs_n,
			 name_of(host), err_text(e));
		return e;
	}
	if (host->certs_n > 0)
		return ERR_OK;
	snprintf(why, 160, "no server certificate for %.60s", name_of(host));
	return ERR_CONFIG;
}

static enum err fill(struct tls_ctx *ctx, const Msg__Certs *certs, struct tls_live *live, char why[160])
{
	ctx->hosts = calloc(ctx->config->vhosts_n, sizeof *ctx->hosts);
	if (ctx->hosts == nullptr)
		return ERR_NOMEM;
	for (; ctx->hosts_n < ctx->config->vhosts_n; ctx->hosts_n++) {
		struct tls_host *host = &ctx->hosts[ctx->hosts_n];
		host->live = live;
		enum err e = fill_host(host, ctx->config, &ctx->config->vhosts[ctx->hosts_n], certs, why);
		if (e != ERR_OK) {
			ctx->hosts_n++; /* what it has is freed too */
			return e;
		}
	}
	TRY(dtls_ctx_new(&ctx->dtls));
	return dtls13_ctx_new(&ctx->dtls13, ctx->config->fips != FIPS_OFF);
}

enum err tls_ctx_new(struct tls_ctx **out, struct config *cfg, const Msg__Certs *certs, struct tls_live *live,
		     char why[160])
{
	struct tls_ctx *ctx = calloc(1, sizeof *ctx);
	if (ctx == nullptr)
		return ERR_NOMEM;
	ctx->refs = 1;
	ctx->generation = certs->generation;
	ctx->config = config_get(cfg);
	enum err e = fill(ctx, certs, live, why);
	if (e != ERR_OK) {
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
	for (size_t i = 0; i < ctx->hosts_n; i++) {
		for (size_t j = 0; j < ctx->hosts[i].certs_n; j++)
			wolfSSL_CTX_free(ctx->hosts[i].certs[j].ctx);
		tls_peer_ca_free(ctx->hosts[i].peer_ca);
	}
	free(ctx->hosts);
	wolfSSL_CTX_free(ctx->dtls);
	config_put(ctx->config);
	wolfSSL_CTX_free(ctx->dtls13);
	free(ctx);
}

const char *tls_ctx_dtls_ciphers(const struct tls_ctx *ctx, const struct vhost *vhost)
{
	for (size_t i = 0; i < ctx->hosts_n; i++)
		if (strcmp(ctx->hosts[i].vhost->name, vhost->name) == 0)
			return ctx->hosts[i].dtls_ciphers;
	return ctx->hosts[0].dtls_ciphers; /* a session of a virtual host that is gone */
}

/* {{ choice }} */

/* Numbers of IANA's signature schemes that a key can make. */
static const struct kind {
	enum tls_kind kind;
	uint16_t schemes13[3]; /* TLS 1.3 ties a curve to a hash */
	uint16_t schemes12[6];
	uint16_t group; /* TLS 1.2: the client must know the curve */
} kinds[] = {
	/* what all clients verify before what some only say they do */
	{ TLS_KEY_P256, { 0x0403 }, { 0x0403, 0x0503, 0x0603 }, 23 },
	{ TLS_KEY_P384, { 0x0503 }, { 0x0403, 0x0503, 0x0603 }, 24 },
	{ TLS_KEY_ED25519, { 0x0807 }, { 0x0807 }, 0 },
	{ TLS_KEY_RSA, { 0x0804, 0x0805, 0x0806 }, { 0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806 }, 0 },
	{ TLS_KEY_P521, { 0x0603 }, { 0x0403, 0x0503, 0x0603 }, 25 },
};

static bool offers_one(const struct hello_list *l, const uint16_t *numbers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (numbers[i] != 0 && hello_has(l, numbers[i]))
			return true;
	return false;
}

static bool has_suite(const struct tls_host *host, const struct hello *h, bool rsa)
{
	for (size_t i = 0; i < h->suites.n; i++) {
		uint16_t s = h->suites.v[i];
		if ((rsa ? priority_suite_is_rsa(s) : priority_suite_is_ecdsa(s)) &&
		    priority_has_suite(&host->priority, s))
			return true;
	}
	return false;
}

static bool fits(const struct tls_host *host, const struct kind *k, const struct hello *h)
{
	if (h->has_tls13 && (host->priority.versions & PRIORITY_TLS13) != 0)
		return offers_one(&h->schemes, k->schemes13, ARRAY_LEN(k->schemes13));
	return offers_one(&h->schemes, k->schemes12, ARRAY_LEN(k->schemes12)) &&
	       has_suite(host, h, k->kind == TLS_KEY_RSA) &&
	       (k->group == 0 || h->groups.n == 0 || hello_has(&h->groups, k->group));
}

static const struct tls_host *host_of(const struct tls_ctx *ctx, const struct hello *h)
{
	return &ctx->hosts[h != nullptr ? config_vhost(ctx->config, h->name)->index : 0];
}

const struct tls_cert *tls_ctx_choose(const struct tls_ctx *ctx, const struct hello *h)
{
	const struct tls_host *host = host_of(ctx, h);
	for (size_t i = 0; h != nullptr && host->certs_n > 1 && i < ARRAY_LEN(kinds); i++)
		for (size_t j = 0; j < host->certs_n; j++)
			if (host->certs[j].kind == kinds[i].kind && fits(host, &kinds[i], h))
				return &host->certs[j];
	return &host->certs[0]; /* the library says why it does not do */
}
