/* SPDX-License-Identifier: GPL-3.0-or-later */
/* web_group - groups that a client may choose, and how it did: in the form, or by the URL it was given */
#include <string.h>

#include "worker/web_parts.h"

/* default-select-group is an entry of its own, for no particular group, unless it is the name of one. */
static bool has_default(const struct vhost *v)
{
	for (size_t i = 0; v->default_select_group != nullptr && i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].name, v->default_select_group) == 0)
			return false;
	return v->default_select_group != nullptr;
}

static void add(struct login_group *out, size_t *n, const char *name, const char *label)
{
	if (*n < WEB_GROUPS_MAX)
		out[(*n)++] = (struct login_group){ name, label };
}

size_t web_groups(const struct conn *c, struct login_group out[WEB_GROUPS_MAX])
{
	const struct vhost *v = web_vhost(c);
	const struct offer *o = web_offer(c);
	size_t n = 0;
	if (v->select_group.n + o->groups_n == 0)
		return 0;
	/* its label is its value: some clients drop an empty one */
	if (has_default(v))
		add(out, &n, v->default_select_group, v->default_select_group);
	for (size_t i = 0; i < v->select_group.n; i++)
		add(out, &n, v->select_group.v[i].name, v->select_group.v[i].label);
	const size_t configured = n;
	for (size_t i = 0; i < o->groups_n; i++)
		if (web_group_find(out, configured, o->groups[i]) == configured)
			add(out, &n, o->groups[i], o->groups[i]);
	return n;
}

size_t web_group_find(const struct login_group *groups, size_t groups_n, const char *chosen)
{
	for (size_t i = 0; i < groups_n; i++)
		if (strcmp(groups[i].name, chosen) == 0)
			return i;
	for (size_t i = 0; i < groups_n; i++)
		if (strcmp(groups[i].label, chosen) == 0)
			return i;
	return groups_n;
}

/* Only what is offered: a path is anybody's to write. */
static bool find_path(const struct conn *c, struct slice path, char out[LOGIN_USER_MAX + 1])
{
	struct login_group groups[WEB_GROUPS_MAX];
	char name[LOGIN_USER_MAX + 1];
	if (!web_vhost(c)->select_group_by_url || login_path_group(name, path) != ERR_OK)
		return false;
	size_t n = web_groups(c, groups), i = web_group_find(groups, n, name);
	if (i == n || strlen(groups[i].name) > LOGIN_USER_MAX)
		return false;
	memcpy(out, groups[i].name, strlen(groups[i].name) + 1);
	return true;
}

bool web_group_is_path(const struct conn *c, struct slice path)
{
	char name[LOGIN_USER_MAX + 1];
	return find_path(c, path, name);
}

void web_group_choose(struct conn *c, const struct login_req *req)
{
	struct conn_web *web = c->web;
	char name[LOGIN_USER_MAX + 1];
	bool by_url = find_path(c, http_path(&web->http), name);
	if (!by_url && req != nullptr)
		by_url = find_path(c, login_url_path(req->group_access), name);
	web->group_by_url = by_url;
	if (req != nullptr && req->has_group) {
		memcpy(web->group, req->group, sizeof web->group);
		web->group_by_url = by_url && strcmp(name, req->group) == 0;
	} else if (by_url) {
		memcpy(web->group, name, sizeof web->group);
	}
}

void web_group_emit_action(const struct conn *c, struct writer *w)
{
	const struct vhost *v = web_vhost(c);
	writer_u8(w, '/');
	if (c->web->group_by_url)
		text_emit_percent(w, c->web->group);
	else
		writer_str(w, "auth");
	if (v->camouflage && v->camouflage_secret != nullptr)
		writer_fmt(w, "?%s", v->camouflage_secret);
	writer_u8(w, '\0');
}
