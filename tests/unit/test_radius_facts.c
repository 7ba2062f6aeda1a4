/* SPDX-License-Identifier: GPL-3.0-or-later */
/* radius_facts: texts and attributes of a server, right and wrong */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <radcli/radcli.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
		enum err e = radius_facts_route(rows[i].text, route, sizeof route);
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

static VALUE_PAIR number(unsigned attribute, uint32_t n)
{
	return (VALUE_PAIR){ .attribute = attribute, .type = PW_TYPE_INTEGER, .lvalue = n };
}

static void quiet(enum log_level, const char *, size_t)
{
}

/* One list of attributes; those that are malformed are left out, the others count. */
TEST(radius_facts, attributes)
{
	log_init("test", LOG_LEVEL_INFO, quiet);
	VALUE_PAIR v[] = {
		number(PW_FRAMED_IP_ADDRESS, 0x0a4d0909),
		number(PW_FRAMED_IP_NETMASK, 0xffff0000),
		number(PW_SESSION_TIMEOUT, 600),
		number(PW_IDLE_TIMEOUT, 60),
		number(VENDOR_MICROSOFT << 16 | PW_MS_PRIMARY_DNS_SERVER, 0xcb007135),
		number((uint32_t)VENDOR_ROARING_PENGUIN << 16 | PW_RP_UPSTREAM_LIMIT, 800),
		{ .attribute = PW_FRAMED_ROUTE, .lvalue = 8, .strvalue = "nonsense" },
		{ .attribute = PW_FRAMED_ROUTE, .lvalue = 12, .strvalue = "192.0.2.0/24" },
		{ .attribute = PW_CLASS, .lvalue = 8, .strvalue = "OU=staff" },
		{ .attribute = PW_REPLY_MESSAGE, .lvalue = 2, .strvalue = "hi" },
	};
	for (size_t i = 0; i + 1 < ARRAY_LEN(v); i++)
		v[i].next = &v[i + 1];
	Msg__Facts *f OWNED(drop) = nullptr;
	assert_int_equal(radius_facts_read(&f, v, true, ';'), ERR_OK);
	assert_int_equal(f->ipv4.len, 4);
	assert_memory_equal(f->ipv4.data, "\x0a\x4d\x09\x09", 4);
	assert_int_equal(f->ipv4_prefix_len, 16);
	assert_int_equal(f->session_timeout_s, 600);
	assert_int_equal(f->idle_timeout_s, 60);
	assert_int_equal(f->rx_per_s, 100'000);
	assert_int_equal(f->n_dns, 1);
	assert_string_equal(f->dns[0], "203.0.113.53");
	assert_int_equal(f->n_routes, 1);
	assert_string_equal(f->routes[0], "192.0.2.0/24");
	assert_int_equal(f->n_groups, 1);
	assert_string_equal(f->groups[0], "staff");
	assert_int_equal(f->n_classes, 1);
}

/* 255.255.255.254 and .255 leave the address to the pool; a mask with holes is none. */
TEST(radius_facts, addresses_that_are_none)
{
	VALUE_PAIR v[] = { number(PW_FRAMED_IP_ADDRESS, 0xfffffffe), number(PW_FRAMED_IP_ADDRESS, 0xffffffff),
			   number(PW_FRAMED_IP_ADDRESS, 0), number(PW_FRAMED_IP_NETMASK, 0xff00ff00) };
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		Msg__Facts *f OWNED(drop) = nullptr;
		assert_int_equal(radius_facts_read(&f, &v[i], false, ';'), ERR_OK);
		assert_int_equal(f->ipv4.len, 0);
		assert_int_equal(f->ipv4_prefix_len, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(radius_facts_routes),
		cmocka_unit_test(radius_facts_groups_of_a_class),
		cmocka_unit_test(radius_facts_attributes),
		cmocka_unit_test(radius_facts_addresses_that_are_none),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
