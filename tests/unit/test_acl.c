/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acl: restrict-user-to-routes and -ports, isolate-clients, packet by packet */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/acl.h"
#include "worker/bucket.h"

#define TEST(module, what) static void module##_##what(void **)

struct rules {
	struct vhost v;
	struct prefix lists[3][8];
	char ports[256];
	struct acl *acl;
};

static void add(struct prefixlist *l, struct prefix *storage, const char *text)
{
	l->v = storage;
	assert_int_equal(config_prefix_parse(text, &storage[l->n++]), ERR_OK);
}

static struct rules *make(const char *route, const char *no_route, const char *dns, const char *ports,
			  bool to_routes)
{
	struct rules *r = calloc(1, sizeof *r);
	assert_non_null(r);
	if (route != nullptr)
		add(&r->v.route, r->lists[0], route);
	if (no_route != nullptr)
		add(&r->v.no_route, r->lists[1], no_route);
	if (dns != nullptr)
		add(&r->v.dns, r->lists[2], dns);
	if (ports != nullptr) {
		strncpy(r->ports, ports, sizeof r->ports - 1);
		r->v.restrict_user_to_ports = r->ports;
	}
	r->v.restrict_user_to_routes = to_routes;
	assert_int_equal(acl_new(&r->acl, &r->v, nullptr), ERR_OK);
	return r;
}

static void drop(struct rules **r)
{
	acl_free((*r)->acl);
	free(*r);
}

struct sent {
	const char *to;
	uint8_t protocol;
	uint16_t port;
	uint16_t fragment; /* bytes */
	size_t cut;        /* bytes that lack at the end */
};

static struct sent to(const char *address, uint8_t protocol, uint16_t port)
{
	return (struct sent){ .to = address, .protocol = protocol, .port = port };
}

/* p: 60 zeros; k points into it. */
static void build(uint8_t *p, struct sent s, struct ip_packet *k)
{
	p[0] = 0x45;
	bool is_v6 = strchr(s.to, ':') != nullptr;
	size_t head = is_v6 ? 40 : 20, len = head + 8 - s.cut;
	if (is_v6) {
		p[0] = 0x60;
		p[5] = (uint8_t)(len - head);
		p[6] = s.protocol;
		p[7] = 64;
		assert_int_equal(inet_pton(AF_INET6, s.to, p + 24), 1);
	} else {
		p[3] = (uint8_t)len;
		p[6] = (uint8_t)(s.fragment / 8 >> 8);
		p[7] = (uint8_t)(s.fragment / 8);
		p[8] = 64;
		p[9] = s.protocol;
		assert_int_equal(inet_pton(AF_INET, s.to, p + 16), 1);
	}
	p[head + 2] = (uint8_t)(s.port >> 8);
	p[head + 3] = (uint8_t)s.port;
	assert_int_equal(ip_parse(p, len, k), ERR_OK);
}

static bool passes(const struct rules *r, struct sent s)
{
	uint8_t p[60] = {};
	struct ip_packet k;
	build(p, s, &k);
	return acl_permits(r->acl, &k);
}

static enum acl_place place_of(const struct rules *r, const char *address)
{
	uint8_t p[60] = {};
	struct ip_packet k;
	build(p, (struct sent){ .to = address, .protocol = 17, .port = 9 }, &k);
	return acl_place_of(r->acl, &k);
}

constexpr uint8_t ICMP = 1, TCP = 6, UDP = 17, ESP = 50, ICMP6 = 58, SCTP = 132;

TEST(acl, no_rules_no_acl)
{
	struct rules *r OWNED(drop) = make("192.0.2.0/24", nullptr, nullptr, nullptr, false);
	assert_null(r->acl);
}

TEST(acl, only_the_routes)
{
	struct rules *r OWNED(drop) = make("192.0.2.0/24", "192.0.2.128/25", "198.51.100.53", nullptr, true);
	assert_true(passes(r, to("192.0.2.1", TCP, 80)));
	assert_true(passes(r, to("192.0.2.0", ICMP, 0)));
	assert_true(passes(r, to("192.0.2.127", UDP, 9)));
	assert_false(passes(r, to("192.0.2.128", TCP, 80)));
	assert_false(passes(r, to("192.0.2.255", TCP, 80)));
	assert_false(passes(r, to("192.0.1.255", TCP, 80)));
	assert_false(passes(r, to("192.0.3.0", TCP, 80)));
	assert_false(passes(r, to("224.0.0.1", UDP, 80)));
	assert_false(passes(r, to("2001:db8::1", TCP, 80)));
}

TEST(acl, name_servers_are_always_open)
{
	struct rules *r OWNED(drop) = make("192.0.2.0/24", nullptr, "198.51.100.53", "tcp(443)", true);
	assert_true(passes(r, to("198.51.100.53", UDP, 53)));
	assert_true(passes(r, to("198.51.100.53", TCP, 53)));
	assert_false(passes(r, to("198.51.100.53", SCTP, 53)));
	assert_false(passes(r, to("198.51.100.53", UDP, 54)));
	assert_false(passes(r, to("198.51.100.54", UDP, 53)));
	assert_false(passes(r, to("198.51.100.53", ICMP, 53)));
}

TEST(acl, only_these_ports)
{
	struct rules *r OWNED(drop) = make(nullptr, nullptr, nullptr, "tcp(443), udp(53), icmp()", false);
	assert_true(passes(r, to("192.0.2.1", TCP, 443)));
	assert_true(passes(r, to("2001:db8::1", TCP, 443)));
	assert_true(passes(r, to("192.0.2.1", UDP, 53)));
	assert_true(passes(r, to("192.0.2.1", ICMP, 0)));
	assert_false(passes(r, to("192.0.2.1", TCP, 80)));
	assert_false(passes(r, to("192.0.2.1", TCP, 53)));
	assert_false(passes(r, to("192.0.2.1", UDP, 443)));
	assert_false(passes(r, to("192.0.2.1", ESP, 443)));
	assert_false(passes(r, to("192.0.2.1", SCTP, 443)));
	assert_false(passes(r, to("2001:db8::1", ICMP6, 0)));
}

TEST(acl, all_but_these_ports)
{
	struct rules *r OWNED(drop) =
		make(nullptr, nullptr, nullptr, "!(tcp(25), udp(), icmpv6(), esp())", false);
	assert_true(passes(r, to("192.0.2.1", TCP, 443)));
	assert_true(passes(r, to("192.0.2.1", ICMP, 0)));
	assert_false(passes(r, to("192.0.2.1", TCP, 25)));
	assert_false(passes(r, to("2001:db8::1", TCP, 25)));
	assert_false(passes(r, to("192.0.2.1", UDP, 1)));
	assert_false(passes(r, to("2001:db8::1", ICMP6, 0)));
	assert_false(passes(r, to("192.0.2.1", ESP, 0)));
}

TEST(acl, ports_and_routes_both_count)
{
	struct rules *r OWNED(drop) = make("192.0.2.0/24", nullptr, nullptr, "!(tcp(25))", true);
	assert_true(passes(r, to("192.0.2.1", TCP, 80)));
	assert_false(passes(r, to("192.0.2.1", TCP, 25)));
	assert_false(passes(r, to("198.51.100.1", TCP, 80)));
}

TEST(acl, without_routes_all_is_routed)
{
	struct rules *r OWNED(drop) = make(nullptr, "192.0.2.0/24", nullptr, nullptr, true);
	assert_true(passes(r, to("198.51.100.1", TCP, 80)));
	assert_true(passes(r, to("2001:db8::1", TCP, 80)));
	assert_false(passes(r, to("192.0.2.7", TCP, 80)));
}

TEST(acl, default_is_both_families)
{
	struct rules *r OWNED(drop) = make("default", nullptr, nullptr, nullptr, true);
	assert_true(passes(r, to("255.255.255.255", TCP, 80)));
	assert_true(passes(r, to("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", TCP, 80)));
}

TEST(acl, fragments_go_as_the_first_does)
{
	struct rules *r OWNED(drop) = make(nullptr, nullptr, nullptr, "tcp(443)", false);
	assert_true(
		passes(r, (struct sent){ .to = "192.0.2.1", .protocol = TCP, .port = 0, .fragment = 1480 }));
	assert_false(passes(
		r, (struct sent){ .to = "192.0.2.1", .protocol = UDP, .port = 443, .fragment = 1480 }));
	/* ports that are cut off are nobody's */
	assert_false(passes(r, (struct sent){ .to = "192.0.2.1", .protocol = TCP, .port = 443, .cut = 6 }));
	struct rules * not OWNED(drop) = make(nullptr, nullptr, nullptr, "!(tcp(25))", false);
	assert_false(passes(not, (struct sent){ .to = "192.0.2.1", .protocol = TCP, .port = 443, .cut = 6 }));
	assert_true(passes(not,
			   (struct sent){ .to = "192.0.2.1", .protocol = TCP, .port = 0, .fragment = 1480 }));
}

TEST(acl, thousands_of_networks)
{
	struct vhost v = { .restrict_user_to_routes = true };
	constexpr size_t N = 5000;
	struct prefix *list = calloc(N, sizeof *list);
	assert_non_null(list);
	/* every second /24 of 10/8, in a bad order, some twice */
	for (size_t i = 0; i < N; i++) {
		size_t at = i * 2654435761u % N * 2;
		list[i] = (struct prefix){ AF_INET, 24, { 10, (uint8_t)(at >> 8), (uint8_t)at } };
	}
	v.route = (struct prefixlist){ list, N };
	struct rules r = {};
	assert_int_equal(acl_new(&r.acl, &v, nullptr), ERR_OK);
	for (size_t at = 0; at < 2 * N; at++) {
		char address[32];
		snprintf(address, sizeof address, "10.%zu.%zu.77", at >> 8, at & 255);
		assert_int_equal(passes(&r, to(address, TCP, 80)), at % 2 == 0);
	}
	acl_free(r.acl);
	free(list);
}

TEST(acl, bad_ports_are_no_free_pass)
{
	char bad[] = "tcp(443";
	struct vhost v = { .restrict_user_to_ports = bad };
	struct acl *a = nullptr;
	assert_int_equal(acl_new(&a, &v, nullptr), ERR_CONFIG);
	assert_null(a);
}

/* Pools of two hosts; the second has no IPv6. */
TEST(acl, other_clients)
{
	struct vhost hosts[2] = {};
	const struct config c = { .vhosts = hosts, .vhosts_n = 2 };
	struct rules r = { .v = { .isolate_clients = true } };
	assert_int_equal(config_prefix_parse("10.77.0.0/24", &hosts[0].ipv4_network), ERR_OK);
	assert_int_equal(config_prefix_parse("fd77::/64", &hosts[0].ipv6_network), ERR_OK);
	assert_int_equal(config_prefix_parse("10.78.4.0/22", &hosts[1].ipv4_network), ERR_OK);
	assert_int_equal(acl_new(&r.acl, &r.v, &c), ERR_OK);
	assert_true(acl_isolates(r.acl));
	assert_int_equal(place_of(&r, "10.77.0.1"), ACL_SERVER);
	assert_int_equal(place_of(&r, "10.78.4.1"), ACL_SERVER);
	assert_int_equal(place_of(&r, "fd77::1"), ACL_SERVER);
	assert_int_equal(place_of(&r, "10.77.0.2"), ACL_POOL);
	assert_int_equal(place_of(&r, "10.77.0.255"), ACL_POOL);
	assert_int_equal(place_of(&r, "10.78.5.1"), ACL_POOL);
	assert_int_equal(place_of(&r, "10.78.7.255"), ACL_POOL);
	assert_int_equal(place_of(&r, "fd77::2"), ACL_POOL);
	assert_int_equal(place_of(&r, "fd77:0:0:0:ffff::1"), ACL_POOL);
	assert_int_equal(place_of(&r, "10.76.255.255"), ACL_ELSEWHERE);
	assert_int_equal(place_of(&r, "10.77.1.0"), ACL_ELSEWHERE);
	assert_int_equal(place_of(&r, "10.78.8.0"), ACL_ELSEWHERE);
	assert_int_equal(place_of(&r, "fd77:0:0:1::2"), ACL_ELSEWHERE);
	assert_int_equal(place_of(&r, "2001:db8::1"), ACL_ELSEWHERE);
	/* by itself it restricts nothing else */
	assert_true(passes(&r, to("10.77.0.1", TCP, 80)));
	assert_true(passes(&r, to("192.0.2.1", UDP, 80)));
	acl_free(r.acl);
}

TEST(acl, restricted_is_not_isolated)
{
	struct rules *r OWNED(drop) = make(nullptr, nullptr, nullptr, "tcp(443)", false);
	assert_false(acl_isolates(r->acl));
}

TEST(bucket, nothing_is_no_limit)
{
	struct bucket b = {};
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&b, 65536, 1));
}

/* Offered ten times as much, the rate passes. */
static void keeps_rate(uint32_t rate, uint64_t step_ns, size_t len)
{
	struct bucket b;
	uint64_t now = 5'000'000'000, end = now + 10 * UINT64_C(1'000'000'000), passed = 0;
	bucket_init(&b, rate, now);
	for (; now < end; now += step_ns)
		for (int i = 0; i < 3; i++)
			passed += bucket_take(&b, len, now) ? len : 0;
	uint64_t most = rate * UINT64_C(10) + bucket_size(&b), least = rate * UINT64_C(10) * 95 / 100;
	assert_true(passed <= most);
	assert_true(passed >= least);
}

TEST(bucket, rates)
{
	keeps_rate(1'000'000, 1'000'000, 1400);
	keeps_rate(100'000'000, 20'000, 1400);
	keeps_rate(8'000, 100'000, 1000);
	keeps_rate(10'000, 997, 100); /* looked at far more often than tokens come */
}

TEST(bucket, an_idle_one_saves_no_more_than_it_holds)
{
	struct bucket b;
	bucket_init(&b, 1'000'000, 1);
	assert_true(bucket_take(&b, 250'000, UINT64_C(3600) * 1'000'000'000));
	assert_false(bucket_take(&b, 1400, UINT64_C(3600) * 1'000'000'000));
	assert_false(bucket_take(&b, 1400, 0)); /* the clock does not go back */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acl_no_rules_no_acl),
		cmocka_unit_test(acl_only_the_routes),
		cmocka_unit_test(acl_name_servers_are_always_open),
		cmocka_unit_test(acl_only_these_ports),
		cmocka_unit_test(acl_all_but_these_ports),
		cmocka_unit_test(acl_ports_and_routes_both_count),
		cmocka_unit_test(acl_without_routes_all_is_routed),
		cmocka_unit_test(acl_default_is_both_families),
		cmocka_unit_test(acl_fragments_go_as_the_first_does),
		cmocka_unit_test(acl_thousands_of_networks),
		cmocka_unit_test(acl_bad_ports_are_no_free_pass),
		cmocka_unit_test(acl_other_clients),
		cmocka_unit_test(acl_restricted_is_not_isolated),
		cmocka_unit_test(bucket_nothing_is_no_limit),
		cmocka_unit_test(bucket_rates),
		cmocka_unit_test(bucket_an_idle_one_saves_no_more_than_it_holds),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
