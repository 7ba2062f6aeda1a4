/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/cstp.h"

#include <string.h>

#include "base/buf.h"

static const uint8_t magic[] = { 'S', 'T', 'F', 1 };

/* Fewer bytes than a header: wait only if they can begin one. */
static enum err judge_start(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < MIN(n, sizeof magic); i++)
		if (p[i] != magic[i])
			return ERR_PROTO;
	return ERR_SHORT;
}

enum err cstp_parse(const uint8_t *p, size_t n, struct cstp_frame *f)
{
	if (n < CSTP_HEAD_LEN)
		return judge_start(p, n);
	struct reader r = reader_of(p, n);
	const uint8_t *start = reader_take(&r, sizeof magic);
	size_t payload_len = reader_u16be(&r);
	enum cstp_type type = reader_u8(&r);
	uint8_t zero = reader_u8(&r);
	if (memcmp(start, magic, sizeof magic) != 0 || zero != 0 || payload_len > CSTP_PAYLOAD_MAX)
		return ERR_PROTO;
	const uint8_t *payload = reader_take(&r, payload_len);
	if (!reader_ok(&r))
		return ERR_SHORT;
	*f = (struct cstp_frame){ type, payload, payload_len, CSTP_HEAD_LEN + payload_len };
	return ERR_OK;
}

size_t cstp_frame_len(const uint8_t *p, size_t n)
{
	if (n < CSTP_HEAD_LEN)
		return CSTP_HEAD_LEN;
	size_t payload_len = (size_t)(p[4] << 8 | p[5]);
	return payload_len > CSTP_PAYLOAD_MAX ? CSTP_HEAD_LEN : CSTP_HEAD_LEN + payload_len;
}

void cstp_put_header(uint8_t out[static CSTP_HEAD_LEN], enum cstp_type type, size_t payload_len)
{
	assert(payload_len <= CSTP_PAYLOAD_MAX);
	memcpy(out, magic, sizeof magic);
	out[4] = (uint8_t)(payload_len >> 8);
	out[5] = (uint8_t)payload_len;
	out[6] = type;
	out[7] = 0;
}

bool cstp_is_known(enum cstp_type type)
{
	switch (type) {
	case CSTP_DATA:
	case CSTP_DPD_REQ:
	case CSTP_DPD_RESP:
	case CSTP_DISCONNECT:
	case CSTP_KEEPALIVE:
	case CSTP_COMPRESSED:
	case CSTP_TERMINATE: return true;
	}
	return false;
}

static const struct {
	enum cstp_reason reason;
	const char *text;
} reasons[] = {
	{ CSTP_REASON_LOCAL_ERROR, "error at the client" },
	{ CSTP_REASON_RECONNECT, "client is going to reconnect" },
	{ CSTP_REASON_USER, "user disconnected" },
	{ CSTP_REASON_PAUSE, "client paused" },
};

struct cstp_bye cstp_parse_bye(const uint8_t *payload, size_t len)
{
	struct cstp_bye bye = { .reason = CSTP_REASON_NONE };
	if (len == 0)
		return bye;
	bye.reason = CSTP_REASON_OTHER;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (payload[0] == reasons[i].reason)
			bye.reason = reasons[i].reason;
	if (len > 1) {
		bye.text = payload + 1;
		bye.text_len = len - 1;
	}
	return bye;
}

const char *cstp_reason_text(enum cstp_reason reason)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reason == reasons[i].reason)
			return reasons[i].text;
	return reason == CSTP_REASON_NONE ? "no reason given" : "unknown reason";
}
