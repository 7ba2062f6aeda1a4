/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth_backend, auth_queue, auth_set: a thread, a loop, and a file that must be fresh before a password is judged */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/auth_set.h"

#define TEST(module, what) static void module##_##what(void **)

struct bench {
	uv_loop_t loop;
	uv_timer_t alive; /* a back end alone does not keep the loop alive */
	struct auth_backend *b;
	unsigned fetches, done;
	bool refuse_fetch;
	enum err results[64];
	struct mono now;
};

static enum err on_fetch(void *ctx, struct auth_backend *)
{
	struct bench *b = ctx;
	b->fetches++;
	return b->refuse_fetch ? ERR_CLOSED : ERR_OK;
}

static void on_done(void *ctx, struct auth_job *job)
{
	struct bench *b = ctx;
	b->results[b->done++ % ARRAY_LEN(b->results)] = job->result;
	auth_job_free(job);
}

static void quiet(enum log_level, const char *, size_t)
{
}

static struct auth_backend_conf conf_of(struct bench *b, const char *file)
{
	return (struct auth_backend_conf){ .loop = &b->loop,
					   .kind = auth_backend_kind(FILE_PASSWD),
					   .file = file,
					   .fetch = on_fetch,
					   .done = on_done,
					   .ctx = b };
}

static void on_alive(uv_timer_t *)
{
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(uv_timer_init(&b->loop, &b->alive), 0);
	uv_timer_start(&b->alive, on_alive, 1, 1);
	const struct auth_backend_conf conf = conf_of(b, "/pw");
	assert_int_equal(auth_backend_new(&b->b, &conf), ERR_OK);
	b->now = clock_now();
	return b;
}

static void tear_down(struct bench **b)
{
	auth_backend_put((*b)->b);
	uv_close((uv_handle_t *)&(*b)->alive, nullptr);
	uv_run(&(*b)->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&(*b)->loop), 0);
	free(*b);
}

#define BENCH struct bench *b OWNED(tear_down) = set_up()

static int file_with(const char *user, const char *password)
{
	static struct crypt_data data;
	char text[256];
	snprintf(text, sizeof text, "%s:*:%s\n", user,
		 crypt_rn(password, "$5$rounds=1000$abc", &data, sizeof data));
	int fd = memfd_create("pw", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

static enum err start(struct bench *b, const char *user, const char *password)
{
	struct auth_job *job = auth_job_new();
	assert_non_null(job);
	snprintf(job->username, sizeof job->username, "%s", user);
	snprintf(job->password, sizeof job->password, "%s", password);
	job->deadline = clock_add_s(clock_now(), 60);
	enum err e = auth_backend_start(b->b, job, b->now);
	if (e != ERR_OK)
		auth_job_free(job);
	return e;
}

static void must_start(struct bench *b, const char *user, const char *password)
{
	assert_int_equal(start(b, user, password), ERR_OK);
}

static void wait_done(struct bench *b, unsigned n)
{
	struct mono until = clock_add_s(clock_now(), 30);
	while (b->done < n && !clock_is_past(clock_now(), until))
		uv_run(&b->loop, UV_RUN_ONCE);
	assert_int_equal(b->done, n);
}

TEST(auth_backend, jobs_wait_for_the_file_and_see_it)
{
	BENCH;
	assert_int_equal(start(b, "u", "one"), ERR_OK);
	assert_int_equal(start(b, "u", "two"), ERR_OK);
	uv_run(&b->loop, UV_RUN_NOWAIT);
	assert_int_equal(b->done, 0);
	assert_int_equal(b->fetches, 1);
	auth_backend_fetched(b->b, file_with("u", "one"), "", b->now);
	wait_done(b, 2);
	assert_int_equal(b->results[0], ERR_OK);
	assert_int_equal(b->results[1], ERR_AUTH);
	assert_int_equal(start(b, "u", "one"), ERR_OK); /* fresh: not asked for again */
	wait_done(b, 3);
	assert_int_equal(b->fetches, 1);
}

TEST(auth_backend, a_changed_password_is_in_force_after_a_second)
{
	BENCH;
	must_start(b, "u", "one");
	auth_backend_fetched(b->b, file_with("u", "one"), "", b->now);
	wait_done(b, 1);
	b->now = clock_add_ms(b->now, 1001);
	must_start(b, "u", "one");
	assert_int_equal(b->fetches, 2);
	auth_backend_fetched(b->b, file_with("u", "two"), "", b->now);
	wait_done(b, 2);
	assert_int_equal(b->results[0], ERR_OK);
	assert_int_equal(b->results[1], ERR_AUTH);
}

TEST(auth_backend, an_unreadable_file_keeps_the_last_content)
{
	BENCH;
	must_start(b, "u", "one");
	auth_backend_fetched(b->b, file_with("u", "one"), "", b->now);
	wait_done(b, 1);
	for (unsigned i = 0; i < 2; i++) {
		b->now = clock_add_s(b->now, 2);
		must_start(b, "u", "one");
		int not_a_file = i == 0 ? -1 : dup(STDERR_FILENO);
		auth_backend_fetched(b->b, not_a_file, "No such file or directory", b->now);
		wait_done(b, i + 2);
		assert_int_equal(b->results[i + 1], ERR_OK);
	}
	b->now = clock_add_s(b->now, 2);
	b->refuse_fetch = true;
	must_start(b, "u", "one");
	wait_done(b, 4);
	assert_int_equal(b->results[3], ERR_OK);
}

TEST(auth_backend, a_supervisor_that_does_not_answer_is_not_waited_for)
{
	BENCH;
	must_start(b, "u", "one");
	auth_backend_tick(b->b, b->now);
	assert_int_equal(b->done, 0);
	b->now = clock_add_s(b->now, 3);
	auth_backend_tick(b->b, b->now);
	wait_done(b, 1);
	assert_int_equal(b->results[0], ERR_AUTH); /* no content: nobody is known */
}

TEST(auth_backend, what_waits_at_the_end_comes_back)
{
	struct bench *b = set_up();
	must_start(b, "u", "one"); /* for the file */
	must_start(b, "u", "one");
	auth_backend_put(b->b);
	b->b = nullptr;
	assert_int_equal(b->done, 2);
	assert_int_equal(b->results[0], ERR_BUSY);
	tear_down(&b);
	b = set_up();
	b->refuse_fetch = true; /* for the thread */
	for (unsigned i = 0; i < 20; i++)
		must_start(b, "u", "one");
	auth_backend_put(b->b);
	b->b = nullptr;
	assert_int_equal(b->done, 20);
	tear_down(&b);
}

TEST(auth_backend, the_queue_is_bounded)
{
	BENCH;
	b->refuse_fetch = true;
	unsigned n = 0;
	while (start(b, "u", "one") == ERR_OK && n < 2 * AUTH_QUEUE_MAX)
		n++;
	assert_true(n >= AUTH_QUEUE_MAX && n < 2 * AUTH_QUEUE_MAX);
}

TEST(auth_set, vhosts_with_the_same_file_share_a_back_end_also_over_a_reload)
{
	BENCH;
	char plain[] = "plain", key[] = "passwd", one[] = "/one", two[] = "/two";
	struct auth_arg args[] = { { key, one }, { key, two } };
	struct auth_method methods[] = { { .name = plain, .args = &args[0], .args_n = 1 },
					 { .name = plain, .args = &args[1], .args_n = 1 } };
	struct vhost vhosts[3] = { { .auth = { &methods[0], 1 } },
				   { .auth = { &methods[1], 1 } },
				   { .auth = { &methods[0], 1 } } };
	const struct config cfg = { .vhosts = vhosts, .vhosts_n = 3 };
	const struct auth_backend_conf conf = conf_of(b, nullptr);
	struct auth_set now, next;
	assert_int_equal(auth_set_init(&now, &cfg, nullptr, &conf), ERR_OK);
	assert_ptr_equal(auth_set_find(&now, 0, 0, FILE_PASSWD), auth_set_find(&now, 2, 0, FILE_PASSWD));
	assert_ptr_not_equal(auth_set_find(&now, 0, 0, FILE_PASSWD), auth_set_find(&now, 1, 0, FILE_PASSWD));
	assert_null(auth_set_find(&now, 3, 0, FILE_PASSWD));
	assert_int_equal(auth_set_init(&next, &cfg, &now, &conf), ERR_OK);
	assert_ptr_equal(auth_set_find(&next, 1, 0, FILE_PASSWD), auth_set_find(&now, 1, 0, FILE_PASSWD));
	auth_set_fini(&now);
	uint32_t vhost = 9, method = 9;
	assert_true(auth_set_place_of(&next, auth_set_find(&next, 1, 0, FILE_PASSWD), &vhost, &method));
	assert_int_equal(vhost, 1);
	assert_false(auth_set_place_of(&next, b->b, &vhost, &method));
	auth_set_fini(&next);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_backend_jobs_wait_for_the_file_and_see_it),
		cmocka_unit_test(auth_backend_a_changed_password_is_in_force_after_a_second),
		cmocka_unit_test(auth_backend_an_unreadable_file_keeps_the_last_content),
		cmocka_unit_test(auth_backend_a_supervisor_that_does_not_answer_is_not_waited_for),
		cmocka_unit_test(auth_backend_what_waits_at_the_end_comes_back),
		cmocka_unit_test(auth_backend_the_queue_is_bounded),
		cmocka_unit_test(auth_set_vhosts_with_the_same_file_share_a_back_end_also_over_a_reload),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
