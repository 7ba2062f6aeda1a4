/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth: what is asked, what counts as a try, what is forgotten; the back end is ours and answers when we say so */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/auth.h"

#define TEST(module, what) static void module##_##what(void **)

constexpr uint32_t AUTH_TIMEOUT_S = 240;

struct bench {
	struct config cfg;
	struct vhost vhost;
	struct group_choice groups[2];
	struct auth a;
	struct mono now;
	/* the last of each */
	struct auth_job *job;
	enum err start_result, login_result;
	unsigned answers, logins;
	struct auth_answer answer;
	struct auth_ticket ticket;
	uint8_t auth_id[AUTH_ID_LEN];
	char message[128], username[64], group[64], logged_in_group[64];
	char texts[8][16];
};

static void on_answer(void *ctx, const struct auth_ticket *t, const struct auth_answer *a)
{
	struct bench *b = ctx;
	b->answers++;
	b->answer = *a;
	b->ticket = *t;
	if (a->auth_id != nullptr)
		memcpy(b->auth_id, a->auth_id, AUTH_ID_LEN);
	snprintf(b->message, sizeof b->message, "%s", a->message != nullptr ? a->message : "");
	snprintf(b->username, sizeof b->username, "%s", a->username != nullptr ? a->username : "");
	snprintf(b->group, sizeof b->group, "%s", a->group != nullptr ? a->group : "");
}

static enum err on_start(void *ctx, struct auth_job *job, struct mono)
{
	struct bench *b = ctx;
	if (b->start_result == ERR_OK) {
		auth_job_free(b->job);
		b->job = job;
	}
	return b->start_result;
}

static enum err on_login(void *ctx, const struct session_login *in, struct mono,
			 uint8_t cookie[SESSION_COOKIE_LEN])
{
	struct bench *b = ctx;
	b->logins++;
	snprintf(b->logged_in_group, sizeof b->logged_in_group, "%s", in->group);
	memset(cookie, 7, SESSION_COOKIE_LEN);
	return b->login_result;
}

static void quiet(enum log_level, const char *, size_t)
{
}

static char *word(struct bench *b, unsigned i, const char *text)
{
	snprintf(b->texts[i], sizeof b->texts[i], "%s", text);
	return b->texts[i];
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	b->cfg.vhosts = &b->vhost;
	b->cfg.vhosts_n = 1;
	b->cfg.auth_timeout = AUTH_TIMEOUT_S;
	b->vhost.name = word(b, 0, "");
	b->vhost.cookie_timeout = 300;
	b->groups[0] = (struct group_choice){ word(b, 1, "staff"), word(b, 2, "Staff people") };
	b->groups[1] = (struct group_choice){ word(b, 3, "admins"), word(b, 4, "admins") };
	b->now.ns = 1'000'000'000;
	const struct auth_ops ops = { .answer = on_answer, .start = on_start, .login = on_login, .ctx = b };
	auth_init(&b->a, &b->cfg, ops);
	return b;
}

static void tear_down(struct bench **b)
{
	auth_job_free((*b)->job);
	auth_fini(&(*b)->a);
	free(*b);
}

#define BENCH struct bench *b OWNED(tear_down) = set_up()

/* One step with the last auth_id, if there was one. */
static void step(struct bench *b, const char *user, const char *password, const char *group)
{
	static const uint8_t none[AUTH_ID_LEN];
	const struct auth_request r = { .ticket = { .worker = 1, .channel = 2, .id = 3 },
					.auth_id = b->auth_id,
					.auth_id_len =
						memcmp(b->auth_id, none, sizeof none) != 0 ? AUTH_ID_LEN : 0,
					.username = user,
					.password = password,
					.group = group };
	auth_request(&b->a, &r, b->now);
}

static void done(struct bench *b, enum err result)
{
	struct auth_job *job = b->job;
	assert_non_null(job);
	b->job = nullptr;
	job->result = result;
	job->why = "test";
	snprintf(job->given, sizeof job->given, "%s", job->group);
	auth_done(&b->a, job, b->now);
}

static void wrong(struct bench *b)
{
	step(b, "alice", "wrong", nullptr);
	done(b, ERR_AUTH);
}

TEST(auth, three_wrong_passwords_are_the_end)
{
	BENCH;
	for (unsigned i = 1; i < AUTH_TRIES; i++) {
		wrong(b);
		assert_int_equal(b->answer.verdict, VERDICT_MORE);
		assert_true(b->answer.retry && b->answer.ask_username && b->answer.ask_password);
		assert_string_not_equal(b->message, "");
	}
	wrong(b);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(auth_count(&b->a), 0);
	assert_int_equal(b->a.stats.failures, AUTH_TRIES);
	assert_int_equal(b->logins, 0);
}

TEST(auth, the_right_password_after_a_wrong_one_is_accepted)
{
	BENCH;
	wrong(b);
	step(b, "alice", "right", nullptr);
	assert_string_equal(b->job->password, "right");
	done(b, ERR_OK);
	assert_int_equal(b->answer.verdict, VERDICT_OK);
	assert_string_equal(b->username, "alice");
	assert_int_equal(b->answer.cookie_timeout_s, 300);
	assert_int_equal(b->logins, 1);
	assert_int_equal(auth_count(&b->a), 0);
}

TEST(auth, steps_come_in_any_order)
{
	BENCH;
	step(b, nullptr, nullptr, nullptr);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.ask_username && b->answer.ask_password && !b->answer.retry);
	step(b, nullptr, "early", nullptr); /* a password for a form that was never shown */
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.ask_username && b->answer.ask_password);
	assert_null(b->job);
	step(b, "alice", nullptr, nullptr);
	assert_true(!b->answer.ask_username && b->answer.ask_password);
	step(b, nullptr, "right", nullptr);
	assert_string_equal(b->job->username, "alice");
	done(b, ERR_OK);
	assert_int_equal(b->answer.verdict, VERDICT_OK);
	assert_int_equal(b->a.stats.failures, 0);
}

TEST(auth, an_empty_password_is_a_password)
{
	BENCH;
	step(b, "alice", "", nullptr);
	assert_non_null(b->job);
	done(b, ERR_AUTH);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.retry);
}

TEST(auth, an_overlong_name_or_password_is_nobodys)
{
	BENCH;
	static char longer[AUTH_PASSWORD_MAX + 100];
	memset(longer, 'a', sizeof longer - 1);
	step(b, "alice", longer, nullptr);
	assert_string_equal(b->job->username, "");
	done(b, ERR_AUTH);
	step(b, longer, "right", nullptr);
	assert_string_equal(b->job->username, "");
}

TEST(auth, tries_cannot_be_made_side_by_side)
{
	BENCH;
	step(b, nullptr, nullptr, nullptr);
	step(b, "alice", "one", nullptr);
	const struct auth_job *first = b->job;
	step(b, "alice", "two", nullptr);
	assert_ptr_equal(b->job, first);
	assert_int_equal(b->answers, 2);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_false(b->answer.retry);
	done(b, ERR_AUTH);
	assert_int_equal(b->answers, 3);
}

TEST(auth, a_login_ends_after_auth_timeout)
{
	BENCH;
	wrong(b);
	wrong(b);
	b->now = clock_add_s(b->now, AUTH_TIMEOUT_S);
	auth_tick(&b->a, b->now);
	assert_int_equal(auth_count(&b->a), 0);
	wrong(b); /* begins anew: the first try of three */
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
}

TEST(auth, a_slow_back_end_is_answered_for_and_its_late_word_ignored)
{
	BENCH;
	step(b, "alice", "right", nullptr);
	b->now = clock_add_s(b->now, AUTH_JOB_S);
	auth_tick(&b->a, b->now);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	done(b, ERR_OK);
	assert_int_equal(b->answers, 1);
	assert_int_equal(b->logins, 0);
}

TEST(auth, a_broken_back_end_is_not_the_users_fault)
{
	static const enum err results[] = { ERR_NOTFOUND, ERR_FULL, ERR_OK };
	for (size_t i = 0; i < ARRAY_LEN(results); i++) {
		BENCH;
		b->start_result = results[i];
		step(b, "alice", "right", nullptr);
		if (b->job != nullptr)
			done(b, ERR_SYS);
		assert_int_equal(b->answer.verdict, VERDICT_DENIED);
		assert_int_equal(b->a.stats.failures, 0);
		assert_int_equal(auth_count(&b->a), 0);
	}
}

TEST(auth, no_session_means_no_cookie)
{
	BENCH;
	b->login_result = ERR_FULL;
	step(b, "alice", "right", nullptr);
	done(b, ERR_OK);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_null(b->answer.cookie);
}

TEST(auth, groups_are_known_by_name_and_label)
{
	static const struct {
		const char *chosen, *want;
	} rows[] = {
		{ nullptr, "" },        { "", "" },
		{ "staff", "staff" },   { "Staff people", "staff" },
		{ "admins", "admins" }, { "Everybody", "" },
		{ "other", "other" },   { "STAFF", "STAFF" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		BENCH;
		b->vhost.select_group = (struct grouplist){ b->groups, 2 };
		b->vhost.default_select_group = word(b, 5, "Everybody");
		step(b, "alice", "x", rows[i].chosen);
		assert_string_equal(b->job->group, rows[i].want);
		done(b, ERR_OK);
		assert_string_equal(b->logged_in_group, rows[i].want);
	}
}

TEST(auth, a_group_chosen_first_is_kept_until_the_try_fails)
{
	BENCH;
	step(b, nullptr, nullptr, "staff");
	step(b, "alice", "x", nullptr);
	assert_string_equal(b->job->group, "staff");
	done(b, ERR_AUTH);
	step(b, "alice", "x", nullptr);
	assert_string_equal(b->job->group, "");
}

TEST(auth, the_table_is_bounded_and_the_oldest_gives_way)
{
	BENCH;
	step(b, "alice", nullptr, nullptr);
	uint8_t first[AUTH_ID_LEN];
	memcpy(first, b->auth_id, sizeof first);
	uint8_t second[AUTH_ID_LEN] = {};
	for (unsigned i = 0; i < AUTH_LOGINS_MAX + 5; i++) {
		memset(b->auth_id, 0, sizeof b->auth_id);
		step(b, "bob", nullptr, nullptr);
		if (i == 0)
			memcpy(second, b->auth_id, sizeof second);
		memcpy(b->auth_id, first, sizeof first); /* used all the time */
		step(b, nullptr, nullptr, nullptr);
		assert_false(b->answer.ask_username); /* alice is still known */
	}
	assert_int_equal(auth_count(&b->a), AUTH_LOGINS_MAX);
	memcpy(b->auth_id, second, sizeof second);
	step(b, nullptr, nullptr, nullptr);
	assert_true(b->answer.ask_username);
}

TEST(auth, the_ticket_comes_back_as_it_was)
{
	BENCH;
	step(b, "alice", "x", nullptr);
	done(b, ERR_OK);
	assert_int_equal(b->ticket.worker, 1);
	assert_int_equal(b->ticket.channel, 2);
	assert_int_equal(b->ticket.id, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_three_wrong_passwords_are_the_end),
		cmocka_unit_test(auth_the_right_password_after_a_wrong_one_is_accepted),
		cmocka_unit_test(auth_steps_come_in_any_order),
		cmocka_unit_test(auth_an_empty_password_is_a_password),
		cmocka_unit_test(auth_an_overlong_name_or_password_is_nobodys),
		cmocka_unit_test(auth_tries_cannot_be_made_side_by_side),
		cmocka_unit_test(auth_a_login_ends_after_auth_timeout),
		cmocka_unit_test(auth_a_slow_back_end_is_answered_for_and_its_late_word_ignored),
		cmocka_unit_test(auth_a_broken_back_end_is_not_the_users_fault),
		cmocka_unit_test(auth_no_session_means_no_cookie),
		cmocka_unit_test(auth_groups_are_known_by_name_and_label),
		cmocka_unit_test(auth_a_group_chosen_first_is_kept_until_the_try_fails),
		cmocka_unit_test(auth_the_table_is_bounded_and_the_oldest_gives_way),
		cmocka_unit_test(auth_the_ticket_comes_back_as_it_was),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
