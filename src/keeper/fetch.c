/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/fetch.h"

#include <stdlib.h>

#include "keeper/keeper.h"

static enum err send_request(struct keeper *k, enum msg type, uint32_t id, const struct auth_backend *b)
{
	uint32_t vhost, method;
	if (!auth_set_place_of(&k->now.auth, b, &vhost, &method))
		return ERR_NOTFOUND;
	Msg__FileGet body = MSG__FILE_GET__INIT;
	body.generation = k->now.number;
	body.vhost = vhost;
	body.kind = auth_backend_file(b);
	body.index = method;
	return ipc_send(k->supervisor, type, id, &body.base, nullptr, 0);
}

static enum err request(struct keeper *k, enum msg type, struct auth_backend *b)
{
	if (!ipc_is_alive(k->supervisor))
		return ERR_CLOSED;
	struct fetch *f = calloc(1, sizeof *f);
	if (f == nullptr)
		return ERR_NOMEM;
	f->type = type;
	f->id = ipc_next_id(k->supervisor);
	enum err e = send_request(k, type, f->id, b);
	if (e != ERR_OK) {
		free(f);
		return e;
	}
	f->backend = auth_backend_get(b);
	f->next = k->fetches;
	k->fetches = f;
	return ERR_OK;
}

enum err fetch_start(void *ctx, struct auth_backend *b)
{
	return request(ctx, MSG_FILE_GET, b);
}

enum err fetch_edit(void *ctx, struct auth_backend *b)
{
	return request(ctx, MSG_FILE_EDIT, b);
}

static struct fetch **find(struct keeper *k, enum msg type, uint32_t id)
{
	for (struct fetch **at = &k->fetches; *at != nullptr; at = &(*at)->next)
		if ((*at)->type == type && (*at)->id == id)
			return at;
	return nullptr;
}

static enum err send_commit(struct keeper *k, uint32_t id, bool drop)
{
	Msg__FileCommit body = MSG__FILE_COMMIT__INIT;
	body.drop = drop;
	if (!ipc_is_alive(k->supervisor))
		return ERR_CLOSED;
	return ipc_send(k->supervisor, MSG_FILE_COMMIT, id, &body.base, nullptr, 0);
}

enum err fetch_commit(void *ctx, struct auth_backend *b, bool drop)
{
	struct keeper *k = ctx;
	for (struct fetch *f = k->fetches; f != nullptr; f = f->next)
		if (f->type == MSG_FILE_COMMIT && f->backend == b)
			return send_commit(k, f->id, drop);
	return ERR_NOTFOUND;
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
	struct fetch **at = find(k, MSG_FILE_GET, m->id);
	if (at == nullptr)
		return false;
	auth_backend_fetched((*at)->backend, ipc_take_fd(m, 0), file->error, clock_now());
	drop(at);
	return true;
}

void fetch_on_edit_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__File *file = (const void *)m->body;
	struct fetch **at = find(k, MSG_FILE_EDIT, m->id);
	if (at == nullptr)
		return;
	bool has_files = m->fds_n == 2;
	struct auth_backend *b = auth_backend_get((*at)->backend);
	if (has_files)
		(*at)->type = MSG_FILE_COMMIT; /* which comes next; the id stays */
	else
		drop(at);
	auth_backend_edited(b, has_files ? ipc_take_fd(m, 0) : -1, has_files ? ipc_take_fd(m, 1) : -1,
			    file->error, clock_now());
	auth_backend_put(b);
}

void fetch_on_commit_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__File *file = (const void *)m->body;
	struct fetch **at = find(k, MSG_FILE_COMMIT, m->id);
	if (at == nullptr)
		return;
	struct auth_backend *b = auth_backend_get((*at)->backend);
	drop(at); /* before the back end may begin its next writing */
	auth_backend_committed(b, file->error, clock_now());
	auth_backend_put(b);
}

void fetch_fini(struct keeper *k)
{
	while (k->fetches != nullptr)
		drop(&k->fetches);
}
