/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points, failures and rates of peers, and the bans that follow */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "guard/guard.h"

constexpr uint64_t T0 = 1'000'000'000'000;

struct seen {
	unsigned begun, ended;
	struct board_entry last;
	enum guard_cause cause;
	const char *allowed;
};

static struct addr addr(const char *text)
{
	uint8_t ip[16];
	if (inet_pton(AF_INET, text, ip) == 1)
		return addr_of_ip(ip, 4);
	assert_int_equal(inet_pton(AF_INET6, text, ip), 1);
	return addr_of_ip(ip, 16);
}

static struct mono at(uint64_t s)
{
	return (struct mono){ T0 + s * 1'000'000'000 };
}

static void on_ban(void *ctx, const struct board_entry *e, enum guard_cause cause, bool is_over)
{
	struct seen *s = ctx;
	s->last = *e;
	if (is_over)
		s->ended++;
	else
		s->begun++;
	s->cause = cause;
}

static bool is_allowed(void *ctx, const struct addr *a)
{
	const struct seen *s = ctx;
	struct addr allowed = s->allowed != nullptr ? addr(s->allowed) : (struct addr){};
	return s->allowed != nullptr && addr_is_same_ip(a, &allowed);
}

static const struct guard_conf points = { .max_score = 50,
					  .ban_s = 300,
					  .ban_max_s = 1000,
					  .reset_s = 1200,
					  .points_wrong_password = 10,
					  .points_connection = 1 };

static void begin(struct guard *g, struct seen *s, const struct guard_conf *conf)
{
	*s = (struct seen){};
	const struct guard_ops ops = { .ban = on_ban, .is_allowed = is_allowed, .ctx = s };
	assert_int_equal(guard_init(g, 0x1234'5678'9abc'def1, ops), ERR_OK);
	guard_set_conf(g, conf);
}

static void wrong(struct guard *g, const char *who, unsigned n, uint64_t s)
{
	struct addr a = addr(who);
	for (unsigned i = 0; i < n; i++)
		guard_wrong_password(g, &a, at(s), (int64_t)s);
}

static void points_reach_the_score(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	wrong(&g, "192.0.2.1", 4, 0);
	assert_int_equal(s.begun, 0);
	wrong(&g, "192.0.2.2", 1, 0); /* another one's */
	assert_int_equal(s.begun, 0);
	wrong(&g, "192.0.2.1", 1, 5);
	assert_int_equal(s.begun, 1);
	assert_int_equal(s.cause, GUARD_SCORE);
	assert_int_equal(s.last.score, 50);
	assert_int_equal(s.last.since, 5);
	assert_int_equal(s.last.range.len, 128);
	assert_int_equal(s.last.until_ns, at(305).ns);
	guard_tick(&g, at(304));
	assert_int_equal(s.ended, 0);
	guard_tick(&g, at(305));
	assert_int_equal(s.ended, 1);
	wrong(&g, "192.0.2.1", 4, 306); /* points begin anew */
	assert_int_equal(s.begun, 1);
	guard_fini(&g);
}

static void points_are_forgotten(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	wrong(&g, "192.0.2.1", 4, 0);
	wrong(&g, "192.0.2.1", 4, 1200);
	assert_int_equal(s.begun, 0);
	wrong(&g, "192.0.2.1", 1, 2399);
	assert_int_equal(s.begun, 1);
	guard_fini(&g);
}

static void only_fruitless_connections_give_points(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	struct addr a = addr("192.0.2.1");
	guard_connections(&g, &a, 1000, 0, at(0), 0);
	assert_int_equal(s.begun, 0);
	guard_connections(&g, &a, 0, 49, at(0), 0);
	assert_int_equal(s.begun, 0);
	guard_connections(&g, &a, 0, 1, at(0), 0);
	assert_int_equal(s.begun, 1);
	guard_fini(&g);
}

static void a_64_is_one_peer(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	wrong(&g, "2001:db8:1:2::1", 3, 0);
	wrong(&g, "2001:db8:1:2:ffff::9", 1, 0);
	wrong(&g, "2001:db8:1:3::1", 1, 0);
	assert_int_equal(s.begun, 0);
	wrong(&g, "2001:db8:1:2:3:4:5:6", 1, 0);
	assert_int_equal(s.begun, 1);
	char text[RANGE_TEXT_MAX];
	assert_string_equal(range_text(&s.last.range, text), "2001:db8:1:2::/64");
	guard_fini(&g);
}

static void mapped_ipv4_is_ipv4(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	wrong(&g, "::ffff:192.0.2.1", 3, 0);
	wrong(&g, "192.0.2.1", 2, 0);
	assert_int_equal(s.begun, 1);
	char text[RANGE_TEXT_MAX];
	assert_string_equal(range_text(&s.last.range, text), "192.0.2.1");
	guard_fini(&g);
}

static void own_and_allowed_are_never_banned(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	s.allowed = "192.0.2.9";
	wrong(&g, "127.0.0.1", 20, 0);
	wrong(&g, "127.9.9.9", 20, 0);
	wrong(&g, "::1", 20, 0);
	wrong(&g, "192.0.2.9", 20, 0);
	const struct addr none = {};
	for (unsigned i = 0; i < 20; i++)
		guard_wrong_password(&g, &none, at(0), 0); /* of a UNIX socket */
	assert_int_equal(s.begun, 0);
	assert_int_equal(g.used_n, 0);
	guard_fini(&g);
}

static void bans_double_up_to_the_cap(void **)
{
	static const uint64_t lengths[] = { 300, 600, 1000, 1000 };
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	uint64_t now = 0;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		wrong(&g, "192.0.2.1", 5, now);
		assert_int_equal(s.begun, i + 1);
		assert_int_equal(s.last.until_ns, at(now + lengths[i]).ns);
		now += lengths[i];
		guard_tick(&g, at(now));
		now += 10;
	}
	now += 1200; /* forgiven */
	wrong(&g, "192.0.2.1", 5, now);
	assert_int_equal(s.last.until_ns, at(now + 300).ns);
	guard_fini(&g);
}

static void without_a_cap_all_bans_are_alike(void **)
{
	struct guard g;
	struct seen s;
	struct guard_conf c = points;
	c.ban_max_s = 0;
	begin(&g, &s, &c);
	wrong(&g, "192.0.2.1", 5, 0);
	guard_tick(&g, at(300));
	wrong(&g, "192.0.2.1", 5, 301);
	assert_int_equal(s.last.until_ns, at(601).ns);
	guard_fini(&g);
}

static void failures_count_within_their_window(void **)
{
	struct guard g;
	struct seen s;
	const struct guard_conf c = { .ban_s = 60, .failures = 5, .window_s = 60 };
	begin(&g, &s, &c);
	for (uint64_t t = 0; t < 1000; t += 20) /* three in a window, for ever */
		wrong(&g, "192.0.2.1", 1, t);
	assert_int_equal(s.begun, 0);
	wrong(&g, "192.0.2.1", 4, 1001);
	assert_int_equal(s.begun, 1);
	assert_int_equal(s.cause, GUARD_FAILURES);
	wrong(&g, "192.0.2.2", 4, 2000);
	wrong(&g, "192.0.2.2", 4, 2075);
	assert_int_equal(s.begun, 1);
	guard_fini(&g);
}

static void a_rate_has_a_burst(void **)
{
	struct guard g;
	struct seen s;
	const struct guard_conf c = { .ban_s = 60, .rate_per_min = 60, .rate_burst = 10 };
	begin(&g, &s, &c);
	struct addr a = addr("192.0.2.1"), b = addr("192.0.2.2");
	for (uint64_t t = 0; t < 100; t++) /* one a second: as many as may be */
		guard_connections(&g, &a, 1, 0, at(t), 0);
	assert_int_equal(s.begun, 0);
	guard_connections(&g, &a, 8, 0, at(100), 0);
	assert_int_equal(s.begun, 0);
	guard_connections(&g, &a, 3, 0, at(100), 0);
	assert_int_equal(s.begun, 1);
	assert_int_equal(s.cause, GUARD_RATE);
	guard_connections(&g, &b, UINT32_MAX, 0, at(100), 0);
	assert_int_equal(s.begun, 2);
	guard_fini(&g);
}

static void switched_off_all_go_free(void **)
{
	struct guard g;
	struct seen s;
	struct guard_conf off = points;
	begin(&g, &s, &points);
	wrong(&g, "192.0.2.1", 5, 0);
	wrong(&g, "192.0.2.2", 5, 0);
	off.max_score = 0;
	guard_set_conf(&g, &off);
	assert_int_equal(s.ended, 2);
	assert_int_equal(g.banned_n, 0);
	wrong(&g, "192.0.2.1", 100, 0);
	assert_int_equal(s.begun, 2);
	guard_fini(&g);
}

static void unban_forgets_all(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	struct addr a = addr("192.0.2.1"), b = addr("192.0.2.2");
	struct range ra = range_of_peer(&a), rb = range_of_peer(&b);
	wrong(&g, "192.0.2.1", 5, 0);
	assert_true(guard_unban(&g, &ra));
	assert_int_equal(s.ended, 1);
	assert_false(guard_unban(&g, &ra));
	assert_false(guard_unban(&g, &rb));
	wrong(&g, "192.0.2.1", 5, 1);
	assert_int_equal(s.last.until_ns, at(301).ns); /* not doubled */
	guard_fini(&g);
}

static void loaded_bans_end_on_time(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	struct addr a = addr("192.0.2.1");
	const struct board_entry e = {
		.kind = BOARD_BAN, .range = range_of_peer(&a), .until_ns = at(50).ns, .since = 7, .score = 80
	};
	guard_load(&g, &e);
	guard_load(&g, &e);
	assert_int_equal(s.begun, 1);
	assert_int_equal(s.cause, 0);
	assert_int_equal(g.banned_n, 1);
	guard_tick(&g, at(50));
	assert_int_equal(s.ended, 1);
	guard_fini(&g);
}

static void count_one(void *ctx, const struct board_entry *)
{
	++*(unsigned *)ctx;
}

/* Many peers: memory stays, bans stay, whoever was silent longest is forgotten. */
static void a_full_table_forgets_the_silent(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	wrong(&g, "192.0.2.1", 5, 0);
	wrong(&g, "192.0.2.2", 4, 0);
	for (uint32_t i = 0; i < 3 * GUARD_PEERS; i++) {
		const uint32_t ip = htonl(0x0a00'0000 + i);
		struct addr a = addr_of_ip(&ip, 4);
		guard_connections(&g, &a, 1, 1, at(1), 1);
	}
	assert_int_equal(g.used_n, GUARD_PEERS);
	assert_int_equal(g.stats.evicted, 2 * GUARD_PEERS + 2);
	assert_int_equal(g.banned_n, 1);
	unsigned n = 0;
	guard_each(&g, at(2), count_one, &n);
	assert_int_equal(n, GUARD_PEERS);
	wrong(&g, "192.0.2.2", 4, 2); /* its points are gone */
	assert_int_equal(s.begun, 1);
	guard_fini(&g);
}

static void bans_are_bounded(void **)
{
	struct guard g;
	struct seen s;
	begin(&g, &s, &points);
	for (uint32_t i = 0; i < BOARD_BANS_MAX + 100; i++) {
		const uint32_t ip = htonl(0x0a00'0000 + i);
		struct addr a = addr_of_ip(&ip, 4);
		guard_connections(&g, &a, 50, 50, at(1), 1);
	}
	assert_int_equal(g.banned_n, BOARD_BANS_MAX);
	assert_int_equal(s.ended, 100);
	guard_tick(&g, at(301));
	assert_int_equal(g.banned_n, 0);
	assert_int_equal(s.ended, BOARD_BANS_MAX + 100);
	guard_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_reach_the_score),
		cmocka_unit_test(points_are_forgotten),
		cmocka_unit_test(only_fruitless_connections_give_points),
		cmocka_unit_test(a_64_is_one_peer),
		cmocka_unit_test(mapped_ipv4_is_ipv4),
		cmocka_unit_test(own_and_allowed_are_never_banned),
		cmocka_unit_test(bans_double_up_to_the_cap),
		cmocka_unit_test(without_a_cap_all_bans_are_alike),
		cmocka_unit_test(failures_count_within_their_window),
		cmocka_unit_test(a_rate_has_a_burst),
		cmocka_unit_test(switched_off_all_go_free),
		cmocka_unit_test(unban_forgets_all),
		cmocka_unit_test(loaded_bans_end_on_time),
		cmocka_unit_test(a_full_table_forgets_the_silent),
		cmocka_unit_test(bans_are_bounded),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
