/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/hello13.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/dtls.h"

constexpr size_t RANDOM_LEN = 32;
constexpr uint16_t EXT_PRE_SHARED_KEY = 41;
constexpr uint16_t EXT_SUPPORTED_VERSIONS = 43;
constexpr uint16_t SUITE_AES128 = 0x1301;
constexpr uint16_t SUITE_CHACHA20 = 0x1303;

/* A vector with a length of one or two bytes: its own reader.  A failed one is empty. */
static struct reader vector8(struct reader *r)
{
	size_t len = reader_u8(r);
	const uint8_t *p = reader_take(r, len);
	return p != nullptr ? reader_of(p, len) : (struct reader){};
}

static struct reader vector16(struct reader *r)
{
	size_t len = reader_u16be(r);
	const uint8_t *p = reader_take(r, len);
	return p != nullptr ? reader_of(p, len) : (struct reader){};
}

/* The body of the message, from behind its header. */
static enum err find_body(const uint8_t *p, size_t n, struct reader *body)
{
	struct dtls_peek peek;
	if (dtls_classify(p, n, &peek) != DTLS_CLIENT_HELLO || !peek.hello.is_whole)
		return ERR_PROTO;
	*body = reader_of(p + DTLS_HEAD_LEN, peek.record.body_len);
	reader_take(body, 1 + 3 + 2 + 3 + 3);
	reader_take(body, 2 + RANDOM_LEN);
	vector8(body); /* session id */
	vector8(body); /* cookie of DTLS 1.2 */
	return reader_ok(body) ? ERR_OK : ERR_PROTO;
}

static enum err read_suites(struct reader suites, struct hello13 *out)
{
	if (suites.left < 2 || suites.left % 2 != 0)
		return ERR_PROTO;
	while (suites.left > 0) {
		uint16_t id = reader_u16be(&suites);
		out->has_aes128 |= id == SUITE_AES128;
		out->has_chacha20 |= id == SUITE_CHACHA20;
	}
	return ERR_OK;
}

static enum err read_versions(struct reader ext, bool *has_13)
{
	struct reader list = vector8(&ext);
	if (!reader_ok(&ext) || ext.left > 0 || list.left < 2 || list.left % 2 != 0)
		return ERR_PROTO;
	while (list.left > 0)
		*has_13 |= reader_u16be(&list) == HELLO13_VERSION;
	return ERR_OK;
}

/* identities<7..2^16-1>, binders<33..2^16-1>.  One identity only: then there is nothing to choose, and it stands at a fixed
 * distance from the end, where the steering program looks for it. */
static enum err read_psk(struct reader ext, struct hello13 *out)
{
	struct reader identities = vector16(&ext), binders = vector16(&ext);
	struct reader identity = vector16(&identities);
	reader_u32be(&identities); /* age of a ticket */
	struct reader binder = vector8(&binders);
	if (!reader_ok(&ext) || !reader_ok(&identities) || !reader_ok(&binders) || ext.left > 0 ||
	    binder.left < 32)
		return ERR_PROTO;
	if (identities.left > 0 || binders.left > 0 || identity.left != ENCODE_HEX_LEN(HELLO13_APP_ID_LEN))
		return ERR_UNSUPPORTED;
	size_t len = 0, hex_len = identity.left;
	const char *hex = (const char *)reader_take(&identity, hex_len);
	return encode_from_hex(hex, hex_len, out->app_id, sizeof out->app_id, &len) == ERR_OK &&
			       len == sizeof out->app_id
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

/* RFC 8446, 4.2.11: the key is the last extension. */
static enum err read_extensions(struct reader all, struct hello13 *out)
{
	bool has_13 = false;
	while (all.left > 0) {
		uint16_t type = reader_u16be(&all);
		struct reader ext = vector16(&all);
		if (!reader_ok(&all))
			return ERR_PROTO;
		if (type == EXT_SUPPORTED_VERSIONS)
			TRY(read_versions(ext, &has_13));
		if (type != EXT_PRE_SHARED_KEY)
			continue;
		if (all.left > 0)
			return ERR_PROTO;
		TRY(read_psk(ext, out));
		return has_13 ? ERR_OK : ERR_UNSUPPORTED;
	}
	return ERR_UNSUPPORTED;
}

enum err hello13_parse(const uint8_t *p, size_t n, struct hello13 *out)
{
	struct reader body;
	struct hello13 h = {};
	TRY(find_body(p, n, &body));
	struct reader suites = vector16(&body);
	vector8(&body); /* compression */
	struct reader extensions = vector16(&body);
	if (!reader_ok(&body) || body.left > 0)
		return ERR_PROTO;
	TRY(read_suites(suites, &h));
	TRY(read_extensions(extensions, &h));
	*out = h;
	return ERR_OK;
}
