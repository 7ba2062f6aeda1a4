/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * output - where log lines end: standard error, syslog, or both
 *
 * Lines to standard error carry the time (ISO 8601, UTC) and the level; under systemd, which adds both, "<N>" instead.
 */
#pragma once

#include <sys/types.h>

#include "base/log.h"

struct output_conf {
	bool to_stderr;
	bool to_syslog;
	int facility;
};
void output_init(const struct output_conf *conf);

/* A line of process pid; text without a line feed. */
void output_line(enum log_level level, pid_t pid, const char *text, size_t len);

/* The supervisor's own lines: for log_init. */
void output_sink(enum log_level level, const char *text, size_t len);
