/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

constexpr size_t LINE_MAX_LEN = 1024;

/* One logger a process: set once in main, read everywhere. */
static struct {
	const char *proc;
	log_sink *sink;
	enum log_level most;
} logger = { .proc = "", .most = LOG_LEVEL_INFO };

void log_init(const char *proc, enum log_level most, log_sink *sink)
{
	logger.proc = proc;
	logger.most = most;
	logger.sink = sink;
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

void log_line(enum log_level level, const char *fmt, ...)
{
	if (!log_has(level))
		return;
	char line[LINE_MAX_LEN];
	int head = logger.sink == nullptr ? snprintf(line, sizeof line, "<%u>%s ", level, logger.proc)
					  : snprintf(line, sizeof line, "%s ", logger.proc);
	if (head < 0 || (size_t)head > sizeof line / 2)
		return; /* not a name of a process */
	va_list ap;
	va_start(ap, fmt);
	int body = vsnprintf(line + head, sizeof line - (size_t)head - 1, fmt, ap);
	va_end(ap);
	if (body < 0)
		return;
	size_t len = MIN((size_t)head + (size_t)body, sizeof line - 2);
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
