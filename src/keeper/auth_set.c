/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_set.h"

#include <stdlib.h>

bool auth_set_method(const struct vhost *v, uint32_t *index, const struct auth_backend_kind **kind,
		     const char **file)
{
	for (size_t i = 0; i < v->auth.n; i++) {
		const struct auth_backend_kind *k = auth_backend_kind(v->auth.v[i].name);
		const char *f = k != nullptr ? config_auth_arg(&v->auth.v[i], "passwd") : nullptr;
		if (f == nullptr)
			continue;
		*index = (uint32_t)i;
		*kind = k;
		*file = f;
		return true;
	}
	return false;
}

static struct auth_backend *find_same(const struct auth_set *set, const struct auth_backend_kind *kind,
				      const char *file)
{
	for (size_t i = 0; set != nullptr && i < set->vhosts_n; i++)
		if (set->by_vhost[i] != nullptr && auth_backend_is(set->by_vhost[i], kind, file))
			return set->by_vhost[i];
	return nullptr;
}

static enum err make(struct auth_set *set, const struct vhost *v, const struct auth_set *before,
		     const struct auth_backend_conf *conf, struct auth_backend **out)
{
	struct auth_backend_conf own = *conf;
	uint32_t index;
	if (!auth_set_method(v, &index, &own.kind, &own.file))
		return ERR_OK;
	struct auth_backend *same = find_same(set, own.kind, own.file);
	if (same == nullptr)
		same = find_same(before, own.kind, own.file);
	if (same == nullptr)
		return auth_backend_new(out, &own);
	*out = auth_backend_get(same);
	return ERR_OK;
}

enum err auth_set_init(struct auth_set *set, const struct config *cfg, const struct auth_set *before,
		       const struct auth_backend_conf *conf)
{
	*set = (struct auth_set){ .by_vhost = calloc(cfg->vhosts_n, sizeof(struct auth_backend *)) };
	if (set->by_vhost == nullptr)
		return ERR_NOMEM;
	set->vhosts_n = cfg->vhosts_n;
	for (size_t i = 0; i < cfg->vhosts_n; i++) {
		enum err e = make(set, &cfg->vhosts[i], before, conf, &set->by_vhost[i]);
		if (e != ERR_OK) {
			auth_set_fini(set);
			return e;
		}
	}
	return ERR_OK;
}

void auth_set_fini(struct auth_set *set)
{
	for (size_t i = 0; i < set->vhosts_n; i++)
		auth_backend_put(set->by_vhost[i]);
	free(set->by_vhost);
	*set = (struct auth_set){};
}

struct auth_backend *auth_set_find(const struct auth_set *set, uint32_t vhost)
{
	return vhost < set->vhosts_n ? set->by_vhost[vhost] : nullptr;
}

bool auth_set_vhost_of(const struct auth_set *set, const struct auth_backend *b, uint32_t *vhost)
{
	for (size_t i = 0; i < set->vhosts_n; i++)
		if (set->by_vhost[i] == b) {
			*vhost = (uint32_t)i;
			return true;
		}
	return false;
}

void auth_set_tick(const struct auth_set *set, struct mono now)
{
	for (size_t i = 0; i < set->vhosts_n; i++)
		if (set->by_vhost[i] != nullptr)
			auth_backend_tick(set->by_vhost[i], now);
}
