/* SPDX-License-Identifier: GPL-3.0-or-later */
/* radius_facts: texts and attributes of a server, right and wrong */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/fact.h"
#include "auth/radius_facts.h"
#include "base/log.h"

#define TEST(module, what) static void module##_##what(void **)

TEST(radius_facts, routes)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.0/24 0.0.0.0 1", "192.0.2.0/24" },
		{ "192.0.2.0/255.255.255.0\t10.0.0.1", "192.0.2.0/24" },
		{ "2001:db8::/32 ::1 1", "2001:db8::/32" },
		{ "192.0.2.7", "192.0.2.7/32" },
		{ "", nullptr },
		{ " 192.0.2.0/24", nullptr },
		{ "192.0.2.0/33", nullptr },
		{ "192.0.2/24", nullptr },
		{ "vpn.example.test", nullptr },
		{ "2001:db8::/129", nullptr },
		{ "192.0.2.0/255.0.255.0", nullptr },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee/64", nullptr },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char route[64] = "";
		enum err e = fact_route(rows[i].text, route, sizeof route);
		if ((e == ERR_OK) != (rows[i].want != nullptr))
			fail_msg("%s: %s", rows[i].text, err_text(e));
		if (rows[i].want != nullptr)
			assert_string_equal(route, rows[i].want);
	}
}

static void drop(Msg__Facts **f)
{
	if (*f != nullptr)
		msg__facts__free_unpacked(*f, nullptr);
}

TEST(radius_facts, groups_of_a_class)
{
	static const struct {
		const char *text;
		char separator;
		const char *want; /* with commas */
	} rows[] = {
		{ "OU=staff", ';', "staff," },
		{ "ou=staff;admins", ';', "staff,admins," },
		{ "staff", ';', "staff," },
		{ "OU=a:b;c", ':', "a,b;c," },
		{ "OU=;;a;;", ';', "a," },
		{ "OU=", ';', "" },
		{ "", ';', "" },
		{ "OU=a\nb;c", ';', "c," },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		Msg__Facts *f OWNED(drop) = msg__facts__unpack(nullptr, 0, nullptr);
		char all[64] = "";
		assert_int_equal(
			radius_facts_groups(f, rows[i].text, strlen(rows[i].text), rows[i].separator),
			ERR_OK);
		for (size_t k = 0; k < f->n_groups; k++)
			strcat(strcat(all, f->groups[k]), ",");
		assert_string_equal(all, rows[i].want);
	}
}

static void quiet(enum log_level, const char *, size_t)
{
}

/* An answer of these attributes, which are good as far as radius_read sees. */
static Msg__Facts *facts_of(const char *bytes, size_t len)
{
	Msg__Facts *f = nullptr;
	const struct radius_answer a = { RADIUS_ACCESS_ACCEPT, (const uint8_t *)bytes, len };
	log_init("test", LOG_LEVEL_INFO, quiet);
	assert_int_equal(radius_facts_read(&f, &a, true, ';'), ERR_OK);
	return f;
}
#define FACTS(text) facts_of(text, sizeof text - 1)

/* One list of attributes; those that are malformed are left out, the others count. */
TEST(radius_facts, attributes)
{
	Msg__Facts *f OWNED(drop) =
		FACTS("\x08\x06\x0a\x4d\x09\x09"
		      "\x09\x06\xff\xff\x00\x00"
		      "\x1b\x06\x00\x00\x02\x58"
		      "\x1c\x06\x00\x00\x00\x3c"
		      "\x55\x06\x00\x00\x00\x0a"
		      "\x1a\x12\x00\x00\x01\x37\x1c\x06\xcb\x00\x71\x35\x1e\x06\xcb\x00\x71\x36"
		      "\x1a\x0c\x00\x00\x27\x47\x01\x06\x00\x00\x03\x20"
		      "\x1a\x07\x00\x00\x00\x09x"
		      "\x16\x0anonsense"
		      "\x16\x0e"
		      "192.0.2.0/24"
		      "\x19\x0aOU=staff"
		      "\x12\x04hi"
		      "\x61\x08\x00\x20\x20\x01\x0d\xb8"
		      "\x7b\x08\x00\x18\x20\x01\x0d\xb9"
		      "\xa9\x12\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x35");
	assert_int_equal(f->ipv4.len, 4);
	assert_memory_equal(f->ipv4.data, "\x0a\x4d\x09\x09", 4);
	assert_int_equal(f->ipv4_prefix_len, 16);
	assert_int_equal(f->session_timeout_s, 600);
	assert_int_equal(f->idle_timeout_s, 60);
	assert_int_equal(f->interim_s, 10);
	assert_int_equal(f->rx_per_s, 100'000);
	assert_int_equal(f->n_dns, 2);
	assert_string_equal(f->dns[0], "203.0.113.53");
	assert_string_equal(f->dns[1], "2001:db8::35");
	assert_int_equal(f->n_nbns, 1);
	assert_string_equal(f->nbns[0], "203.0.113.54");
	assert_int_equal(f->n_routes, 1);
	assert_string_equal(f->routes[0], "192.0.2.0/24");
	assert_int_equal(f->n_groups, 1);
	assert_string_equal(f->groups[0], "staff");
	assert_int_equal(f->n_classes, 1);
	assert_int_equal(f->ipv6.len, 16);
	assert_int_equal(f->ipv6_prefix_len, 32);
	assert_int_equal(f->delegated_prefix_len, 24);
	assert_memory_equal(f->delegated.data, "\x20\x01\x0d\xb9\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* 255.255.255.254 and .255 leave the address to the pool; a mask with holes is none; lengths must be right. */
TEST(radius_facts, left_out)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
#define ROW(text) { text, sizeof text - 1 }
		ROW("\x08\x06\xff\xff\xff\xfe"),
		ROW("\x08\x06\xff\xff\xff\xff"),
		ROW("\x08\x06\x00\x00\x00\x00"),
		ROW("\x08\x05\x0a\x00\x00"),
		ROW("\x08\x07\x0a\x00\x00\x01\x00"),
		ROW("\x08\x02"),
		ROW("\x09\x06\xff\x00\xff\x00"),
		ROW("\x09\x03\xff"),
		ROW("\x1b\x03\x0a"),
		ROW("\x1c\x07\0\0\0\0\x0a"),
		ROW("\xa8\x06\x20\x01\x0d\xb8"),
		ROW("\xa9\x06\x20\x01\x0d\xb8"),
		ROW("\x61\x03\x00"),
		ROW("\x61\x04\x00\x81"),
		ROW("\x61\x07\x00\x20\x20\x01\x0d"),
		ROW("\x7b\x15\x00\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		ROW("\x1a\x05\x00\x00\x01"),
		ROW("\x1a\x0a\x00\x00\x01\x37\x1c\x06\xcb\x00"),
		ROW("\x1a\x08\x00\x00\x01\x37\x1c\x01"),
		ROW("\x1a\x08\x00\x00\x01\x37\x1c\x00"),
		ROW("\x1a\x07\x00\x00\x01\x37\x1c"),
		ROW("\x1a\x08\x00\x00\x01\x37\x1c\x02"),
		ROW("\x1a\x0b\x00\x00\x27\x47\x01\x05\x00\x00\x03"),
		ROW("\x16\x02"),
		ROW("\x63\x03/"),
#undef ROW
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		Msg__Facts *f OWNED(drop) = facts_of(rows[i].bytes, rows[i].len);
		if (msg__facts__get_packed_size(f) != 0)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(radius_facts_routes),
		cmocka_unit_test(radius_facts_groups_of_a_class),
		cmocka_unit_test(radius_facts_attributes),
		cmocka_unit_test(radius_facts_left_out),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
