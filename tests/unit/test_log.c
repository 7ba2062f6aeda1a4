/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static struct {
	char text[2048];
	size_t len;
	enum log_level level;
	unsigned n;
} got;

static void catch (enum log_level level, const char *text, size_t len)
{
	got.level = level;
	got.len = len;
	got.n++;
	assert_true(len < sizeof got.text);
	memcpy(got.text, text, len);
	got.text[len] = '\0';
}

static int start(void **)
{
	memset(&got, 0, sizeof got);
	log_init("worker1", LOG_LEVEL_INFO, catch);
	return 0;
}

static void a_line_names_its_process(void **)
{
	log_notice("session open user=%s id=%d", "alice", 7);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.level, LOG_LEVEL_NOTICE);
	assert_string_equal(got.text, "worker1 session open user=alice id=7");
	assert_int_equal(got.len, strlen(got.text));
}

static void levels_above_the_limit_are_silent(void **)
{
	log_debug("no");
	assert_int_equal(got.n, 0);
	log_info("yes");
	assert_int_equal(got.n, 1);
	log_set_level(LOG_LEVEL_ERR);
	log_info("no");
	log_notice("no");
	log_warn("no");
	assert_int_equal(got.n, 1);
	log_err("yes");
	assert_int_equal(got.n, 2);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("yes");
	assert_int_equal(got.n, 3);
}

static void a_flood_is_held_back_and_told(void **)
{
	struct timespec pause = { .tv_nsec = 10'000'000 };
	for (int i = 0; i < 10'000; i++)
		log_info("again");
	assert_in_range(got.n, 2000, 6000); /* a second or two may begin meanwhile */
	unsigned before = got.n;
	log_err("errors pass");
	assert_in_range(got.n, before + 1, before + 2);
	for (int i = 0; i < 300 && strstr(got.text, "log.held_back") == nullptr; i++) {
		nanosleep(&pause, nullptr);
		memset(got.text, 0, sizeof got.text);
		log_set_level(LOG_LEVEL_DEBUG);
		got.n = 0;
		log_debug("tick");
		if (got.n == 2) /* the account of the second before, then this line */
			break;
	}
	assert_int_equal(got.n, 2);
	assert_string_equal(got.text, "worker1 tick");
}

static void a_value_cannot_forge_a_line(void **)
{
	log_info("login user=%s", "x\n<3>keeper login user=root\r\t\x1b[2J\x7f");
	assert_string_equal(got.text, "worker1 login user=x?<3>keeper login user=root???[2J?");
}

static void a_long_line_is_cut(void **)
{
	char text[4096];
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	log_info("%s", text);
	assert_int_equal(got.n, 1);
	assert_in_range(got.len, 500, 1023);
	for (size_t i = 8; i < got.len; i++)
		assert_int_equal(got.text[i], 'a');
}

static void without_a_sink_the_line_goes_to_stderr(void **)
{
	int pipe_fd[2], saved = dup(STDERR_FILENO);
	char text[64] = {};
	assert_int_equal(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	log_init("keeper", LOG_LEVEL_INFO, nullptr);
	log_warn("a\nb=%d", 1);
	dup2(saved, STDERR_FILENO);
	ssize_t n = read(pipe_fd[0], text, sizeof text - 1);
	close(saved);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	assert_string_equal(text, "<4>keeper a?b=1\n");
	assert_int_equal(n, strlen(text));
}

static void numbers_of_ocserv_have_levels(void **)
{
	assert_int_equal(log_level_of(0), LOG_LEVEL_ERR);
	assert_int_equal(log_level_of(1), LOG_LEVEL_NOTICE);
	assert_int_equal(log_level_of(2), LOG_LEVEL_INFO);
	assert_int_equal(log_level_of(3), LOG_LEVEL_INFO);
	assert_int_equal(log_level_of(4), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_of(9), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_of(4'000'000'000), LOG_LEVEL_DEBUG);
}

static void every_error_has_a_text(void **)
{
	for (int e = 0; e < ERR_N; e++) {
		assert_non_null(err_text((enum err)e));
		assert_string_not_equal(err_text((enum err)e), "unknown error");
	}
	assert_string_equal(err_text(ERR_N), "unknown error");
	assert_string_equal(err_text((enum err)255), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_line_names_its_process, start),
		cmocka_unit_test_setup(levels_above_the_limit_are_silent, start),
		cmocka_unit_test_setup(a_flood_is_held_back_and_told, start),
		cmocka_unit_test_setup(a_value_cannot_forge_a_line, start),
		cmocka_unit_test_setup(a_long_line_is_cut, start),
		cmocka_unit_test_setup(without_a_sink_the_line_goes_to_stderr, start),
		cmocka_unit_test(numbers_of_ocserv_have_levels),
		cmocka_unit_test(every_error_has_a_text),
	};
	return cmocka_run_group_tests_name("log", tests, nullptr, nullptr);
}
