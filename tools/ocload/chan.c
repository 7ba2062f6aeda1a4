/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "chan13.h"
#include "wire/dtls.h"

constexpr int REPEAT_MAX_S =
	4; /* between two tries of a flight, of which the caller's patience is the only bound */
constexpr uint64_t SEQ_GAP = 64; /* records of the library that may be behind the last we saw */
constexpr uint16_t HANDSHAKE_MTU = 1200;

static int io_recv(WOLFSSL *, char *to, int len, void *arg)
{
	struct chan *c = arg;
	if (c->in_len == 0)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	size_t n = MIN((size_t)len, c->in_len);
	memcpy(to, c->in, n);
	c->in_len = 0;
	return (int)n;
}

static void note_12(struct chan *c, const uint8_t *p, size_t len)
{
	struct dtls_record r;
	for (size_t at = 0; dtls_next_record(p, len, &at, &r) == ERR_OK;)
		if (r.epoch == 1)
			c->last_seq = MAX(c->last_seq, r.seq);
}

static int io_send(WOLFSSL *, char *from, int len, void *arg)
{
	struct chan *c = arg;
	(c->is_13 ? chan13_note : note_12)(c, (const uint8_t *)from, (size_t)len);
	[[maybe_unused]] ssize_t n =
		send(c->fd, from, (size_t)len, MSG_DONTWAIT); /* lost is lost: the library repeats */
	return len;
}

static enum err prepare_12(struct chan *c, const struct reply_tunnel *t)
{
	c->ssl = wolfSSL_new(c->tls->dtls);
	if (c->ssl == nullptr)
		return ERR_NOMEM;
	wolfSSL_set_psk_callback_ctx(c->ssl, c->psk);
	return tls_set_app_id(c->ssl, t->app_id, t->app_id_len);
}

static enum err make_ssl(struct chan *c, const struct reply_tunnel *t)
{
	TRY(c->is_13 ? chan13_prepare(c, c->tls->dtls13, c->tls->o, t) : prepare_12(c, t));
	wolfSSL_SSLSetIORecv(c->ssl, io_recv);
	wolfSSL_SSLSetIOSend(c->ssl, io_send);
	wolfSSL_SetIOReadCtx(c->ssl, c);
	wolfSSL_SetIOWriteCtx(c->ssl, c);
	wolfSSL_dtls_set_using_nonblock(c->ssl, 1);
	wolfSSL_dtls_set_mtu(c->ssl, HANDSHAKE_MTU);
	return ERR_OK;
}

enum err chan_new(struct chan **out, const struct tls *tls, const struct addr *to,
		  const struct reply_tunnel *t, const uint8_t psk[static TLS_PSK_LEN], struct mono now)
{
	struct chan *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->tls = tls;
	c->is_13 = t->dtls13;
	c->to = *to;
	c->to.port = t->dtls_port;
	memcpy(c->psk, psk, TLS_PSK_LEN);
	c->fd = -1;
	enum err e = udp_open(&c->fd, nullptr, &c->to);
	if (e == ERR_OK)
		e = make_ssl(c, t);
	if (e == ERR_OK)
		e = chan_shake(c, nullptr, 0, now);
	if (e == ERR_BUSY) {
		*out = c;
		return ERR_OK;
	}
	chan_free(c);
	return e == ERR_OK ? ERR_CRYPTO : e;
}

void chan_free(struct chan *c)
{
	if (c == nullptr)
		return;
	wolfSSL_free(c->ssl);
	chan13_forget(c);
	if (c->is_13) {
		record13_fini(&c->rx13);
		record13_fini(&c->tx13);
	} else {
		record_fini(&c->rx);
		record_fini(&c->tx);
	}
	base_closep(&c->fd);
	secret_wipe_bytes(c->psk, sizeof c->psk);
	free(c);
}

static enum err take_keys(struct chan *c)
{
	int key_len = wolfSSL_GetKeySize(c->ssl), iv_len = wolfSSL_GetIVSize(c->ssl);
	c->suite = record_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(c->ssl));
	if (c->suite == RECORD_NONE || key_len <= 0 || iv_len <= 0)
		return ERR_UNSUPPORTED;
	replay_init(&c->replay);
	TRY(record_init(&c->rx, c->suite, wolfSSL_GetServerWriteKey(c->ssl), (size_t)key_len,
			wolfSSL_GetServerWriteIV(c->ssl), (size_t)iv_len, 1, 0));
	return record_init(&c->tx, c->suite, wolfSSL_GetClientWriteKey(c->ssl), (size_t)key_len,
			   wolfSSL_GetClientWriteIV(c->ssl), (size_t)iv_len, 1, c->last_seq + SEQ_GAP);
}

static void arm(struct chan *c)
{
	c->retransmit_at = clock_add_s(c->now, (uint64_t)wolfSSL_dtls_get_current_timeout(c->ssl));
}

enum err chan_shake(struct chan *c, const uint8_t *p, size_t n, struct mono now)
{
	c->in = p;
	c->in_len = n;
	c->now = now;
	int rc = wolfSSL_connect(c->ssl);
	if (rc == WOLFSSL_SUCCESS) {
		if (wolfSSL_session_reused(c->ssl) != 0)
			return ERR_PROTO; /* a master secret of zeros: never */
		TRY(c->is_13 ? chan13_take_keys(c, c->last_seq + SEQ_GAP) : take_keys(c));
		wolfSSL_free(c->ssl);
		c->ssl = nullptr;
		chan13_forget(c);
		c->is_up = true;
		return ERR_OK;
	}
	int why = wolfSSL_get_error(c->ssl, rc);
	if (why != WOLFSSL_ERROR_WANT_READ && why != WOLFSSL_ERROR_WANT_WRITE)
		return ERR_CRYPTO;
	arm(c);
	return ERR_BUSY;
}

enum err chan_tick(struct chan *c, struct mono now)
{
	if (c->is_up || !clock_is_past(now, c->retransmit_at))
		return ERR_BUSY;
	c->now = now;
	c->in_len = 0;
	if (wolfSSL_dtls_got_timeout(c->ssl) != WOLFSSL_SUCCESS)
		return ERR_CRYPTO;
	if (wolfSSL_dtls_get_current_timeout(c->ssl) > REPEAT_MAX_S)
		wolfSSL_dtls_set_timeout_init(c->ssl, REPEAT_MAX_S);
	arm(c);
	return ERR_BUSY;
}

enum err chan_rebind(struct chan *c)
{
	int fd;
	TRY(udp_open(&fd, nullptr, &c->to));
	base_closep(&c->fd);
	c->fd = fd;
	c->dropped = 0;
	return ERR_OK;
}

static enum err open_12(struct chan *c, uint8_t *p, size_t n, size_t *at, uint8_t *type, uint8_t **payload,
			size_t *payload_len)
{
	struct dtls_record r;
	do { /* epoch 0 and handshake: a flight repeated */
		if (dtls_next_record(p, n, at, &r) != ERR_OK)
			return ERR_NOTFOUND;
	} while (r.epoch != 1 || r.type == DTLS_TYPE_HANDSHAKE);
	return record_open(&c->rx, &c->replay, p + r.start, r.len, type, payload, payload_len);
}

static enum err open_13(struct chan *c, uint8_t *p, size_t n, size_t *at, uint8_t *type, uint8_t **payload,
			size_t *payload_len)
{
	struct record13_head h;
	size_t start;
	do { /* the handshake's epoch: a flight repeated */
		start = *at;
		if (record13_next(p, n, at, 0, &h) != ERR_OK)
			return ERR_NOTFOUND;
	} while (h.epoch_low != (c->rx13.base.epoch & 3));
	return record13_open(&c->rx13, &c->replay, p + start, h.len, type, payload, payload_len);
}

enum err chan_open(struct chan *c, uint8_t *p, size_t n, size_t *at, uint8_t *type, uint8_t **payload,
		   size_t *payload_len)
{
	return (c->is_13 ? open_13 : open_12)(c, p, n, at, type, payload, payload_len);
}

size_t chan_record_len(const struct chan *c, size_t n)
{
	return n + (c->is_13 ? record13_overhead(c->tx13.cid_len) : record_overhead(c->suite));
}

uint8_t *chan_payload(const struct chan *c, struct udp_out *out)
{
	return udp_room(out) + (c->is_13 ? record13_head_len(&c->tx13) : record_head_len(&c->tx));
}

enum err chan_seal(struct chan *c, struct udp_out *out, size_t n)
{
	size_t len;
	TRY(c->is_13 ? record13_seal(&c->tx13, DTLS_TYPE_DATA, udp_room(out), n, &len)
		     : record_seal(&c->tx, DTLS_TYPE_DATA, udp_room(out), n, &len));
	udp_added(out, len);
	return ERR_OK;
}
