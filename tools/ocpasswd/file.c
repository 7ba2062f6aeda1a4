/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

constexpr size_t FILE_MAX = 64 * 1024 * 1024;

static enum err fail(const char *what, const char *path)
{
	fprintf(stderr, "%s '%s': %s.\n", what, path, strerror(errno));
	return ERR_SYS;
}

/* The path with symbolic links followed, also if its last part does not exist yet. */
static enum err resolve(struct file *f, const char *path)
{
	f->path = realpath(path, nullptr);
	if (f->path == nullptr && errno == ENOENT)
		f->path = strdup(path);
	return f->path != nullptr ? ERR_OK : fail("Cannot open", path);
}

/* The lock is on the directory: it needs no file that would stay behind, and it covers a password file not yet made. */
static enum err lock(struct file *f)
{
	char *copy OWNED(base_freep) = strdup(f->path);
	if (copy == nullptr)
		return fail("Cannot open", f->path);
	f->dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return fail("Cannot open the directory of", f->path);
	if (flock(f->dir, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno != EWOULDBLOCK)
		return fail("Cannot lock the directory of", f->path);
	fprintf(stderr, "Waiting for another ocpasswd...\n");
	while (flock(f->dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail("Cannot lock the directory of", f->path);
	return ERR_OK;
}

static enum err load(struct file *f, int fd)
{
	if (fstat(fd, &f->st) < 0)
		return fail("Cannot read", f->path);
	if (!S_ISREG(f->st.st_mode) || (size_t)f->st.st_size > FILE_MAX) {
		fprintf(stderr, "'%s' is not a regular file of at most 64 MB.\n", f->path);
		return ERR_RANGE;
	}
	size_t size = (size_t)f->st.st_size;
	f->text = calloc(1, size + 1);
	if (f->text == nullptr)
		return fail("Cannot read", f->path);
	while (f->len < size) {
		ssize_t n = read(fd, f->text + f->len, size - f->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail("Cannot read", f->path);
		if (n == 0)
			break;
		f->len += (size_t)n;
	}
	f->exists = true;
	return ERR_OK;
}

static enum err check(const struct file *f)
{
	struct passwd_reader r = passwd_reader_of(f->text, f->len);
	struct passwd_line line;
	while (passwd_next(&r, &line)) {
		if (line.kind != PASSWD_BAD)
			continue;
		fprintf(stderr, "%s:%u: %s; correct or remove this line first. Nothing was changed.\n",
			f->path, line.number, line.problem);
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

enum err file_open(struct file *f, const char *path, bool may_create)
{
	*f = (struct file){ .dir = -1 };
	TRY(resolve(f, path));
	TRY(lock(f));
	int fd OWNED(base_closep) = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		if (errno == ENOENT && may_create)
			return ERR_OK;
		return fail("Cannot open for reading", path);
	}
	TRY(load(f, fd));
	return check(f);
}

void file_close(struct file *f)
{
	base_closep(&f->dir); /* unlocks */
	if (f->text != nullptr)
		explicit_bzero(f->text, f->len);
	base_freep(&f->text);
	base_freep(&f->path);
}

/* Mode and owner of the old file, or 0600. */
static enum err dress(const struct file *f, int fd)
{
	if (!f->exists)
		return ERR_OK; /* mkostemp made it 0600 */
	if (fchown(fd, f->st.st_uid, f->st.st_gid) < 0)
		return fail("Cannot keep the owner of", f->path);
	if (fchmod(fd, f->st.st_mode & 07777) < 0)
		return fail("Cannot keep the mode of", f->path);
	return ERR_OK;
}

static enum err fill(const struct file *f, int fd, const char *temp, void (*emit)(FILE *, const void *),
		     const void *arg)
{
	TRY(dress(f, fd));
	int own = dup(fd);
	FILE *out = own >= 0 ? fdopen(own, "w") : nullptr;
	if (out == nullptr)
		return fail("Cannot write", temp);
	emit(out, arg);
	bool bad = ferror(out) != 0;
	bad |= fclose(out) != 0;
	if (bad || fsync(fd) < 0)
		return fail("Nothing was changed: cannot write", temp);
	return ERR_OK;
}

enum err file_replace(struct file *f, void (*emit)(FILE *out, const void *arg), const void *arg)
{
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof temp, "%s.XXXXXX", f->path);
	if (n < 0 || (size_t)n >= sizeof temp) {
		errno = ENAMETOOLONG;
		return fail("Cannot write", f->path);
	}
	int fd OWNED(base_closep) = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return fail("Cannot write beside", f->path);
	enum err e = fill(f, fd, temp, emit, arg);
	if (e == ERR_OK && rename(temp, f->path) < 0)
		e = fail("Nothing was changed: cannot replace", f->path);
	if (e != ERR_OK) {
		unlink(temp);
		return e;
	}
	/* without this the new name may be lost in a power cut; the content is safe either way */
	return fsync(f->dir) < 0 ? fail("Cannot flush the directory of", f->path) : ERR_OK;
}
