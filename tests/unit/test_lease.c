/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "keeper/lease.h"

#define TEST(module, what) static void module##_##what(void **)

static struct prefix net(const char *text, unsigned len)
{
	struct prefix p = { .len = (uint8_t)len };
	p.family = strchr(text, ':') != nullptr ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(p.family, text, p.addr), 1);
	return p;
}

static void assert_addr(const struct prefix *p, const char *want)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(p->family, p->addr, text, sizeof text);
	assert_string_equal(text, want);
}

static struct leases *fresh(void)
{
	struct leases *l;
	assert_int_equal(leases_new(&l), ERR_OK);
	return l;
}

TEST(lease, pools_without_room_for_a_client_are_full)
{
	struct leases *l = fresh();
	struct lease got = {};
	static const unsigned lens[] = { 31, 32 };
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct prefix p = net("192.0.2.0", lens[i]);
		assert_int_equal(lease_take(l, &p, 32, nullptr, &got), ERR_FULL);
		assert_int_equal(lease_take(l, &p, 32, "user", &got), ERR_FULL);
	}
	struct prefix p = net("2001:db8::", 128);
	assert_int_equal(lease_take(l, &p, 128, "user", &got), ERR_FULL);
	p = net("2001:db8::", 64);
	assert_int_equal(lease_take(l, &p, 63, "user", &got), ERR_RANGE);
	assert_int_equal(lease_take(l, &p, 129, "user", &got), ERR_RANGE);
	p.family = 0;
	assert_int_equal(lease_take(l, &p, 128, "user", &got), ERR_RANGE);
	assert_int_equal(leases_count(l), 0);
	leases_free(l);
}

TEST(lease, network_own_end_and_broadcast_are_not_given)
{
	struct leases *l = fresh();
	struct prefix p = net("192.0.2.13", 29); /* host bits are ignored: 192.0.2.8/29 */
	struct lease got[6] = {};
	static const char *const want[] = { "192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13",
					    "192.0.2.14" };
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(lease_take(l, &p, 32, nullptr, &got[i]), ERR_OK);
		assert_addr(&got[i].addr, want[i]);
		assert_addr(&got[i].server, "192.0.2.9");
		assert_int_equal(got[i].addr.len, 32);
		assert_int_equal(got[i].server.len, 29);
	}
	assert_int_equal(lease_take(l, &p, 32, nullptr, &got[5]), ERR_FULL);
	lease_give(l, &got[2]);
	lease_give(l, &got[2]); /* an empty one is fine */
	assert_int_equal(leases_count(l), 4);
	assert_int_equal(lease_take(l, &p, 32, "someone", &got[5]), ERR_OK);
	assert_addr(&got[5].addr, "192.0.2.12");
	leases_free(l);
}

TEST(lease, a_user_gets_the_same_address_again)
{
	struct leases *l = fresh();
	struct prefix p = net("10.0.0.0", 8);
	struct lease a = {}, b = {}, c = {};
	assert_int_equal(lease_take(l, &p, 32, "alice", &a), ERR_OK);
	struct prefix first = a.addr;
	assert_int_equal(lease_take(l, &p, 32, "alice", &b), ERR_OK); /* a second device: another one */
	assert_memory_not_equal(b.addr.addr, first.addr, 4);
	lease_give(l, &a);
	assert_int_equal(lease_take(l, &p, 32, "alice", &c), ERR_OK);
	assert_memory_equal(c.addr.addr, first.addr, 4);
	struct leases *l2 = fresh(); /* also after a restart */
	assert_int_equal(lease_take(l2, &p, 32, "alice", &a), ERR_OK);
	assert_memory_equal(a.addr.addr, first.addr, 4);
	leases_free(l);
	leases_free(l2);
}

TEST(lease, without_predictable_a_freed_address_is_not_the_next)
{
	struct leases *l = fresh();
	struct prefix p = net("192.0.2.0", 24);
	struct lease a = {}, b = {};
	assert_int_equal(lease_take(l, &p, 32, nullptr, &a), ERR_OK);
	lease_give(l, &a);
	assert_int_equal(lease_take(l, &p, 32, nullptr, &b), ERR_OK);
	assert_addr(&b.addr, "192.0.2.3");
	leases_free(l);
}

TEST(lease, ipv6_units)
{
	struct leases *l = fresh();
	struct lease a = {}, b = {};
	struct prefix p = net("2001:db8:1::", 64);
	assert_int_equal(lease_take(l, &p, 128, nullptr, &a), ERR_OK);
	assert_addr(&a.addr, "2001:db8:1::2");
	assert_addr(&a.server, "2001:db8:1::1");
	p = net("2001:db8:2::", 48);
	assert_int_equal(lease_take(l, &p, 64, nullptr, &a), ERR_OK);
	assert_addr(&a.addr, "2001:db8:2:1::1"); /* unit 0 is ours */
	assert_addr(&a.server, "2001:db8:2::1");
	assert_int_equal(a.addr.len, 64);
	assert_int_equal(lease_take(l, &p, 64, nullptr, &b), ERR_OK);
	assert_addr(&b.addr, "2001:db8:2:2::1");
	p = net("2001:db8::", 127);
	assert_int_equal(lease_take(l, &p, 128, nullptr, &b), ERR_FULL);
	leases_free(l);
}

TEST(lease, a_claim_that_conflicts_is_refused)
{
	struct leases *l = fresh();
	struct prefix p = net("192.0.2.0", 24);
	struct lease a = {}, b = {}, c = {};
	struct prefix addr = net("192.0.2.77", 32);
	assert_int_equal(lease_claim(l, &p, 32, &addr, &a), ERR_OK);
	assert_int_equal(lease_claim(l, &p, 32, &addr, &b), ERR_EXISTS);
	addr = net("192.0.2.1", 32);
	assert_int_equal(lease_claim(l, &p, 32, &addr, &b), ERR_EXISTS);
	addr = net("192.0.2.255", 32);
	assert_int_equal(lease_claim(l, &p, 32, &addr, &b), ERR_EXISTS);
	addr = net("198.51.100.7", 32); /* the pool was changed meanwhile */
	assert_int_equal(lease_claim(l, &p, 32, &addr, &c), ERR_OK);
	assert_null(c.pool);
	assert_int_equal(leases_count(l), 2);
	lease_give(l, &a);
	lease_give(l, &c);
	assert_int_equal(leases_count(l), 0);
	leases_free(l);
}

TEST(lease, overlapping_pools_do_not_give_the_same)
{
	struct leases *l = fresh();
	struct prefix big = net("192.0.2.0", 24), small = net("192.0.2.0", 29);
	struct lease got[10] = {};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(lease_take(l, &small, 32, nullptr, &got[i]), ERR_OK);
	assert_int_equal(lease_take(l, &big, 32, nullptr, &got[5]), ERR_OK);
	assert_addr(&got[5].addr, "192.0.2.7"); /* broadcast of the small one only */
	lease_give(l, &got[0]);
	assert_int_equal(lease_take(l, &big, 32, nullptr, &got[6]), ERR_OK);
	assert_addr(&got[6].addr, "192.0.2.8");
	leases_free(l);
}

TEST(lease, every_address_of_a_pool_is_given_once)
{
	struct leases *l = fresh();
	struct prefix p = net("10.1.0.0", 16);
	static struct lease got[65536];
	static uint8_t seen[65536];
	for (unsigned i = 0; i < 65536 - 3; i++) {
		char user[16];
		snprintf(user, sizeof user, "u%u", i);
		assert_int_equal(lease_take(l, &p, 32, i % 2 == 0 ? user : nullptr, &got[i]), ERR_OK);
		unsigned at = (unsigned)got[i].addr.addr[2] << 8 | got[i].addr.addr[3];
		assert_int_equal(seen[at]++, 0);
	}
	assert_int_equal(lease_take(l, &p, 32, "late", &got[65535]), ERR_FULL);
	lease_give(l, &got[31337]);
	assert_int_equal(lease_take(l, &p, 32, "late", &got[65535]), ERR_OK);
	leases_free(l);
}

TEST(lease, a_slash_8_is_quick)
{
	struct leases *l = fresh();
	struct prefix p = net("10.0.0.0", 8);
	static struct lease got[100000];
	struct mono begin = clock_now();
	for (unsigned i = 0; i < ARRAY_LEN(got); i++) {
		char user[16];
		snprintf(user, sizeof user, "u%u", i);
		assert_int_equal(lease_take(l, &p, 32, user, &got[i]), ERR_OK);
	}
	assert_true(clock_secs(begin, clock_now()) < 5);
	leases_free(l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease_pools_without_room_for_a_client_are_full),
		cmocka_unit_test(lease_network_own_end_and_broadcast_are_not_given),
		cmocka_unit_test(lease_a_user_gets_the_same_address_again),
		cmocka_unit_test(lease_without_predictable_a_freed_address_is_not_the_next),
		cmocka_unit_test(lease_ipv6_units),
		cmocka_unit_test(lease_a_claim_that_conflicts_is_refused),
		cmocka_unit_test(lease_overlapping_pools_do_not_give_the_same),
		cmocka_unit_test(lease_every_address_of_a_pool_is_given_once),
		cmocka_unit_test(lease_a_slash_8_is_quick),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
