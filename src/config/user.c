/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/user.h"

#include <stdlib.h>
#include <string.h>

#include "config/parse.h"
#include "config/value.h"

constexpr size_t FILE_NAME_LEN_MAX = 255;

void config_user_free(struct vhost *v)
{
	if (v == nullptr)
		return;
	for (size_t i = 0; i < OPTION_N; i++)
		if (config_option_is_vhost(&config_options[i]))
			config_value_clear(&config_options[i], config_option_in_vhost(&config_options[i], v));
	free(v->name);
	free(v);
}

void config_user_freep(struct vhost **v)
{
	config_user_free(TAKE(*v));
}

static enum err copy(struct vhost *to, const struct vhost *from)
{
	to->index = from->index;
	TRY(config_value_copy_str(&to->name, from->name));
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		if (config_option_is_vhost(o))
			TRY(config_value_copy(o, config_option_in_vhost(o, to),
					      config_option_of_vhost(o, from)));
	}
	return ERR_OK;
}

static enum err add(struct config *one, bool *is_own, const struct config_user_text *t,
		    struct config_report *report)
{
	/* the lines of another file are no second setting */
	struct config_where where = {};
	struct config_parse p = {
		.file = t->file, .report = report, .config = one, .where = &where, .is_own = is_own
	};
	return config_parse_user(&p, t->text, t->len);
}

enum err config_user_make(struct vhost **out, const struct vhost *base, const struct config_user_text *texts,
			  size_t n, struct config_report *report)
{
	struct vhost *v OWNED(config_user_freep) = calloc(1, sizeof *v);
	if (v == nullptr)
		return ERR_NOMEM;
	TRY(copy(v, base));
	struct config one = { .vhosts = v, .vhosts_n = 1 };
	bool is_own[OPTION_N] = {};
	const size_t errors_before = report->errors_n;
	for (size_t i = 0; i < n; i++) {
		if (texts[i].is_alone)
			memset(is_own, 0, sizeof is_own);
		TRY(add(&one, is_own, &texts[i], report));
	}
	if (report->errors_n > errors_before)
		return ERR_CONFIG;
	*out = TAKE(v);
	return ERR_OK;
}

bool config_user_is_file_name(const char *name)
{
	const size_t len = strlen(name);
	if (len == 0 || len > FILE_NAME_LEN_MAX || name[0] == '.')
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (*c == '/' || (unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}
