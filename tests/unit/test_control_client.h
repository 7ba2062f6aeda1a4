/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of occtl's socket; it turns the loop while it waits */
#pragma once

#include <errno.h>

#include "unit/test_control_peers.h"

static inline int dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	strcpy(to.sun_path, w.path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline void turn(unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		uv_run(w.c.loop, UV_RUN_NOWAIT);
}

static inline void say(int fd, const char *s)
{
	assert_int_equal(send(fd, s, strlen(s), MSG_NOSIGNAL), strlen(s));
}

/* The next line or what came before the end; nullptr: nothing came within 5 s, or the end. */
static inline char *hear(int fd)
{
	static char line[4 << 20];
	size_t len = 0;
	struct mono until = clock_add_s(clock_now(), 5);
	while (!clock_is_past(clock_now(), until)) {
		uv_run(w.c.loop, UV_RUN_NOWAIT);
		ssize_t n = read(fd, line + len, sizeof line - 1 - len);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		len += n > 0 ? (size_t)n : 0;
		if (len > 0 && line[len - 1] == '\n')
			break;
	}
	line[len] = '\0';
	return len > 0 ? line : nullptr;
}

static inline bool is_closed(int fd)
{
	char c;
	struct mono until = clock_add_s(clock_now(), 5);
	while (!clock_is_past(clock_now(), until)) {
		turn(1);
		ssize_t n = read(fd, &c, 1);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return true;
	}
	return false;
}

/* Ask on a connection of its own; the strictly parsed answer, for json_decref. */
static inline json_t *ask(const char *request)
{
	int fd = dial();
	say(fd, request);
	char *line = hear(fd);
	assert_non_null(line);
	json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, nullptr);
	assert_non_null(answer);
	close(fd);
	turn(4);
	return answer;
}

static inline const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	return s == nullptr ? "(absent)" : s;
}

static inline void assert_fails(const char *request, const char *why)
{
	json_t *answer = ask(request);
	assert_true(json_is_false(json_object_get(answer, "ok")));
	print_message("%s\n", text(answer, "error"));
	assert_non_null(strstr(text(answer, "error"), why));
	json_decref(answer);
}

static inline void assert_message(const char *request, const char *message)
{
	json_t *answer = ask(request);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	assert_string_equal(text(answer, "view"), "message");
	assert_string_equal(text(json_object_get(answer, "result"), "message"), message);
	json_decref(answer);
}
