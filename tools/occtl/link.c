/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link.h"

#include <errno.h>
#include <signal.h>
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

/* The next line with its line feed, for free(); nullptr: closed, too late, interrupted or too long. */
static char *read_line(FILE *in)
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
		if (fgets(line + len, (int)(cap - len), in) == nullptr)
			return nullptr;
		len += strlen(line + len);
		if (len > 0 && line[len - 1] == '\n')
			return TAKE(line);
	}
}

/* An object on a line; nullptr: none. */
static json_t *read_object(const struct link *l, FILE *in, bool *has_line)
{
	OWNED(base_freep) char *line = read_line(in);
	*has_line = line != nullptr;
	if (line == nullptr)
		return nullptr;
	if (l->has_debug)
		fprintf(stderr, "< %s", line);
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, nullptr);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return nullptr;
}

static json_t *exchange(const struct link *l, FILE *f, const char *request)
{
	bool has_line;
	if (l->has_debug)
		fprintf(stderr, "> %s", request);
	send_all(fileno(f), request);
	json_t *response = read_object(l, f, &has_line);
	if (!has_line)
		complain(l, "the server gave no answer; see its log");
	else if (response == nullptr)
		fprintf(stderr, "occtl: the answer is not understood; is '%s' a socket of ocserv-modern?\n",
			l->socket);
	return response;
}

/* A signal handler gets no argument.  The socket is shut, so that no read waits, whenever the signal comes. */
static volatile sig_atomic_t stream_fd = -1, interrupted;

static void on_interrupt(int)
{
	interrupted = 1;
	shutdown(stream_fd, SHUT_RDWR);
}

static void read_events(const struct link *l, FILE *f, link_event *each, void *ctx)
{
	bool has_line, goes_on = true;
	while (goes_on && !interrupted) {
		json_t *event = read_object(l, f, &has_line);
		if (event == nullptr && !interrupted)
			complain(l, "the server has ended the stream; see its log");
		goes_on = event != nullptr && !interrupted && each(ctx, event);
		json_decref(event);
	}
}

/* Ctrl-C ends the stream, not the program. */
static bool follow(const struct link *l, FILE *f, link_event *each, void *ctx)
{
	const struct timeval forever = {};
	const struct sigaction end = { .sa_handler = on_interrupt };
	struct sigaction before;
	setsockopt(fileno(f), SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
	interrupted = 0;
	stream_fd = fileno(f);
	sigaction(SIGINT, &end, &before);
	read_events(l, f, each, ctx);
	sigaction(SIGINT, &before, nullptr);
	return interrupted != 0;
}

json_t *link_follow(const struct link *l, char *const words[], size_t words_n, link_event *each, void *ctx,
		    bool *was_interrupted)
{
	OWNED(base_freep) char *request = words_n <= LINK_WORDS_MAX ? request_of(words, words_n) : nullptr;
	*was_interrupted = false;
	if (request == nullptr) {
		complain(l, "too many words, or one that is not UTF-8");
		return nullptr;
	}
	int fd = open_link(l);
	if (fd < 0)
		return nullptr;
	FILE *f = fdopen(fd, "r");
	if (f == nullptr) {
		close(fd);
		return nullptr;
	}
	json_t *response = exchange(l, f, request);
	if (each != nullptr && json_is_true(json_object_get(response, "stream")))
		*was_interrupted = follow(l, f, each, ctx);
	fclose(f);
	return response;
}

json_t *link_ask(const struct link *l, char *const words[], size_t words_n)
{
	bool was_interrupted;
	return link_follow(l, words, words_n, nullptr, nullptr, &was_interrupted);
}
