/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/dn.h"

static uint8_t bytes[2048];

static size_t load(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/fuzz/corpus/dn/%s", TEST_DATA_DIR, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_true(n > 0);
	return n;
}

static struct dn_oid oid_of(const char *text)
{
	struct dn_oid o;
	assert_int_equal(dn_oid_parse(&o, text), ERR_OK);
	return o;
}

static void is_value(const struct dn_values *v, size_t i, const char *text)
{
	assert_true(i < v->n);
	assert_int_equal(v->v[i].len, strlen(text));
	assert_memory_equal(v->v[i].p, text, strlen(text));
}

static void identifiers(void **)
{
	static const uint8_t cn[] = { 0x55, 0x04, 0x03 };
	static const uint8_t uid[] = { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 };
	struct dn_oid o = oid_of("2.5.4.3");
	assert_int_equal(o.len, sizeof cn);
	assert_memory_equal(o.bytes, cn, sizeof cn);
	o = oid_of("0.9.2342.19200300.100.1.1");
	assert_int_equal(o.len, sizeof uid);
	assert_memory_equal(o.bytes, uid, sizeof uid);
	o = oid_of("2.999.4294967295");
	assert_int_equal(o.len, 7);
}

static void what_is_no_identifier(void **)
{
	static const char *const bad[] = { "",         "2",        "2.",       ".2.5",    "2..5",
					   "2.5.4.3.", "3.1",      "1.40",     "0.40.1",  "2.5.x",
					   "2.5 .4",   " 2.5.4.3", "2.5.4.3 ", "2.05",    "CN",
					   "-1.2",     "2.5.-4",   "+2.5.4",   "2.5.4.03" };
	struct dn_oid o = { .len = 77 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(dn_oid_parse(&o, bad[i]), ERR_SYNTAX);
	assert_int_equal(dn_oid_parse(&o, "2.5.4294967296"), ERR_RANGE);
	assert_int_equal(dn_oid_parse(&o, "2.5.99999999999999999999999999"), ERR_RANGE);
	assert_int_equal(
		dn_oid_parse(
			&o,
			"1.3.4294967295.4294967295.4294967295.4294967295.4294967295.4294967295.4294967295"),
		ERR_RANGE);
	assert_int_equal(o.len, 77);
}

/* /DC=test/OU=staff/OU=admins+CN=both/CN=Zoë of openssl */
static void fields_are_found(void **)
{
	struct dn_values v;
	size_t len = load("several.der");
	struct dn_oid o = oid_of("2.5.4.11");
	assert_int_equal(dn_find(&v, bytes, len, &o), ERR_OK);
	assert_int_equal(v.n, 2);
	is_value(&v, 0, "staff");
	is_value(&v, 1, "admins");
	o = oid_of("0.9.2342.19200300.100.1.1");
	assert_int_equal(dn_find(&v, bytes, len, &o), ERR_OK);
	assert_int_equal(v.n, 1);
	is_value(&v, 0, "zoe");
	o = oid_of("2.5.4.3");
	assert_int_equal(dn_find(&v, bytes, len, &o), ERR_OK);
	is_value(&v, 0, "Zo\xc3\xab");
}

static void a_field_that_is_not_there(void **)
{
	struct dn_values v;
	size_t len = load("several.der");
	struct dn_oid o = oid_of("2.5.4");
	assert_int_equal(dn_find(&v, bytes, len, &o), ERR_OK);
	assert_int_equal(v.n, 0);
	o = oid_of("2.5.4.3.1");
	assert_int_equal(dn_find(&v, bytes, len, &o), ERR_OK);
	assert_int_equal(v.n, 0);
	assert_int_equal(dn_find(&v, bytes, 0, &o), ERR_OK); /* an empty name */
	assert_int_equal(v.n, 0);
}

static void a_part_is_no_name(void **)
{
	struct dn_values v = { .n = 77 };
	struct dn_oid o = oid_of("2.5.4.3");
	size_t len = load("one.der");
	for (size_t n = 1; n < len; n++)
		assert_int_equal(dn_find(&v, bytes, n, &o), ERR_SYNTAX);
	bytes[len] = 0;
	assert_int_equal(dn_find(&v, bytes, len + 1, &o), ERR_SYNTAX);
	assert_int_equal(v.n, 77);
}

static void malformed_names(void **)
{
	static const struct {
		uint8_t b[24];
		size_t len;
	} bad[] = {
		{ { 0x31, 0x00 }, 2 },           /* a set of nothing */
		{ { 0x30, 0x00 }, 2 },           /* no set */
		{ { 0x31, 0x02, 0x30, 0x00 }, 4 },                                  /* no field */
		{ { 0x31, 0x80, 0x00, 0x00 }, 4 },                                  /* indefinite length */
		{ { 0x31, 0x81, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, 'a' },
		  13 }, /* a long form of a short length */
		{ { 0x31, 0x84, 0, 0, 0, 1, 0 }, 7 },
		{ { 0x31, 0x0a, 0x30, 8, 4, 3, 0x55, 4, 3, 0x0c, 1, 'a' },
		  12 },      /* the type is no identifier */
		{ { 0x31, 0x0a, 0x30, 8, 6, 4, 0x55, 4, 3, 0x0c, 1, 'a' }, 12 }, /* lengths that do not fit */
		{ { 0x31, 0x0b, 0x30, 9, 6, 3, 0x55, 4, 3, 0x0c, 1, 'a', 0 },
		  13 }, /* bytes behind the value */
		{ { 0x31, 0x07, 0x30, 5, 6, 0, 0x0c, 1, 'a' }, 9 }, /* an empty identifier */
	};
	struct dn_values v;
	struct dn_oid o = oid_of("2.5.4.3");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(dn_find(&v, bad[i].b, bad[i].len, &o), ERR_SYNTAX);
}

/* A field with one value of this kind. */
static enum err find_one(uint8_t tag, const void *value, size_t len)
{
	struct dn_values v;
	struct dn_oid o = oid_of("2.5.4.3");
	uint8_t b[700] = { 0x31,
			   0x82,
			   (uint8_t)((len + 13) >> 8),
			   (uint8_t)(len + 13),
			   0x30,
			   0x82,
			   (uint8_t)((len + 9) >> 8),
			   (uint8_t)(len + 9),
			   6,
			   3,
			   0x55,
			   4,
			   3,
			   tag,
			   0x82,
			   (uint8_t)(len >> 8),
			   (uint8_t)len };
	memcpy(b + 17, value, len);
	return dn_find(&v, b, len + 17, &o);
}

static void values_that_are_no_names(void **)
{
	uint8_t long_one[600];
	memset(long_one, 'a', sizeof long_one);
	assert_int_equal(find_one(0x0c, long_one, 256), ERR_UNSUPPORTED);
	assert_int_equal(find_one(0x0c, long_one, 600), ERR_UNSUPPORTED);
	memcpy(long_one + 128, "\0", 1); /* root\0.example: the end is not the end */
	assert_int_equal(find_one(0x0c, long_one, 255 + 1), ERR_UNSUPPORTED);
	memset(long_one, 'a', sizeof long_one);
	long_one[255] = '\0';
	assert_int_equal(find_one(0x16, long_one, 256), ERR_UNSUPPORTED);
	assert_int_equal(find_one(0x1e, long_one, 256), ERR_UNSUPPORTED); /* BMPString */
	assert_int_equal(find_one(0x14, long_one, 256), ERR_UNSUPPORTED); /* TeletexString */
}

static void what_is_text(void **)
{
	assert_true(dn_is_text("a", 1));
	assert_true(dn_is_text("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80", 13));
	static const struct {
		const char *p;
		size_t len;
	} bad[] = { { "", 0 },
		    { "a\0b", 3 },
		    { "a\n", 2 },
		    { "\x1b[", 2 },
		    { "\x7f", 1 },
		    { "\xc3", 1 },
		    { "\x80", 1 },
		    { "\xc0\xaf", 2 },
		    { "\xe0\x80\x80", 3 },
		    { "\xed\xa0\x80", 3 },
		    { "\xf4\x90\x80\x80", 4 },
		    { "\xc2\x85", 2 },
		    { "\xf0\x8f\xbf\xbf", 4 },
		    { "\xff", 1 },
		    { "a\xe2\x82", 3 } };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(dn_is_text(bad[i].p, bad[i].len));
}

static void too_many_values(void **)
{
	static const uint8_t one[] = { 0x31, 0x0a, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0c, 1, 'a' };
	uint8_t b[sizeof one * (DN_VALUES_MAX + 1)];
	struct dn_values v;
	struct dn_oid o = oid_of("2.5.4.3");
	for (size_t i = 0; i <= DN_VALUES_MAX; i++)
		memcpy(b + i * sizeof one, one, sizeof one);
	assert_int_equal(dn_find(&v, b, sizeof b - sizeof one, &o), ERR_OK);
	assert_int_equal(v.n, DN_VALUES_MAX);
	assert_int_equal(dn_find(&v, b, sizeof b, &o), ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifiers),
		cmocka_unit_test(what_is_no_identifier),
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(a_field_that_is_not_there),
		cmocka_unit_test(a_part_is_no_name),
		cmocka_unit_test(malformed_names),
		cmocka_unit_test(values_that_are_no_names),
		cmocka_unit_test(what_is_text),
		cmocka_unit_test(too_many_values),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
