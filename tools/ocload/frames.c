/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "hand.h"
#include "load.h"
#include "wire/dtls.h"

constexpr size_t PARTIAL_MAX = 2 * (CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX) + SCRATCH_PLAIN;

/* {{ out }} */

static enum err send_record(struct client *c, enum cstp_type type, const void *payload, size_t len)
{
	struct udp_out *out = &c->hand->out;
	size_t sent;
	assert(out->n == 0);
	uint8_t *at = chan_payload(c->chan, out);
	at[0] = type;
	if (len > 0)
		memcpy(at + 1, payload, len);
	TRY(chan_seal(c->chan, out, 1 + len));
	return udp_send(c->chan->fd, out, nullptr, &sent);
}

static enum err send_cstp(struct client *c, enum cstp_type type, const void *payload, size_t len)
{
	uint8_t bytes[CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX];
	cstp_put_header(bytes, type, len);
	if (len > 0)
		memcpy(bytes + CSTP_HEAD_LEN, payload, len);
	TRY(conn_write(&c->conn, bytes, CSTP_HEAD_LEN + len));
	enum err e = conn_flush(&c->conn);
	return e == ERR_BUSY ? ERR_OK : e;
}

/* An error shows itself again when the socket is read. */
void client_send_frame(struct client *c, enum cstp_type type, const void *payload, size_t len)
{
	bool by_tls = client_uses_tls(c) || type == CSTP_DISCONNECT;
	c->tx_at = c->hand->now;
	[[maybe_unused]] enum err e = (by_tls ? send_cstp : send_record)(c, type, payload, len);
	if (by_tls)
		client_watch(c);
}

/* {{ in }} */

static void answer(struct client *c, bool by_tls, const uint8_t *payload, size_t len)
{
	[[maybe_unused]] enum err e =
		(by_tls ? send_cstp : send_record)(c, CSTP_DPD_RESP, payload, MIN(len, CSTP_PAYLOAD_MAX));
	hand_add(c->hand, COUNT_dpd_answered, 1);
	c->tx_at = c->hand->now;
}

static enum err take_frame(struct client *c, bool by_tls, enum cstp_type type, const uint8_t *payload,
			   size_t len)
{
	c->rx_at = c->hand->now;
	switch (type) {
	case CSTP_DATA: load_take(c, payload, len); return ERR_OK;
	case CSTP_DPD_REQ: answer(c, by_tls, payload, len); return ERR_OK;
	case CSTP_DISCONNECT:
	case CSTP_TERMINATE: return ERR_CLOSED;
	case CSTP_DPD_RESP:
	case CSTP_KEEPALIVE: return ERR_OK;
	case CSTP_COMPRESSED: break; /* never agreed */
	}
	return ERR_PROTO;
}

/* How much of p was taken. */
static enum err take_whole(struct client *c, const uint8_t *p, size_t n, size_t *taken)
{
	struct cstp_frame f;
	*taken = 0;
	while (*taken < n) {
		enum err e = cstp_parse(p + *taken, n - *taken, &f);
		if (e == ERR_SHORT)
			return ERR_OK;
		TRY(e);
		TRY(take_frame(c, true, f.type, f.payload, f.payload_len));
		*taken += f.len;
	}
	return ERR_OK;
}

static enum err keep_rest(struct client *c, const uint8_t *p, size_t n)
{
	if (c->partial == nullptr)
		c->partial = malloc(PARTIAL_MAX);
	if (c->partial == nullptr)
		return ERR_NOMEM;
	if (c->partial_len + n > PARTIAL_MAX)
		return ERR_PROTO;
	memcpy(c->partial + c->partial_len, p, n);
	c->partial_len += n;
	return ERR_OK;
}

enum err frames_take(struct client *c, const uint8_t *p, size_t n)
{
	size_t taken;
	if (c->partial_len == 0) {
		TRY(take_whole(c, p, n, &taken));
		return taken < n ? keep_rest(c, p + taken, n - taken) : ERR_OK;
	}
	TRY(keep_rest(c, p, n));
	TRY(take_whole(c, c->partial, c->partial_len, &taken));
	c->partial_len -= taken;
	memmove(c->partial, c->partial + taken, c->partial_len);
	return ERR_OK;
}

static enum err take_record(struct client *c, uint8_t type, const uint8_t *payload, size_t payload_len)
{
	if (type == DTLS_TYPE_ALERT)
		return ERR_CLOSED;
	if (type != DTLS_TYPE_DATA || payload_len == 0)
		return ERR_OK;
	return take_frame(c, false, payload[0], payload + 1, payload_len - 1);
}

enum err frames_take_datagram(struct client *c, uint8_t *p, size_t n)
{
	for (size_t at = 0;;) {
		uint8_t type, *payload;
		size_t payload_len;
		enum err e = chan_open(c->chan, p, n, &at, &type, &payload, &payload_len);
		if (e == ERR_NOTFOUND)
			return ERR_OK;
		if (e == ERR_OK)
			TRY(take_record(c, type, payload, payload_len));
		else
			hand_add(c->hand, COUNT_bad_record, 1);
	}
}
