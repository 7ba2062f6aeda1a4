/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_set.h"

#include <stdlib.h>

bool auth_set_file(const struct config *cfg, size_t n, struct auth_set_file *out)
{
	static const enum msgs_file files[] = { FILE_PASSWD, FILE_OTP };
	const struct auth_method *m;
	for (uint32_t v = 0; v < cfg->vhosts_n; v++)
		for (uint32_t i = 0; (m = config_vhost_method(&cfg->vhosts[v], i)) != nullptr; i++)
			for (size_t k = 0; k < ARRAY_LEN(files); k++) {
				const struct auth_backend_kind *kind = auth_backend_kind(files[k]);
				const char *file = config_auth_arg(m, kind->arg);
				if (file == nullptr || n-- > 0)
					continue;
				*out = (struct auth_set_file){ v, i, kind, file };
				return true;
			}
	return false;
}

static struct auth_backend *find_same(const struct auth_set *set, const struct auth_set_file *f)
{
	for (size_t i = 0; set != nullptr && i < set->entries_n; i++)
		if (auth_backend_is(set->entries[i].backend, f->kind, f->file))
			return set->entries[i].backend;
	return nullptr;
}

static enum err make(const struct auth_set *set, const struct auth_set_file *f, const struct auth_set *before,
		     const struct auth_backend_conf *conf, struct auth_backend **out)
{
	struct auth_backend_conf own = *conf;
	own.kind = f->kind;
	own.file = f->file;
	struct auth_backend *same = find_same(set, f);
	if (same == nullptr)
		same = find_same(before, f);
	if (same == nullptr)
		return auth_backend_new(out, &own);
	*out = auth_backend_get(same);
	return ERR_OK;
}

enum err auth_set_init(struct auth_set *set, const struct config *cfg, const struct auth_set *before,
		       const struct auth_backend_conf *conf)
{
	size_t n = 0;
	struct auth_set_file f;
	while (auth_set_file(cfg, n, &f))
		n++;
	*set = (struct auth_set){ .entries = calloc(n + 1, sizeof *set->entries) };
	if (set->entries == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < n && auth_set_file(cfg, i, &f); i++) {
		struct auth_set_entry *entry = &set->entries[i];
		*entry = (struct auth_set_entry){ .vhost = f.vhost, .method = f.method };
		enum err e = make(set, &f, before, conf, &entry->backend);
		if (e != ERR_OK) {
			auth_set_fini(set);
			return e;
		}
		set->entries_n++;
	}
	return ERR_OK;
}

void auth_set_fini(struct auth_set *set)
{
	for (size_t i = 0; i < set->entries_n; i++)
		auth_backend_put(set->entries[i].backend);
	free(set->entries);
	*set = (struct auth_set){};
}

struct auth_backend *auth_set_find(const struct auth_set *set, uint32_t vhost, uint32_t method,
				   enum msgs_file file)
{
	for (size_t i = 0; i < set->entries_n; i++) {
		const struct auth_set_entry *e = &set->entries[i];
		if (e->vhost == vhost && e->method == method && auth_backend_file(e->backend) == file)
			return e->backend;
	}
	return nullptr;
}

bool auth_set_place_of(const struct auth_set *set, const struct auth_backend *b, uint32_t *vhost,
		       uint32_t *method)
{
	for (size_t i = 0; i < set->entries_n; i++)
		if (set->entries[i].backend == b) {
			*vhost = set->entries[i].vhost;
			*method = set->entries[i].method;
			return true;
		}
	return false;
}

void auth_set_tick(const struct auth_set *set, struct mono now)
{
	for (size_t i = 0; i < set->entries_n; i++)
		auth_backend_tick(set->entries[i].backend, now);
}
