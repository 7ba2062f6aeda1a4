/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log - one line an event, key=value
 *
 * A child writes "<priority>process text" to its standard error, which is a pipe to the supervisor; the supervisor
 * forwards the line to its own standard error or to syslog.  So a sandboxed process needs no socket to log.
 *
 * Runs in: every process; one thread a call (a line is one write, so lines of threads do not mix).
 * Never:   logs a password, cookie or key: callers pass names, numbers and addresses only.
 */
#pragma once

#include "base/base.h"

/* syslog's numbers */
enum log_level : uint8_t {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

/* Where a finished line goes; text has no line feed. */
typedef void log_sink(enum log_level level, const char *text, size_t len);

/* proc names the process in each line ("worker1") and is kept by reference; sink nullptr = "<N>text\n" to descriptor 2. */
void log_init(const char *proc, enum log_level most, log_sink *sink);
void log_set_level(enum log_level most);
bool log_has(enum log_level level);
/* Level for ocserv's 0-9 numbers (-d, log-level): 0 errors, 1 notices, 2 and 3 info, 4 and more debug. */
enum log_level log_level_of(unsigned debug);

/* fmt: "event key=value key=value".  Bytes below space and 0x7f become '?': a value cannot forge a line. */
[[gnu::format(printf, 2, 3)]] void log_line(enum log_level level, const char *fmt, ...);

#define log_err(...) log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_has(LOG_LEVEL_DEBUG))                   \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
