/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_place.h"

#include <string.h>

/* Its number; that of the methods if it is not among them. */
static size_t certificate_of(const struct authlist *l)
{
	size_t i = 0;
	while (i < l->n && strcmp(l->v[i].name, "certificate") != 0)
		i++;
	return i;
}

bool auth_place_has_way(const struct vhost *v, size_t way)
{
	return way <= v->enable_auth.n;
}

bool auth_place_is_method(const struct vhost *v, struct auth_place at)
{
	size_t n = at.way == 0 ? v->auth.n : 1;
	return auth_place_has_way(v, at.way) && at.pos < n;
}

uint32_t auth_place_method(const struct vhost *v, struct auth_place at)
{
	if (!auth_place_is_method(v, at))
		return UINT32_MAX;
	if (at.way > 0)
		return (uint32_t)v->auth.n + at.way - 1u;
	size_t first = certificate_of(&v->auth);
	if (first == v->auth.n)
		return at.pos;
	return at.pos == 0 ? (uint32_t)first : at.pos <= first ? at.pos - 1u : at.pos;
}

const char *auth_place_name(const struct vhost *v, struct auth_place at)
{
	const struct auth_method *m = config_vhost_method(v, auth_place_method(v, at));
	return m != nullptr ? m->name : "none";
}

static bool wants_certificate(const struct vhost *v, size_t way)
{
	if (way == 0)
		return certificate_of(&v->auth) < v->auth.n;
	return strcmp(v->enable_auth.v[way - 1].name, "certificate") == 0;
}

/* The method that a way begins with; nullptr: a certificate, or none. */
static const struct auth_method *first_of(const struct vhost *v, size_t way)
{
	if (wants_certificate(v, way) || (way == 0 && v->auth.n == 0))
		return nullptr;
	return way > 0 ? &v->enable_auth.v[way - 1] : &v->auth.v[0];
}

static bool wants_bearer(const struct vhost *v, size_t way)
{
	const struct auth_method *m = first_of(v, way);
	return m != nullptr && strcmp(m->name, "oidc") == 0;
}

bool auth_place_wants_browser(const struct vhost *v, size_t way)
{
	const struct auth_method *m = first_of(v, way);
	return m != nullptr && config_is_sso(m);
}

static bool wants_token(const struct vhost *v, size_t way)
{
	const struct auth_method *m =
		config_vhost_method(v, auth_place_method(v, (struct auth_place){ (uint8_t)way, 0 }));
	return m != nullptr && config_is_token(m);
}

bool auth_place_find_token(const struct vhost *v, uint8_t *way)
{
	for (size_t i = 0; auth_place_has_way(v, i); i++)
		if (wants_token(v, i)) {
			*way = (uint8_t)i;
			return true;
		}
	return false;
}

static bool may_try(const struct vhost *v, size_t way, uint8_t shows)
{
	if (wants_token(v, way))
		return false;
	if (wants_bearer(v, way) != ((shows & AUTH_SHOWS_BEARER) != 0))
		return false;
	if (auth_place_wants_browser(v, way) && (shows & AUTH_SHOWS_BROWSER) == 0)
		return false;
	return (shows & AUTH_SHOWS_CERT) != 0 || !wants_certificate(v, way);
}

bool auth_place_find_way(const struct vhost *v, size_t from, uint8_t shows, uint8_t *way)
{
	while (auth_place_has_way(v, from) && !may_try(v, from, shows))
		from++;
	if (!auth_place_has_way(v, from))
		return false;
	*way = (uint8_t)from;
	return true;
}

bool auth_place_find_certificate(const struct vhost *v, uint8_t *way)
{
	for (size_t i = 0; auth_place_has_way(v, i); i++)
		if (wants_certificate(v, i)) {
			*way = (uint8_t)i;
			return true;
		}
	return false;
}

const char *auth_place_group(const struct vhost *v, const char *chosen)
{
	for (size_t i = 0; i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].name, chosen) == 0)
			return chosen;
	if (v->default_select_group != nullptr && strcmp(v->default_select_group, chosen) == 0)
		return "";
	for (size_t i = 0; i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].label, chosen) == 0)
			return v->select_group.v[i].name;
	return chosen;
}
