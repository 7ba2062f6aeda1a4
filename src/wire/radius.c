/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/radius.h"

#include <string.h>

#include "base/secret.h"
#include "wire/md5.h"

static_assert(RADIUS_AUTHENTICATOR_LEN == MD5_LEN, "authenticators are hashes");

constexpr size_t AUTHENTICATOR_AT = 4;
constexpr size_t ATTRIBUTE_HEADER = 2;
/* Of an Access-Request, where radius_begin puts it. */
constexpr size_t SIGNATURE_AT = RADIUS_HEADER_LEN + ATTRIBUTE_HEADER;

/* RFC 3579, 3.2.  HMAC takes a key that is longer than a block by its hash: RFC 2104, 2. */
static void sign(const uint8_t *p, size_t len, struct radius_key key, uint8_t out[MD5_LEN])
{
	uint8_t hash[MD5_LEN];
	if (key.len > MD5_BLOCK) {
		struct md5 m;
		md5_init(&m);
		md5_add(&m, key.p, key.len);
		md5_finish(&m, hash);
		key = (struct radius_key){ hash, sizeof hash };
	}
	[[maybe_unused]] enum err e = md5_hmac(key.p, key.len, p, len, nullptr, 0, out);
	assert(e == ERR_OK);
	secret_wipe_bytes(hash, sizeof hash);
}

static void hash_with_key(const uint8_t *p, size_t len, struct radius_key key, uint8_t out[MD5_LEN])
{
	struct md5 m;
	md5_init(&m);
	md5_add(&m, p, len);
	md5_add(&m, key.p, key.len);
	md5_finish(&m, out);
}

/* {{ requests }} */

void radius_begin(struct radius_request *r, enum radius_code code, uint8_t id,
		  const uint8_t random[RADIUS_AUTHENTICATOR_LEN])
{
	static const uint8_t zero[MD5_LEN];
	*r = (struct radius_request){ .len = RADIUS_HEADER_LEN };
	r->b[0] = code;
	r->b[1] = id;
	if (code != RADIUS_ACCESS_REQUEST)
		return;
	memcpy(r->b + AUTHENTICATOR_AT, random, RADIUS_AUTHENTICATOR_LEN);
	radius_add(r, RADIUS_MESSAGE_AUTHENTICATOR, zero, sizeof zero);
}

void radius_add(struct radius_request *r, enum radius_type type, const void *p, size_t len)
{
	if (len == 0)
		return;
	if (len > RADIUS_VALUE_MAX || len + ATTRIBUTE_HEADER > sizeof r->b - r->len) {
		r->failed = true;
		return;
	}
	r->b[r->len] = type;
	r->b[r->len + 1] = (uint8_t)(len + ATTRIBUTE_HEADER);
	memcpy(r->b + r->len + ATTRIBUTE_HEADER, p, len);
	r->len += len + ATTRIBUTE_HEADER;
}

void radius_add_text(struct radius_request *r, enum radius_type type, const char *text)
{
	radius_add(r, type, text, strlen(text));
}

void radius_add_number(struct radius_request *r, enum radius_type type, uint32_t n)
{
	const uint8_t be[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
	radius_add(r, type, be, sizeof be);
}

/* RFC 2865, 5.2: each block is masked by the hash of the key and what was masked before it. */
void radius_add_password(struct radius_request *r, struct radius_key key, const char *password)
{
	uint8_t hidden[RADIUS_PASSWORD_MAX] = {}, mask[MD5_LEN];
	const uint8_t *before = r->b + AUTHENTICATOR_AT;
	size_t len = strlen(password);
	if (len > sizeof hidden) {
		r->failed = true;
		return;
	}
	memcpy(hidden, password, len);
	size_t padded = MAX((len + MD5_LEN - 1) / MD5_LEN, (size_t)1) * MD5_LEN;
	for (size_t at = 0; at < padded; at += MD5_LEN) {
		struct md5 m;
		md5_init(&m);
		md5_add(&m, key.p, key.len);
		md5_add(&m, before, MD5_LEN);
		md5_finish(&m, mask);
		for (size_t i = 0; i < MD5_LEN; i++)
			hidden[at + i] ^= mask[i];
		before = hidden + at;
	}
	radius_add(r, RADIUS_USER_PASSWORD, hidden, padded);
	secret_wipe_bytes(mask, sizeof mask);
}

enum err radius_finish(struct radius_request *r, struct radius_key key)
{
	if (r->failed)
		return ERR_RANGE;
	r->b[2] = (uint8_t)(r->len >> 8);
	r->b[3] = (uint8_t)r->len;
	uint8_t out[MD5_LEN];
	if (r->b[0] == RADIUS_ACCESS_REQUEST) {
		sign(r->b, r->len, key, out);
		memcpy(r->b + SIGNATURE_AT, out, sizeof out);
	} else {
		hash_with_key(r->b, r->len, key, out); /* RFC 2866, 3: over zeros in its place */
		memcpy(r->b + AUTHENTICATOR_AT, out, sizeof out);
	}
	return ERR_OK;
}

void radius_wipe(struct radius_request *r)
{
	secret_wipe_bytes(r, sizeof *r);
}

/* {{ answers }} */

/* Every attribute fits, and there is at most one Message-Authenticator, of the right length; *signature is where its value
 * stands in p, 0 if nowhere. */
static bool has_good_lengths(const uint8_t *p, size_t len, size_t *signature)
{
	*signature = 0;
	for (size_t at = RADIUS_HEADER_LEN; at < len;) {
		if (len - at < ATTRIBUTE_HEADER || p[at + 1] < ATTRIBUTE_HEADER || p[at + 1] > len - at)
			return false;
		if (p[at] == RADIUS_MESSAGE_AUTHENTICATOR) {
			if (*signature != 0 || p[at + 1] != ATTRIBUTE_HEADER + MD5_LEN)
				return false;
			*signature = at + ATTRIBUTE_HEADER;
		}
		at += p[at + 1];
	}
	return true;
}

static bool is_answer_to(uint8_t code, uint8_t request)
{
	switch (code) {
	case RADIUS_ACCESS_ACCEPT:
	case RADIUS_ACCESS_REJECT:
	case RADIUS_ACCESS_CHALLENGE: return request == RADIUS_ACCESS_REQUEST;
	case RADIUS_ACCOUNTING_RESPONSE: return request == RADIUS_ACCOUNTING_REQUEST;
	default: return false;
	}
}

/* Both hashes are taken over the answer with the request's authenticator in place of its own. */
static bool is_from_server(const uint8_t *p, size_t len, size_t signature, const struct radius_request *r,
			   struct radius_key key)
{
	uint8_t copy[RADIUS_PACKET_MAX], want[MD5_LEN];
	memcpy(copy, p, len);
	memcpy(copy + AUTHENTICATOR_AT, r->b + AUTHENTICATOR_AT, RADIUS_AUTHENTICATOR_LEN);
	hash_with_key(copy, len, key, want);
	bool is_good = secret_is_equal_bytes(want, p + AUTHENTICATOR_AT, sizeof want);
	if (signature != 0) {
		memset(copy + signature, 0, MD5_LEN);
		sign(copy, len, key, want);
		is_good &= secret_is_equal_bytes(want, p + signature, sizeof want);
	}
	return is_good;
}

enum radius_verdict radius_read(const uint8_t *p, size_t len, const struct radius_request *r,
				struct radius_key key, bool needs_signature, struct radius_answer *out)
{
	*out = (struct radius_answer){};
	if (len < RADIUS_HEADER_LEN)
		return RADIUS_MALFORMED;
	size_t said = (size_t)p[2] << 8 | p[3], signature;
	if (said < RADIUS_HEADER_LEN || said > RADIUS_PACKET_MAX || said > len)
		return RADIUS_MALFORMED;
	if (p[1] != r->b[1] || !is_answer_to(p[0], r->b[0]))
		return RADIUS_STRANGE;
	/* what follows the said length is padding: RFC 2865, 3 */
	if (!has_good_lengths(p, said, &signature))
		return RADIUS_MALFORMED;
	if (!is_from_server(p, said, signature, r, key))
		return RADIUS_FORGED;
	if (signature == 0 && needs_signature && r->b[0] == RADIUS_ACCESS_REQUEST)
		return RADIUS_UNSIGNED;
	*out = (struct radius_answer){ .code = p[0],
				       .attributes = p + RADIUS_HEADER_LEN,
				       .len = said - RADIUS_HEADER_LEN };
	return RADIUS_GOOD;
}

bool radius_next(const struct radius_answer *a, size_t *at, struct radius_attribute *out)
{
	if (*at >= a->len)
		return false;
	const uint8_t *p = a->attributes + *at;
	*out = (struct radius_attribute){ .type = p[0],
					  .len = (uint8_t)(p[1] - ATTRIBUTE_HEADER),
					  .value = p + ATTRIBUTE_HEADER };
	*at += p[1];
	return true;
}

bool radius_find(const struct radius_answer *a, enum radius_type type, struct radius_attribute *out)
{
	for (size_t at = 0; radius_next(a, &at, out);)
		if (out->type == type)
			return true;
	*out = (struct radius_attribute){};
	return false;
}
