/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/dn.h"

#include <string.h>

#include "base/buf.h"

enum tag : uint8_t {
	OID = 0x06,
	UTF8_STRING = 0x0c,
	PRINTABLE_STRING = 0x13,
	IA5_STRING = 0x16,
	SEQUENCE = 0x30,
	SET = 0x31,
};

/* {{ identifiers }} */

/* A number of an identifier, base 128, the highest bits first. */
static void put_arc(struct dn_oid *o, uint64_t n)
{
	uint8_t digits[10];
	size_t digits_n = 0;
	do {
		digits[digits_n++] = n & 0x7f;
		n >>= 7;
	} while (n > 0);
	while (digits_n > 0 && o->len < DN_OID_MAX) {
		digits_n--;
		o->bytes[o->len++] = (uint8_t)(digits[digits_n] | (digits_n > 0 ? 0x80 : 0));
	}
	if (digits_n > 0)
		o->len = DN_OID_MAX + 1; /* too long, and stays so */
}

/* Decimal digits without a leading zero; *text moves behind them. */
static enum err take_number(const char **text, uint64_t *out)
{
	const char *at = *text;
	uint64_t n = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		n = n * 10 + (uint64_t)(*at - '0');
		if (n > UINT32_MAX)
			return ERR_RANGE;
	}
	size_t digits = (size_t)(at - *text);
	if (digits == 0 || (digits > 1 && **text == '0'))
		return ERR_SYNTAX;
	*text = at;
	*out = n;
	return ERR_OK;
}

enum err dn_oid_parse(struct dn_oid *out, const char *text)
{
	struct dn_oid o = {};
	uint64_t first, n;
	TRY(take_number(&text, &first));
	if (first > 2 || *text++ != '.')
		return ERR_SYNTAX;
	TRY(take_number(&text, &n));
	if (first < 2 && n > 39)
		return ERR_SYNTAX;
	put_arc(&o, first * 40 + n);
	while (*text == '.') {
		text++;
		TRY(take_number(&text, &n));
		if (o.len <= DN_OID_MAX)
			put_arc(&o, n);
	}
	if (*text != '\0')
		return ERR_SYNTAX;
	if (o.len > DN_OID_MAX)
		return ERR_RANGE;
	*out = o;
	return ERR_OK;
}

/* {{ text }} */

/* Bytes of the character that begins here, shortest form and no surrogates (RFC 3629); 0: it is none. */
static size_t char_len(const uint8_t *p, size_t left)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool is_outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
	bool is_control = p[0] == 0xc2 && p[1] < 0xa0;
	return is_overlong || is_outside || is_control ? 0 : len;
}

bool dn_is_text(const void *p, size_t len)
{
	const uint8_t *at = p;
	if (len == 0 || len > DN_VALUE_MAX)
		return false;
	for (size_t n; len > 0; at += n, len -= n) {
		n = char_len(at, len);
		if (n == 0)
			return false;
	}
	return true;
}

/* {{ names }} */

static struct reader fail(struct reader *r)
{
	r->failed = true;
	r->left = 0;
	return (struct reader){ .failed = true };
}

/* The next element; the reader fails if it is cut short or its length is not in the shortest form. */
static struct reader any(struct reader *r, uint8_t *tag)
{
	*tag = reader_u8(r);
	size_t len = reader_u8(r), least = 0;
	if (len == 0x81) {
		len = reader_u8(r);
		least = 0x80;
	} else if (len == 0x82) {
		len = reader_u16be(r);
		least = 0x100;
	} else if (len >= 0x80) {
		return fail(r);
	}
	if (!reader_ok(r) || len < least || len > r->left)
		return fail(r);
	return reader_of(reader_take(r, len), len);
}

static struct reader expect(struct reader *r, uint8_t want)
{
	uint8_t tag;
	struct reader body = any(r, &tag);
	return tag == want ? body : fail(r);
}

static enum err add(struct dn_values *out, uint8_t tag, const struct reader *value)
{
	bool is_ascii = tag == PRINTABLE_STRING || tag == IA5_STRING;
	if ((!is_ascii && tag != UTF8_STRING) || !dn_is_text(value->at, value->left) ||
	    out->n == DN_VALUES_MAX)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; is_ascii && i < value->left; i++)
		if (value->at[i] >= 0x80)
			return ERR_UNSUPPORTED;
	out->v[out->n++] = (struct dn_value){ .p = (const char *)value->at, .len = value->left };
	return ERR_OK;
}

/* AttributeTypeAndValue */
static enum err take_field(struct dn_values *out, struct reader *set, const struct dn_oid *oid)
{
	uint8_t tag;
	struct reader pair = expect(set, SEQUENCE);
	struct reader type = expect(&pair, OID);
	struct reader value = any(&pair, &tag);
	if (!reader_ok(&pair) || pair.left > 0 || type.left == 0)
		return ERR_SYNTAX;
	if (type.left != oid->len || memcmp(type.at, oid->bytes, oid->len) != 0)
		return ERR_OK;
	return add(out, tag, &value);
}

enum err dn_find(struct dn_values *out, const uint8_t *name, size_t len, const struct dn_oid *oid)
{
	struct dn_values found = {};
	struct reader r = reader_of(name, len);
	bool is_odd = false;
	while (r.left > 0) {
		struct reader set = expect(&r, SET);
		if (!reader_ok(&r) || set.left == 0)
			return ERR_SYNTAX;
		while (set.left > 0) {
			enum err e = take_field(&found, &set, oid);
			if (e == ERR_SYNTAX)
				return e;
			is_odd |= e != ERR_OK;
		}
	}
	if (is_odd)
		return ERR_UNSUPPORTED;
	*out = found;
	return ERR_OK;
}
