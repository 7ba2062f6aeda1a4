/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/proxy.h"

#define SIGNATURE "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
#define BYTES(text) text, sizeof(text) - 1

static void is(const struct addr *a, const char *text, uint16_t port)
{
	char got[ADDR_TEXT_MAX];
	assert_string_equal(addr_text(a, got), text);
	assert_int_equal(a->port, port);
}

/* Every shorter part of a good header asks for more, and what follows is left alone. */
static struct proxy accept_header(const char *bytes, size_t len)
{
	uint8_t with_more[PROXY_MAX + 64];
	struct proxy h = {};
	for (size_t n = 0; n < len; n++)
		assert_int_equal(proxy_parse(&h, (const uint8_t *)bytes, n), ERR_SHORT);
	memcpy(with_more, bytes, len);
	memset(with_more + len, 0x16, 64);
	assert_int_equal(proxy_parse(&h, with_more, len + 64), ERR_OK);
	assert_int_equal(h.len, len);
	return h;
}

static void version_1(void **)
{
	struct proxy h = accept_header(BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"));
	assert_false(h.is_local);
	is(&h.from, "192.0.2.7", 56324);
	is(&h.to, "198.51.100.1", 443);
	h = accept_header(BYTES("PROXY TCP6 2001:db8::7 2001:db8::1 0 65535\r\n"));
	is(&h.from, "2001:db8::7", 0);
	is(&h.to, "2001:db8::1", 65535);
	/* the longest */
	accept_header(BYTES(
		"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"65535 65535\r\n"));
}

static void version_2(void **)
{
	struct proxy h = accept_header(BYTES(SIGNATURE "\x21\x11\x00\x0c"
						       "\xc0\x00\x02\x07"
						       "\xc6\x33\x64\x01"
						       "\xdc\x04"
						       "\x01\xbb"));
	assert_false(h.is_local);
	is(&h.from, "192.0.2.7", 56324);
	is(&h.to, "198.51.100.1", 443);
	/* with TLVs behind, that are stepped over */
	h = accept_header(BYTES(SIGNATURE "\x21\x11\x00\x13"
					  "\xc0\x00\x02\x07"
					  "\xc6\x33\x64\x01"
					  "\xdc\x04"
					  "\x01\xbb"
					  "\x04\x00\x04"
					  "abcd"));
	is(&h.from, "192.0.2.7", 56324);
	h = accept_header(BYTES(SIGNATURE "\x21\x21\x00\x24"
					  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
					  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
					  "\x00\x01"
					  "\x01\xbb"));
	is(&h.from, "2001:db8::7", 1);
	is(&h.to, "2001:db8::1", 443);
	/* a health check of the balancer */
	h = accept_header(BYTES(SIGNATURE "\x20\x00\x00\x00"));
	assert_true(h.is_local);
	h = accept_header(BYTES(SIGNATURE "\x20\x11\x00\x0c"
					  "\xc0\x00\x02\x07"
					  "\xc6\x33\x64\x01"
					  "\xdc\x04"
					  "\x01\xbb"));
	assert_true(h.is_local);
	assert_false(addr_is_set(&h.from));
}

struct refusal {
	const char *bytes;
	size_t len;
	enum err e;
};

static void check(const struct refusal *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct proxy h = { .len = 77 };
		enum err e = proxy_parse(&h, (const uint8_t *)r[i].bytes, r[i].len);
		if (e != r[i].e)
			fail_msg("%zu: %s, not %s", i, err_text(e), err_text(r[i].e));
		assert_int_equal(h.len, 77);
	}
}

static void refusals_of_version_1(void **)
{
	static const struct refusal bad[] = {
		{ BYTES("PROXY UNKNOWN\r\n"), ERR_UNSUPPORTED },
		{ BYTES("PROXY UNKNOWN 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_UNSUPPORTED },
		{ BYTES("PROXY \r\n"), ERR_SYNTAX },
		{ BYTES("PROXY \n"), ERR_SYNTAX },
		{ BYTES("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 65536 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 192.0.2.7\0 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n"), ERR_SYNTAX },
		{ BYTES("PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n"), ERR_SYNTAX },
		/* 107 bytes and no end */
		{ BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
			"65535      \r"),
		  ERR_SYNTAX },
		{ BYTES("GET / HTTP/1.1\r\n"), ERR_SYNTAX },
		{ BYTES("P "), ERR_SYNTAX },
		{ BYTES("\x16\x03\x01"), ERR_SYNTAX },
		{ BYTES(" PROXY"), ERR_SYNTAX },
	};
	check(bad, ARRAY_LEN(bad));
}

static void refusals_of_version_2(void **)
{
	static const struct refusal bad[] = {
		{ BYTES("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0b"), ERR_SYNTAX },
		{ BYTES("\x0d\x0b"), ERR_SYNTAX },
		{ BYTES(SIGNATURE "\x22\x11\x00\x0c"), ERR_SYNTAX }, /* command */
		{ BYTES(SIGNATURE "\x11\x11\x00\x0c"), ERR_SYNTAX }, /* version */
		{ BYTES(SIGNATURE "\x31\x11\x00\x0c"), ERR_SYNTAX },
		{ BYTES(SIGNATURE "\x21\x00\x00\x00"), ERR_UNSUPPORTED }, /* UNSPEC */
		{ BYTES(SIGNATURE "\x21\x12\x00\x0c"), ERR_UNSUPPORTED }, /* UDP */
		{ BYTES(SIGNATURE "\x21\x31\x00\xd8"), ERR_UNSUPPORTED }, /* UNIX */
		{ BYTES(SIGNATURE "\x21\xff\x00\x0c"), ERR_UNSUPPORTED },
		{ BYTES(SIGNATURE "\x21\x11\x00\x0b"
				  "aaaabbbbccd"),
		  ERR_SYNTAX }, /* cut short by its own length */
		{ BYTES(SIGNATURE "\x21\x11\x00\x00"), ERR_SYNTAX },
		{ BYTES(SIGNATURE "\x21\x21\x00\x0c"
				  "aaaabbbbccdd"),
		  ERR_SYNTAX },
		{ BYTES(SIGNATURE "\x21\x11\x0f\xf1"), ERR_RANGE },
		{ BYTES(SIGNATURE "\x20\x00\xff\xff"), ERR_RANGE },
	};
	check(bad, ARRAY_LEN(bad));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_2),
		cmocka_unit_test(refusals_of_version_1),
		cmocka_unit_test(refusals_of_version_2),
	};
	return cmocka_run_group_tests_name("proxy", tests, nullptr, nullptr);
}
