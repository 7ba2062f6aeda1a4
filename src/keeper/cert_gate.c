/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/cert_gate.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "keeper/pem.h"

static const char EMAIL[] = "SAN(rfc822name)";

/* {{ options }} */

static enum err set_fields(struct cert_gate *g, const struct vhost *v, const char **problem)
{
	g->by_email = strcasecmp(v->cert_user_oid, EMAIL) == 0;
	if (!g->by_email && dn_oid_parse(&g->user, v->cert_user_oid) != ERR_OK) {
		*problem = "cert-user-oid: expected an object identifier like 2.5.4.3, or SAN(rfc822name)";
		return ERR_CONFIG;
	}
	g->has_group = v->cert_group_oid != nullptr;
	if (g->has_group && dn_oid_parse(&g->group, v->cert_group_oid) != ERR_OK) {
		*problem = "cert-group-oid: expected an object identifier like 2.5.4.11";
		return ERR_CONFIG;
	}
	return ERR_OK;
}

static WOLFSSL_CERT_MANAGER *make_store(const uint8_t *ca, size_t len)
{
	WOLFSSL_CERT_MANAGER *store = wolfSSL_CertManagerNew();
	if (store != nullptr &&
	    wolfSSL_CertManagerLoadCABuffer(store, ca, (long)len, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS) {
		wolfSSL_CertManagerFree(store);
		return nullptr;
	}
	return store;
}

enum err cert_gate_init(struct cert_gate *g, const struct vhost *v, const uint8_t *ca, size_t len,
			const char **problem)
{
	struct cert_gate made = { .needs_crl = v->crl != nullptr };
	TRY(set_fields(&made, v, problem));
	*problem = "ca-cert: expected certificates of authorities (PEM), all of them valid, in at most 32 KB";
	if (len == 0 || len > CERT_GATE_CA_MAX)
		return ERR_CONFIG;
	made.store = make_store(ca, len);
	if (made.store == nullptr)
		return ERR_CONFIG;
	made.ca = malloc(len);
	if (made.ca == nullptr) {
		cert_gate_fini(&made);
		return ERR_NOMEM;
	}
	memcpy(made.ca, ca, len);
	made.ca_len = len;
	*g = made;
	return ERR_OK;
}

void cert_gate_fini(struct cert_gate *g)
{
	if (g->store != nullptr)
		wolfSSL_CertManagerFree(g->store);
	free(g->ca);
	*g = (struct cert_gate){};
}

/* {{ revocation }} */

static const char *crl_problem(int error)
{
	switch (error) {
	case ASN_CRL_NO_SIGNER_E: return "crl: a list is not signed by an authority of ca-cert";
	case ASN_CRL_CONFIRM_E: return "crl: the signature of a list is wrong";
	case CRL_CERT_DATE_ERR:
	case ASN_AFTER_DATE_E: return "crl: a list has expired; have the authority make a new one";
	default: return "crl: expected lists of revoked certificates (PEM or DER)";
	}
}

static int load_lists(WOLFSSL_CERT_MANAGER *store, const uint8_t *crl, size_t len)
{
	struct span left = span_of((const char *)crl, len);
	struct pem_block b;
	unsigned lists_n = 0;
	while (pem_next(&left, &b)) {
		if (!span_is(b.label, "X509 CRL"))
			continue;
		int result = wolfSSL_CertManagerLoadCRLBuffer(store, (const uint8_t *)b.whole.p,
							      (long)b.whole.len, WOLFSSL_FILETYPE_PEM);
		if (result != WOLFSSL_SUCCESS)
			return result;
		lists_n++;
	}
	return lists_n > 0 ? WOLFSSL_SUCCESS
			   : wolfSSL_CertManagerLoadCRLBuffer(store, crl, (long)len, WOLFSSL_FILETYPE_ASN1);
}

enum err cert_gate_set_crl(struct cert_gate *g, const uint8_t *crl, size_t len, const char **problem)
{
	*problem = crl_problem(0);
	if (len == 0 || len > CERT_GATE_CRL_MAX)
		return ERR_CONFIG;
	WOLFSSL_CERT_MANAGER *store = make_store(g->ca, g->ca_len);
	if (store == nullptr) {
		*problem = "crl: a certificate of ca-cert has expired meanwhile";
		return ERR_CONFIG;
	}
	int result = wolfSSL_CertManagerEnableCRL(store, WOLFSSL_CRL_CHECK);
	if (result == WOLFSSL_SUCCESS)
		result = load_lists(store, crl, len);
	if (result != WOLFSSL_SUCCESS) {
		*problem = crl_problem(result);
		wolfSSL_CertManagerFree(store);
		return ERR_CONFIG;
	}
	wolfSSL_CertManagerFree(g->store);
	g->store = store;
	g->has_crl = true;
	return ERR_OK;
}

/* {{ a certificate }} */

static enum err refuse(struct cert_claim *out, const char *why)
{
	out->why = why;
	return ERR_DENIED;
}

static const char *reason(int error)
{
	switch (error) {
	case CRL_CERT_REVOKED: return "the certificate is revoked";
	case CRL_MISSING: return "crl has no list of the authority of the certificate";
	case CRL_CERT_DATE_ERR: return "the list of crl has expired";
	case ASN_AFTER_DATE_E: return "the certificate has expired";
	case ASN_NO_SIGNER_E: return "no authority of ca-cert has signed the certificate";
	default: return "the certificate does not verify";
	}
}

static void put(char out[AUTH_NAME_MAX], const char *p, size_t len)
{
	static_assert(DN_VALUE_MAX < AUTH_NAME_MAX);
	memcpy(out, p, len);
	out[len] = '\0';
}

/* Several users would be a choice of the client's. */
static enum err name_by_field(const struct cert_gate *g, const DecodedCert *d, struct cert_claim *out)
{
	struct dn_values v;
	if (dn_find(&v, d->subjectRaw, (size_t)d->subjectRawLen, &g->user) != ERR_OK)
		return refuse(out, "the field of cert-user-oid is no text");
	if (v.n != 1)
		return refuse(out, v.n == 0 ? "the certificate has no field of cert-user-oid"
					    : "the certificate names several users");
	put(out->user, v.v[0].p, v.v[0].len);
	return ERR_OK;
}

static enum err name_by_email(const DecodedCert *d, struct cert_claim *out)
{
	const DNS_entry *e = d->altEmailNames;
	if (e == nullptr)
		return refuse(out, "the certificate has no e-mail address, as cert-user-oid wants it");
	if (e->next != nullptr)
		return refuse(out, "the certificate names several users");
	if (e->len <= 0 || !dn_is_text(e->name, (size_t)e->len))
		return refuse(out, "the e-mail address of the certificate is no text");
	put(out->user, e->name, (size_t)e->len);
	return ERR_OK;
}

static enum err name_groups(const struct cert_gate *g, const DecodedCert *d, struct cert_claim *out)
{
	struct dn_values v;
	if (!g->has_group)
		return ERR_OK;
	if (dn_find(&v, d->subjectRaw, (size_t)d->subjectRawLen, &g->group) != ERR_OK)
		return refuse(out, "the field of cert-group-oid is no text");
	if (v.n == 0)
		return refuse(out, "the certificate has no field of cert-group-oid");
	for (size_t i = 0; i < v.n; i++)
		put(out->groups[i], v.v[i].p, v.v[i].len);
	out->groups_n = v.n;
	return ERR_OK;
}

static enum err read_names(const struct cert_gate *g, const DecodedCert *d, struct cert_claim *out)
{
	if (d->subjectRaw == nullptr || d->subjectRawLen < 0)
		return refuse(out, "the certificate has no subject");
	TRY(g->by_email ? name_by_email(d, out) : name_by_field(g, d, out));
	return name_groups(g, d, out);
}

enum err cert_gate_judge(const struct cert_gate *g, const uint8_t *der, size_t len, struct cert_claim *out)
{
	*out = (struct cert_claim){};
	if (g->store == nullptr)
		return refuse(out, "no certificate is asked for here");
	if (g->needs_crl && !g->has_crl)
		return refuse(out, "crl could not be read");
	if (len == 0 || len > AUTH_CERT_MAX)
		return refuse(out, "the certificate is too long");
	int result = wolfSSL_CertManagerVerifyBuffer(g->store, der, (long)len, WOLFSSL_FILETYPE_ASN1);
	if (result != WOLFSSL_SUCCESS)
		return refuse(out, reason(result));
	DecodedCert d;
	wc_InitDecodedCert(&d, der, (word32)len, nullptr);
	enum err e = wc_ParseCert(&d, CERT_TYPE, NO_VERIFY, nullptr) == 0
			     ? read_names(g, &d, out)
			     : refuse(out, "the certificate is malformed");
	wc_FreeDecodedCert(&d);
	return e;
}
