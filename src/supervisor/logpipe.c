/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/logpipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/output.h"

constexpr size_t LINE_LEN_MAX = 1536;

struct logpipe {
	uv_poll_t poll;
	int fd;
	pid_t pid;
	struct mono second; /* begin of the second in which lines_n were seen */
	size_t lines_n;
	size_t held_n; /* bytes of a line not yet ended */
	char name[16];
	char held[LINE_LEN_MAX];
};

static void clean(char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)s[i] < ' ' || s[i] == 0x7f)
			s[i] = '?';
}

static bool has_name(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);
	return len > n && memcmp(line, name, n) == 0 && line[n] == ' ';
}

void logpipe_forward(const char *name, pid_t pid, const char *line, size_t len)
{
	/* what scripts print is no error by itself */
	enum log_level level = strcmp(name, "script") == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERR;
	if (len >= 3 && line[0] == '<' && line[1] >= '3' && line[1] <= '7' && line[2] == '>') {
		level = (enum log_level)(line[1] - '0');
		line += 3;
		len -= 3;
	}
	char text[LINE_LEN_MAX + 32];
	int n = snprintf(text, sizeof text, "%s%s%.*s", has_name(line, len, name) ? "" : name,
			 has_name(line, len, name) ? "" : " ", (int)MIN(len, LINE_LEN_MAX), line);
	if (n <= 0)
		return;
	clean(text, (size_t)n);
	output_line(level, pid, text, (size_t)n);
}

/* false: too many in this second. */
static bool permit(struct logpipe *p)
{
	struct mono now = clock_now();
	if (clock_is_past(now, clock_add_s(p->second, 1))) {
		if (p->lines_n > LOGPIPE_LINES_PER_S)
			log_warn("log.flood from=%s dropped=%zu", p->name, p->lines_n - LOGPIPE_LINES_PER_S);
		p->second = now;
		p->lines_n = 0;
	}
	return ++p->lines_n <= LOGPIPE_LINES_PER_S;
}

static void give(struct logpipe *p, const char *line, size_t len)
{
	if (len > 0 && permit(p))
		logpipe_forward(p->name, p->pid, line, len);
}

/* Hand on whole lines; keep the rest; a line without end is cut. */
static void split(struct logpipe *p)
{
	size_t from = 0;
	for (size_t i = 0; i < p->held_n; i++) {
		if (p->held[i] != '\n')
			continue;
		give(p, p->held + from, i - from);
		from = i + 1;
	}
	if (from == 0 && p->held_n == sizeof p->held) {
		give(p, p->held, p->held_n);
		from = p->held_n;
	}
	memmove(p->held, p->held + from, p->held_n - from);
	p->held_n -= from;
}

/* false: no writer is left, or nothing to read now. */
static bool read_some(struct logpipe *p, bool *ended)
{
	ssize_t n = read(p->fd, p->held + p->held_n, sizeof p->held - p->held_n);
	if (n < 0)
		return errno == EINTR;
	*ended = n == 0;
	p->held_n += (size_t)n;
	split(p);
	return n > 0;
}

static void on_closed(uv_handle_t *h)
{
	struct logpipe *p = CONTAINER_OF((uv_poll_t *)h, struct logpipe, poll);
	close(p->fd);
	free(p);
}

static void end(struct logpipe *p)
{
	if (uv_is_closing((uv_handle_t *)&p->poll))
		return;
	give(p, p->held, p->held_n);
	uv_close((uv_handle_t *)&p->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)events;
	struct logpipe *p = CONTAINER_OF(poll, struct logpipe, poll);
	bool ended = status < 0;
	/* some lines a turn: a child that floods must not hold the loop */
	for (int i = 0; i < 32 && !ended && read_some(p, &ended); i++)
		;
	if (ended)
		uv_poll_stop(poll); /* the row still knows us: logpipe_finish ends it */
}

enum err logpipe_new(struct logpipe **out, uv_loop_t *loop, int read_end, const char *name, pid_t pid)
{
	int fd OWNED(base_closep) = read_end;
	struct logpipe *p OWNED(base_freep) = calloc(1, sizeof *p);
	if (p == nullptr)
		return ERR_NOMEM;
	p->fd = read_end;
	p->pid = pid;
	snprintf(p->name, sizeof p->name, "%s", name);
	if (uv_poll_init(loop, &p->poll, read_end) != 0)
		return ERR_SYS;
	uv_poll_start(&p->poll, UV_READABLE, on_readable);
	fd = -1;
	*out = TAKE(p);
	return ERR_OK;
}

void logpipe_finish(struct logpipe *p)
{
	bool ended = false;
	for (int i = 0; i < 4096 && !ended && read_some(p, &ended); i++)
		;
	end(p);
}
