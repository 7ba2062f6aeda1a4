/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spawn - from fork to exec: what a child of ours has, and has not
 *
 * Descriptors: 0 /dev/null, 1 and 2 the log pipe, 3 its channel, 4 its folder if it has one; all others closed.  Its user and group and no other group, no
 * capability (unless caps names some), none else in the bounding set, no_new_privs, SIGKILL when the supervisor dies, few environment variables.
 */
#pragma once

#include "supervisor/user.h"

constexpr int SPAWN_CHANNEL_FD = 3, SPAWN_FOLDER_FD = 4;

struct spawn {
	int binary;       /* O_PATH */
	const char *name; /* shown by ps */
	int channel;
	int log;
	struct user user;
	const int *caps; /* that it keeps, up to -1; nullptr: none */
	int folder;       /* 0: none */
};

/* Path of a binary beside ours (<dir of ours>/../libexec/<file>), opened with O_PATH; what fails is logged with its cure. */
enum err spawn_find(int *out, const char *file);
/* The descriptors stay the caller's. */
enum err spawn_run(pid_t *out, const struct spawn *s);
