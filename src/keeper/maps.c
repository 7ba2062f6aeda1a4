/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bpf/shared.h"

void maps_set(struct maps *st, int inner, int app_ids)
{
	maps_fini(st);
	st->inner = inner;
	st->app_ids = app_ids;
}

void maps_fini(struct maps *st)
{
	base_closep(&st->inner);
	base_closep(&st->app_ids);
}

static void note(struct maps *st, int result, const char *map)
{
	if (result == 0 || st->warned)
		return;
	st->warned = true;
	log_warn("keeper.steering map=%s error=\"%s\" note=\"packets still arrive, by way of other workers\"",
		 map, strerror(errno));
}

static void set(struct maps *st, int map, const char *name, const void *key, uint32_t worker, bool gone)
{
	const struct steer_worker value = { .index = worker };
	if (map < 0)
		return;
	int result = gone ? bpf_map_delete_elem(map, key) : bpf_map_update_elem(map, key, &value, BPF_ANY);
	if (gone && result != 0 && errno == ENOENT)
		return;
	note(st, result, name);
}

static struct steer_inner key_of(const struct prefix *p)
{
	struct steer_inner key = {};
	if (p->family == AF_INET) {
		key.addr[10] = key.addr[11] = 0xff;
		memcpy(key.addr + 12, p->addr, 4);
		return key;
	}
	/* a whole prefix has one entry, with zeros behind the prefix */
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = p->len > i * 8 ? MIN(p->len - i * 8, 8u) : 0;
		key.addr[i] = p->addr[i] & (uint8_t)(0xff00u >> keep);
	}
	return key;
}

static void set_inner(struct maps *st, const struct lease *lease, uint32_t worker, bool gone)
{
	if (lease->addr.family == 0)
		return;
	const struct steer_inner key = key_of(&lease->addr);
	set(st, st->inner, "inner", &key, worker, gone);
}

void maps_route(struct maps *st, const struct session *s, bool gone)
{
	struct steer_app_id id;
	static_assert(sizeof id.id == SESSION_APP_ID_LEN);
	memcpy(id.id, s->app_id, sizeof id.id);
	set_inner(st, &s->ipv4, s->worker, gone);
	set_inner(st, &s->ipv6, s->worker, gone);
	set(st, st->app_ids, "app_ids", &id, s->worker, gone);
}
