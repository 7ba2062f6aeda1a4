/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value_list - lists of texts: strlist, domainlist, groups */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

constexpr size_t GROUPS_MAX = 512; /* as ocserv since 1.3.0 */
constexpr size_t DOMAIN_MAX = 253; /* RFC 1035 */

/* --- strlist */

static void clear_strlist(void *value)
{
	struct strlist *l = value;
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strlist){};
}

/* Takes s in any case. */
static enum err push(struct strlist *l, char *s)
{
	char *own OWNED(base_freep) = s;
	void *v = l->v;
	TRY(config_value_grow(&v, l->n, sizeof *l->v));
	l->v = v;
	l->v[l->n++] = TAKE(own);
	return ERR_OK;
}

static enum err parse_strlist(const struct config_option *, void *value, const char *text,
			      struct config_why *why)
{
	if (*text == '\0') {
		config_why_set(why, "expected a text");
		return ERR_SYNTAX;
	}
	char *copy = nullptr;
	TRY(config_value_copy_str(&copy, text));
	return push(value, copy);
}

static enum err copy_strlist(void *to, const void *from)
{
	const struct strlist *src = from;
	for (size_t i = 0; i < src->n; i++) {
		char *copy = nullptr;
		TRY(config_value_copy_str(&copy, src->v[i]));
		TRY(push(to, copy));
	}
	return ERR_OK;
}

static bool is_equal_strlist(const void *a, const void *b)
{
	const struct strlist *x = a, *y = b;
	bool same = x->n == y->n;
	for (size_t i = 0; same && i < x->n; i++)
		same = strcmp(x->v[i], y->v[i]) == 0;
	return same;
}

const struct config_value_type config_value_strlist = { "list of texts",  true,
							parse_strlist,    copy_strlist,
							is_equal_strlist, clear_strlist };

/* --- domainlist */

static bool is_domain(const char *s)
{
	const size_t len = strlen(s);
	if (len == 0 || len > DOMAIN_MAX || s[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && strchr("-_.", s[i]) == nullptr)
			return false;
	return strstr(s, "..") == nullptr;
}

static enum err push_domain(struct strlist *l, const char *begin, const char *end, struct config_why *why)
{
	char *domain OWNED(base_freep) = nullptr;
	TRY(config_value_trimmed(&domain, begin, end));
	if (is_domain(domain))
		return push(l, TAKE(domain));
	config_why_set(why, "expected a domain like example.com, several with commas between them");
	return ERR_SYNTAX;
}

/* All of the line or nothing. */
static enum err parse_domainlist(const struct config_option *, void *value, const char *text,
				 struct config_why *why)
{
	struct strlist *l = value;
	const size_t before = l->n;
	enum err e = ERR_OK;
	for (const char *at = text, *end = at; e == ERR_OK; at = end + 1) {
		end = strchrnul(at, ',');
		e = push_domain(l, at, end, why);
		if (*end == '\0')
			break;
	}
	while (e != ERR_OK && l->n > before)
		free(l->v[--l->n]);
	return e;
}

const struct config_value_type config_value_domainlist = { "list of domains", true,
							   parse_domainlist,  copy_strlist,
							   is_equal_strlist,  clear_strlist };

/* --- groups: name[Label] */

static void clear_group(struct group_choice *g)
{
	free(g->name);
	free(g->label);
}

static void clear_groups(void *value)
{
	struct grouplist *l = value;
	for (size_t i = 0; i < l->n; i++)
		clear_group(&l->v[i]);
	free(l->v);
	*l = (struct grouplist){};
}

/* Takes g on ERR_OK. */
static enum err push_group(struct grouplist *l, const struct group_choice *g)
{
	void *v = l->v;
	TRY(config_value_grow(&v, l->n, sizeof *l->v));
	l->v = v;
	l->v[l->n++] = *g;
	return ERR_OK;
}

/* Both parts, or the name twice; what was made is in g also on failure. */
static enum err split_group(struct group_choice *g, const char *text, struct config_why *why)
{
	const char *open = strchrnul(text, '['), *end = text + strlen(text);
	TRY(config_value_trimmed(&g->name, text, open));
	if (*open == '\0')
		TRY(config_value_copy_str(&g->label, g->name));
	else if (end[-1] == ']')
		TRY(config_value_trimmed(&g->label, open + 1, end - 1));
	if (*g->name != '\0' && g->label != nullptr && *g->label != '\0')
		return ERR_OK;
	config_why_set(why, "expected a group like staff or staff[People of the house]");
	return ERR_SYNTAX;
}

static enum err check_new_group(const struct grouplist *l, const struct group_choice *g,
				struct config_why *why)
{
	if (l->n == GROUPS_MAX) {
		config_why_set(why, "expected at most %zu groups", GROUPS_MAX);
		return ERR_RANGE;
	}
	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, g->name) != 0)
			continue;
		config_why_set(why, "expected each group once");
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static enum err add_group(struct grouplist *l, struct group_choice *g, const char *text,
			  struct config_why *why)
{
	TRY(split_group(g, text, why));
	TRY(check_new_group(l, g, why));
	return push_group(l, g);
}

static enum err parse_groups(const struct config_option *, void *value, const char *text,
			     struct config_why *why)
{
	struct group_choice g = {};
	const enum err e = add_group(value, &g, text, why);
	if (e != ERR_OK)
		clear_group(&g);
	return e;
}

static enum err copy_group(struct grouplist *l, struct group_choice *g, const struct group_choice *from)
{
	TRY(config_value_copy_str(&g->name, from->name));
	TRY(config_value_copy_str(&g->label, from->label));
	return push_group(l, g);
}

static enum err copy_groups(void *to, const void *from)
{
	const struct grouplist *src = from;
	for (size_t i = 0; i < src->n; i++) {
		struct group_choice g = {};
		const enum err e = copy_group(to, &g, &src->v[i]);
		if (e != ERR_OK)
			clear_group(&g);
		TRY(e);
	}
	return ERR_OK;
}

static bool is_equal_groups(const void *a, const void *b)
{
	const struct grouplist *x = a, *y = b;
	bool same = x->n == y->n;
	for (size_t i = 0; same && i < x->n; i++)
		same = strcmp(x->v[i].name, y->v[i].name) == 0 && strcmp(x->v[i].label, y->v[i].label) == 0;
	return same;
}

const struct config_value_type config_value_groups = { "list of groups", true,
						       parse_groups,     copy_groups,
						       is_equal_groups,  clear_groups };
