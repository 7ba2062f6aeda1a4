/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tls_live.h"

#include <stdlib.h>
#include <string.h>
#include <wolfssl/wolfcrypt/aes.h>

#include "fips/fips.h"
#include "worker/tls.h"

constexpr size_t IV_LEN = 12;
constexpr size_t TAG_LEN = 16;
constexpr int TICKET_HINT_S = 3600; /* what clients are told: the keeper keeps a key for one to two hours */
constexpr unsigned SESSION_LIFE_S = 7200;
static_assert(MSGS_TICKET_NAME_LEN == WOLFSSL_TICKET_NAME_SZ && IV_LEN <= WOLFSSL_TICKET_IV_SZ &&
	      TAG_LEN <= WOLFSSL_TICKET_MAC_SZ);

/* {{ from the keeper }} */

static bool is_sound(const Msg__TicketKeys *m)
{
	for (size_t i = 0; i < m->n_keys; i++)
		if (m->keys[i]->name.len != MSGS_TICKET_NAME_LEN ||
		    m->keys[i]->key.len != MSGS_TICKET_KEY_LEN)
			return false;
	return m->n_keys > 0 && m->n_keys <= TLS_LIVE_KEYS;
}

enum err tls_live_set_keys(struct tls_live *l, Msg__TicketKeys *m)
{
	if (!is_sound(m))
		return ERR_PROTO;
	explicit_bzero(l->keys, sizeof l->keys);
	for (size_t i = 0; i < m->n_keys; i++) {
		memcpy(l->keys[i].name, m->keys[i]->name.data, MSGS_TICKET_NAME_LEN);
		memcpy(l->keys[i].key, m->keys[i]->key.data, MSGS_TICKET_KEY_LEN);
		explicit_bzero(m->keys[i]->key.data, MSGS_TICKET_KEY_LEN);
	}
	l->keys_n = m->n_keys;
	return ERR_OK;
}

bool tls_live_has_keys(const struct tls_live *l)
{
	return l->keys_n > 0;
}

static struct tls_live_staple *find_staple(const struct tls_live *l, const char *vhost)
{
	for (struct tls_live_staple *s = l->staples; s != nullptr; s = s->next)
		if (strcmp(s->m->vhost, vhost) == 0)
			return s;
	return nullptr;
}

static Msg__Staple *copy_staple(const Msg__Staple *m)
{
	size_t len = msg__staple__get_packed_size(m);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr)
		return nullptr;
	msg__staple__pack(m, bytes);
	return msg__staple__unpack(nullptr, len, bytes);
}

enum err tls_live_set_staple(struct tls_live *l, const Msg__Staple *m)
{
	Msg__Staple *copy = copy_staple(m);
	if (copy == nullptr)
		return ERR_NOMEM;
	struct tls_live_staple *s = find_staple(l, m->vhost);
	if (s != nullptr) {
		msg__staple__free_unpacked(s->m, nullptr);
		s->m = copy;
		return ERR_OK;
	}
	s = calloc(1, sizeof *s);
	if (s == nullptr) {
		msg__staple__free_unpacked(copy, nullptr);
		return ERR_NOMEM;
	}
	*s = (struct tls_live_staple){ .next = l->staples, .m = copy };
	l->staples = s;
	return ERR_OK;
}

void tls_live_fini(struct tls_live *l)
{
	while (l->staples != nullptr) {
		struct tls_live_staple *s = l->staples;
		l->staples = s->next;
		msg__staple__free_unpacked(s->m, nullptr);
		free(s);
	}
	explicit_bzero(l, sizeof *l);
}

/* {{ tickets }} */

/* What is authenticated but not secret: the names of key and virtual host, and the whole IV field. */
struct ticket_aad {
	uint8_t bytes[MSGS_TICKET_NAME_LEN + WOLFSSL_TICKET_IV_SZ + HELLO_NAME_MAX];
	word32 len;
};

static struct ticket_aad aad_of(const uint8_t *name, const uint8_t *iv, const struct tls_cert *cert)
{
	struct ticket_aad a = {};
	size_t host_len = MIN(strlen(cert->host->vhost->name), HELLO_NAME_MAX);
	memcpy(a.bytes, name, MSGS_TICKET_NAME_LEN);
	memcpy(a.bytes + MSGS_TICKET_NAME_LEN, iv, WOLFSSL_TICKET_IV_SZ);
	memcpy(a.bytes + MSGS_TICKET_NAME_LEN + WOLFSSL_TICKET_IV_SZ, cert->host->vhost->name, host_len);
	a.len = (word32)(MSGS_TICKET_NAME_LEN + WOLFSSL_TICKET_IV_SZ + host_len);
	return a;
}

static bool seal(const struct tls_live_key *k, const struct ticket_aad *aad, const uint8_t *iv, uint8_t *tag,
		 uint8_t *text, word32 len)
{
	Aes aes;
	if (wc_AesInit(&aes, nullptr, INVALID_DEVID) != 0)
		return false;
	bool ok =
		wc_AesGcmSetKey(&aes, k->key, sizeof k->key) == 0 &&
		wc_AesGcmEncrypt(&aes, text, text, len, iv, IV_LEN, tag, TAG_LEN, aad->bytes, aad->len) == 0;
	wc_AesFree(&aes);
	return ok;
}

static bool unseal(const struct tls_live_key *k, const struct ticket_aad *aad, const uint8_t *iv,
		   const uint8_t *tag, uint8_t *text, word32 len)
{
	Aes aes;
	if (wc_AesInit(&aes, nullptr, INVALID_DEVID) != 0)
		return false;
	bool ok =
		wc_AesGcmSetKey(&aes, k->key, sizeof k->key) == 0 &&
		wc_AesGcmDecrypt(&aes, text, text, len, iv, IV_LEN, tag, TAG_LEN, aad->bytes, aad->len) == 0;
	wc_AesFree(&aes);
	return ok;
}

static int make_ticket(const struct tls_live *l, const struct tls_cert *cert, uint8_t *name, uint8_t *iv,
		       uint8_t *mac, uint8_t *text, int len, int *out_len)
{
	if (l->keys_n == 0 || fips_random(iv, WOLFSSL_TICKET_IV_SZ) != ERR_OK)
		return WOLFSSL_TICKET_RET_FATAL;
	memcpy(name, l->keys[0].name, MSGS_TICKET_NAME_LEN);
	memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
	struct ticket_aad aad = aad_of(name, iv, cert);
	if (!seal(&l->keys[0], &aad, iv, mac, text, (word32)len))
		return WOLFSSL_TICKET_RET_FATAL;
	*out_len = len;
	return WOLFSSL_TICKET_RET_OK;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	uint8_t all = 0;
	for (size_t i = 0; i < len; i++)
		all |= p[i];
	return all == 0;
}

/* In TLS 1.3 RET_CREATE would mean "not resumed", and a fresh ticket goes out anyway: wolfssl.md 2f.  TLS 1.2 clients go
 * on with the old one and meet a full handshake when its key is gone. */
static int take_ticket(const struct tls_live *l, const struct tls_cert *cert, const uint8_t *name,
		       const uint8_t *iv, const uint8_t *mac, uint8_t *text, int len, int *out_len)
{
	for (size_t i = 0; i < l->keys_n; i++) {
		if (memcmp(name, l->keys[i].name, MSGS_TICKET_NAME_LEN) != 0)
			continue;
		struct ticket_aad aad = aad_of(name, iv, cert);
		if (!is_zero(mac + TAG_LEN, WOLFSSL_TICKET_MAC_SZ - TAG_LEN) ||
		    !unseal(&l->keys[i], &aad, iv, mac, text, (word32)len))
			return WOLFSSL_TICKET_RET_REJECT;
		*out_len = len;
		return WOLFSSL_TICKET_RET_OK;
	}
	return WOLFSSL_TICKET_RET_REJECT;
}

static int crypt_ticket(WOLFSSL *, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
			unsigned char iv[WOLFSSL_TICKET_IV_SZ], unsigned char mac[WOLFSSL_TICKET_MAC_SZ],
			int encrypts, unsigned char *text, int len, int *out_len, void *arg)
{
	const struct tls_cert *cert = arg;
	const struct tls_live *l = cert->host->live;
	if (len < 0)
		return WOLFSSL_TICKET_RET_REJECT;
	return encrypts ? make_ticket(l, cert, name, iv, mac, text, len, out_len)
			: take_ticket(l, cert, name, iv, mac, text, len, out_len);
}

/* the library takes its argument without const and gives it back as it was */
static void *argument(const struct tls_cert *cert)
{
	return (void *)(uintptr_t)cert;
}

void tls_live_install_tickets(WOLFSSL_CTX *ctx, const struct tls_cert *cert)
{
	wolfSSL_CTX_set_TicketEncCb(ctx, crypt_ticket);
	wolfSSL_CTX_set_TicketEncCtx(ctx, argument(cert));
	wolfSSL_CTX_set_TicketHint(ctx, TICKET_HINT_S);
	wolfSSL_CTX_set_timeout(ctx, SESSION_LIFE_S);
}

/* {{ staples }} */

static int give_staple(WOLFSSL *ssl, void *arg)
{
	const struct tls_cert *cert = arg;
	const struct tls_live_staple *s = find_staple(cert->host->live, cert->host->vhost->name);
	if (s == nullptr || s->m->response.len == 0 || s->m->serial.len != cert->serial_len ||
	    memcmp(s->m->serial.data, cert->serial, cert->serial_len) != 0)
		return WOLFSSL_OCSP_STATUS_CB_NOACK;
	uint8_t *copy = malloc(s->m->response.len); /* the library frees it */
	if (copy == nullptr)
		return WOLFSSL_OCSP_STATUS_CB_NOACK;
	memcpy(copy, s->m->response.data, s->m->response.len);
	wolfSSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)s->m->response.len);
	return WOLFSSL_OCSP_STATUS_CB_OK;
}

void tls_live_install_staple(WOLFSSL_CTX *ctx, const struct tls_cert *cert)
{
	wolfSSL_CTX_EnableOCSPStapling(ctx);
	wolfSSL_CTX_set_tlsext_status_cb(ctx, give_staple);
	wolfSSL_CTX_set_tlsext_status_arg(ctx, argument(cert));
}
