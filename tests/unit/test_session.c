/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: the rules of protocol.md 11 and 18, with time and effects in our hands */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/name.h"
#include "keeper/session.h"
#include "keeper/session_life.h"
#include "keeper/session_load.h"

#define TEST(module, what) static void module##_##what(void **)

constexpr uint32_t COOKIE_S = 300, GRACE_S = 15;

/* What the authority did last, and how often. */
struct effects {
	unsigned closes, routes, gones;
	uint64_t close_sid, route_sid, gone_sid;
	uint32_t close_worker;
	enum msgs_cause cause;
};

struct bench {
	uint32_t at; /* the virtual host that clients connect to */
	struct config cfg;
	struct vhost vhosts[2];
	struct sessions a;
	struct effects did;
	struct mono now;
	char empty[1], other[6];
};

static void on_close(void *ctx, uint32_t worker, uint64_t sid, enum msgs_cause cause)
{
	struct effects *e = ctx;
	e->closes++;
	e->close_sid = sid;
	e->close_worker = worker;
	e->cause = cause;
}

static void on_route(void *ctx, const struct session *s, bool gone)
{
	struct effects *e = ctx;
	if (gone) {
		e->gones++;
		e->gone_sid = s->sid;
	} else {
		e->routes++;
		e->route_sid = s->sid;
	}
}

static void quiet(enum log_level, const char *, size_t)
{
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	memcpy(b->other, "other", 6);
	b->cfg.vhosts = b->vhosts;
	b->cfg.vhosts_n = 2;
	for (unsigned i = 0; i < 2; i++) {
		struct vhost *v = &b->vhosts[i];
		v->index = i;
		v->name = i == 0 ? b->empty : b->other;
		v->cookie_timeout = COOKIE_S;
		v->ipv4_network = (struct prefix){ .family = AF_INET, .len = 24, .addr = { 192, 0, 2 } };
		v->ipv6_network =
			(struct prefix){ .family = AF_INET6, .len = 64, .addr = { 0x20, 1, 0xd, 0xb8 } };
		v->ipv6_subnet_prefix = 128;
		v->predictable_ips = true;
	}
	b->now.ns = 1'000'000'000'000;
	const struct session_ops ops = { .close = on_close, .route = on_route, .ctx = &b->did };
	assert_int_equal(sessions_init(&b->a, &b->cfg, ops), ERR_OK);
	return b;
}

static void tear_down(struct bench **b)
{
	sessions_fini(&(*b)->a);
	free(*b);
}

static void pass(struct bench *b, uint64_t s)
{
	b->now = clock_add_s(b->now, s);
	sessions_tick(&b->a, b->now);
}

struct cookie {
	uint8_t b[SESSION_COOKIE_LEN];
};

static struct addr ip(const char *text)
{
	uint8_t raw[4];
	assert_int_equal(inet_pton(AF_INET, text, raw), 1);
	return addr_of_ip(raw, 4);
}

static struct cookie login(struct bench *b, const char *user)
{
	struct cookie c;
	const struct session_login in = { .username = user, .group = "staff", .remote = ip("198.51.100.1") };
	assert_int_equal(session_login(&b->a, &in, b->now, 1000, c.b), ERR_OK);
	return c;
}

static unsigned open_from(struct bench *b, const struct cookie *c, uint32_t worker, const char *from,
			  struct session **s)
{
	const struct session_open in = { .cookie = c->b,
					 .cookie_len = sizeof c->b,
					 .worker = worker,
					 .vhost = b->at,
					 .remote = ip(from),
					 .want_ipv4 = true,
					 .want_ipv6 = true,
					 .unix_now = 2000 };
	const char *reason = nullptr;
	unsigned status = session_admit(&b->a, &in, b->now, s, &reason);
	assert_true((status == 200) == (reason == nullptr));
	return status;
}

static unsigned open_on(struct bench *b, const struct cookie *c, uint32_t worker)
{
	struct session *s;
	return open_from(b, c, worker, "198.51.100.1", &s);
}

static struct session *must_open(struct bench *b, const struct cookie *c, uint32_t worker)
{
	struct session *s = nullptr;
	assert_int_equal(open_from(b, c, worker, "198.51.100.1", &s), 200);
	return s;
}

static void closed(struct bench *b, uint32_t worker, uint64_t sid, enum msgs_cause cause)
{
	session_closed(&b->a, worker, sid, cause, 10, 20, b->now);
}

#define BENCH struct bench *b OWNED(tear_down) = set_up()

/* {{ cookies }} */

TEST(session, unknown_cookies_are_refused)
{
	BENCH;
	struct cookie c = login(b, "alice");
	struct cookie wrong = c;
	wrong.b[31] ^= 1;
	assert_int_equal(open_on(b, &wrong, 0), 401);
	struct session *s;
	const char *reason;
	const struct session_open in = { .cookie = c.b, .cookie_len = 31, .want_ipv4 = true };
	assert_int_equal(session_admit(&b->a, &in, b->now, &s, &reason), 401);
	const struct session_open none = { .cookie = nullptr, .cookie_len = 0, .want_ipv4 = true };
	assert_int_equal(session_admit(&b->a, &none, b->now, &s, &reason), 401);
	assert_int_equal(open_on(b, &c, 0), 200);
}

TEST(session, the_cookie_itself_is_not_stored)
{
	BENCH;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 0);
	assert_memory_not_equal(s->cookie_hash, c.b, sizeof c.b);
}

TEST(session, the_first_connect_must_come_within_cookie_timeout)
{
	BENCH;
	struct cookie early = login(b, "alice"), late = login(b, "bob");
	pass(b, COOKIE_S - 1);
	assert_int_equal(open_on(b, &early, 0), 200);
	pass(b, 1);
	assert_int_equal(open_on(b, &late, 0), 401);
	assert_int_equal(HASH_COUNT(b->a.by_cookie), 1);
	assert_int_equal(leases_count(b->a.leases), 2);
}

TEST(session, a_due_cookie_is_refused_before_the_tick)
{
	BENCH;
	struct cookie c = login(b, "alice");
	b->now = clock_add_s(b->now, COOKIE_S);
	assert_int_equal(open_on(b, &c, 0), 401);
}

TEST(session, the_cause_decides_how_long_the_cookie_lives)
{
	static const struct {
		enum msgs_cause cause;
		uint32_t life, persistent_life;
	} rows[] = {
		{ CAUSE_NETWORK, COOKIE_S + GRACE_S, COOKIE_S + GRACE_S },
		{ CAUSE_USER, GRACE_S, COOKIE_S + GRACE_S },
		{ CAUSE_TEMPORARY, COOKIE_S + GRACE_S, COOKIE_S + GRACE_S },
		{ CAUSE_IDLE, COOKIE_S + GRACE_S, COOKIE_S + GRACE_S },
		{ CAUSE_SESSION_TIMEOUT, 0, 0 },
		{ CAUSE_ADMIN, 0, COOKIE_S + GRACE_S },
		{ CAUSE_TERMINATED, 0, 0 },
		{ CAUSE_SHUTDOWN, COOKIE_S + GRACE_S, COOKIE_S + GRACE_S },
		{ CAUSE_WORKER_LOST, COOKIE_S + GRACE_S, COOKIE_S + GRACE_S },
	};
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		BENCH;
		b->vhosts[0].persistent_cookies = i % 2 == 1;
		uint32_t life = i % 2 == 1 ? rows[i / 2].persistent_life : rows[i / 2].life;
		struct cookie c = login(b, "alice");
		closed(b, 3, must_open(b, &c, 3)->sid, rows[i / 2].cause);
		assert_int_equal(b->did.gones, 1);
		if (life > 0) {
			pass(b, life - 1);
			assert_int_equal(HASH_COUNT(b->a.by_cookie), 1);
			assert_int_equal(leases_count(b->a.leases), 2);
		}
		pass(b, 1);
		assert_int_equal(open_on(b, &c, 0), 401);
		assert_int_equal(HASH_COUNT(b->a.by_cookie), 0);
		assert_int_equal(leases_count(b->a.leases), 0);
		assert_null(b->a.users);
	}
}

TEST(session, logout_kills_the_cookie_and_the_tunnel)
{
	BENCH;
	struct cookie c = login(b, "alice"), unused = login(b, "alice");
	uint64_t sid = must_open(b, &c, 2)->sid;
	session_logout(&b->a, unused.b, sizeof unused.b, b->now);
	session_logout(&b->a, c.b, sizeof c.b, b->now);
	assert_int_equal(b->did.close_sid, sid);
	assert_int_equal(b->did.close_worker, 2);
	assert_int_equal(open_on(b, &c, 0), 401);
	closed(b, 2, sid, CAUSE_USER);
	assert_int_equal(HASH_COUNT(b->a.by_cookie), 0);
}

/* {{ reconnects }} */

TEST(session, reconnect_keeps_addresses_and_closes_the_old_connection)
{
	BENCH;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 1);
	struct lease v4 = s->ipv4, v6 = s->ipv6;
	uint64_t first = s->sid;
	uint8_t app_id[SESSION_APP_ID_LEN];
	memcpy(app_id, s->app_id, sizeof app_id);
	s = must_open(b, &c, 2); /* at another worker, before the old is noticed dead */
	assert_int_equal(b->did.close_sid, first);
	assert_int_equal(b->did.close_worker, 1);
	assert_int_equal(b->did.cause, CAUSE_REPLACED);
	assert_int_equal(b->did.gone_sid, first);
	assert_true(s->sid > first);
	assert_int_equal(b->did.route_sid, s->sid);
	assert_memory_not_equal(app_id, s->app_id, sizeof app_id);
	assert_memory_equal(&v4.addr, &s->ipv4.addr, sizeof v4.addr);
	assert_memory_equal(&v6.addr, &s->ipv6.addr, sizeof v6.addr);
	closed(b, 1, first, CAUSE_REPLACED); /* late, and harmless */
	assert_int_equal(s->state, SESSION_OPEN);
	assert_int_equal(b->a.open_n, 1);
	closed(b, 2, s->sid, CAUSE_NETWORK);
	assert_int_equal(s->rx_bytes, 20); /* of both */
	pass(b, 100);
	s = must_open(b, &c, 3);
	assert_memory_equal(&v4.addr, &s->ipv4.addr, sizeof v4.addr);
}

TEST(session, closing_another_workers_session_is_ignored)
{
	BENCH;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 1);
	closed(b, 2, s->sid, CAUSE_TERMINATED);
	closed(b, 1, s->sid + 1, CAUSE_TERMINATED);
	assert_int_equal(s->state, SESSION_OPEN);
}

TEST(session, deny_roaming_binds_to_the_login_address)
{
	BENCH;
	struct cookie c = login(b, "alice");
	struct session *s;
	assert_int_equal(open_from(b, &c, 0, "203.0.113.9", &s), 200);
	b->vhosts[0].deny_roaming = true;
	assert_int_equal(open_from(b, &c, 0, "203.0.113.9", &s), 401);
	assert_int_equal(open_from(b, &c, 0, "198.51.100.1", &s), 200);
}

TEST(session, session_timeout_counts_from_the_login)
{
	BENCH;
	b->vhosts[0].session_timeout = 1000;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 0);
	assert_int_equal(s->expires.ns, b->now.ns + 1000 * 1'000'000'000ull);
	pass(b, 500);
	closed(b, 0, s->sid, CAUSE_NETWORK);
	s = must_open(b, &c, 0);
	pass(b, 499);
	assert_int_equal(b->did.closes, 0);
	pass(b, 1);
	assert_int_equal(b->did.closes, 1);
	assert_int_equal(b->did.cause, CAUSE_SESSION_TIMEOUT);
	assert_int_equal(open_on(b, &c, 0), 401);
	closed(b, 0, b->did.close_sid, CAUSE_SESSION_TIMEOUT);
	assert_int_equal(b->a.stats.timed_out, 1);
	assert_int_equal(HASH_COUNT(b->a.by_cookie), 0);
}

TEST(session, a_lost_worker_leaves_its_sessions_valid)
{
	BENCH;
	struct cookie c1 = login(b, "alice"), c2 = login(b, "bob"), c3 = login(b, "carol");
	uint64_t replaced = must_open(b, &c3, 1)->sid;
	must_open(b, &c1, 1);
	struct session *other = must_open(b, &c2, 2), *moved = must_open(b, &c3, 2);
	sessions_worker_lost(&b->a, 1, b->now);
	assert_int_equal(b->a.open_n, 2);
	assert_int_equal(other->state, SESSION_OPEN);
	assert_int_equal(moved->state, SESSION_OPEN);
	assert_true(moved->sid != replaced);
	assert_int_equal(open_on(b, &c1, 2), 200);
	assert_int_equal(b->a.open_n, 3);
}

/* {{ limits }} */

TEST(session, max_same_clients_does_not_count_the_one_replaced)
{
	BENCH;
	b->vhosts[0].max_same_clients = 1;
	struct cookie c1 = login(b, "alice"), c2 = login(b, "alice"), other = login(b, "bob");
	must_open(b, &c1, 0);
	assert_int_equal(open_on(b, &c2, 0), 401);
	assert_int_equal(open_on(b, &c1, 1), 200);
	assert_int_equal(open_on(b, &other, 0), 200);
	closed(b, 1, b->did.route_sid - 1, CAUSE_NETWORK);
	sessions_worker_lost(&b->a, 1, b->now);
	assert_int_equal(open_on(b, &c2, 0), 200);
	assert_int_equal(open_on(b, &c1, 0), 401);
}

TEST(session, max_clients_is_503_and_counts_connections_only)
{
	BENCH;
	b->cfg.max_clients = 2;
	struct cookie c1 = login(b, "a1"), c2 = login(b, "a2"), c3 = login(b, "a3");
	must_open(b, &c1, 0);
	struct session *s = must_open(b, &c2, 0);
	assert_int_equal(open_on(b, &c3, 0), 503);
	assert_int_equal(open_on(b, &c2, 1), 200);
	closed(b, 1, s->sid, CAUSE_NETWORK);
	assert_int_equal(open_on(b, &c3, 0), 200);
}

TEST(session, same_name_in_another_vhost_is_another_user)
{
	BENCH;
	b->vhosts[0].max_same_clients = b->vhosts[1].max_same_clients = 1;
	struct cookie c1 = login(b, "alice"), c2;
	const struct session_login in = { .vhost = 1, .username = "alice", .group = "" };
	assert_int_equal(session_login(&b->a, &in, b->now, 1000, c2.b), ERR_OK);
	must_open(b, &c1, 0);
	b->at = 1;
	must_open(b, &c2, 0);
}

TEST(session, an_exhausted_pool_is_503_and_a_freed_lease_is_used)
{
	BENCH;
	b->vhosts[0].ipv4_network.len = 30; /* one client */
	struct cookie c1 = login(b, "alice"), c2 = login(b, "bob");
	struct session *s = must_open(b, &c1, 0);
	assert_int_equal(open_on(b, &c2, 0), 503);
	assert_int_equal(leases_count(b->a.leases), 2); /* the IPv6 one was given back */
	closed(b, 0, s->sid, CAUSE_NETWORK);
	assert_int_equal(open_on(b, &c2, 0), 503); /* the cookie keeps it */
	closed(b, 0, must_open(b, &c1, 0)->sid, CAUSE_TERMINATED);
	assert_int_equal(open_on(b, &c2, 0), 200);
}

TEST(session, an_unconfigured_family_is_not_needed)
{
	BENCH;
	b->vhosts[0].ipv6_network.family = 0;
	struct cookie c = login(b, "alice");
	assert_int_equal(must_open(b, &c, 0)->ipv6.addr.family, 0);
	b->vhosts[0].ipv4_network.family = 0;
	struct cookie c2 = login(b, "bob");
	assert_int_equal(open_on(b, &c2, 0), 503);
}

/* {{ the administrator }} */

static uint32_t end_by_admin(struct bench *b, const char *username, uint64_t sid, bool is_final)
{
	const struct session_choice which = { .username = username, .sid = sid };
	return session_disconnect(&b->a, &which, is_final, b->now);
}

TEST(session, disconnect_ends_the_cookie_and_keeps_the_lease_until_closed)
{
	BENCH;
	struct cookie c1 = login(b, "alice"), c2 = login(b, "bob");
	uint64_t sid = must_open(b, &c1, 1)->sid;
	must_open(b, &c2, 1);
	assert_int_equal(end_by_admin(b, nullptr, 0, false), 0);
	assert_int_equal(end_by_admin(b, "nobody", 0, false), 0);
	assert_int_equal(end_by_admin(b, "bob", sid, false), 0);
	assert_int_equal(end_by_admin(b, nullptr, sid, false), 1);
	assert_int_equal(end_by_admin(b, nullptr, sid, false), 0);
	assert_int_equal(b->did.cause, CAUSE_ADMIN);
	assert_int_equal(b->a.open_n, 1);
	assert_int_equal(open_on(b, &c1, 0), 401);
	assert_int_equal(leases_count(b->a.leases), 4);
	closed(b, 1, sid, CAUSE_ADMIN);
	assert_int_equal(leases_count(b->a.leases), 2);
	assert_int_equal(end_by_admin(b, "bob", 0, false), 1);
	pass(b, 10); /* a worker that never answers */
	assert_int_equal(leases_count(b->a.leases), 0);
	assert_null(b->a.by_sid);
}

TEST(session, disconnect_with_persistent_cookies_lets_the_client_back)
{
	BENCH;
	b->vhosts[0].persistent_cookies = true;
	struct cookie c = login(b, "alice");
	uint64_t sid = must_open(b, &c, 1)->sid;
	assert_int_equal(end_by_admin(b, "alice", 0, false), 1);
	assert_int_equal(b->did.close_sid, sid);
	closed(b, 1, sid, CAUSE_ADMIN);
	assert_int_equal(open_on(b, &c, 0), 200);
}

TEST(session, terminate_ends_the_cookie_whatever_is_configured)
{
	BENCH;
	b->vhosts[0].persistent_cookies = true;
	struct cookie c1 = login(b, "alice"), c2 = login(b, "alice"), c3 = login(b, "bob");
	uint64_t sid = must_open(b, &c1, 1)->sid;
	const struct session *waiting = nullptr, *s;
	char name[ENCODE_BASE64_LEN(SESSION_HASH_LEN) + 1] = "";
	size_t len;
	for (s = b->a.by_cookie; s != nullptr; s = s->hh.next)
		if (s->state == SESSION_WAITING && strcmp(session_username(s), "alice") == 0)
			waiting = s;
	assert_int_equal(
		encode_to_base64(waiting->cookie_hash, SESSION_HASH_LEN, name, sizeof name - 1, &len),
		ERR_OK);

	assert_int_equal(name_find(&b->a, name, &s), ERR_OK);
	assert_ptr_equal(s, waiting);
	name[6] = '\0';
	assert_int_equal(name_find(&b->a, name, &s), ERR_OK);
	name[5] = '\0'; /* too easily that of another */
	assert_int_equal(name_find(&b->a, name, &s), ERR_NOTFOUND);
	assert_true(name_fits(waiting, name));
	assert_int_equal(name_find(&b->a, "", &s), ERR_NOTFOUND);
	assert_int_equal(name_find(&b->a, "!!!!!!!!", &s), ERR_NOTFOUND);

	const struct session_choice one = { .cookie_hash = waiting->cookie_hash };
	assert_int_equal(session_disconnect(&b->a, &one, true, b->now), 1);
	assert_int_equal(open_on(b, &c2, 0), 401);
	assert_int_equal(end_by_admin(b, "alice", 0, true), 1);
	assert_int_equal(b->did.close_sid, sid);
	assert_int_equal(b->did.cause, CAUSE_TERMINATED);
	assert_int_equal(open_on(b, &c1, 0), 401);
	assert_int_equal(open_on(b, &c3, 0), 200);
	assert_int_equal(end_by_admin(b, nullptr, 0, true), 0);
	assert_int_equal(end_by_admin(b, "", 0, true), 0);
}

/* {{ restart of the keeper }} */

static struct session_report report_of(const struct session *s)
{
	return (struct session_report){ .cookie_hash = s->cookie_hash,
					.app_id = s->app_id,
					.sid = s->sid,
					.worker = s->worker,
					.username = session_username(s),
					.group = s->group,
					.login = s->login,
					.remote = s->remote,
					.ipv4 = s->ipv4.addr,
					.ipv6 = s->ipv6.addr,
					.logged_in_at = s->logged_in_at,
					.expires = s->expires };
}

/* A worker says an end again if the keeper died before it confirmed it. */
TEST(session, an_end_that_is_told_again_counts_once)
{
	BENCH;
	struct cookie c = login(b, "alice");
	const struct session *s = must_open(b, &c, 1);
	struct session_report in = report_of(s);
	uint8_t hash[SESSION_HASH_LEN];
	uint64_t sid = s->sid;
	memcpy(hash, s->cookie_hash, sizeof hash);
	in.cookie_hash = hash;
	in.username = "alice";
	in.group = "";

	for (int was_over = 0; was_over < 2; was_over++) {
		struct bench *next OWNED(tear_down) = set_up();
		in.is_over = was_over != 0;
		assert_int_equal(session_load(&next->a, &in, 100, 1000, 2000, next->now), ERR_OK);
		for (int i = 0; i < 3; i++)
			session_closed(&next->a, in.worker, sid, CAUSE_NETWORK, 10, 20, next->now);
		const struct session *loaded = session_find(&next->a, hash);
		assert_int_equal(loaded->rx_bytes, was_over ? 1000 : 1010);
		assert_int_equal(loaded->tx_bytes, was_over ? 2000 : 2020);
	}
}

TEST(session, a_new_keeper_learns_all_from_reports)
{
	BENCH;
	struct bench *b2 OWNED(tear_down) = set_up();
	b->vhosts[0].session_timeout = 1000;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 1);
	struct session_report r = report_of(s);
	assert_int_equal(session_report(&b2->a, &r, b2->now), ERR_OK);
	assert_int_equal(b2->a.open_n, 1);
	assert_int_equal(b2->did.routes, 1);
	assert_int_equal(session_report(&b2->a, &r, b2->now), ERR_EXISTS); /* twice */
	assert_int_equal(b2->a.open_n, 1);
	struct session *s2 = must_open(b2, &c, 2); /* the cookie still works, addresses are the same */
	assert_memory_equal(&s2->ipv4.addr, &s->ipv4.addr, sizeof s->ipv4.addr);
	assert_memory_equal(&s2->ipv6.addr, &s->ipv6.addr, sizeof s->ipv6.addr);
	assert_true(s2->sid > s->sid);
	assert_int_equal(s2->expires.ns, s->expires.ns);
	struct cookie other = login(b2, "alice"); /* predictable, but taken */
	assert_memory_not_equal(&must_open(b2, &other, 2)->ipv4.addr, &s->ipv4.addr, sizeof s->ipv4.addr);
}

TEST(session, of_two_reports_of_one_cookie_the_newer_wins)
{
	for (int order = 0; order < 2; order++) {
		BENCH;
		struct bench *b2 OWNED(tear_down) = set_up();
		struct cookie c = login(b, "alice");
		struct session_report old = report_of(must_open(b, &c, 1));
		uint8_t old_app_id[SESSION_APP_ID_LEN];
		memcpy(old_app_id, old.app_id, sizeof old_app_id);
		old.app_id = old_app_id;
		struct session_report fresh = report_of(must_open(b, &c, 2));
		enum err e1 = session_report(&b2->a, order == 0 ? &old : &fresh, b2->now);
		enum err e2 = session_report(&b2->a, order == 0 ? &fresh : &old, b2->now);
		assert_int_equal(e1, ERR_OK);
		assert_int_equal(e2, order == 0 ? ERR_OK : ERR_EXISTS);
		assert_int_equal(b2->did.close_sid, old.sid);
		assert_int_equal(b2->did.cause, CAUSE_REPLACED);
		assert_int_equal(b2->a.open_n, 1);
		struct session *s = session_find(&b2->a, fresh.cookie_hash);
		assert_int_equal(s->sid, fresh.sid);
	}
}

TEST(session, a_report_whose_address_is_taken_is_closed)
{
	BENCH;
	struct bench *b2 OWNED(tear_down) = set_up();
	struct cookie c = login(b, "alice");
	struct session_report r = report_of(must_open(b, &c, 1));
	assert_int_equal(session_report(&b2->a, &r, b2->now), ERR_OK);
	uint8_t hash[SESSION_HASH_LEN] = { 1 };
	r.cookie_hash = hash;
	r.sid += 1;
	assert_int_equal(session_report(&b2->a, &r, b2->now), ERR_EXISTS);
	assert_int_equal(b2->did.close_sid, r.sid);
	assert_int_equal(HASH_COUNT(b2->a.by_cookie), 1);
}

/* {{ reload, table }} */

TEST(session, sessions_follow_their_vhost_over_a_reload)
{
	BENCH;
	struct cookie c;
	const struct session_login in = { .vhost = 1, .username = "alice", .group = "" };
	assert_int_equal(session_login(&b->a, &in, b->now, 1000, c.b), ERR_OK);
	assert_int_equal(open_on(b, &c, 0), 401); /* at another one than it logged in to */
	b->at = 1;
	struct session *s = must_open(b, &c, 0);
	struct vhost vhosts[3] = { b->vhosts[0], b->vhosts[0], b->vhosts[1] };
	char fresh[] = "fresh";
	vhosts[1].name = fresh;
	struct config cfg = b->cfg;
	cfg.vhosts = vhosts;
	cfg.vhosts_n = 3;
	sessions_set_config(&b->a, &cfg);
	assert_int_equal(s->vhost, 2);
	sessions_set_config(&b->a, &b->cfg);
	assert_int_equal(s->vhost, 1);
	cfg.vhosts_n = 1; /* it is gone */
	sessions_set_config(&b->a, &cfg);
	assert_int_equal(s->vhost, 0);
	sessions_set_config(&b->a, &b->cfg);
}

TEST(session, what_the_table_does_not_name_is_refused)
{
	static const bool allowed[SESSION_STATES_N][SESSION_EVENTS_N] = {
#define SESSION_STEP(state, event, action) [SESSION_##state][SESSION_EV_##event] = true,
#include "keeper/session.def"
	};
	BENCH;
	struct cookie c = login(b, "alice");
	struct session *s = must_open(b, &c, 0);
	const struct session_move m = { .now = b->now };
	enum session_state was = s->state;
	for (unsigned state = 0; state < SESSION_STATES_N; state++)
		for (unsigned ev = 0; ev < SESSION_EVENTS_N; ev++) {
			if (allowed[state][ev])
				continue;
			s->state = (enum session_state)state;
			assert_int_equal(session_feed(&b->a, s, (enum session_event)ev, &m), ERR_PROTO);
			assert_int_equal(s->state, state);
		}
	s->state = was;
}

TEST(session, ten_thousand_idle_sessions_cost_nothing_between_deadlines)
{
	BENCH;
	b->vhosts[0].ipv4_network.len = 16;
	for (unsigned i = 0; i < 10000; i++) {
		char user[16];
		snprintf(user, sizeof user, "u%u", i);
		struct cookie c = login(b, user);
		must_open(b, &c, i % 4);
	}
	sessions_tick(
		&b->a,
		clock_add_s(b->now, COOKIE_S)); /* the login deadlines are stale: one scan, nothing due */
	assert_int_equal(b->a.next_deadline.ns, UINT64_MAX);
	assert_int_equal(b->a.open_n, 10000);
	sessions_worker_lost(&b->a, 1, b->now);
	assert_int_equal(b->a.open_n, 7500);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_unknown_cookies_are_refused),
		cmocka_unit_test(session_the_cookie_itself_is_not_stored),
		cmocka_unit_test(session_the_first_connect_must_come_within_cookie_timeout),
		cmocka_unit_test(session_a_due_cookie_is_refused_before_the_tick),
		cmocka_unit_test(session_the_cause_decides_how_long_the_cookie_lives),
		cmocka_unit_test(session_logout_kills_the_cookie_and_the_tunnel),
		cmocka_unit_test(session_reconnect_keeps_addresses_and_closes_the_old_connection),
		cmocka_unit_test(session_closing_another_workers_session_is_ignored),
		cmocka_unit_test(session_deny_roaming_binds_to_the_login_address),
		cmocka_unit_test(session_session_timeout_counts_from_the_login),
		cmocka_unit_test(session_a_lost_worker_leaves_its_sessions_valid),
		cmocka_unit_test(session_max_same_clients_does_not_count_the_one_replaced),
		cmocka_unit_test(session_max_clients_is_503_and_counts_connections_only),
		cmocka_unit_test(session_same_name_in_another_vhost_is_another_user),
		cmocka_unit_test(session_an_exhausted_pool_is_503_and_a_freed_lease_is_used),
		cmocka_unit_test(session_an_unconfigured_family_is_not_needed),
		cmocka_unit_test(session_disconnect_ends_the_cookie_and_keeps_the_lease_until_closed),
		cmocka_unit_test(session_disconnect_with_persistent_cookies_lets_the_client_back),
		cmocka_unit_test(session_terminate_ends_the_cookie_whatever_is_configured),
		cmocka_unit_test(session_an_end_that_is_told_again_counts_once),
		cmocka_unit_test(session_a_new_keeper_learns_all_from_reports),
		cmocka_unit_test(session_of_two_reports_of_one_cookie_the_newer_wins),
		cmocka_unit_test(session_a_report_whose_address_is_taken_is_closed),
		cmocka_unit_test(session_sessions_follow_their_vhost_over_a_reload),
		cmocka_unit_test(session_what_the_table_does_not_name_is_refused),
		cmocka_unit_test(session_ten_thousand_idle_sessions_cost_nothing_between_deadlines),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
