/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/radius_ask.h"
#include "base/base.h"
#include "base/log.h"

struct radius_conf {
	char *path;
	struct radius_settings settings;
	struct mono dead_until[2][RADIUS_SERVERS_MAX];
};

static void warn_of_patience(const struct radius_conf *c)
{
	const struct radius_settings *s = &c->settings;
	uint64_t most = (uint64_t)s->timeout_s * s->tries * s->of[RADIUS_AUTH].n;
	if (most > RADIUS_PATIENCE_S)
		log_warn(
			"radius.slow file=\"%s\" note=\"radius_timeout x radius_retries x servers is %llu s; a login is "
			"given up after %u s\"",
			c->path, (unsigned long long)most, RADIUS_PATIENCE_S);
}

/* {{ files }} */

static enum err read_secrets(struct radius_conf *c, char *problem, size_t cap)
{
	struct wordfile_why why;
	char *text OWNED(wordfile_drop) = nullptr;
	const char *path = c->settings.secrets;
	if (path[0] == '\0')
		return ERR_OK;
	TRY(wordfile_read(&text, "radius", path, true, problem, cap));
	return radius_file_secrets(&c->settings, text, &why) == ERR_OK
		       ? ERR_OK
		       : wordfile_explain(problem, cap, "radius", path, &why);
}

static enum err read_files(struct radius_conf *c, char *problem, size_t cap)
{
	struct wordfile_why why;
	char *text OWNED(wordfile_drop) = nullptr;
	TRY(wordfile_read(&text, "radius", c->path, false, problem, cap));
	if (radius_file_parse(&c->settings, text, &why) != ERR_OK)
		return wordfile_explain(problem, cap, "radius", c->path, &why);
	TRY(read_secrets(c, problem, cap));
	if (radius_file_check(&c->settings, &why) != ERR_OK)
		return wordfile_explain(problem, cap, "radius", c->path, &why);
	if (!c->settings.needs_signature)
		log_warn(
			"radius.unsigned file=\"%s\" note=\"answers without Message-Authenticator are taken; who "
			"reads and changes what goes over the network can forge them\"",
			c->path);
	warn_of_patience(c);
	return ERR_OK;
}

enum err radius_conf_new(struct radius_conf **out, const char *path, char *problem, size_t cap)
{
	struct radius_conf *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->path = strdup(path);
	enum err e = c->path == nullptr ? ERR_NOMEM : read_files(c, problem, cap);
	if (e != ERR_OK) {
		radius_conf_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void radius_conf_free(struct radius_conf *c)
{
	if (c == nullptr)
		return;
	free(c->path);
	explicit_bzero(c, sizeof *c);
	free(c);
}

const char *radius_conf_path(const struct radius_conf *c)
{
	return c->path;
}

const struct radius_settings *radius_conf_settings(const struct radius_conf *c)
{
	return &c->settings;
}

/* {{ who is silent }} */

unsigned radius_conf_order(const struct radius_conf *c, enum radius_role role, struct mono now,
			   unsigned out[RADIUS_SERVERS_MAX])
{
	unsigned n = 0;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < c->settings.of[role].n; i++)
			if (clock_is_past(now, c->dead_until[role][i]) == (pass == 0))
				out[n++] = i;
	return n;
}

void radius_conf_note(struct radius_conf *c, enum radius_role role, uint32_t silent, struct mono now)
{
	const struct radius_servers *s = &c->settings.of[role];
	for (unsigned i = 0; i < s->n; i++) {
		if ((silent & 1u << i) == 0)
			continue;
		if (clock_is_past(now, c->dead_until[role][i]))
			log_err("radius.silent server=\"%s\" port=%u for=%s note=\"asked last for %u s\"",
				s->v[i].host, s->v[i].port,
				role == RADIUS_AUTH ? "authentication" : "accounting", c->settings.dead_s);
		c->dead_until[role][i] = clock_add_s(now, c->settings.dead_s);
	}
}

void radius_conf_inherit(struct radius_conf *to, const struct radius_conf *from)
{
	memcpy(to->dead_until, from->dead_until, sizeof to->dead_until);
}
