/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

constexpr size_t FILE_MAX = 16 * 1024 * 1024;

static enum err complain(const char *what, const char *about)
{
	fprintf(stderr, "ocload: %s%s\n", what, about);
	return ERR_CONFIG;
}

static enum err read_password(struct users *u, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	if (f == nullptr)
		return complain("cannot read ", path);
	bool ok = fgets(u->password, sizeof u->password, f) != nullptr;
	if (!is_stdin)
		fclose(f);
	u->password[strcspn(u->password, "\r\n")] = '\0';
	return ok ? ERR_OK : complain("no password in ", path);
}

static enum err read_all(struct users *u, const char *path)
{
	FILE *f = fopen(path, "re");
	if (f == nullptr)
		return complain("cannot read ", path);
	u->text = calloc(1, FILE_MAX + 1);
	size_t n = u->text != nullptr ? fread(u->text, 1, FILE_MAX, f) : 0;
	fclose(f);
	if (u->text == nullptr)
		return ERR_NOMEM;
	u->text[n] = '\0';
	return ERR_OK;
}

static enum err add_row(struct users *u, char *line)
{
	struct users_row *rows = realloc(u->rows, (u->n + 1) * sizeof *rows);
	if (rows == nullptr)
		return ERR_NOMEM;
	u->rows = rows;
	char *colon = strchr(line, ':');
	if (colon != nullptr)
		*colon = '\0';
	rows[u->n++] = (struct users_row){ line, colon != nullptr ? colon + 1 : u->password };
	return ERR_OK;
}

static enum err read_rows(struct users *u, const char *path)
{
	TRY(read_all(u, path));
	char *save;
	for (char *line = strtok_r(u->text, "\r\n", &save); line != nullptr;
	     line = strtok_r(nullptr, "\r\n", &save))
		if (line[0] != '#')
			TRY(add_row(u, line));
	return u->n > 0 ? ERR_OK : complain("no user in ", path);
}

enum err users_init(struct users *u, const struct options *o)
{
	*u = (struct users){ .pattern = o->user, .first = o->first };
	if (o->password != nullptr)
		snprintf(u->password, sizeof u->password, "%s", o->password);
	enum err e = ERR_OK;
	if (o->password_file != nullptr)
		e = read_password(u, o->password_file);
	if (e == ERR_OK && o->users != nullptr)
		e = read_rows(u, o->users);
	if (e != ERR_OK)
		users_fini(u);
	return e;
}

void users_fini(struct users *u)
{
	secret_wipe_bytes(u->password, sizeof u->password);
	free(u->rows);
	free(u->text);
	*u = (struct users){};
}

const char *users_of(const struct users *u, uint32_t index, char *out, size_t cap)
{
	if (u->n > 0) {
		const struct users_row *r = &u->rows[index % u->n];
		snprintf(out, cap, "%s", r->name);
		return r->password;
	}
	const char *mark = strstr(u->pattern, "%d");
	if (mark == nullptr)
		snprintf(out, cap, "%s", u->pattern);
	else
		snprintf(out, cap, "%.*s%llu%s", (int)(mark - u->pattern), u->pattern,
			 (unsigned long long)(u->first + index), mark + 2);
	return u->password;
}
