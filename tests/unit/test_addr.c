/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/addr.h"

static void ipv4_survives_a_round_trip(void **)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(4443) };
	inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
	struct addr a = addr_of_sockaddr((struct sockaddr *)&in);
	assert_true(addr_is_v4(&a));
	assert_int_equal(a.port, 4443);
	struct sockaddr_storage out;
	assert_int_equal(addr_to_sockaddr(&a, AF_INET, &out), sizeof in);
	assert_memory_equal(&out, &in, sizeof in);
	char text[ADDR_TEXT_MAX];
	assert_string_equal(addr_text(&a, text), "192.0.2.7");
}

static void ipv6_survives_a_round_trip(void **)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(1) };
	inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
	struct addr a = addr_of_sockaddr((struct sockaddr *)&in6);
	assert_false(addr_is_v4(&a));
	struct sockaddr_storage out;
	assert_int_equal(addr_to_sockaddr(&a, AF_INET6, &out), sizeof in6);
	assert_memory_equal(&out, &in6, sizeof in6);
}

static void v4_mapped_equals_v4(void **)
{
	uint8_t mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
	uint8_t plain[4] = { 192, 0, 2, 7 };
	struct addr a = addr_of_ip(mapped, 16), b = addr_of_ip(plain, 4);
	assert_true(addr_is_same_ip(&a, &b));
	const uint8_t *ip;
	assert_int_equal(addr_ip(&a, &ip), 4);
	assert_memory_equal(ip, plain, 4);
}

static void an_odd_length_is_no_address(void **)
{
	struct addr a = addr_of_ip("abcdefgh", 8);
	const uint8_t *ip;
	char text[ADDR_TEXT_MAX];
	assert_false(addr_is_set(&a));
	assert_int_equal(addr_ip(&a, &ip), 0);
	assert_string_equal(addr_text(&a, text), "none");
}

static void an_unknown_family_is_no_address(void **)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct addr a = addr_of_sockaddr(&sa);
	assert_false(addr_is_set(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_survives_a_round_trip),
		cmocka_unit_test(ipv6_survives_a_round_trip),
		cmocka_unit_test(v4_mapped_equals_v4),
		cmocka_unit_test(an_odd_length_is_no_address),
		cmocka_unit_test(an_unknown_family_is_no_address),
	};
	return cmocka_run_group_tests_name("addr", tests, nullptr, nullptr);
}
