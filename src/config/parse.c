/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse - config_parse: lines become options, sections become vhosts, and vhosts inherit */
#include "config/parse.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/lines.h"
#include "config/rules.h"
#include "config/value.h"

constexpr size_t TEXT_MAX = 16 * 1024 * 1024;
constexpr size_t VHOSTS_MAX = 1024;
constexpr size_t NAME_MAX_LEN = 253; /* RFC 1035 */

static struct config_place place(const struct config_parse *p, uint32_t line)
{
	return (struct config_place){ .report = p->report, .file = p->file, .line = line };
}

/* --- vhosts */

static enum err set_default(const struct config_option *o, void *value)
{
	struct config_why why;
	if (o->dflt == nullptr)
		return ERR_OK;
	const enum err e = config_value_parse(o, value, o->dflt, &why);
	assert(e == ERR_OK || e == ERR_NOMEM); /* else options.def is wrong */
	return e;
}

static enum err set_defaults(struct config *c)
{
	for (size_t i = 0; i < OPTION_N; i++) {
		const struct config_option *o = &config_options[i];
		if (config_option_is_global(o))
			TRY(set_default(o, config_option_in_config(o, c)));
		else if (config_option_is_vhost(o))
			TRY(set_default(o, config_option_in_vhost(o, &c->vhosts[0])));
	}
	return ERR_OK;
}

/* One more vhost; takes name on ERR_OK. */
static enum err add_vhost(struct config_parse *p, char *name)
{
	struct config *c = p->config;
	struct vhost *vhosts = reallocarray(c->vhosts, c->vhosts_n + 1, sizeof *vhosts);
	if (vhosts == nullptr)
		return ERR_NOMEM;
	c->vhosts = vhosts;
	struct config_where *where = reallocarray(p->where, c->vhosts_n + 1, sizeof *where);
	if (where == nullptr)
		return ERR_NOMEM;
	p->where = where;
	p->section = (uint32_t)c->vhosts_n++;
	vhosts[p->section] = (struct vhost){ .name = name, .index = p->section };
	where[p->section] = (struct config_where){};
	return ERR_OK;
}

static enum err inherit(struct config *c, const struct config_where *where)
{
	for (size_t n = 1; n < c->vhosts_n; n++) {
		for (size_t i = 0; i < OPTION_N; i++) {
			const struct config_option *o = &config_options[i];
			if (where[n].line[i] != 0 || !config_option_is_vhost(o))
				continue;
			/* a vhost with methods of its own must not be entered by a weaker one of the default host */
			if (i == OPTION_enable_auth && where[n].line[OPTION_auth] != 0)
				continue;
			void *value = config_option_in_vhost(o, &c->vhosts[n]);
			TRY(config_value_copy(o, value, config_option_of_vhost(o, &c->vhosts[0])));
		}
	}
	return ERR_OK;
}

/* --- sections */

static bool is_host_name(const char *s)
{
	const size_t len = strlen(s);
	if (len == 0 || len > NAME_MAX_LEN || s[0] == '.' || s[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("-_.", s[i]) == nullptr)
			return false;
	return true;
}

static bool find_vhost(struct config_parse *p, const char *name)
{
	for (size_t i = 1; i < p->config->vhosts_n; i++) {
		if (strcmp(p->config->vhosts[i].name, name) != 0)
			continue;
		p->section = (uint32_t)i;
		return true;
	}
	return false;
}

static enum err open_vhost(struct config_parse *p, uint32_t line, const char *begin)
{
	char *name OWNED(base_freep) = nullptr;
	TRY(config_value_trimmed(&name, begin, begin + strlen(begin)));
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	char shown[CONFIG_SHOW_MAX];
	if (!is_host_name(name))
		return config_report_error(place(p, line),
					   "[vhost:%s]: expected a host name like vpn.example.com%s",
					   config_report_show("", name, shown),
					   strchr(name, '*') != nullptr ? "; there are no wildcards" : "");
	p->is_skipped = false;
	if (find_vhost(p, name))
		return ERR_OK;
	if (p->config->vhosts_n > VHOSTS_MAX) {
		p->is_skipped = true;
		return config_report_error(place(p, line), "[vhost:%s]: expected at most %zu of them", name,
					   VHOSTS_MAX);
	}
	TRY(add_vhost(p, name));
	name = nullptr;
	return ERR_OK;
}

static enum err open_section(struct config_parse *p, uint32_t line, const char *section)
{
	static const char prefix[] = "vhost:";
	if (p->is_own != nullptr)
		return config_report_error(place(p, line),
					   "a section has no place in a file of a user or group");
	p->is_skipped = true;
	if (strncasecmp(section, prefix, sizeof prefix - 1) == 0)
		return open_vhost(p, line, section + sizeof prefix - 1);
	char shown[CONFIG_SHOW_MAX];
	return config_report_warn(place(p, line),
				  "[%s]: unknown section, skipped to its end; expected [vhost:NAME]",
				  config_report_show("", section, shown));
}

/* --- options */

static enum err refuse_unknown(struct config_parse *p, uint32_t line, const char *key, const char *value)
{
	char key_shown[CONFIG_SHOW_MAX], shown[CONFIG_SHOW_MAX];
	const char *nearest = config_option_nearest(key);
	return config_report_error(
		place(p, line), "%s = %s: unknown option%s%s%s", config_report_show("", key, key_shown),
		config_report_show(key, value, shown), nearest != nullptr ? "; did you mean " : "",
		nearest != nullptr ? nearest : "", nearest != nullptr ? "?" : "; see ocserv.conf(5)");
}

static enum err refuse_value(struct config_parse *p, uint32_t line, const char *key, const char *value,
			     const char *why)
{
	char shown[CONFIG_SHOW_MAX];
	return config_report_error(place(p, line), "%s = %s: %s", key, config_report_show(key, value, shown),
				   why);
}

/* The first use of an option that does nothing yet, or never will, is told. */
static enum err tell_state(struct config_parse *p, uint32_t line, enum config_option_id id)
{
	const struct config_option *o = &config_options[id];
	if (p->is_told[id])
		return ERR_OK;
	p->is_told[id] = true;
	if (o->state == STATE_PLANNED)
		return config_report_warn(place(p, line), "%s is not implemented yet and has no effect",
					  o->key);
	if (o->state == STATE_OBSOLETE)
		return config_report_warn(place(p, line), "%s has no effect: %s Remove the line", o->key,
					  o->help);
	return ERR_OK;
}

static enum err tell_twice(struct config_parse *p, uint32_t line, enum config_option_id id)
{
	const uint32_t before = p->where[p->section].line[id];
	if (before == 0 || config_value_is_list(&config_options[id]))
		return ERR_OK;
	return config_report_warn(place(p, line), "%s is already set in line %u; this one counts",
				  config_options[id].key, before);
}

static void note_line(const struct config_option *o, void *value, uint32_t line)
{
	if (o->type != TYPE_AUTH)
		return;
	struct authlist *l = value;
	l->v[l->n - 1].line = line;
}

/* The first line of a user or group replaces what the virtual host has in its list. */
static void forget_inherited(struct config_parse *p, enum config_option_id id)
{
	const struct config_option *o = &config_options[id];
	if (p->is_own == nullptr || p->is_own[id] || !config_value_is_list(o))
		return;
	p->is_own[id] = true;
	config_value_clear(o, config_option_in_vhost(o, &p->config->vhosts[0]));
}

static enum err assign(struct config_parse *p, uint32_t line, enum config_option_id id, const char *text,
		       bool is_inverse)
{
	const struct config_option *o = &config_options[id];
	TRY(tell_twice(p, line, id));
	TRY(tell_state(p, line, id));
	p->where[p->section].line[id] = line;
	struct config_why why = {};
	enum err e = config_rules_check(id, text, &why);
	forget_inherited(p, id);
	void *value = config_option_is_global(o) ? config_option_in_config(o, p->config)
						 : config_option_in_vhost(o, &p->config->vhosts[p->section]);
	if (e == ERR_OK)
		e = config_value_parse(o, value, text, &why);
	if (e == ERR_NOMEM)
		return e;
	if (e != ERR_OK)
		return refuse_value(p, line, o->key, text, why.text);
	if (is_inverse)
		*(bool *)value = !*(bool *)value;
	note_line(o, value, line);
	return ERR_OK;
}

static enum err set_option(struct config_parse *p, uint32_t line, enum config_option_id id, const char *text,
			   bool is_inverse)
{
	const struct config_option *o = &config_options[id];
	if (p->is_own != nullptr && o->scope != SCOPE_U && o->scope != SCOPE_ONLY_U)
		return refuse_value(
			p, line, o->key, text,
			"wrong place: it is not for single users and groups; move it to the main file");
	if (p->is_own == nullptr && o->scope == SCOPE_ONLY_U)
		return refuse_value(
			p, line, o->key, text,
			"wrong place: it belongs in a file of config-per-user or config-per-group");
	if (o->scope == SCOPE_G && p->section != 0)
		return refuse_value(p, line, o->key, text,
				    "wrong place: it is global; move it above the first [vhost:...]");
	return assign(p, line, id, text, is_inverse);
}

static enum err set_alias(struct config_parse *p, uint32_t line, const struct config_alias *a,
			  const char *text)
{
	const struct config_option *o = &config_options[a->id];
	const bool is_planned = o->state == STATE_PLANNED;
	p->is_told[a->id] |= is_planned;
	TRY(config_report_warn(place(p, line), "%s is an old name; write %s%s%s", a->old, o->key,
			       a->is_inverse ? ", with the opposite value" : "",
			       is_planned ? "; that is not implemented yet and has no effect" : ""));
	return set_option(p, line, a->id, text, a->is_inverse);
}

static enum err set_pair(struct config_parse *p, uint32_t line, const char *key, const char *value)
{
	const enum config_option_id id = config_option_find(key);
	if (id != OPTION_N)
		return set_option(p, line, id, value, false);
	const struct config_alias *a = config_option_find_alias(key);
	if (a != nullptr)
		return set_alias(p, line, a, value);
	const struct config_obsolete *o = config_option_find_obsolete(key);
	if (o != nullptr)
		return config_report_warn(place(p, line), "%s has no effect: %s", key, o->advice);
	return refuse_unknown(p, line, key, value);
}

/* --- lines */

static enum err refuse_line(struct config_parse *p, const struct config_line *l, const char *key)
{
	static const char *const texts[] = {
		[LINE_HAS_NUL] = "a byte 0 in the line; is this a text file?",
		[LINE_TOO_LONG] = "the line has more than 65536 bytes",
		[LINE_NO_BRACKET] = "a section ends with ']': [vhost:NAME]",
		[LINE_NO_EQUALS] = "expected: option = value",
		[LINE_NO_KEY] = "no option before the '='",
		[LINE_NO_QUOTE] = "the value has no closing '\"' at its end",
	};
	char shown[CONFIG_SHOW_MAX];
	config_report_show("", key, shown);
	return config_report_error(place(p, l->number), "%s%s%s", shown, *shown != '\0' ? ": " : "",
				   texts[l->kind]);
}

static enum err take_line(struct config_parse *p, const struct config_line *l)
{
	if (l->kind == LINE_BLANK || (p->is_skipped && l->kind != LINE_SECTION))
		return ERR_OK;
	const struct config_span none = { "", 0 };
	const struct config_span k = l->key.p != nullptr ? l->key : none,
				 v = l->value.p != nullptr ? l->value : none;
	char *key OWNED(base_freep) = nullptr, *value OWNED(base_freep) = nullptr;
	TRY(config_value_copy_bytes(&key, k.p, k.len));
	TRY(config_value_copy_bytes(&value, v.p, v.len));
	if (l->kind == LINE_SECTION)
		return open_section(p, l->number, key);
	return l->kind == LINE_PAIR ? set_pair(p, l->number, key, value) : refuse_line(p, l, key);
}

static enum err take_text(struct config_parse *p, const char *text, size_t len)
{
	struct config_lines lines;
	struct config_line line;
	config_lines_init(&lines, text, len);
	while (config_lines_next(&lines, &line))
		TRY(take_line(p, &line));
	return ERR_OK;
}

enum err config_parse_user(struct config_parse *p, const char *text, size_t len)
{
	TRY(take_text(p, text, len));
	return config_rules_merge_masks(p, 0);
}

static enum err read_all(struct config_parse *p, const char *text, size_t len)
{
	char *name OWNED(base_freep) = strdup("");
	if (name == nullptr)
		return ERR_NOMEM;
	TRY(add_vhost(p, name));
	name = nullptr;
	TRY(set_defaults(p->config));
	if (len > TEXT_MAX)
		return config_report_error(place(p, 0), "the file has more than %zu bytes", TEXT_MAX);
	TRY(take_text(p, text, len));
	TRY(config_rules_merge_masks(p, 0));
	TRY(inherit(p->config, p->where));
	for (size_t i = 1; i < p->config->vhosts_n; i++)
		TRY(config_rules_merge_masks(p, i));
	return config_check(p);
}

enum err config_parse(struct config **out, const char *file, const char *text, size_t len,
		      struct config_report *report)
{
	struct config *c OWNED(config_putp) = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->refs = 1;
	const size_t errors_before = report->errors_n;
	struct config_parse p = { .file = file, .report = report, .config = c };
	const enum err e = read_all(&p, text, len);
	free(p.where);
	TRY(e);
	config_report_sort(report);
	if (report->errors_n > errors_before)
		return ERR_CONFIG;
	*out = TAKE(c);
	return ERR_OK;
}
