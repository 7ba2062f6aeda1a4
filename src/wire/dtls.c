/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/dtls.h"

#include "base/buf.h"

constexpr uint8_t TYPE_CID = 25;
constexpr uint8_t MESSAGE_CLIENT_HELLO = 1;
constexpr size_t RANDOM_LEN = 32;

/* RFC 9147, 4: three high bits 001.  RFC 9146, 4: type 25. */
static bool is_other(uint8_t first)
{
	return (first & 0xe0) == 0x20 || first == TYPE_CID;
}

static bool is_type(uint8_t type)
{
	return type >= DTLS_TYPE_CCS && type <= DTLS_TYPE_DATA;
}

static bool is_version(uint16_t version)
{
	return version == DTLS_VERSION_12 || version == DTLS_VERSION_10 || version == DTLS_VERSION_BAD;
}

static bool is_all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

enum err dtls_next_record(const uint8_t *p, size_t n, size_t *at, struct dtls_record *out)
{
	if (*at >= n)
		return ERR_NOTFOUND;
	struct reader r = reader_of(p + *at, n - *at);
	struct dtls_record k = { .start = *at };
	k.type = reader_u8(&r);
	k.version = reader_u16be(&r);
	k.epoch = reader_u16be(&r);
	k.seq = reader_u48be(&r);
	k.body_len = reader_u16be(&r);
	reader_take(&r, k.body_len);
	if (!reader_ok(&r) || !is_type(k.type) || !is_version(k.version))
		return ERR_PROTO;
	if (k.body_len == 0 || k.body_len > DTLS_BODY_MAX)
		return ERR_PROTO;
	k.len = DTLS_HEAD_LEN + k.body_len;
	*at += k.len;
	*out = k;
	return ERR_OK;
}

/* The hello up to its cookie, all of it in this fragment. */
static enum err parse_hello(const uint8_t *body, size_t body_len, struct dtls_hello *out)
{
	struct reader r = reader_of(body, body_len);
	struct dtls_hello h = {};
	reader_u8(&r);
	uint32_t message_len = reader_u24be(&r);
	h.message_seq = reader_u16be(&r);
	uint32_t offset = reader_u24be(&r);
	uint32_t fragment_len = reader_u24be(&r);
	if (!reader_ok(&r) || offset != 0 || fragment_len > message_len || fragment_len != r.left)
		return ERR_PROTO;
	h.is_whole = fragment_len == message_len;
	h.client_version = reader_u16be(&r);
	const uint8_t *random = reader_take(&r, RANDOM_LEN);
	h.session_id_len = reader_u8(&r);
	const uint8_t *session_id = reader_take(&r, h.session_id_len);
	h.cookie_len = reader_u8(&r);
	reader_take(&r, h.cookie_len);
	if (!reader_ok(&r) || h.session_id_len > DTLS_SESSION_ID_MAX || !is_version(h.client_version))
		return ERR_PROTO;
	h.random_is_zero = is_all_zero(random, RANDOM_LEN);
	h.session_id = h.session_id_len > 0 ? session_id : nullptr;
	*out = h;
	return ERR_OK;
}

enum dtls_kind dtls_classify(const uint8_t *p, size_t n, struct dtls_peek *out)
{
	*out = (struct dtls_peek){};
	if (n > 0 && is_other(p[0]))
		return DTLS_OTHER;
	size_t at = 0;
	if (dtls_next_record(p, n, &at, &out->record) != ERR_OK)
		return DTLS_MALFORMED;
	const uint8_t *body = p + DTLS_HEAD_LEN;
	if (out->record.epoch != 0 || out->record.type != DTLS_TYPE_HANDSHAKE ||
	    body[0] != MESSAGE_CLIENT_HELLO)
		return DTLS_RECORD;
	if (parse_hello(body, out->record.body_len, &out->hello) != ERR_OK) {
		*out = (struct dtls_peek){};
		return DTLS_MALFORMED;
	}
	return DTLS_CLIENT_HELLO;
}
