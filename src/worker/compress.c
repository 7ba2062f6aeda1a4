/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/compress.h"

#include <string.h>

#include "wire/pack.h"
#include "worker/session.h"

constexpr size_t ROOM = 65536;

/* One thread: the buffers of the process. */
static uint8_t expanded[ROOM]; /* packets that wait for rx_flush */
static size_t expanded_used;
static uint8_t packed[CSTP_PAYLOAD_MAX];

void compress_agree(struct session *s, const struct connect_req *req)
{
	const char *order = s->config->compression_algo_priority;
	if (!s->vhost->compression)
		return;
	s->pack_tls = pack_choose(text_slice(req->encodings), order);
	if (s->wants_dtls)
		s->pack_udp = pack_choose(text_slice(req->dtls_encodings), order);
	s->compresses = s->pack_tls != PACK_NONE || s->pack_udp != PACK_NONE;
}

enum cstp_type compress_packet(const struct session *s, uint8_t *p, size_t *len)
{
	bool over_udp = s->chan != nullptr && s->udp_active;
	enum pack_method m = over_udp ? s->pack_udp : s->pack_tls;
	size_t n;
	if (m == PACK_NONE || *len <= s->vhost->no_compress_limit || *len > sizeof packed ||
	    pack_compress(m, p, *len, packed, *len - 1, &n) != ERR_OK)
		return CSTP_DATA;
	memcpy(p, packed, n);
	STAT_ADD(s->w, tx_compressed_saved, *len - n);
	STAT_INC(s->w, tx_compressed);
	*len = n;
	return CSTP_COMPRESSED;
}

bool compress_is_full(size_t len)
{
	return expanded_used + len > sizeof expanded;
}

void compress_forget(void)
{
	expanded_used = 0;
}

uint8_t *compress_expand(const struct session *s, bool over_tls, const uint8_t *payload, size_t *len)
{
	uint8_t *at = expanded + expanded_used;
	size_t cap = MIN((size_t)s->mtu_most, sizeof expanded - expanded_used);
	size_t n;
	if (pack_expand(over_tls ? s->pack_tls : s->pack_udp, payload, *len, at, cap, &n) != ERR_OK)
		return nullptr;
	expanded_used += n;
	*len = n;
	return at;
}
