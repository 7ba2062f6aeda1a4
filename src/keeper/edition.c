/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/edition.h"

#include <stdlib.h>

static void free_keys(struct edition *g)
{
	for (size_t i = 0; i < g->keys_n; i++)
		key_free(g->keys[i]);
	free(g->keys);
}

void edition_retire(struct edition *g)
{
	auth_set_fini(&g->auth);
	config_putp(&g->cfg);
	free(g->certs);
	g->certs = nullptr;
	g->certs_n = 0;
}

void edition_fini(struct edition *g)
{
	edition_retire(g);
	free_keys(g);
	*g = (struct edition){};
}

enum err edition_add_key(struct edition *g, struct key *key, uint32_t *number)
{
	struct key **keys = reallocarray(g->keys, g->keys_n + 1, sizeof(struct key *));
	if (keys == nullptr)
		return ERR_NOMEM;
	g->keys = keys;
	*number = (uint32_t)g->keys_n;
	keys[g->keys_n++] = key;
	return ERR_OK;
}

enum err edition_add_cert(struct edition *g, uint32_t vhost, uint32_t key, uint32_t pair)
{
	struct edition_cert *certs = reallocarray(g->certs, g->certs_n + 1, sizeof *certs);
	if (certs == nullptr)
		return ERR_NOMEM;
	g->certs = certs;
	certs[g->certs_n++] = (struct edition_cert){ .vhost = vhost, .pair = pair, .key = key };
	return ERR_OK;
}

struct key *edition_key(const struct edition *g, uint32_t number, uint32_t key)
{
	return g->number == number && g->number != 0 && key < g->keys_n ? g->keys[key] : nullptr;
}

enum err edition_send_certs(const struct edition *g, struct ipc *supervisor)
{
	Msg__Cert *certs OWNED(base_freep) = calloc(g->certs_n + 1, sizeof *certs);
	Msg__Cert **list OWNED(base_freep) = calloc(g->certs_n + 1, sizeof(Msg__Cert *));
	if (certs == nullptr || list == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < g->certs_n; i++) {
		const struct key *key = g->keys[g->certs[i].key];
		struct span chain = key_chain(key);
		msg__cert__init(&certs[i]);
		certs[i].vhost = g->certs[i].vhost;
		certs[i].key = g->certs[i].key;
		certs[i].key_type = key_type(key);
		certs[i].chain_pem = ipc_bytes(chain.p, chain.len);
		list[i] = &certs[i];
	}
	Msg__Certs body = MSG__CERTS__INIT;
	body.generation = g->number;
	body.n_certs = g->certs_n;
	body.certs = list;
	return ipc_send(supervisor, MSG_CERTS, ipc_next_id(supervisor), &body.base, nullptr, 0);
}
