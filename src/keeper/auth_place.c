/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_place.h"

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
	return at.way == 0 ? at.pos : (uint32_t)v->auth.n + at.way - 1u;
}
