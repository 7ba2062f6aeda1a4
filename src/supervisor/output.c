/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* One a process, set in main. */
static struct {
	bool to_stderr, to_syslog, to_journal;
} out = { .to_stderr = true };

static const char *const level_names[] = { "error",   "error",  "error", "error",
					   "warning", "notice", "info",  "debug" };

/* systemd names the stream it reads by device and inode. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long dev, inode;
	struct stat st;
	return stream != nullptr && sscanf(stream, "%lu:%lu", &dev, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == inode;
}

void output_init(const struct output_conf *conf)
{
	out.to_stderr = conf->to_stderr;
	out.to_syslog = conf->to_syslog;
	out.to_journal = conf->to_stderr && stderr_is_journal();
	closelog();
	if (out.to_syslog)
		openlog("ocserv-modern", LOG_NDELAY | LOG_PID, conf->facility);
}

/* "process text" becomes "process[pid]: text"; returns the length of "process". */
static int name_len(const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len);
	return space == nullptr ? 0 : (int)(space - text);
}

static void to_stderr(enum log_level level, pid_t pid, const char *text, size_t len)
{
	char line[2048], when[32] = "";
	int name = name_len(text, len);
	if (out.to_journal) {
		snprintf(when, sizeof when, "<%u>", level);
	} else {
		struct timespec now;
		struct tm tm;
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		size_t at = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(when + at, sizeof when - at, ".%03ldZ ", now.tv_nsec / 1'000'000);
	}
	int n = snprintf(line, sizeof line, "%s%.*s[%d]: %s%s%.*s\n", when, name, text, pid,
			 out.to_journal ? "" : level_names[level & 7], out.to_journal ? "" : ":",
			 (int)len - name, text + name);
	if (n >= (int)sizeof line) {
		n = sizeof line - 1;
		line[n - 1] = '\n';
	}
	[[maybe_unused]] ssize_t written = write(STDERR_FILENO, line, (size_t)n);
}

void output_line(enum log_level level, pid_t pid, const char *text, size_t len)
{
	if (out.to_stderr)
		to_stderr(level, pid, text, len);
	if (out.to_syslog)
		syslog(level, "%.*s", (int)len, text);
}

void output_sink(enum log_level level, const char *text, size_t len)
{
	output_line(level, getpid(), text, len);
}
