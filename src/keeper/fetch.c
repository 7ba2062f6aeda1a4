/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/fetch.h"

#include <stdlib.h>

#include "keeper/keeper.h"

static enum err send_request(struct keeper *k, uint32_t id, const struct auth_backend *b)
{
	uint32_t vhost, index;
	const struct auth_backend_kind *kind;
	const char *file;
	if (!auth_set_vhost_of(&k->now.auth, b, &vhost) ||
	    !auth_set_method(&k->now.cfg->vhosts[vhost], &index, &kind, &file))
		return ERR_NOTFOUND;
	Msg__FileGet body = MSG__FILE_GET__INIT;
	body.generation = k->now.number;
	body.vhost = vhost;
	body.kind = FILE_PASSWD;
	body.index = index;
	return ipc_send(k->supervisor, MSG_FILE_GET, id, &body.base, nullptr, 0);
}

enum err fetch_start(void *ctx, struct auth_backend *b)
{
	struct keeper *k = ctx;
	if (!ipc_is_alive(k->supervisor))
		return ERR_CLOSED;
	struct fetch *f = calloc(1, sizeof *f);
	if (f == nullptr)
		return ERR_NOMEM;
	f->id = ipc_next_id(k->supervisor);
	enum err e = send_request(k, f->id, b);
	if (e != ERR_OK) {
		free(f);
		return e;
	}
	f->backend = auth_backend_get(b);
	f->next = k->fetches;
	k->fetches = f;
	return ERR_OK;
}

static void drop(struct fetch **at)
{
	struct fetch *f = *at;
	*at = f->next;
	auth_backend_put(f->backend);
	free(f);
}

bool fetch_answered(struct keeper *k, struct ipc_msg *m)
{
	const Msg__File *file = (const void *)m->body;
	for (struct fetch **at = &k->fetches; *at != nullptr; at = &(*at)->next) {
		if ((*at)->id != m->id)
			continue;
		auth_backend_fetched((*at)->backend, ipc_take_fd(m, 0), file->error, clock_now());
		drop(at);
		return true;
	}
	return false;
}

void fetch_fini(struct keeper *k)
{
	while (k->fetches != nullptr)
		drop(&k->fetches);
}
