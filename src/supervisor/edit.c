/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void forget(struct edit *e)
{
	if (e->fresh != nullptr)
		unlink(e->fresh);
	free(e->path);
	free(e->fresh);
	*e = (struct edit){};
}

void edits_drop_all(struct edits *e)
{
	for (size_t i = 0; i < EDITS_MAX; i++)
		forget(&e->v[i]);
}

/* "/dir/name" -> "/dir/.name.ocserv-new"; one name, so that a crash leaves one file behind at most. */
static char *fresh_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *out = nullptr;
	if (slash == nullptr ||
	    asprintf(&out, "%.*s/.%s.ocserv-new", (int)(slash - path), path, slash + 1) < 0)
		return nullptr;
	return out;
}

/* Absolute, and what links point to: a rename would replace the link. */
static char *real_path(int folder, const char *path)
{
	char link[64], target[PATH_MAX];
	int fd OWNED(base_closep) = openat(folder, path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return nullptr;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, target, sizeof target - 1);
	if (n <= 0 || target[0] != '/')
		return nullptr;
	target[n] = '\0';
	return strdup(target);
}

static struct edit *free_row(struct edits *e, const char *path)
{
	struct edit *row = nullptr;
	for (size_t i = 0; i < EDITS_MAX; i++) {
		if (e->v[i].id != 0 && strcmp(e->v[i].path, path) == 0)
			forget(&e->v[i]);
		if (e->v[i].id == 0)
			row = &e->v[i];
	}
	return row;
}

/* The new file, empty, with the rights of the old one. */
static int make_fresh(const char *name, const struct stat *old)
{
	unlink(name); /* of a server that was killed */
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	struct stat st;
	bool is_owned = fstat(fd, &st) == 0 && st.st_uid == old->st_uid && st.st_gid == old->st_gid;
	if ((is_owned || fchown(fd, old->st_uid, old->st_gid) == 0) && fchmod(fd, old->st_mode & 07777) == 0)
		return fd;
	int why = errno;
	close(fd);
	unlink(name);
	errno = why;
	return -1;
}

static enum err refuse(char *error, size_t cap, const char *path)
{
	snprintf(error, cap, "%s cannot be replaced: %s; it and its folder should belong to root", path,
		 strerror(errno));
	return ERR_SYS;
}

enum err edits_begin(struct edits *e, uint32_t id, int folder, const char *path, int fds[2], char *error,
		     size_t cap)
{
	struct stat st;
	char *real = real_path(folder, path);
	struct edit *row = real != nullptr ? free_row(e, real) : nullptr;
	char *fresh = real != nullptr ? fresh_name(real) : nullptr;
	int old OWNED(base_closep) =
		real != nullptr ? open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	bool is_file = old >= 0 && fstat(old, &st) == 0 && S_ISREG(st.st_mode);
	int next = row != nullptr && fresh != nullptr && is_file ? make_fresh(fresh, &st) : -1;
	if (next < 0) {
		free(real);
		free(fresh);
		return refuse(error, cap, path);
	}
	*row = (struct edit){ .id = id, .path = real, .fresh = fresh };
	fds[0] = old;
	fds[1] = next;
	old = -1;
	return ERR_OK;
}

/* The rename itself on the disk: without it a crash brings the old file back, in which a code is still good. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	int fd OWNED(base_closep) =
		open(folder[0] != '\0' ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

enum err edits_end(struct edits *e, uint32_t id, bool drop, char *error, size_t cap)
{
	struct edit *row = nullptr;
	for (size_t i = 0; i < EDITS_MAX && row == nullptr; i++)
		if (e->v[i].id == id && id != 0)
			row = &e->v[i];
	if (row == nullptr) {
		snprintf(error, cap, "the edit is not known any more");
		return ERR_NOTFOUND;
	}
	enum err r = ERR_OK;
	if (drop) {
		snprintf(error, cap, "dropped");
	} else if (rename(row->fresh, row->path) == 0) {
		sync_folder(row->path);
		free(TAKE(row->fresh));
	} else {
		r = refuse(error, cap, row->path);
	}
	forget(row);
	return r;
}
