/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that are silent or gone, clients that are slow, broken, many or not permitted */
#include "unit/test_control_client.h"

/* {{ a keeper in trouble }} */

static void an_absent_keeper_is_told_at_once(void **)
{
	ipc_freep(&w.c.keeper);
	assert_fails("{\"cmd\":[\"show\",\"users\"],\"v\":1}\n", "keeper is being started again");
	assert_fails("{\"cmd\":[\"show\",\"status\"],\"v\":1}\n", "keeper is being started again");
	assert_fails("{\"cmd\":[\"disconnect\",\"id\",\"1\"],\"v\":1}\n", "keeper is being started again");
}

static void a_silent_keeper_is_told_within_two_seconds(void **)
{
	static const char *const requests[] = { "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n",
						"{\"cmd\":[\"show\",\"status\"],\"v\":1}\n" };
	w.keeper_is_mute = true;
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		struct mono before = clock_now();
		assert_fails(requests[i], "keeper does not answer");
		assert_true(clock_now().ns - before.ns < 2'000'000'000);
	}
	w.keeper_is_mute = false;
	assert_message("{\"cmd\":[\"disconnect\",\"id\",\"5001\"],\"v\":1}\n", "id '5001' was disconnected");
}

static void a_keeper_that_dies_ends_the_question(void **)
{
	int fd = dial();
	w.keeper_is_mute = true;
	say(fd, "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	turn(4);
	ipc_freep(&w.keeper);
	char *line = hear(fd);
	assert_non_null(line);
	assert_non_null(strstr(line, "keeper ended"));
	assert_null(w.c.keeper);
	close(fd);
}

/* {{ clients in trouble }} */

static void garbage_is_answered_and_closed(void **)
{
	static const char *const lines[] = { "\n", "GET / HTTP/1.1\r\n\r\n", "{\"cmd\":[\"help\"],\"v\":9}\n",
					     "{}\n",
					     "{\"cmd\":[\"help\"],\"v\":1}\n{\"cmd\":[\"help\"],\"v\":1}\n" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int fd = dial();
		say(fd, lines[i]);
		char *line = hear(fd);
		assert_non_null(line);
		assert_non_null(strstr(line, "\"ok\":false"));
		assert_true(is_closed(fd));
		close(fd);
	}
	assert_int_equal(w.c.server.clients_n, 0);
}

static void an_endless_line_is_cut_off(void **)
{
	static char line[REQUEST_LEN_MAX + 2];
	memset(line, 'x', sizeof line - 1);
	int fd = dial();
	say(fd, line);
	char *answer = hear(fd);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "too long"));
	assert_true(is_closed(fd));
	close(fd);
}

static void one_byte_at_a_time_is_a_request(void **)
{
	int fd = dial();
	for (const char *p = "{\"cmd\":[\"help\"],\"v\":1}\n"; *p != '\0'; p++) {
		say(fd, (char[]){ *p, '\0' });
		turn(2);
	}
	assert_non_null(strstr(hear(fd), "\"view\":\"help\""));
	say(fd, "{\"cmd\":[\"help\"],\"v\":1}\n");
	assert_non_null(strstr(hear(fd), "\"view\":\"help\""));
	close(fd);
}

static void a_client_that_sends_no_more_still_gets_its_answer(void **)
{
	int fd = dial();
	say(fd, "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	shutdown(fd, SHUT_WR);
	assert_non_null(strstr(hear(fd), "alice"));
	assert_true(is_closed(fd));
	close(fd);
}

static void a_client_that_leaves_takes_its_question_along(void **)
{
	w.keeper_is_mute = true;
	int fd = dial();
	say(fd, "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	turn(4);
	assert_non_null(w.c.jobs);
	send_item(w.keeper, 1, 0);
	close(fd);
	turn(4);
	send_item(w.keeper, 1, 0);
	send_item(w.keeper, 0, 0);
	w.keeper_is_mute = false;
	assert_message("{\"cmd\":[\"disconnect\",\"id\",\"5001\"],\"v\":1}\n", "id '5001' was disconnected");
}

static void too_many_clients_are_sent_away(void **)
{
	int fds[SERVE_CLIENTS_MAX];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial();
	turn(2 * SERVE_CLIENTS_MAX);
	assert_int_equal(w.c.server.clients_n, SERVE_CLIENTS_MAX);
	int late = dial();
	assert_non_null(strstr(hear(late), "too many clients"));
	assert_true(is_closed(late));
	close(late);
	say(fds[3], "{\"cmd\":[\"help\"],\"v\":1}\n");
	assert_non_null(strstr(hear(fds[3]), "\"ok\":true"));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	turn(2 * SERVE_CLIENTS_MAX);
	assert_int_equal(w.c.server.clients_n, 0);
}

static void a_client_that_does_not_read_hinders_nobody(void **)
{
	w.sessions_n = 2000;
	int fd = dial();
	say(fd, "{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	turn(200);
	json_t *answer = ask("{\"cmd\":[\"show\",\"users\"],\"v\":1}\n");
	assert_int_equal(json_array_size(json_object_get(answer, "result")), 2000);
	json_decref(answer);
	assert_int_equal(w.c.server.clients_n, 1);
	say(fd, "{\"cmd\":[\"help\"],\"v\":1}\n");
	turn(4);
	assert_int_equal(w.c.server.clients_n, 0);
	close(fd);
}

static void another_user_is_refused(void **)
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(w.dir, 0755), 0);
	assert_int_equal(chmod(w.path, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	int fd = dial();
	assert_int_equal(seteuid(0), 0);
	/* it may be closed before it is written to */
	(void)send(fd, "{\"cmd\":[\"stop\",\"now\"],\"v\":1}\n", 30, MSG_NOSIGNAL);
	char *line = hear(fd);
	assert_non_null(line);
	assert_non_null(strstr(line, "use sudo"));
	assert_true(is_closed(fd));
	assert_int_equal(w.stops, 0);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_absent_keeper_is_told_at_once),
		TEST(a_silent_keeper_is_told_within_two_seconds),
		TEST(a_keeper_that_dies_ends_the_question),
		TEST(garbage_is_answered_and_closed),
		TEST(an_endless_line_is_cut_off),
		TEST(one_byte_at_a_time_is_a_request),
		TEST(a_client_that_sends_no_more_still_gets_its_answer),
		TEST(a_client_that_leaves_takes_its_question_along),
		TEST(too_many_clients_are_sent_away),
		TEST(a_client_that_does_not_read_hinders_nobody),
		TEST(another_user_is_refused),
	};
	return cmocka_run_group_tests_name("control_serve", tests, nullptr, nullptr);
}
