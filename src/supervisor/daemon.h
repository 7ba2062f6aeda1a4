/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * daemon - into the background, the pid file
 *
 * The process that was started waits until the server serves, and exits with its status: a script sees whether it came up.
 *
 * Runs in: the supervisor.
 */
#pragma once

#include "base/base.h"

/* Forks; only the daemon returns.  Standard error stays open until daemon_ready. */
enum err daemon_enter(bool no_chdir);
/* Ends the waiting process with this status, once; further calls do nothing.  keep_stderr: lines still go there. */
void daemon_ready(int status);
void daemon_keep_stderr(void);

/* Writes the number and locks the file, so that a second server is refused (ERR_EXISTS).  Logs what is wrong. */
enum err daemon_write_pid(const char *file);
void daemon_remove_pid(void);
