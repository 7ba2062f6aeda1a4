/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

constexpr size_t LINE_MAX_LEN = 1024;
constexpr unsigned LINES_PER_SECOND = 2000; /* of a process, but for errors: a flood must not fill the disk */

/* One logger a process: set once in main, read everywhere. */
static struct {
	const char *proc;
	log_sink *sink;
	enum log_level most;
	_Atomic uint64_t second; /* of the two counts */
	_Atomic unsigned said, kept; /* lines written and held back in it; threads of the keeper share them */
} logger = { .proc = "", .most = LOG_LEVEL_INFO };

void log_init(const char *proc, enum log_level most, log_sink *sink)
{
	logger.proc = proc;
	logger.most = most;
	logger.sink = sink;
	atomic_store(&logger.said, 0);
	atomic_store(&logger.kept, 0);
}

void log_set_level(enum log_level most)
{
	logger.most = most;
}

bool log_has(enum log_level level)
{
	return level <= logger.most;
}

enum log_level log_level_of(unsigned debug)
{
	static const enum log_level by_number[] = { LOG_LEVEL_ERR, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO,
						    LOG_LEVEL_INFO };
	return debug < ARRAY_LEN(by_number) ? by_number[debug] : LOG_LEVEL_DEBUG;
}

/* Printable, to the sink or the supervisor's pipe; len leaves room for one more byte. */
static void emit(enum log_level level, char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	if (logger.sink != nullptr) {
		line[len] = '\0';
		logger.sink(level, line, len);
		return;
	}
	line[len++] = '\n';
	/* a full pipe loses the line rather than the server its time */
	[[maybe_unused]] ssize_t n = write(STDERR_FILENO, line, len);
}

/* "<N>proc " or "proc "; 0 if that is not a name of a process. */
static size_t begin(char line[LINE_MAX_LEN], enum log_level level)
{
	int n = logger.sink == nullptr ? snprintf(line, LINE_MAX_LEN, "<%u>%s ", level, logger.proc)
				       : snprintf(line, LINE_MAX_LEN, "%s ", logger.proc);
	return n < 0 || (size_t)n > LINE_MAX_LEN / 2 ? 0 : (size_t)n;
}

static void tell_kept(unsigned kept)
{
	char line[LINE_MAX_LEN];
	size_t head = begin(line, LOG_LEVEL_WARN);
	int n = snprintf(line + head, sizeof line - head - 1, "log.held_back lines=%u", kept);
	emit(LOG_LEVEL_WARN, line, head + (n > 0 ? (size_t)n : 0));
}

/* The first line of each second tells how many the last one held back. */
static bool may_say(enum log_level level)
{
	uint64_t now = clock_now().ns / 1'000'000'000, then = atomic_load(&logger.second);
	if (then != now && atomic_compare_exchange_strong(&logger.second, &then, now)) {
		unsigned kept = atomic_exchange(&logger.kept, 0);
		atomic_store(&logger.said, 0);
		if (kept > 0)
			tell_kept(kept);
	}
	if (level <= LOG_LEVEL_ERR || atomic_fetch_add(&logger.said, 1) < LINES_PER_SECOND)
		return true;
	atomic_fetch_add(&logger.kept, 1);
	return false;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_has(level) || !may_say(level))
		return;
	char line[LINE_MAX_LEN];
	size_t head = begin(line, level);
	if (head == 0)
		return;
	va_list ap;
	va_start(ap, fmt);
	int body = vsnprintf(line + head, sizeof line - head - 1, fmt, ap);
	va_end(ap);
	if (body >= 0)
		emit(level, line, MIN(head + (size_t)body, sizeof line - 2));
}
