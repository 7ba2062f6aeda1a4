/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth, auth_place: several methods in one login, alternatives, questions; nothing weaker than configured */
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
#include "keeper/auth_place.h"

#define TEST(module, what) static void module##_##what(void **)

struct bench {
	struct config cfg;
	struct vhost vhost;
	struct auth_method auth[2], other[2];
	struct auth a;
	struct mono now;
	struct auth_job *job; /* the last that a back end got */
	enum err start_result;
	unsigned jobs, answers, logins, cancels;
	uint64_t cancelled;
	struct auth_answer answer;
	uint8_t auth_id[AUTH_ID_LEN];
	char label[64], error[128], user[64], group[64];
	bool has_prompt;
};

static void on_answer(void *ctx, const struct auth_ticket *, const struct auth_answer *a)
{
	struct bench *b = ctx;
	b->answers++;
	b->answer = *a;
	b->has_prompt = a->prompt != nullptr;
	if (a->auth_id != nullptr)
		memcpy(b->auth_id, a->auth_id, AUTH_ID_LEN);
	snprintf(b->label, sizeof b->label, "%s", a->prompt != nullptr ? a->prompt->label : "");
	snprintf(b->error, sizeof b->error, "%s", a->error != nullptr ? a->error : "");
}

static enum err on_start(void *ctx, struct auth_job *job, struct mono)
{
	struct bench *b = ctx;
	b->jobs++;
	if (b->start_result == ERR_OK) {
		assert_null(b->job);
		b->job = job;
	}
	return b->start_result;
}

static void on_cancel(void *ctx, uint32_t, uint32_t, uint64_t conv)
{
	struct bench *b = ctx;
	b->cancels++;
	b->cancelled = conv;
}

static enum err on_login(void *ctx, const struct session_login *in, struct mono,
			 uint8_t cookie[SESSION_COOKIE_LEN])
{
	struct bench *b = ctx;
	b->logins++;
	snprintf(b->user, sizeof b->user, "%s", in->username);
	snprintf(b->group, sizeof b->group, "%s", in->group);
	memset(cookie, 7, SESSION_COOKIE_LEN);
	return ERR_OK;
}

static void quiet(enum log_level, const char *, size_t)
{
}

/* all: methods of auth; others: of enable-auth */
static struct bench *set_up(size_t all, size_t others)
{
	static char name[] = "pam", host[] = "";
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	for (size_t i = 0; i < 2; i++)
		b->auth[i].name = b->other[i].name = name;
	b->vhost =
		(struct vhost){ .name = host, .auth = { b->auth, all }, .enable_auth = { b->other, others } };
	b->cfg.vhosts = &b->vhost;
	b->cfg.vhosts_n = 1;
	b->cfg.auth_timeout = 240;
	b->now.ns = 1'000'000'000;
	const struct auth_ops ops = {
		.answer = on_answer, .start = on_start, .cancel = on_cancel, .login = on_login, .ctx = b
	};
	auth_init(&b->a, &b->cfg, ops);
	return b;
}

static void tear_down(struct bench **b)
{
	auth_job_free((*b)->job);
	auth_fini(&(*b)->a);
	free(*b);
}

#define BENCH(all, others) struct bench *b OWNED(tear_down) = set_up((all), (others))

static void step(struct bench *b, const char *user, const char *password, const char *group)
{
	static const uint8_t none[AUTH_ID_LEN];
	const struct auth_request r = { .auth_id = b->auth_id,
					.auth_id_len =
						memcmp(b->auth_id, none, sizeof none) != 0 ? AUTH_ID_LEN : 0,
					.username = user,
					.password = password,
					.group = group };
	auth_request(&b->a, &r, b->now);
}

static void done(struct bench *b, enum err result, const char *given)
{
	struct auth_job *job = TAKE(b->job);
	assert_non_null(job);
	job->result = result;
	snprintf(job->given, sizeof job->given, "%s", given);
	auth_done(&b->a, job, b->now);
}

static void more(struct bench *b, const char *label)
{
	struct auth_job *job = TAKE(b->job);
	assert_non_null(job);
	auth_job_ask(job, 1, "text", label);
	auth_done(&b->a, job, b->now);
}

static void is_asked(const struct bench *b, const char *label)
{
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->has_prompt && b->answer.ask_password && !b->answer.ask_username);
	assert_string_equal(b->label, label);
}

TEST(auth_place, ways_and_methods)
{
	BENCH(2, 2);
	static const struct {
		struct auth_place at;
		uint32_t method;
	} rows[] = { { { 0, 0 }, 0 },          { { 0, 1 }, 1 }, { { 0, 2 }, UINT32_MAX }, { { 1, 0 }, 2 },
		     { { 1, 1 }, UINT32_MAX }, { { 2, 0 }, 3 }, { { 3, 0 }, UINT32_MAX } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(auth_place_method(&b->vhost, rows[i].at), rows[i].method);
		assert_int_equal(auth_place_is_method(&b->vhost, rows[i].at), rows[i].method != UINT32_MAX);
	}
}

TEST(auth_ways, all_methods_are_demanded)
{
	BENCH(2, 0);
	step(b, "alice", "one", nullptr);
	assert_int_equal(b->job->method, 0);
	done(b, ERR_OK, "staff");
	assert_int_equal(b->logins, 0);
	assert_int_equal(b->job->method, 1); /* begun at once, and has to ask */
	assert_false(b->job->has_password || b->job->is_answer);
	more(b, "Second:");
	is_asked(b, "Second:");
	step(b, nullptr, "two", nullptr);
	assert_true(b->job->is_answer);
	assert_string_equal(b->job->password, "two");
	assert_string_equal(b->job->username, "alice");
	done(b, ERR_OK, "other");
	assert_int_equal(b->answer.verdict, VERDICT_OK);
	assert_int_equal(b->logins, 1);
	assert_string_equal(b->group, "staff"); /* of the first that knew one */
}

TEST(auth_ways, a_wrong_second_method_forgets_the_first)
{
	BENCH(2, 0);
	step(b, "alice", "one", nullptr);
	done(b, ERR_OK, "");
	more(b, "Second:");
	step(b, nullptr, "wrong", nullptr);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.ask_username && b->answer.retry && !b->has_prompt);
	step(b, nullptr, "two", nullptr); /* is for the first method again */
	assert_int_equal(b->job->method, 0);
	assert_false(b->job->is_answer);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->logins, 0);
}

TEST(auth_ways, another_name_starts_over)
{
	BENCH(2, 0);
	step(b, "alice", "one", nullptr);
	done(b, ERR_OK, "");
	more(b, "Second:");
	step(b, "bob", "two", nullptr);
	assert_int_equal(b->cancels, 1);
	assert_int_equal(b->job->method, 0);
	assert_string_equal(b->job->username, "bob");
	assert_false(b->job->is_answer);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->logins, 0);
}

TEST(auth_ways, alternatives_are_tried_in_turn)
{
	BENCH(1, 2);
	step(b, "alice", "pw", nullptr);
	assert_true(b->job->is_kept);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->answers, 0);
	assert_int_equal(b->job->method, 1);
	assert_string_equal(b->job->password, "pw");
	done(b, ERR_SYS, "");
	assert_int_equal(b->job->method, 2);
	assert_false(b->job->is_kept);
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 1);
}

TEST(auth_ways, no_from_all_is_one_try)
{
	BENCH(1, 1);
	for (unsigned i = 1; i <= AUTH_TRIES; i++) {
		step(b, "alice", "pw", nullptr);
		done(b, ERR_AUTH, "");
		done(b, ERR_AUTH, "");
		assert_int_equal(b->a.stats.failures, i);
	}
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(b->logins, 0);
}

TEST(auth_ways, a_no_beside_a_broken_one_counts_as_a_try)
{
	BENCH(1, 1);
	step(b, "alice", "pw", nullptr);
	done(b, ERR_AUTH, "");
	done(b, ERR_SYS, "");
	assert_int_equal(b->a.stats.failures, 1);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	step(b, "alice", "pw", nullptr);
	done(b, ERR_SYS, "");
	done(b, ERR_SYS, "");
	assert_int_equal(b->a.stats.failures, 1);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(b->logins, 0);
}

/* A half of the demanded methods does not open an alternative, nor the other way round. */
TEST(auth_ways, a_way_that_said_yes_is_bound)
{
	BENCH(2, 1);
	step(b, "alice", "pw", nullptr);
	done(b, ERR_OK, "");
	assert_int_equal(b->job->method, 1);
	done(b, ERR_AUTH, "");
	assert_null(b->job);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_int_equal(b->logins, 0);
	step(b, "alice", "pw", nullptr);
	more(b, "Code:");
	step(b, nullptr, "x", nullptr);
	done(b, ERR_SYS, "");
	assert_null(b->job);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(b->logins, 0);
}

TEST(auth_ways, a_chosen_group_must_be_vouched_for)
{
	static const char *const given[] = { "", "admins", "staf", "staff " };
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		BENCH(1, 0);
		step(b, "alice", "pw", "staff");
		done(b, ERR_OK, given[i]);
		assert_int_equal(b->answer.verdict, VERDICT_MORE);
		assert_int_equal(b->logins, 0);
	}
	BENCH(2, 0);
	step(b, "alice", "pw", "staff");
	done(b, ERR_OK, "");
	done(b, ERR_OK, "staff");
	assert_int_equal(b->logins, 1);
	assert_string_equal(b->group, "staff");
}

TEST(auth_ways, questions_are_repeated_and_given_up)
{
	BENCH(1, 0);
	step(b, "alice", "pw", nullptr);
	uint64_t conv = b->job->conv;
	more(b, "Code:");
	step(b, nullptr, nullptr, nullptr);
	is_asked(b, "Code:");
	step(b, nullptr, "1", nullptr);
	assert_int_equal(b->job->conv, conv);
	assert_int_equal(b->job->step, 1);
	more(b, "Next:");
	is_asked(b, "Next:");
	b->now = clock_add_s(b->now, 240);
	auth_tick(&b->a, b->now);
	assert_int_equal(auth_count(&b->a), 0);
	assert_int_equal(b->cancels, 1);
	assert_int_equal(b->cancelled, conv);
	step(b, nullptr, "2", nullptr); /* too late: from the beginning */
	assert_null(b->job);
	assert_true(b->answer.ask_username);
}

TEST(auth_ways, a_slow_back_end_is_cancelled)
{
	BENCH(1, 1);
	step(b, "alice", "pw", nullptr);
	b->now = clock_add_s(b->now, AUTH_JOB_S);
	auth_tick(&b->a, b->now);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(b->cancels, 1);
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 0);
}

TEST(auth_ways, changed_methods_end_logins_under_way)
{
	BENCH(1, 0);
	step(b, "alice", "pw", nullptr);
	more(b, "Code:");
	struct bench *next OWNED(tear_down) = set_up(2, 0);
	auth_set_config(&b->a, &next->cfg);
	assert_int_equal(auth_count(&b->a), 0);
	step(b, nullptr, "1", nullptr);
	assert_null(b->job);
	auth_set_config(&b->a, &b->cfg);
}

TEST(auth_ways, a_back_end_that_forgets_its_result_lets_nobody_in)
{
	BENCH(1, 0);
	step(b, "alice", "pw", nullptr);
	struct auth_job *job = TAKE(b->job);
	auth_done(&b->a, job, b->now);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(b->logins, 0);
}

/* {{ certificates }} */

static char certificate[] = "certificate";

/* As a worker says it: with or without a certificate. */
static void show(struct bench *b, bool with_cert, const char *user, const char *password)
{
	static const uint8_t none[AUTH_ID_LEN], der[] = { 0x30, 0x00 };
	const struct auth_request r = { .auth_id = b->auth_id,
					.auth_id_len =
						memcmp(b->auth_id, none, sizeof none) != 0 ? AUTH_ID_LEN : 0,
					.cert = der,
					.cert_len = with_cert ? sizeof der : 0,
					.username = user,
					.password = password };
	auth_request(&b->a, &r, b->now);
}

/* The method certificate has judged. */
static void judged(struct bench *b, bool is_good, const char *user)
{
	assert_non_null(b->job);
	b->job->is_certificate = true;
	b->job->is_final = !is_good;
	if (is_good)
		snprintf(b->job->username, sizeof b->job->username, "%s", user);
	else
		snprintf(b->job->message, sizeof b->job->message, "no such certificate");
	done(b, is_good ? ERR_OK : ERR_AUTH, "");
}

TEST(auth_place, a_certificate_comes_first)
{
	BENCH(2, 2);
	b->auth[1].name = certificate;
	assert_int_equal(auth_place_method(&b->vhost, (struct auth_place){ 0, 0 }), 1);
	assert_int_equal(auth_place_method(&b->vhost, (struct auth_place){ 0, 1 }), 0);
	assert_int_equal(auth_place_method(&b->vhost, (struct auth_place){ 0, 2 }), UINT32_MAX);
	assert_int_equal(auth_place_method(&b->vhost, (struct auth_place){ 1, 0 }), 2);
	uint8_t way = 77;
	assert_true(auth_place_find_way(&b->vhost, 0, AUTH_SHOWS_CERT, &way) && way == 0);
	assert_true(auth_place_find_way(&b->vhost, 0, 0, &way) && way == 1);
	assert_false(auth_place_find_way(&b->vhost, 3, AUTH_SHOWS_CERT, &way));
	b->other[0].name = b->other[1].name = certificate;
	assert_false(auth_place_find_way(&b->vhost, 0, 0, &way));
	assert_true(auth_place_find_certificate(&b->vhost, &way) && way == 0);
	b->auth[1].name = b->auth[0].name;
	assert_true(auth_place_find_certificate(&b->vhost, &way) && way == 1);
}

TEST(auth_cert, alone_it_is_enough)
{
	BENCH(1, 0);
	b->auth[0].name = certificate;
	show(b, true, nullptr, nullptr);
	assert_int_equal(b->job->cert_len, 2);
	judged(b, true, "alice");
	assert_int_equal(b->answer.verdict, VERDICT_OK);
	assert_string_equal(b->user, "alice");
}

TEST(auth_cert, a_bad_one_is_not_asked_for_again)
{
	BENCH(1, 0);
	b->auth[0].name = certificate;
	show(b, true, nullptr, nullptr);
	judged(b, false, "");
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_string_equal(b->error, "no such certificate");
	assert_int_equal(auth_count(&b->a), 0);
	assert_int_equal(b->logins, 0);
}

TEST(auth_cert, a_password_does_not_replace_it)
{
	BENCH(2, 0);
	b->auth[1].name = certificate;
	show(b, false, "alice", "secret");
	assert_int_equal(b->job->method, 1);
	assert_int_equal(b->job->cert_len, 0);
	judged(b, false, "");
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	show(b, false, nullptr, nullptr);
	assert_null(b->job);
	assert_int_equal(b->logins, 0);
}

TEST(auth_cert, then_the_password_of_its_user)
{
	BENCH(2, 0);
	b->auth[1].name = certificate;
	show(b, true, nullptr, nullptr);
	assert_string_equal(b->job->username, "");
	judged(b, true, "alice");
	assert_int_equal(b->logins, 0);
	assert_int_equal(b->job->method, 0);
	assert_false(b->job->has_password);
	more(b, "Password:");
	is_asked(b, "Password:");
	assert_true(b->answer.cert_authenticated);
	show(b, true, nullptr, "secret");
	assert_true(b->job->is_answer);
	assert_string_equal(b->job->username, "alice");
	done(b, ERR_OK, "staff");
	assert_int_equal(b->logins, 1);
	assert_string_equal(b->user, "alice");
}

TEST(auth_cert, a_password_given_with_it_is_not_asked_for_again)
{
	BENCH(2, 0);
	b->auth[0].name = certificate;
	show(b, true, "alice", "secret");
	assert_int_equal(b->job->method, 0);
	judged(b, true, "alice");
	assert_int_equal(b->job->method, 1);
	assert_true(b->job->has_password && !b->job->is_answer);
	assert_string_equal(b->job->password, "secret");
	done(b, ERR_AUTH, "");
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_int_equal(b->logins, 0);
	show(b, false, nullptr, "secret"); /* the certificate is proven anew each time */
	assert_int_equal(b->job->method, 0);
	assert_int_equal(b->job->cert_len, 0);
	judged(b, false, "");
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
}

TEST(auth_cert, another_name_starts_over)
{
	BENCH(2, 0);
	b->auth[0].name = certificate;
	show(b, true, nullptr, nullptr);
	judged(b, true, "alice");
	more(b, "Password:");
	show(b, true, "bob", "secret");
	assert_int_equal(b->job->method, 0); /* which compares the names */
	assert_string_equal(b->job->username, "bob");
	judged(b, false, "");
	assert_int_equal(b->logins, 0);
}

TEST(auth_cert, or_a_password)
{
	BENCH(1, 1);
	b->other[0].name = certificate;
	show(b, true, nullptr, nullptr);
	assert_int_equal(b->job->method, 1);
	judged(b, false, "");
	assert_int_equal(b->answer.verdict, VERDICT_MORE); /* a form: a password may do */
	assert_true(b->answer.ask_username);
	show(b, false, "alice", "wrong");
	assert_int_equal(b->job->method, 0);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_string_equal(b->error, "Login failed.");
	assert_null(b->job); /* not the way of a certificate that nobody showed */
	show(b, false, "alice", "right");
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 1);
}

TEST(auth_cert, is_passed_over_where_it_is_no_method)
{
	BENCH(1, 0);
	show(b, true, nullptr, nullptr);
	assert_null(b->job);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.ask_username && !b->answer.cert_authenticated);
}

/* {{ tokens of HTTP Negotiate */

static char gssapi[] = "gssapi";

static void show_token(struct bench *b, const char *token, const char *user)
{
	const struct auth_request r = { .auth_id = b->auth_id,
					.auth_id_len = b->answers > 0 ? AUTH_ID_LEN : 0,
					.token = (const uint8_t *)token,
					.token_len = strlen(token),
					.username = user,
					.password = user };
	auth_request(&b->a, &r, b->now);
}

TEST(auth_token, goes_to_its_method_alone)
{
	BENCH(1, 2);
	b->other[1].name = gssapi;
	show_token(b, "one", "mallory");
	assert_int_equal(b->job->method, 2);
	assert_string_equal(b->job->username, "");
	assert_false(b->job->has_password || b->job->is_answer);
	assert_memory_equal(b->job->token.bytes, "one", 3);
	done(b, ERR_AUTH, "");
	assert_null(b->job); /* no other way is tried */
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_true(b->answer.retry);
	step(b, "alice", "wrong", nullptr);
	assert_int_equal(b->job->method, 0);
	done(b, ERR_AUTH, "");
	assert_int_equal(b->job->method, 1);
	done(b, ERR_AUTH, "");
	assert_null(b->job); /* a password is nothing for it */
	assert_int_equal(b->logins, 0);
}

TEST(auth_token, may_be_several)
{
	BENCH(1, 1);
	b->other[0].name = gssapi;
	show_token(b, "one", nullptr);
	assert_int_equal(auth_token_set(&b->job->reply, (const uint8_t *)"two", 3), ERR_OK);
	b->job->prompt.wants_token = true;
	struct auth_job *job = TAKE(b->job);
	job->wants_more = true;
	auth_done(&b->a, job, b->now);
	assert_int_equal(b->answer.verdict, VERDICT_MORE);
	assert_int_equal(b->answer.token->len, 3);
	show_token(b, "three", nullptr);
	assert_true(b->job->is_answer);
	assert_memory_equal(b->job->token.bytes, "three", 5);
	snprintf(b->job->username, sizeof b->job->username, "alice");
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 1);
	assert_string_equal(b->user, "alice");
}

TEST(auth_token, then_a_password)
{
	BENCH(2, 0);
	b->auth[0].name = gssapi;
	step(b, "bob", "secret", nullptr); /* a form before any token */
	assert_int_equal(b->job->method, 0);
	assert_int_equal(b->job->token.len, 0);
	done(b, ERR_AUTH, "");
	show_token(b, "one", nullptr);
	snprintf(b->job->username, sizeof b->job->username, "alice");
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 0);
	assert_int_equal(b->job->method, 1);
	assert_string_equal(b->job->username, "alice");
	more(b, "Password:");
	step(b, nullptr, "secret", nullptr);
	done(b, ERR_OK, "");
	assert_int_equal(b->logins, 1);
}

TEST(auth_token, is_refused_where_it_is_no_method)
{
	BENCH(1, 1);
	show_token(b, "one", "alice");
	assert_null(b->job);
	assert_int_equal(b->answer.verdict, VERDICT_DENIED);
	assert_int_equal(auth_count(&b->a), 0);
}

TEST(auth_token, has_a_bound)
{
	static uint8_t bytes[AUTH_TOKEN_MAX + 1];
	struct auth_token t = {};
	assert_int_equal(auth_token_set(&t, bytes, sizeof bytes), ERR_RANGE);
	assert_int_equal(auth_token_set(&t, bytes, sizeof bytes - 1), ERR_OK);
	auth_token_fini(&t);
	assert_null(t.bytes);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_place_ways_and_methods),
		cmocka_unit_test(auth_ways_all_methods_are_demanded),
		cmocka_unit_test(auth_ways_a_wrong_second_method_forgets_the_first),
		cmocka_unit_test(auth_ways_another_name_starts_over),
		cmocka_unit_test(auth_ways_alternatives_are_tried_in_turn),
		cmocka_unit_test(auth_ways_no_from_all_is_one_try),
		cmocka_unit_test(auth_ways_a_no_beside_a_broken_one_counts_as_a_try),
		cmocka_unit_test(auth_ways_a_way_that_said_yes_is_bound),
		cmocka_unit_test(auth_ways_a_chosen_group_must_be_vouched_for),
		cmocka_unit_test(auth_ways_questions_are_repeated_and_given_up),
		cmocka_unit_test(auth_ways_a_slow_back_end_is_cancelled),
		cmocka_unit_test(auth_ways_changed_methods_end_logins_under_way),
		cmocka_unit_test(auth_ways_a_back_end_that_forgets_its_result_lets_nobody_in),
		cmocka_unit_test(auth_place_a_certificate_comes_first),
		cmocka_unit_test(auth_cert_alone_it_is_enough),
		cmocka_unit_test(auth_cert_a_bad_one_is_not_asked_for_again),
		cmocka_unit_test(auth_cert_a_password_does_not_replace_it),
		cmocka_unit_test(auth_cert_then_the_password_of_its_user),
		cmocka_unit_test(auth_cert_a_password_given_with_it_is_not_asked_for_again),
		cmocka_unit_test(auth_cert_another_name_starts_over),
		cmocka_unit_test(auth_cert_or_a_password),
		cmocka_unit_test(auth_cert_is_passed_over_where_it_is_no_method),
		cmocka_unit_test(auth_token_goes_to_its_method_alone),
		cmocka_unit_test(auth_token_may_be_several),
		cmocka_unit_test(auth_token_then_a_password),
		cmocka_unit_test(auth_token_is_refused_where_it_is_no_method),
		cmocka_unit_test(auth_token_has_a_bound),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
