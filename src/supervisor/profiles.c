/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads at most one byte more than may be: the file may grow while it is read. */
static enum err read_file(int folder, const char *path, char *out, size_t *len)
{
	struct stat st;
	/* not blocked by a FIFO in the place of the file */
	int fd OWNED(base_closep) = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ERR_SYS;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return ERR_SYS;
	}
	size_t have = 0;
	while (have <= PROFILES_FILE_MAX) {
		ssize_t n = read(fd, out + have, PROFILES_FILE_MAX + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_SYS;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*len = have;
	return have > PROFILES_FILE_MAX ? ERR_RANGE : ERR_OK;
}

static enum err explain(enum err e, const char *path, char **problem)
{
	const char *why = e == ERR_RANGE ? "larger than 256 KB" : strerror(errno);
	if (asprintf(problem, "user-profile %s: error: %s\n", path, why) < 0)
		*problem = nullptr;
	return e;
}

static enum err add(struct profiles *p, const struct vhost *v, int folder, char *buf, char **problem)
{
	size_t len = 0;
	enum err e = read_file(folder, v->user_profile, buf, &len);
	if (e != ERR_OK)
		return explain(e, v->user_profile, problem);
	if (p->fd < 0)
		p->fd = memfd_create("ocserv-profiles", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (p->fd < 0 || write(p->fd, buf, len) != (ssize_t)len)
		return explain(ERR_SYS, v->user_profile, problem);
	Msg__Profile *m = &p->v[p->n++];
	msg__profile__init(m);
	m->vhost = v->index;
	m->len = (uint32_t)len;
	return ERR_OK;
}

static enum err seal(const struct profiles *p)
{
	if (p->fd < 0)
		return ERR_OK;
	/* mode 0400: no child can open it again through /proc for writing */
	bool ok = fchmod(p->fd, 0400) == 0 &&
		  fcntl(p->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
	return ok ? ERR_OK : ERR_SYS;
}

enum err profiles_load(struct profiles *out, const struct config *cfg, int folder, char **problem)
{
	struct profiles p = { .fd = -1, .v = calloc(cfg->vhosts_n, sizeof *p.v) };
	char *buf OWNED(base_freep) = malloc(PROFILES_FILE_MAX + 1);
	enum err e = p.v != nullptr && buf != nullptr ? ERR_OK : ERR_NOMEM;
	for (size_t i = 0; e == ERR_OK && i < cfg->vhosts_n; i++)
		if (cfg->vhosts[i].user_profile != nullptr)
			e = add(&p, &cfg->vhosts[i], folder, buf, problem);
	if (e == ERR_OK)
		e = seal(&p);
	if (e == ERR_OK)
		*out = p;
	else
		profiles_fini(&p);
	return e;
}

void profiles_fini(struct profiles *p)
{
	base_closep(&p->fd);
	free(p->v);
	*p = (struct profiles){ .fd = -1 };
}

int profiles_fd(const struct profiles *p)
{
	char path[64];
	if (p->fd < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", p->fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}
