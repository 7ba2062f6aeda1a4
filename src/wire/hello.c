/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/hello.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

constexpr uint8_t RECORD_HANDSHAKE = 22;
constexpr uint8_t CLIENT_HELLO = 1;
constexpr size_t RECORD_HEAD = 5;
constexpr size_t RECORD_MOST = 16384;
constexpr size_t MESSAGE_HEAD = 4;
constexpr size_t EXTENSIONS_MAX = 64;

enum extension : uint16_t { EXT_NAME = 0, EXT_GROUPS = 10, EXT_SCHEMES = 13, EXT_VERSIONS = 43 };

/* Payload of records one after the other into scratch until the message is whole. */
static enum err gather(const uint8_t *p, size_t len, uint8_t scratch[HELLO_MAX], size_t *message_len)
{
	struct reader r = reader_of(p, len);
	size_t have = 0, need = MESSAGE_HEAD;
	while (have < need) {
		/* judge what is there: a stranger is known by its first byte */
		if ((r.left > 0 && r.at[0] != RECORD_HANDSHAKE) || (r.left > 1 && r.at[1] != 3))
			return ERR_SYNTAX;
		if (r.left < RECORD_HEAD)
			return ERR_SHORT;
		reader_take(&r, RECORD_HEAD - 2);
		size_t part = reader_u16be(&r);
		if (part == 0 || part > RECORD_MOST)
			return ERR_SYNTAX;
		size_t here = MIN(MIN(part, r.left), HELLO_MAX - have);
		memcpy(scratch + have, reader_take(&r, here), here);
		have += here;
		if (have > 0 && scratch[0] != CLIENT_HELLO)
			return ERR_SYNTAX;
		if (have >= MESSAGE_HEAD) {
			need = MESSAGE_HEAD +
			       ((size_t)scratch[1] << 16 | (size_t)scratch[2] << 8 | scratch[3]);
			if (need > HELLO_MAX)
				return ERR_RANGE;
		}
		if (have < need && here < part)
			return ERR_SHORT;
	}
	*message_len = need;
	return ERR_OK;
}

/* A vector with a length of two bytes before it. */
static struct reader vector16(struct reader *r)
{
	size_t n = reader_u16be(r);
	const uint8_t *p = reader_take(r, n);
	return p != nullptr ? reader_of(p, n) : (struct reader){ .failed = true };
}

static struct reader vector8(struct reader *r)
{
	size_t n = reader_u8(r);
	const uint8_t *p = reader_take(r, n);
	return p != nullptr ? reader_of(p, n) : (struct reader){ .failed = true };
}

static enum err take_list(struct hello_list *out, struct reader r)
{
	if (r.failed || r.left < 2 || r.left % 2 != 0)
		return ERR_SYNTAX;
	while (r.left > 0) {
		uint16_t v = reader_u16be(&r);
		if (out->n < HELLO_LIST_MAX)
			out->v[out->n++] = v;
	}
	return ERR_OK;
}

/* A name that no host has is as good as none. */
static void keep_name(struct hello *out, const uint8_t *p, size_t len)
{
	if (len > 0 && p[len - 1] == '.')
		len--;
	if (len == 0 || len > HELLO_NAME_MAX)
		return;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum(p[i]) && p[i] != '-' && p[i] != '.' && p[i] != '_')
			return;
	}
	for (size_t i = 0; i < len; i++)
		out->name[i] = (char)tolower(p[i]);
	out->name[len] = '\0';
}

static enum err take_names(struct hello *out, struct reader r)
{
	struct reader list = vector16(&r);
	if (!reader_ok(&r) || r.left > 0 || list.left == 0)
		return ERR_SYNTAX;
	while (list.left > 0) {
		uint8_t type = reader_u8(&list);
		struct reader name = vector16(&list);
		if (!reader_ok(&list))
			return ERR_SYNTAX;
		if (type == 0 && out->name[0] == '\0')
			keep_name(out, name.at, name.left);
	}
	return ERR_OK;
}

static enum err take_versions(struct hello *out, struct reader r)
{
	struct hello_list versions = {};
	struct reader list = vector8(&r);
	if (!reader_ok(&r) || r.left > 0)
		return ERR_SYNTAX;
	TRY(take_list(&versions, list));
	out->has_tls13 = hello_has(&versions, 0x0304);
	return ERR_OK;
}

static enum err take_list16(struct hello_list *out, struct reader r)
{
	struct reader list = vector16(&r);
	return reader_ok(&r) && r.left == 0 ? take_list(out, list) : ERR_SYNTAX;
}

static enum err take_extension(struct hello *out, uint16_t type, struct reader body)
{
	switch (type) {
	case EXT_NAME: return take_names(out, body);
	case EXT_GROUPS: return take_list16(&out->groups, body);
	case EXT_SCHEMES: return take_list16(&out->schemes, body);
	case EXT_VERSIONS: return take_versions(out, body);
	default: return ERR_OK;
	}
}

static enum err take_extensions(struct hello *out, struct reader r)
{
	uint16_t seen[EXTENSIONS_MAX];
	for (size_t n = 0; r.left > 0; n++) {
		uint16_t type = reader_u16be(&r);
		struct reader body = vector16(&r);
		if (!reader_ok(&r) || n == EXTENSIONS_MAX)
			return ERR_SYNTAX;
		for (size_t i = 0; i < n; i++)
			if (seen[i] == type)
				return ERR_SYNTAX;
		seen[n] = type;
		TRY(take_extension(out, type, body));
	}
	return ERR_OK;
}

enum err hello_parse(struct hello *out, const uint8_t *p, size_t len, uint8_t scratch[HELLO_MAX])
{
	size_t message_len = 0;
	TRY(gather(p, len, scratch, &message_len));
	struct hello h = {};
	struct reader r = reader_of(scratch + MESSAGE_HEAD, message_len - MESSAGE_HEAD);
	reader_take(&r, 2 + 32); /* legacy version, random */
	struct reader session = vector8(&r);
	struct reader suites = vector16(&r);
	struct reader compression = vector8(&r);
	if (!reader_ok(&r) || session.left > 32 || compression.left == 0)
		return ERR_SYNTAX;
	TRY(take_list(&h.suites, suites));
	if (r.left > 0) {
		struct reader extensions = vector16(&r);
		if (!reader_ok(&r) || r.left > 0)
			return ERR_SYNTAX;
		TRY(take_extensions(&h, extensions));
	}
	*out = h;
	return ERR_OK;
}

bool hello_has(const struct hello_list *l, uint16_t number)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == number)
			return true;
	return false;
}
