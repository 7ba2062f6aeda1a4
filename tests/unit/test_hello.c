/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/hello.h"

constexpr size_t CAP = 3 * HELLO_MAX;
static uint8_t bytes[CAP], scratch[HELLO_MAX];

/* What to put into a ClientHello. */
struct wish {
	const char *name;
	size_t name_len; /* 0: that of name */
	bool tls13, twice, no_extensions;
	uint16_t suites[4], schemes[4], groups[4];
	size_t padding; /* bytes of a further extension */
	uint8_t session_len;
	const uint8_t *raw; /* a raw extension */
	size_t raw_len;
};

static void put16(struct writer *w, const uint16_t *v, size_t n)
{
	size_t have = 0;
	while (have < n && v[have] != 0)
		have++;
	writer_u16be(w, (uint16_t)(2 * have));
	for (size_t i = 0; i < have; i++)
		writer_u16be(w, v[i]);
}

static void put_list(struct writer *w, uint16_t type, const uint16_t *v)
{
	size_t n = 0;
	while (n < 4 && v[n] != 0)
		n++;
	if (n == 0)
		return;
	writer_u16be(w, type);
	writer_u16be(w, (uint16_t)(2 * n + 2));
	put16(w, v, n);
}

static void put_name(struct writer *w, const struct wish *h)
{
	size_t n = h->name_len != 0 ? h->name_len : strlen(h->name);
	writer_u16be(w, 0);
	writer_u16be(w, (uint16_t)(n + 5));
	writer_u16be(w, (uint16_t)(n + 3));
	writer_u8(w, 0);
	writer_u16be(w, (uint16_t)n);
	writer_put(w, h->name, n);
}

static void put_extensions(struct writer *w, const struct wish *h)
{
	static uint8_t zeros[HELLO_MAX];
	if (h->name != nullptr)
		put_name(w, h);
	if (h->twice)
		put_name(w, h);
	put_list(w, 13, h->schemes);
	put_list(w, 10, h->groups);
	if (h->tls13)
		writer_put(w, "\x00\x2b\x00\x05\x04\x03\x04\x03\x03", 9);
	writer_put(w, h->raw, h->raw_len);
	if (h->padding > 0) {
		writer_u16be(w, 21);
		writer_u16be(w, (uint16_t)h->padding);
		writer_put(w, zeros, h->padding);
	}
}

/* The message without records. */
static size_t message(const struct wish *h, uint8_t out[HELLO_MAX + 1024])
{
	static uint8_t inner[HELLO_MAX + 512], fill[64];
	struct writer e = writer_of(inner, sizeof inner);
	put_extensions(&e, h);
	assert_true(writer_ok(&e));
	struct writer w = writer_of(out, HELLO_MAX + 1024);
	writer_u8(&w, 1);
	writer_u24be(&w, 0);
	writer_u16be(&w, 0x0303);
	writer_put(&w, fill, 32);
	writer_u8(&w, h->session_len);
	writer_put(&w, fill, h->session_len);
	put16(&w, h->suites, 4);
	writer_put(&w, "\x01\x00", 2);
	if (!h->no_extensions) {
		writer_u16be(&w, (uint16_t)e.len);
		writer_put(&w, inner, e.len);
	}
	assert_true(writer_ok(&w));
	size_t n = w.len - 4;
	out[1] = (uint8_t)(n >> 16);
	out[2] = (uint8_t)(n >> 8);
	out[3] = (uint8_t)n;
	return w.len;
}

/* In records of at most part bytes, into bytes. */
static size_t records(const struct wish *h, size_t part)
{
	static uint8_t m[HELLO_MAX + 1024];
	size_t len = message(h, m);
	struct writer w = writer_of(bytes, CAP);
	for (size_t at = 0; at < len; at += part) {
		size_t n = MIN(part, len - at);
		writer_put(&w, "\x16\x03\x01", 3);
		writer_u16be(&w, (uint16_t)n);
		writer_put(&w, m + at, n);
	}
	assert_true(writer_ok(&w));
	return w.len;
}

static const struct wish usual = { .name = "VPN.Example.test",
				   .tls13 = true,
				   .suites = { 0x1301, 0xc02b },
				   .schemes = { 0x0403, 0x0804 },
				   .groups = { 0x11ec, 29 },
				   .session_len = 32 };

static void what_is_offered(void **)
{
	const size_t parts[] = { 16384, 100, 7, 1 };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = records(&usual, parts[i]);
		struct hello h = {};
		for (size_t n = 0; n < len; n++)
			assert_int_equal(hello_parse(&h, bytes, n, scratch), ERR_SHORT);
		memset(bytes + len, 0xff, 16); /* what follows is not looked at */
		assert_int_equal(hello_parse(&h, bytes, len + 16, scratch), ERR_OK);
		assert_string_equal(h.name, "vpn.example.test");
		assert_true(h.has_tls13);
		assert_true(h.suites.n == 2 && hello_has(&h.suites, 0xc02b) && !hello_has(&h.suites, 0xc02f));
		assert_true(h.schemes.n == 2 && hello_has(&h.schemes, 0x0804));
		assert_true(h.groups.n == 2 && h.groups.v[0] == 0x11ec);
	}
}

static struct hello parse(struct wish w)
{
	struct hello h = {};
	if (w.suites[0] == 0)
		w.suites[0] = 0x1301;
	assert_int_equal(hello_parse(&h, bytes, records(&w, 16384), scratch), ERR_OK);
	return h;
}

static void names_that_no_host_has(void **)
{
	static const struct {
		const char *name;
		size_t len;
		const char *kept;
	} names[] = {
		{ "a.example.test.", 0, "a.example.test" },
		{ "under_score.test", 0, "under_score.test" },
		{ "a b", 0, "" },
		{ "a\0b", 3, "" },
		{ "a/b", 0, "" },
		{ "\xc3\xa4.test", 0, "" },
		{ "[::1]", 0, "" },
		{ ".", 0, "" },
		{ "a\nb", 0, "" },
		{ "*.test", 0, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(
			parse((struct wish){ .name = names[i].name, .name_len = names[i].len }).name,
			names[i].kept);
	static char longest[300];
	memset(longest, 'a', sizeof longest - 1);
	assert_string_equal(parse((struct wish){ .name = longest }).name, "");
	assert_string_equal(parse((struct wish){ .name = longest, .name_len = 255 }).name,
			    longest + 299 - 255);
	assert_string_equal(parse((struct wish){}).name, "");
	assert_false(parse((struct wish){}).has_tls13);
	assert_int_equal(parse((struct wish){ .no_extensions = true }).suites.n, 1);
}

static void large_ones(void **)
{
	struct hello h;
	struct wish w = usual;
	w.padding = HELLO_MAX - 300; /* with key shares of the future */
	size_t len = records(&w, 16384);
	assert_int_equal(hello_parse(&h, bytes, len, scratch), ERR_OK);
	assert_int_equal(hello_parse(&h, bytes, len - 1, scratch), ERR_SHORT);
	w.padding = HELLO_MAX;
	assert_int_equal(hello_parse(&h, bytes, records(&w, 16384), scratch), ERR_RANGE);
	assert_int_equal(hello_parse(&h, bytes, 9, scratch), ERR_RANGE); /* said as soon as it is known */
}

static void strangers_are_known_by_their_first_bytes(void **)
{
	static const struct {
		const char *p;
		size_t n;
	} all[] = {
#define BYTES(text) { text, sizeof(text) - 1 }
		BYTES("GET / HTTP/1.1\r\n"),
		BYTES("\x15\x03\x01"),
		BYTES("\x17"),
		BYTES("\x16\x02"),
		BYTES("\x80\x2e\x01"),
		BYTES("SSH-2.0"),
		BYTES("\x16\x03\x01\x00\x05\x02"), /* ServerHello */
		BYTES("\x16\x03\x01\x48\x00"), /* larger than a record may be */
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct hello h = { .has_tls13 = true };
		assert_int_equal(hello_parse(&h, (const uint8_t *)all[i].p, all[i].n, scratch), ERR_SYNTAX);
		assert_true(h.has_tls13);
	}
	struct hello h;
	const uint8_t empty[] = { 22, 3, 1, 0, 0, 22, 3, 1, 0, 0 };
	assert_int_equal(hello_parse(&h, empty, sizeof empty, scratch), ERR_SYNTAX);
}

static void refuse(struct wish w)
{
	struct hello h = { .has_tls13 = true };
	w.suites[0] = 0x1301;
	assert_int_equal(hello_parse(&h, bytes, records(&w, 16384), scratch), ERR_SYNTAX);
	assert_true(h.has_tls13);
}
#define REFUSE_EXTENSION(text) \
	refuse((struct wish){ .raw = (const uint8_t *)(text), .raw_len = sizeof(text) - 1 })

static void malformed_ones(void **)
{
	refuse((struct wish){ .name = "a", .twice = true });
	refuse((struct wish){ .session_len = 33 });
	REFUSE_EXTENSION("\x00\x00\x00\x00");                     /* SNI without a list */
	REFUSE_EXTENSION("\x00\x00\x00\x02\x00\x00");             /* empty */
	REFUSE_EXTENSION("\x00\x00\x00\x05\x00\x03\x00\x00\x01"); /* the name is cut off */
	REFUSE_EXTENSION("\x00\x00\x00\x06\x00\x03\x00\x00\x00x");/* bytes behind the list */
	REFUSE_EXTENSION("\x00\x0d\x00\x03\x00\x01\x04");         /* odd list */
	REFUSE_EXTENSION("\x00\x0d\x00\x02\x00\x00");             /* empty list */
	REFUSE_EXTENSION("\x00\x0a\x00\x04\x00\x04\x00\x1d");     /* cut off */
	REFUSE_EXTENSION("\x00\x2b\x00\x02\x02\x03");
	REFUSE_EXTENSION("\x00\x2b\x00\x04\x02\x03\x04x");
	REFUSE_EXTENSION("\x00\x2b\x00");                         /* no whole extension */
	REFUSE_EXTENSION("\x00\x2b\x00\x09\x02\x03\x04");
	/* lengths inside that reach beyond the message, one after the other */
	size_t len = records(&usual, 16384);
	const size_t at[] = { 5 + 4 + 34, 5 + 4 + 34 + 33, 5 + 4 + 34 + 33 + 6, 5 + 4 + 34 + 33 + 8 };
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct hello h;
		uint8_t was = bytes[at[i]];
		bytes[at[i]] = 0xff;
		assert_int_equal(hello_parse(&h, bytes, len, scratch), ERR_SYNTAX);
		bytes[at[i]] = was;
	}
	struct hello h;
	assert_int_equal(hello_parse(&h, bytes, len, scratch), ERR_OK);
	/* too many extensions */
	static uint8_t many[70 * 4];
	for (size_t i = 0; i < 70; i++)
		many[4 * i] = 0x40, many[4 * i + 1] = (uint8_t)i;
	refuse((struct wish){ .raw = many, .raw_len = sizeof many });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_offered), cmocka_unit_test(names_that_no_host_has),
		cmocka_unit_test(large_ones),      cmocka_unit_test(strangers_are_known_by_their_first_bytes),
		cmocka_unit_test(malformed_ones),
	};
	return cmocka_run_group_tests_name("hello", tests, nullptr, nullptr);
}
