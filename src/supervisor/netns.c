/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum err netns_enter(const char *name, int *back)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s%s", strchr(name, '/') == nullptr ? "/run/netns/" : "", name);
	int own OWNED(base_closep) = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int other OWNED(base_closep) = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0) {
		log_err("listen.netns %s: %s; is it a network namespace (ip netns add), and are we root?",
			path, strerror(errno));
		return ERR_SYS;
	}
	*back = own;
	own = -1;
	return ERR_OK;
}

enum err netns_leave(int back)
{
	int fd OWNED(base_closep) = back;
	if (setns(fd, CLONE_NEWNET) == 0)
		return ERR_OK;
	log_err("listen.netns: no way back: %s", strerror(errno));
	return ERR_SYS;
}
