/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wolfssl/error-ssl.h>

#include "worker/tls_io.h"

constexpr size_t OUT_MAX =
	1 << 20; /* a peer that reads nothing costs at most this; callers stop long before */

static int io_recv(WOLFSSL *, char *to, int len, void *arg)
{
	struct tls *t = arg;
	if (t->in_len == 0)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	size_t n = MIN((size_t)len, t->in_len);
	memcpy(to, t->in, n);
	t->in += n;
	t->in_len -= n;
	return (int)n;
}

enum err tls_queue(struct tls *t, const void *p, size_t len)
{
	size_t need = t->out_len + len;
	if (need > t->out_cap && t->out_off > 0) {
		/* a socket that never drains whole still takes bytes: they must not count for ever */
		t->out_len -= t->out_off;
		memmove(t->out, t->out + t->out_off, t->out_len);
		t->out_off = 0;
		need = t->out_len + len;
	}
	if (need > t->out_cap) {
		size_t cap = MAX(need, MIN(t->out_cap * 2, OUT_MAX));
		uint8_t *bigger = need <= OUT_MAX ? realloc(t->out, cap) : nullptr;
		if (bigger == nullptr)
			return ERR_FULL;
		t->out = bigger;
		t->out_cap = cap;
	}
	memcpy(t->out + t->out_len, p, len);
	t->out_len = need;
	return ERR_OK;
}

static int io_send(WOLFSSL *, char *from, int len, void *arg)
{
	return tls_queue(arg, from, (size_t)len) == ERR_OK ? len : WOLFSSL_CBIO_ERR_GENERAL;
}

void tls_io_install(WOLFSSL_CTX *ctx)
{
	wolfSSL_CTX_SetIORecv(ctx, io_recv);
	wolfSSL_CTX_SetIOSend(ctx, io_send);
}

void tls_init(struct tls *t, struct tls_ctx *ctx, int fd)
{
	*t = (struct tls){ .ctx = tls_ctx_get(ctx), .fd = fd };
}

enum err tls_begin(struct tls *t, const struct hello *hello)
{
	static char alpn[] =
		"http/1.1"; /* h2 is never chosen; without a match the handshake goes on without */
	t->cert = tls_ctx_choose(t->ctx, hello);
	t->sign = calloc(1, sizeof *t->sign);
	t->ssl = t->sign != nullptr ? wolfSSL_new(t->cert->ctx) : nullptr;
	if (t->ssl == nullptr || wolfSSL_UseALPN(t->ssl, alpn, sizeof alpn - 1,
						 WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) != WOLFSSL_SUCCESS)
		return ERR_NOMEM;
	if (!tls_live_has_keys(
		    t->cert->host->live)) { /* else a ticket that cannot be made would end the handshake */
		wolfSSL_NoTicketTLSv12(t->ssl);
		wolfSSL_no_ticket_TLSv13(t->ssl);
	}
	if (t->cert->host->peer_ca != nullptr)
		TRY(tls_peer_new(&t->peer, t->cert->host->peer_ca, t->ssl));
	wolfSSL_SetIOReadCtx(t->ssl, t);
	wolfSSL_SetIOWriteCtx(t->ssl, t);
	wolfSSL_SetEccSignCtx(t->ssl, t->sign);
	wolfSSL_SetRsaSignCtx(t->ssl, t->sign);
	wolfSSL_SetRsaPssSignCtx(t->ssl, t->sign);
	wolfSSL_SetEd25519SignCtx(t->ssl, t->sign);
	wolfSSL_KeepArrays(t->ssl); /* for tls_export_psk */
	return ERR_OK;
}

void tls_fini(struct tls *t)
{
	wolfSSL_free(t->ssl);
	tls_peer_free(t->peer);
	tls_ctx_put(t->ctx);
	free(t->sign);
	free(t->kept);
	free(t->out);
	*t = (struct tls){ .fd = -1 };
}

enum err tls_receive(struct tls *t, uint8_t *scratch, size_t cap)
{
	size_t had = t->in_len;
	if (had >= cap)
		return ERR_FULL;
	if (had > 0)
		memmove(scratch, t->in, had);
	ssize_t n = recv(t->fd, scratch + had, cap - had, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return ERR_CLOSED;
	t->in = scratch;
	t->in_len = had + (n > 0 ? (size_t)n : 0);
	free(t->kept);
	t->kept = nullptr;
	return n > 0 || had > 0 ? ERR_OK : ERR_BUSY;
}

enum err tls_keep(struct tls *t)
{
	if (t->in_len == 0 || t->in == t->kept)
		return ERR_OK;
	uint8_t *copy = malloc(t->in_len);
	if (copy == nullptr)
		return ERR_NOMEM;
	memcpy(copy, t->in, t->in_len);
	free(t->kept);
	t->kept = copy;
	t->in = copy;
	return ERR_OK;
}

/* The library's result as our error. */
static enum err outcome(const struct tls *t, int result)
{
	switch (wolfSSL_get_error(t->ssl, result)) {
	case WOLFSSL_ERROR_WANT_READ:
	case WOLFSSL_ERROR_WANT_WRITE:
	case WC_PENDING_E: return ERR_BUSY;
	case WOLFSSL_ERROR_ZERO_RETURN: return ERR_CLOSED;
	case MEMORY_E: return ERR_NOMEM;
	default: return ERR_CRYPTO;
	}
}

enum err tls_handshake(struct tls *t)
{
	int result = wolfSSL_accept(t->ssl);
	if (t->peer != nullptr)
		tls_peer_settle(t->cert->ctx);
	if (result != WOLFSSL_SUCCESS)
		return outcome(t, result);
	free(t->sign);
	t->sign = nullptr;
	return ERR_OK;
}

enum tls_peer_state tls_peer_state(const struct tls *t)
{
	return t->peer != nullptr ? t->peer->state : TLS_PEER_NONE;
}

void tls_forget_peer(struct tls *t)
{
	if (t->peer == nullptr)
		return;
	wolfSSL_SetCertCbCtx(t->ssl, nullptr);
	tls_peer_free(TAKE(t->peer));
}

enum err tls_read(struct tls *t, uint8_t *p, size_t cap, size_t *len)
{
	int n = wolfSSL_read(t->ssl, p, (int)cap);
	if (n <= 0)
		return outcome(t, n);
	*len = (size_t)n;
	return ERR_OK;
}

enum err tls_write(struct tls *t, const void *p, size_t len)
{
	for (size_t done = 0; done < len;) {
		size_t part = MIN(len - done, TLS_RECORD_MAX);
		int n = wolfSSL_write(t->ssl, (const uint8_t *)p + done, (int)part);
		if (n <= 0)
			return outcome(t, n) == ERR_NOMEM ? ERR_NOMEM : ERR_CRYPTO;
		done += (size_t)n;
	}
	return ERR_OK;
}

enum err tls_flush(struct tls *t)
{
	while (t->out_off < t->out_len) {
		ssize_t n = send(t->fd, t->out + t->out_off, t->out_len - t->out_off,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? ERR_BUSY : ERR_CLOSED;
		t->out_off += (size_t)n;
	}
	free(t->out); /* an idle connection keeps no buffer */
	t->out = nullptr;
	t->out_len = t->out_off = t->out_cap = 0;
	return ERR_OK;
}

size_t tls_unsent(const struct tls *t)
{
	return t->out_len - t->out_off;
}

void tls_shutdown(struct tls *t)
{
	wolfSSL_shutdown(t->ssl);
}

enum err tls_export_psk(struct tls *t, uint8_t psk[32])
{
	static const char label[] = "EXPORTER-openconnect-psk";
	int ok = wolfSSL_export_keying_material(t->ssl, psk, 32, label, sizeof label - 1, nullptr, 0, 0);
	wolfSSL_FreeArrays(t->ssl);
	return ok == WOLFSSL_SUCCESS ? ERR_OK : ERR_CRYPTO;
}

const struct vhost *tls_vhost(const struct tls *t)
{
	return t->cert != nullptr ? t->cert->host->vhost : &t->ctx->config->vhosts[0];
}

const char *tls_cert_sha1(const struct tls *t)
{
	return t->cert->sha1;
}

bool tls_is_13(const struct tls *t)
{
	return wolfSSL_version(t->ssl) == TLS1_3_VERSION;
}

enum record_suite tls_suite(const struct tls *t)
{
	uint16_t id = (uint16_t)wolfSSL_get_current_cipher_suite(t->ssl);
	switch (id) {
	case 0x1301: return RECORD_AES128_GCM; /* RFC 8446, B.4 */
	case 0x1302: return RECORD_AES256_GCM;
	case 0x1303: return RECORD_CHACHA20_POLY1305;
	default: return record_suite_of(id);
	}
}

size_t tls_bindings(struct tls *t, struct tls_binding out[TLS_BINDINGS_MAX])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	size_t n = 0;
	out[n].len = wolfSSL_get_peer_finished(t->ssl, out[n].bytes, sizeof out[n].bytes);
	n += out[n].len > 0;
	if (tls_is_13(t)) {
		out[n].len = 32;
		n += wolfSSL_export_keying_material(t->ssl, out[n].bytes, 32, label, sizeof label - 1,
						    nullptr, 0, 0) == WOLFSSL_SUCCESS;
	} else if (wolfSSL_session_reused(
			   t->ssl)) { /* the first Finished, as RFC 5929 has it, is ours then */
		out[n].len = wolfSSL_get_finished(t->ssl, out[n].bytes, sizeof out[n].bytes);
		n += out[n].len > 0;
	}
	return n;
}

void tls_describe(const struct tls *t, char *out, size_t cap)
{
	const char *curve = wolfSSL_get_curve_name(t->ssl);
	const char *cipher = wolfSSL_get_cipher_name(t->ssl);
	snprintf(out, cap, "(%s)-(%s)-(%s)", tls_is_13(t) ? "TLS1.3" : "TLS1.2",
		 curve != nullptr ? curve : "RSA", cipher != nullptr ? cipher : "none");
}
