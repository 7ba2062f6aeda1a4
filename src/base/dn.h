/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dn - fields of a distinguished name (the subject of a certificate), by their object identifier
 *
 * Owner:    the caller owns the bytes; values point into them.
 * Never:    allocates.
 * Source:   X.501 Name in DER, RFC 5280 4.1.2.4; identifiers in dotted text.
 */
#pragma once

#include "base/base.h"

constexpr size_t DN_OID_MAX = 32;    /* bytes of an identifier in DER */
constexpr size_t DN_VALUE_MAX = 255; /* bytes of a value */
constexpr size_t DN_VALUES_MAX = 16;

struct dn_oid {
	uint8_t bytes[DN_OID_MAX]; /* content of the OBJECT IDENTIFIER */
	size_t len;
};

/* UTF-8 without control characters, not terminated. */
struct dn_value {
	const char *p;
	size_t len; /* 1 to DN_VALUE_MAX */
};

struct dn_values {
	struct dn_value v[DN_VALUES_MAX];
	size_t n;
};

/* "2.5.4.3" to DER.  ERR_SYNTAX: no identifier of at least two numbers; ERR_RANGE: a number above 2^32-1, or too long. */
enum err dn_oid_parse(struct dn_oid *out, const char *text);

/* May these bytes be a name: UTF-8, 1 to DN_VALUE_MAX bytes, no control characters? */
bool dn_is_text(const void *p, size_t len);

/* All values of this field in their order; n = 0: there are none.  name is the content of the Name's SEQUENCE.  ERR_SYNTAX: the name
 * is malformed; ERR_UNSUPPORTED: the field is there, but a value of it is empty, too long, no text of UTF8String, PrintableString or
 * IA5String, or there are more than DN_VALUES_MAX. */
enum err dn_find(struct dn_values *out, const uint8_t *name, size_t len, const struct dn_oid *oid);
