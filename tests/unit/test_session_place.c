/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session: a place under the limits from the moment a session is entering, and the options of its user */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/session.h"

#define TEST(module, what) static void module##_##what(void **)

static const char text[] =
	"auth = plain[passwd=/x]\nserver-cert = /c\nserver-key = /k\nipv4-network = 192.0.2.0/24\n"
	"max-same-clients = 2\n";

struct bench {
	struct config *cfg;
	struct sessions a;
	struct mono now;
	unsigned closes;
};

static void on_close(void *ctx, uint32_t, uint64_t, enum msgs_cause)
{
	struct bench *b = ctx;
	b->closes++;
}

static void on_route(void *, const struct session *, bool)
{
}

static void quiet(enum log_level, const char *, size_t)
{
}

static void set_up(struct bench *b)
{
	struct config_report report OWNED(config_report_fini) = {};
	log_init("test", LOG_LEVEL_INFO, quiet);
	*b = (struct bench){ .now.ns = 1'000'000'000'000 };
	assert_int_equal(config_parse(&b->cfg, "t", text, sizeof text - 1, &report), ERR_OK);
	const struct session_ops ops = { .close = on_close, .route = on_route, .ctx = b };
	assert_int_equal(sessions_init(&b->a, b->cfg, ops), ERR_OK);
}

static void tear_down(struct bench *b)
{
	sessions_fini(&b->a);
	config_put(b->cfg);
}

struct client {
	uint8_t cookie[SESSION_COOKIE_LEN];
	struct session_open in;
	struct session *s;
	const char *reason;
};

static void login(struct bench *b, struct client *c, const char *user)
{
	uint8_t ip[4] = { 198, 51, 100, 1 };
	const struct session_login in = { .username = user, .group = "", .remote = addr_of_ip(ip, 4) };
	assert_int_equal(session_login(&b->a, &in, b->now, 1000, c->cookie), ERR_OK);
	c->in = (struct session_open){
		.cookie = c->cookie, .cookie_len = sizeof c->cookie, .remote = in.remote, .want_ipv4 = true
	};
	c->s = session_usable(&b->a, c->cookie, sizeof c->cookie, b->now);
	assert_non_null(c->s);
}

static unsigned reserve(struct bench *b, struct client *c)
{
	return session_reserve(&b->a, &c->in, b->now, &c->s, &c->reason);
}

static unsigned enter(struct bench *b, struct client *c)
{
	return session_enter(&b->a, c->s, &c->in, b->now, &c->reason);
}

static enum err own(struct bench *b, struct client *c, const char *lines)
{
	Msg__UserText one = MSG__USER_TEXT__INIT, *list[] = { &one };
	Msg__UserFiles files = MSG__USER_FILES__INIT;
	char file[] = "user";
	one.file = file;
	one.text.data = (uint8_t *)(uintptr_t)lines;
	one.text.len = strlen(lines);
	files.texts = list;
	files.n_texts = 1;
	return session_set_own(&b->a, c->s, &files);
}

TEST(place, who_is_entering_counts)
{
	struct bench b OWNED(tear_down);
	struct client c[3];
	set_up(&b);
	for (size_t i = 0; i < 3; i++)
		login(&b, &c[i], "bob");
	assert_int_equal(reserve(&b, &c[0]), 200);
	assert_int_equal(reserve(&b, &c[1]), 200);
	assert_int_equal(b.a.open_n, 0);
	assert_int_equal(reserve(&b, &c[2]), 401);
	assert_int_equal(enter(&b, &c[0]), 200);
	assert_int_equal(reserve(&b, &c[2]), 401);
	session_unreserve(&b.a, c[1].s);
	assert_int_equal(c[1].s->ipv4.addr.family, 0); /* the address is given back as well */
	assert_int_equal(reserve(&b, &c[2]), 200);
	assert_int_equal(enter(&b, &c[2]), 200);
	assert_int_equal(reserve(&b, &c[1]), 401);
	assert_int_equal(b.a.places_n, 2);
}

TEST(place, one_that_comes_back_has_its_place)
{
	struct bench b OWNED(tear_down);
	struct client c[3];
	set_up(&b);
	for (size_t i = 0; i < 3; i++)
		login(&b, &c[i], "bob");
	assert_int_equal(reserve(&b, &c[0]), 200);
	assert_int_equal(enter(&b, &c[0]), 200);
	assert_int_equal(reserve(&b, &c[1]), 200);
	assert_int_equal(enter(&b, &c[1]), 200);
	/* its old connection ends while it is entering: nobody may slip in between */
	uint64_t old = c[0].s->sid;
	assert_int_equal(reserve(&b, &c[0]), 200);
	assert_int_equal(b.a.places_n, 2);
	session_closed(&b.a, 0, old, CAUSE_REPLACED, 0, 0, b.now);
	assert_int_equal(b.a.open_n, 1);
	assert_int_equal(reserve(&b, &c[2]), 401);
	assert_int_equal(enter(&b, &c[0]), 200);
	assert_true(c[0].s->sid > old);
	assert_int_equal(b.a.places_n, 2);
}

TEST(place, it_goes_with_the_session)
{
	struct bench b OWNED(tear_down);
	struct client c[3];
	set_up(&b);
	for (size_t i = 0; i < 3; i++)
		login(&b, &c[i], "bob");
	assert_int_equal(reserve(&b, &c[0]), 200);
	assert_int_equal(reserve(&b, &c[1]), 200);
	session_logout(&b.a, c[0].cookie, sizeof c[0].cookie, b.now);
	assert_null(session_usable(&b.a, c[0].cookie, sizeof c[0].cookie, b.now));
	assert_int_equal(b.a.places_n, 1);
	assert_int_equal(reserve(&b, &c[2]), 200);
}

TEST(own, limits_and_times_are_the_users)
{
	struct bench b OWNED(tear_down);
	struct client c[2];
	set_up(&b);
	login(&b, &c[0], "bob");
	login(&b, &c[1], "bob");
	assert_int_equal(own(&b, &c[0], "max-same-clients = 1\nsession-timeout = 60\n"), ERR_OK);
	assert_int_equal(own(&b, &c[1], "max-same-clients = 1\n"), ERR_OK);
	assert_int_equal(reserve(&b, &c[0]), 200);
	assert_int_equal(c[0].s->expires.ns, b.now.ns + 60'000'000'000); /* from the login */
	assert_int_equal(reserve(&b, &c[1]), 401);
	assert_int_equal(c[1].s->expires.ns, 0);
}

TEST(own, a_wrong_text_changes_nothing)
{
	struct bench b OWNED(tear_down);
	struct client c;
	set_up(&b);
	login(&b, &c, "bob");
	assert_int_equal(own(&b, &c, "mtu = 1300\n"), ERR_OK);
	assert_int_equal(own(&b, &c, "mtu = 1200\nmtu = no\n"), ERR_CONFIG);
	assert_int_equal(session_vhost(&b.a, c.s)->mtu, 1300);
	assert_int_equal(own(&b, &c, "tcp-port = 1\n"), ERR_CONFIG);
}

TEST(own, an_address_is_one_sessions)
{
	struct bench b OWNED(tear_down);
	struct client bob, again, eve;
	set_up(&b);
	login(&b, &bob, "bob");
	login(&b, &again, "bob");
	login(&b, &eve, "eve");
	for (struct client *c = &bob; c != nullptr; c = c == &bob ? &again : c == &again ? &eve : nullptr)
		assert_int_equal(own(&b, c, "explicit-ipv4 = 203.0.113.7\n"), ERR_OK); /* of no pool */
	assert_int_equal(reserve(&b, &bob), 200);
	assert_int_equal(bob.s->ipv4.addr.addr[3], 7);
	assert_int_equal(reserve(&b, &again), 503); /* he is entering */
	assert_int_equal(enter(&b, &bob), 200);
	assert_int_equal(reserve(&b, &again), 503); /* he is in */
	session_closed(&b.a, 0, bob.s->sid, CAUSE_NETWORK, 0, 0, b.now);
	assert_int_equal(reserve(&b, &eve), 503);   /* another user's never */
	assert_int_equal(reserve(&b, &again), 200); /* what he has left behind is his own */
	assert_null(session_usable(&b.a, bob.cookie, sizeof bob.cookie, b.now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_who_is_entering_counts),
		cmocka_unit_test(place_one_that_comes_back_has_its_place),
		cmocka_unit_test(place_it_goes_with_the_session),
		cmocka_unit_test(own_limits_and_times_are_the_users),
		cmocka_unit_test(own_a_wrong_text_changes_nothing),
		cmocka_unit_test(own_an_address_is_one_sessions),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
