/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/userfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "config/user.h"
#include "supervisor/supervisor.h"

constexpr size_t TEXTS_MAX = 2; /* of the group, of the user */
constexpr size_t PATH_LEN_MAX = 1024;

struct found {
	Msg__UserText texts[TEXTS_MAX];
	Msg__UserText *list[TEXTS_MAX];
	size_t n;
	char files[TEXTS_MAX][PATH_LEN_MAX];
	size_t bytes_n; /* of all texts */
	char error[PATH_LEN_MAX + 128];
};

static void fini(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->texts[i].text.data);
}

[[gnu::format(printf, 2, 3)]] static enum err refuse(struct found *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(f->error, sizeof f->error, fmt, ap);
	va_end(ap);
	return ERR_CONFIG;
}

/* All of the file, as one of the texts. */
static enum err take(struct found *f, int fd, const char *file)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return refuse(f, "%s: not a regular file", file);
	char *text OWNED(base_freep) = malloc(CONFIG_USER_TEXT_MAX + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	size_t len = 0;
	for (ssize_t n = 1; n != 0 && len <= CONFIG_USER_TEXT_MAX; len += (size_t)n) {
		n = read(fd, text + len, CONFIG_USER_TEXT_MAX + 1 - len);
		if (n < 0)
			return refuse(f, "%s: %s", file, strerror(errno));
	}
	f->bytes_n += len;
	if (f->bytes_n > CONFIG_USER_TEXT_MAX)
		return refuse(f, "%s: the files of a user and his group have more than %zu bytes together",
			      file, CONFIG_USER_TEXT_MAX);
	Msg__UserText *t = &f->texts[f->n];
	msg__user_text__init(t);
	snprintf(f->files[f->n], PATH_LEN_MAX, "%s", file);
	t->file = f->files[f->n];
	t->text = ipc_bytes(TAKE(text), len);
	f->list[f->n++] = t;
	return ERR_OK;
}

/* ERR_NOTFOUND: there is none. */
static enum err take_own(struct found *f, int folder, const char *directory, const char *name)
{
	char file[PATH_LEN_MAX];
	int dir OWNED(base_closep) = openat(folder, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return refuse(f, "%s: %s", directory, strerror(errno));
	if (snprintf(file, sizeof file, "%s/%s", directory, name) >= (int)sizeof file)
		return refuse(f, "%s: the path is too long", directory);
	/* a FIFO in the place of the file must not block us */
	int fd OWNED(base_closep) =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOTFOUND;
	return fd < 0 ? refuse(f, "%s: %s", file, errno == ELOOP ? "a symbolic link" : strerror(errno))
		      : take(f, fd, file);
}

static enum err take_default(struct found *f, int folder, const char *file)
{
	if (file == nullptr)
		return ERR_OK;
	int fd OWNED(base_closep) = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? refuse(f, "%s: %s", file, strerror(errno)) : take(f, fd, file);
}

/* The file of this name, else that of all others. */
static enum err find(struct found *f, int folder, const char *directory, const char *fallback,
		     const char *name, const char *what)
{
	if (directory != nullptr) {
		if (!config_user_is_file_name(name))
			return refuse(f, "the name of the %s cannot be that of a file in %s", what,
				      directory);
		enum err e = take_own(f, folder, directory, name);
		if (e != ERR_NOTFOUND)
			return e;
	}
	return take_default(f, folder, fallback);
}

static enum err find_all(struct found *f, int folder, const struct vhost *v, const Msg__UserFilesGet *want)
{
	if (want->group[0] != '\0')
		TRY(find(f, folder, v->config_per_group, v->default_group_config, want->group, "group"));
	return find(f, folder, v->config_per_user, v->default_user_config, want->username, "user");
}

void userfiles_on_get(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	const struct supervisor *s = supervisor_of(keeper);
	const Msg__UserFilesGet *want = (const Msg__UserFilesGet *)m->body;
	struct found f OWNED(fini) = {};
	enum err e = ERR_NOTFOUND;
	if (want->generation == s->now.number && want->vhost < s->now.config->vhosts_n)
		e = find_all(&f, s->folder, &s->now.config->vhosts[want->vhost], want);
	if (e != ERR_OK && f.error[0] == '\0')
		snprintf(f.error, sizeof f.error, "%s", err_text(e));
	Msg__UserFiles done;
	msg__user_files__init(&done);
	done.error = f.error;
	done.texts = f.list;
	done.n_texts = e == ERR_OK ? f.n : 0;
	if (child_send(keeper, MSG_USER_FILES, m->id, &done.base, nullptr, 0) != ERR_OK)
		child_kill(keeper, "does not take the files of a user");
}
