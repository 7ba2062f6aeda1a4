/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stream of events: who looks, who does not read, who leaves, a keeper that dies */
#include "unit/test_control_client.h"

static const char request[] = "{\"cmd\":[\"show\",\"events\"],\"v\":1}\n";

static void happen(enum msgs_event kind, const char *username)
{
	Msg__Event e = MSG__EVENT__INIT;
	Msg__Session s = MSG__SESSION__INIT;
	s.sid = 5001;
	s.username = (char *)(uintptr_t)username;
	e.kind = kind;
	e.session = &s;
	e.rx_bytes = 17;
	e.reason = (char[]){ "user" };
	assert_int_equal(ipc_send(w.keeper, MSG_EVENT, ipc_next_id(w.keeper), &e.base, nullptr, 0), ERR_OK);
	turn(4);
}

/* One that looks. */
static int watcher(void)
{
	int fd = dial();
	say(fd, request);
	char *line = hear(fd);
	assert_non_null(line);
	assert_non_null(strstr(line, "\"stream\":true"));
	turn(4);
	return fd;
}

static json_t *next(int fd)
{
	char *line = hear(fd);
	assert_non_null(line);
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, nullptr);
	assert_non_null(event);
	return event;
}

static void events_reach_all_who_look(void **)
{
	int a = watcher(), b = watcher();
	assert_true(w.events_on);
	happen(EVENT_CLOSED, "alice");
	for (int i = 0; i < 2; i++) {
		json_t *e = next(i == 0 ? a : b);
		assert_string_equal(text(e, "Event"), "disconnected");
		assert_string_equal(text(e, "Username"), "alice");
		assert_string_equal(text(e, "RX"), "17");
		assert_string_equal(text(e, "Reason"), "user");
		json_decref(e);
	}
	happen(EVENT_LOGIN_FAILED, "b\xffob");
	json_t *e = next(a);
	assert_string_equal(text(e, "Event"), "login failed");
	assert_string_equal(text(e, "Username"), "b?ob");
	assert_null(json_object_get(e, "Full session")); /* he has none */
	json_decref(e);
	close(a);
	turn(4);
	assert_true(w.events_on);
	close(b);
	turn(4);
	assert_false(w.events_on);
	assert_int_equal(w.c.watchers_n, 0);
}

static void unknown_kinds_are_left_out(void **)
{
	int fd = watcher();
	happen((enum msgs_event)0, "alice");
	happen((enum msgs_event)77, "alice");
	happen(EVENT_OPENED, "carol");
	json_t *e = next(fd);
	assert_string_equal(text(e, "Username"), "carol");
	json_decref(e);
	close(fd);
}

/* What does not fit is dropped; later he is told how many, and the rest follows in order. */
static void one_who_does_not_read_misses_events(void **)
{
	int slow = watcher(), quick = watcher();
	unsigned seen = 0, told = 0, n = 4000;
	for (unsigned i = 0; i < n; i++) {
		happen(EVENT_OPENED, "alice");
		json_t *e = next(quick);
		assert_string_equal(text(e, "Event"), "connected");
		json_decref(e);
	}
	assert_true(w.c.events_dropped > 0);
	static char bytes[1 << 16];
	static char all[8 << 20];
	size_t len = 0;
	struct mono until = clock_add_s(clock_now(), 20);
	while (!clock_is_past(clock_now(), until) && strstr(all, "dropped") == nullptr) {
		turn(2);
		ssize_t got = read(slow, bytes, sizeof bytes);
		if (got > 0 && len + (size_t)got < sizeof all) {
			memcpy(all + len, bytes, (size_t)got);
			len += (size_t)got;
		}
	}
	assert_non_null(strstr(all, "dropped"));
	for (const char *p = all; (p = strstr(p, "\"Event\":\"connected\"")) != nullptr; p++)
		seen++;
	sscanf(strstr(all, "dropped"), "dropped\",\"Count\":%u", &told);
	assert_int_equal(seen + told, n);
	assert_int_equal(told, w.c.events_dropped);
	close(slow);
	close(quick);
}

static void a_keeper_that_dies_leaves_a_gap(void **)
{
	int fd = watcher();
	ipc_freep(&w.keeper);
	json_t *e = next(fd);
	assert_string_equal(text(e, "Event"), "gap");
	json_decref(e);
	w.events_on = false;
	watch_keeper(&w.c); /* there is none yet: nothing to tell */
	close(fd);
	turn(4);
}

static void places_are_left_for_others(void **)
{
	int fds[WATCH_MAX];
	for (size_t i = 0; i < WATCH_MAX; i++)
		fds[i] = watcher();
	assert_fails(request, "enough others look");
	json_t *answer = ask("{\"cmd\":[\"help\"],\"v\":1}\n");
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	for (size_t i = 0; i < WATCH_MAX; i++)
		close(fds[i]);
	turn(40);
	assert_int_equal(w.c.watchers_n, 0);
}

static void a_word_while_it_streams_ends_it(void **)
{
	int fd = watcher();
	say(fd, request);
	assert_non_null(strstr(hear(fd), "one request at a time"));
	assert_true(is_closed(fd));
	assert_int_equal(w.c.watchers_n, 0);
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_reach_all_who_look),           TEST(unknown_kinds_are_left_out),
		TEST(one_who_does_not_read_misses_events), TEST(a_keeper_that_dies_leaves_a_gap),
		TEST(places_are_left_for_others),          TEST(a_word_while_it_streams_ends_it),
	};
	return cmocka_run_group_tests_name("control_watch", tests, nullptr, nullptr);
}
