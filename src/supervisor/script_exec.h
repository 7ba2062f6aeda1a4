/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script_exec - from fork to exec of a script of the administrator
 *
 * No shell is involved but the one that the script may name in its first line.  Descriptors: 0 /dev/null, 1 and 2 the log pipe,
 * all others closed.  A session and process group of its own, default signals, the folder where the server was started, nothing in
 * the environment but what is given.
 */
#pragma once

#include <sys/types.h>

#include "base/base.h"

struct script_exec {
	const char *path;
	const char *command; /* for a shell: path -c command; nullptr: path is the only argument */
	char **env;       /* ends with nullptr */
	int folder;
	int log;
};

/* The descriptors stay the caller's.  ERR_SYS: no process.  A script that cannot be run ends with status 127. */
enum err script_exec_run(pid_t *out, const struct script_exec *s);
