/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: dn_find, dn_oid_parse. Input: the content of a Name; the same bytes as dotted text. */
#include <string.h>

#include "base/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, const struct dn_oid *oid)
{
	struct dn_values out = { .n = 77 };
	if (dn_find(&out, data, size, oid) != ERR_OK) {
		assert(out.n == 77);
		return;
	}
	assert(out.n <= DN_VALUES_MAX);
	for (size_t i = 0; i < out.n; i++) {
		const uint8_t *p = (const uint8_t *)out.v[i].p;
		assert(p >= data && p + out.v[i].len <= data + size);
		assert(dn_is_text(p, out.v[i].len));
		assert(memchr(p, '\0', out.v[i].len) == nullptr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const oids[] = { "2.5.4.3", "2.5.4.11", "0.9.2342.19200300.100.1.1" };
	struct dn_oid oid;
	for (size_t i = 0; i < ARRAY_LEN(oids); i++) {
		enum err e = dn_oid_parse(&oid, oids[i]);
		assert(e == ERR_OK);
		check(data, size, &oid);
	}
	char text[64];
	size_t n = MIN(size, sizeof text - 1);
	memcpy(text, data, n);
	text[n] = '\0';
	if (dn_oid_parse(&oid, text) == ERR_OK) {
		assert(oid.len > 0 && oid.len <= DN_OID_MAX && (oid.bytes[oid.len - 1] & 0x80) == 0);
		check(data, size, &oid);
	}
	return 0;
}
