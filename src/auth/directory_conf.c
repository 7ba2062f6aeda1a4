/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

struct directory_conf {
	char *path;
	struct directory_settings settings;
	struct mono dead_until[DIRECTORY_SERVERS_MAX];
};

/* {{ files */

static bool has_scheme(const struct directory_settings *s, enum directory_scheme scheme)
{
	for (size_t i = 0; i < s->servers_n; i++)
		if (s->servers[i].scheme == scheme)
			return true;
	return false;
}

static bool has_tls(const struct directory_settings *s)
{
	return has_scheme(s, DIRECTORY_LDAPS) || (s->starttls && has_scheme(s, DIRECTORY_LDAP));
}

static enum err read_password(struct directory_conf *c, char *problem, size_t cap)
{
	struct wordfile_why why;
	char *text OWNED(wordfile_drop) = nullptr;
	const char *path = c->settings.bind_password_file;
	if (path[0] == '\0')
		return ERR_OK;
	TRY(wordfile_read(&text, "ldap", path, true, problem, cap));
	return directory_file_password(&c->settings, text, &why) == ERR_OK
		       ? ERR_OK
		       : wordfile_explain(problem, cap, "ldap", path, &why);
}

/* What is allowed and yet unwise. */
static void warn(const struct directory_conf *c)
{
	const struct directory_settings *s = &c->settings;
	if (!s->starttls && has_scheme(s, DIRECTORY_LDAP))
		log_warn(
			"ldap.plaintext file=\"%s\" note=\"starttls no: who can read the network reads all passwords\"",
			c->path);
	if (s->servers_n * s->timeout_s > DIRECTORY_PATIENCE_S)
		log_warn(
			"ldap.slow file=\"%s\" note=\"timeout x servers is %zu s; a login is given up after %u s\"",
			c->path, s->servers_n * s->timeout_s, DIRECTORY_PATIENCE_S);
}

static enum err read_files(struct directory_conf *c, char *problem, size_t cap)
{
	struct wordfile_why why;
	struct directory_settings *s = &c->settings;
	char *text OWNED(wordfile_drop) = nullptr;
	TRY(wordfile_read(&text, "ldap", c->path, false, problem, cap));
	if (directory_file_parse(s, text, &why) != ERR_OK)
		return wordfile_explain(problem, cap, "ldap", c->path, &why);
	TRY(read_password(c, problem, cap));
	if (has_tls(s) && access(s->ca_file, R_OK) != 0) {
		snprintf(problem, cap, "ldap %s: ca-file %s: %s", c->path, s->ca_file, strerror(errno));
		return ERR_CONFIG;
	}
	warn(c);
	return ERR_OK;
}

enum err directory_conf_new(struct directory_conf **out, const char *path, char *problem, size_t cap)
{
	struct directory_conf *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->path = strdup(path);
	enum err e = c->path == nullptr ? ERR_NOMEM : read_files(c, problem, cap);
	if (e != ERR_OK) {
		directory_conf_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void directory_conf_free(struct directory_conf *c)
{
	if (c == nullptr)
		return;
	free(c->path);
	explicit_bzero(c, sizeof *c);
	free(c);
}

const char *directory_conf_path(const struct directory_conf *c)
{
	return c->path;
}

const struct directory_settings *directory_conf_settings(const struct directory_conf *c)
{
	return &c->settings;
}

/* {{ who is silent */

unsigned directory_conf_order(const struct directory_conf *c, struct mono now,
			      unsigned out[DIRECTORY_SERVERS_MAX])
{
	unsigned n = 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < c->settings.servers_n; i++)
			if (clock_is_past(now, c->dead_until[i]) == (pass == 0))
				out[n++] = i;
	return n;
}

void directory_conf_note(struct directory_conf *c, uint32_t silent, struct mono now)
{
	const struct directory_settings *s = &c->settings;
	for (unsigned i = 0; i < s->servers_n; i++) {
		if ((silent & 1u << i) == 0)
			continue;
		if (clock_is_past(now, c->dead_until[i]))
			log_err("ldap.silent server=\"%s\" port=%u note=\"asked last for %u s\"",
				s->servers[i].host, s->servers[i].port, s->dead_s);
		c->dead_until[i] = clock_add_s(now, s->dead_s);
	}
}

static bool is_same(const struct directory_server *a, const struct directory_server *b)
{
	return a->scheme == b->scheme && a->port == b->port && strcmp(a->host, b->host) == 0;
}

void directory_conf_inherit(struct directory_conf *to, const struct directory_conf *from)
{
	for (size_t i = 0; i < to->settings.servers_n; i++)
		for (size_t j = 0; j < from->settings.servers_n; j++)
			if (is_same(&to->settings.servers[i], &from->settings.servers[j]))
				to->dead_until[i] = from->dead_until[j];
}
