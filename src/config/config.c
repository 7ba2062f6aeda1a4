/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config - life of struct config, vhosts by name, and what a reload may not change */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/report.h"
#include "config/value.h"

struct config *config_get(struct config *c)
{
	assert(c->refs > 0);
	c->refs++;
	return c;
}

static void clear_vhost(struct vhost *v)
{
	for (size_t i = 0; i < OPTION_N; i++)
		if (config_option_is_vhost(&config_options[i]))
			config_value_clear(&config_options[i], config_option_in_vhost(&config_options[i], v));
	free(v->name);
}

void config_put(struct config *c)
{
	if (c == nullptr)
		return;
	assert(c->refs > 0);
	if (--c->refs > 0)
		return;
	for (size_t i = 0; i < c->vhosts_n; i++)
		clear_vhost(&c->vhosts[i]);
	for (size_t i = 0; i < OPTION_N; i++)
		if (config_option_is_global(&config_options[i]))
			config_value_clear(&config_options[i],
					   config_option_in_config(&config_options[i], c));
	free(c->vhosts);
	free(c);
}

void config_putp(struct config **c)
{
	config_put(TAKE(*c));
}

const struct vhost *config_vhost(const struct config *c, const char *sni)
{
	for (size_t i = 1; sni != nullptr && i < c->vhosts_n; i++)
		if (strcasecmp(c->vhosts[i].name, sni) == 0)
			return &c->vhosts[i];
	return &c->vhosts[0];
}

/* The vhost of c that has v's name; nullptr if there is none. */
static struct vhost *find_twin(const struct config *c, const struct vhost *v)
{
	for (size_t i = 0; i < c->vhosts_n; i++)
		if (strcmp(c->vhosts[i].name, v->name) == 0)
			return &c->vhosts[i];
	return nullptr;
}

static enum err warn(const char *file, struct config_report *report, const struct config_option *o,
		     const char *vhost)
{
	const struct config_place at = { .report = report, .file = file };
	return config_report_warn(at, "%s%s%s needs a restart; still using the old value", o->key,
				  *vhost != '\0' ? " of vhost " : "", vhost);
}

enum err config_diff_restart(const struct config *now, const struct config *next, const char *file,
			     struct config_report *report)
{
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		if (o->reload != RELOAD_RESTART || o->state != STATE_DONE)
			continue;
		if (config_option_is_global(o) && !config_value_is_equal(o, config_option_of_config(o, now),
									 config_option_of_config(o, next)))
			TRY(warn(file, report, o, ""));
		for (size_t k = 0; config_option_is_vhost(o) && k < next->vhosts_n; k++) {
			const struct vhost *v = &next->vhosts[k], *old = find_twin(now, v);
			if (old != nullptr && !config_value_is_equal(o, config_option_of_vhost(o, old),
								     config_option_of_vhost(o, v)))
				TRY(warn(file, report, o, v->name));
		}
	}
	return ERR_OK;
}

static enum err replace(const struct config_option *o, void *to, const void *from)
{
	config_value_clear(o, to);
	return config_value_copy(o, to, from);
}

enum err config_keep_restart(struct config *next, const struct config *now)
{
	assert(next->refs == 1);
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		if (o->reload != RELOAD_RESTART)
			continue;
		if (config_option_is_global(o))
			TRY(replace(o, config_option_in_config(o, next), config_option_of_config(o, now)));
		for (size_t k = 0; config_option_is_vhost(o) && k < next->vhosts_n; k++) {
			struct vhost *v = &next->vhosts[k];
			const struct vhost *old = find_twin(now, v);
			if (old != nullptr)
				TRY(replace(o, config_option_in_vhost(o, v), config_option_of_vhost(o, old)));
		}
	}
	return ERR_OK;
}
