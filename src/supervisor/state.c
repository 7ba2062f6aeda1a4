/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static void refuse(const char *path, const char *why, const char *cure)
{
	log_err("state.unusable state-dir=%s why=\"%s\" cure=\"%s\": sessions and accounting are in memory only",
		path, why, cure);
}

static int make(const char *path, const struct user *user)
{
	bool is_new = mkdir(path, 0700) == 0;
	if (!is_new && errno != EEXIST)
		return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && is_new && geteuid() == 0 && fchown(fd, user->uid, user->gid) != 0)
		base_closep(&fd);
	return fd;
}

void state_open(struct child *keeper, const char *path)
{
	if (path == nullptr || *path == '\0')
		return;
	if (*path != '/') {
		refuse(path, "it is no absolute path", "begin it with /");
		return;
	}
	int fd = make(path, &keeper->user);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		refuse(path, strerror(errno), "make this folder, owned by keeper-user, with mode 0700");
		base_closep(&fd);
		return;
	}
	if (geteuid() == 0 && st.st_uid != keeper->user.uid)
		refuse(path, "it belongs to another user", "chown it to keeper-user");
	else if ((st.st_mode & 022) != 0)
		refuse(path, "others may write to it", "chmod 0700");
	else {
		keeper->folder = fd;
		return;
	}
	base_closep(&fd);
}
