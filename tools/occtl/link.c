/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

constexpr size_t ANSWER_MAX = 256 << 20; /* some 100,000 sessions */
constexpr time_t PATIENCE_S = 30;        /* a reload loads certificates in every process */

[[gnu::format(printf, 2, 3)]] static void complain(const struct link *l, const char *fmt, ...)
{
	if (l->is_quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	fputs("occtl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

static void complain_socket(const struct link *l, int error)
{
	const char *hint = "";
	if (error == ENOENT || error == ECONNREFUSED)
		hint = "; is the server running, with use-occtl = true? '-s FILE' names another occtl-socket-file";
	else if (error == EACCES || error == EPERM)
		hint = "; use sudo";
	complain(l, "cannot reach the server at '%s': %s%s", l->socket, strerror(error), hint);
}

static int open_link(const struct link *l)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	if (strlen(l->socket) >= sizeof to.sun_path) {
		complain_socket(l, ENAMETOOLONG);
		return -1;
	}
	memcpy(to.sun_path, l->socket, strlen(l->socket));
	OWNED(base_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
		complain_socket(l, errno);
		return -1;
	}
	int out = fd;
	fd = -1;
	return out;
}

/* {"cmd":[words],"v":1} and a line feed, for free(); nullptr if a word is no UTF-8. */
static char *request_of(char *const words[], size_t words_n)
{
	json_t *cmd = json_array();
	for (size_t i = 0; i < words_n; i++) {
		if (json_array_append_new(cmd, json_string(words[i])) != 0) {
			json_decref(cmd);
			return nullptr;
		}
	}
	json_t *object = json_pack("{s:o, s:i}", "cmd", cmd, "v", 1);
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	char *line = nullptr;
	if (text == nullptr || asprintf(&line, "%s\n", text) < 0)
		line = nullptr;
	free(text);
	return line;
}

/* A server that refuses us closes before it reads: the reason is still there to be read, so a failure is not told here. */
static void send_all(int fd, const char *s)
{
	size_t len = strlen(s);
	while (len > 0) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);
		if (n < 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

/* Everything up to the line feed, for free(); nullptr: closed, too late or too long. */
static char *read_line(int fd)
{
	size_t len = 0, cap = 0;
	OWNED(base_freep) char *line = nullptr;
	for (;;) {
		if (len + 1 >= cap) {
			cap = cap == 0 ? 65536 : cap * 2;
			char *more = cap <= ANSWER_MAX ? realloc(line, cap) : nullptr;
			if (more == nullptr)
				return nullptr;
			line = more;
		}
		ssize_t n = read(fd, line + len, cap - len - 1);
		if (n <= 0)
			return nullptr;
		len += (size_t)n;
		line[len] = '\0';
		if (line[len - 1] == '\n')
			return TAKE(line);
	}
}

static json_t *exchange(const struct link *l, int fd, const char *request)
{
	if (l->has_debug)
		fprintf(stderr, "> %s", request);
	send_all(fd, request);
	OWNED(base_freep) char *line = read_line(fd);
	if (line == nullptr) {
		complain(l, "the server gave no answer; see its log");
		return nullptr;
	}
	if (l->has_debug)
		fprintf(stderr, "< %s", line);
	json_t *response = json_loads(line, JSON_REJECT_DUPLICATES, nullptr);
	if (json_is_object(response))
		return response;
	json_decref(response);
	fprintf(stderr, "occtl: the answer is not understood; is '%s' a socket of ocserv-modern?\n",
		l->socket);
	return nullptr;
}

json_t *link_ask(const struct link *l, char *const words[], size_t words_n)
{
	OWNED(base_freep) char *request = words_n <= LINK_WORDS_MAX ? request_of(words, words_n) : nullptr;
	if (request == nullptr) {
		complain(l, "too many words, or one that is not UTF-8");
		return nullptr;
	}
	OWNED(base_closep) int fd = open_link(l);
	return fd < 0 ? nullptr : exchange(l, fd, request);
}
