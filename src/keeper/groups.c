/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/passwd.h"
#include "keeper/descriptor.h"

constexpr size_t FILE_MAX = 64 * 1024 * 1024; /* as in auth_plain.c */

/* A list that grows, and how many bytes its names have. */
struct collect {
	struct strlist list;
	size_t bytes;
	bool is_full;
};

void groups_fini(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist){};
}

static bool has(const struct strlist *l, struct span name)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_is(name, l->v[i]))
			return true;
	return false;
}

static enum err add(struct collect *c, struct span name)
{
	if (has(&c->list, name))
		return ERR_OK;
	if (c->list.n == GROUPS_MAX || c->bytes + name.len > GROUPS_BYTES_MAX) {
		c->is_full = true;
		return ERR_OK;
	}
	if (c->list.v == nullptr)
		c->list.v = calloc(GROUPS_MAX, sizeof *c->list.v);
	char *own = c->list.v != nullptr ? strndup(name.p, name.len) : nullptr;
	if (own == nullptr)
		return ERR_NOMEM;
	c->list.v[c->list.n++] = own;
	c->bytes += name.len;
	return ERR_OK;
}

static enum err collect(struct collect *c, const char *text, size_t len)
{
	struct passwd_reader r = passwd_reader_of(text, len);
	struct passwd_line line;
	while (!c->is_full && passwd_next(&r, &line)) {
		struct span left = line.groups, group;
		while (line.kind == PASSWD_ENTRY && passwd_next_group(&left, &group))
			TRY(add(c, group));
	}
	return ERR_OK;
}

enum err groups_of_text(struct strlist *out, const char *text, size_t len, const char *file)
{
	struct collect c = {};
	enum err e = collect(&c, text, len);
	if (e != ERR_OK) {
		groups_fini(&c.list);
		return e;
	}
	if (c.is_full)
		log_warn("groups.too_many file=\"%s\" offered=%zu note=\"clients are offered these only\"",
			 file, c.list.n);
	*out = c.list;
	return ERR_OK;
}

enum err groups_read(struct strlist *out, int fd, const char *file)
{
	struct stat st;
	size_t len;
	TRY(descriptor_stat(fd, FILE_MAX, &st));
	char *text = malloc((size_t)st.st_size + 1);
	if (text == nullptr)
		return ERR_NOMEM;
	enum err e = descriptor_read(fd, text, (size_t)st.st_size, &len);
	if (e == ERR_OK) {
		text[len] = '\0'; /* a string function that looks further than its length finds an end */
		e = groups_of_text(out, text, len, file);
	}
	explicit_bzero(text, (size_t)st.st_size);
	free(text);
	return e;
}

enum err groups_copy(struct strlist *out, const struct strlist *from)
{
	struct collect c = {};
	for (size_t i = 0; i < from->n; i++) {
		enum err e = add(&c, span_of(from->v[i], strlen(from->v[i])));
		if (e != ERR_OK) {
			groups_fini(&c.list);
			return e;
		}
	}
	*out = c.list;
	return ERR_OK;
}
