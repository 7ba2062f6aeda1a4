/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/admin.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

constexpr int BACKLOG = 16;

/* Somebody answers there. */
static bool is_served(const struct sockaddr_un *at)
{
	int fd OWNED(base_closep) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
}

static enum err make_room(const struct sockaddr_un *at)
{
	struct stat st;
	if (lstat(at->sun_path, &st) != 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return ERR_EXISTS;
	}
	if (is_served(at)) {
		errno = EADDRINUSE;
		return ERR_EXISTS;
	}
	unlink(at->sun_path);
	return ERR_OK;
}

static enum err failed(const char *path, const char *option)
{
	log_err("admin.socket %s: %s; set another %s, or stop the server that uses it", path, strerror(errno),
		option);
	return ERR_SYS;
}

enum err admin_open(int *out, const char *path, const char *option)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof at.sun_path) {
		errno = ENAMETOOLONG;
		return failed(path, option);
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (make_room(&at) != ERR_OK)
		return failed(path, option);
	int fd OWNED(base_closep) = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, BACKLOG) == 0;
	umask(before);
	if (!ok)
		return failed(path, option);
	*out = fd;
	fd = -1;
	return ERR_OK;
}
