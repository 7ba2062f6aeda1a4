/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/edition.h"

#include <stdlib.h>

#include "keeper/groups.h"

static void free_keys(struct edition *g)
{
	for (size_t i = 0; i < g->keys_n; i++)
		key_free(g->keys[i]);
	free(g->keys);
}

void edition_retire(struct edition *g)
{
	auth_set_fini(&g->auth);
	filter_unmap(&g->filter);
	for (size_t i = 0; g->groups != nullptr && i < g->cfg->vhosts_n; i++)
		groups_fini(&g->groups[i]);
	free(g->groups);
	g->groups = nullptr;
	for (size_t i = 0; g->gates != nullptr && i < g->cfg->vhosts_n; i++)
		cert_gate_fini(&g->gates[i]);
	free(TAKE(g->gates));
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

enum err edition_set_groups(struct edition *g, uint32_t vhost, const struct strlist *groups)
{
	if (g->groups == nullptr)
		g->groups = calloc(g->cfg->vhosts_n, sizeof *g->groups);
	return g->groups != nullptr ? groups_copy(&g->groups[vhost], groups) : ERR_NOMEM;
}

struct cert_gate *edition_gate(struct edition *g, uint32_t vhost)
{
	if (g->gates == nullptr)
		g->gates = calloc(g->cfg->vhosts_n, sizeof *g->gates);
	return g->gates != nullptr ? &g->gates[vhost] : nullptr;
}

struct key *edition_key(const struct edition *g, uint32_t number, uint32_t key)
{
	return g->number == number && g->number != 0 && key < g->keys_n ? g->keys[key] : nullptr;
}

/* All virtual hosts, also those without groups; the number of them. */
static size_t fill_groups(const struct edition *g, Msg__Groups *groups, Msg__Groups **list)
{
	if (g->groups == nullptr)
		return 0;
	for (size_t i = 0; i < g->cfg->vhosts_n; i++) {
		msg__groups__init(&groups[i]);
		groups[i].vhost = (uint32_t)i;
		groups[i].n_names = g->groups[i].n;
		groups[i].names = g->groups[i].v;
		list[i] = &groups[i];
	}
	return g->cfg->vhosts_n;
}

/* Of virtual hosts that ask for certificates; how many. */
static size_t fill_authorities(const struct edition *g, Msg__ClientCa *cas, Msg__ClientCa **list)
{
	size_t n = 0;
	for (size_t i = 0; g->gates != nullptr && i < g->cfg->vhosts_n; i++) {
		if (g->gates[i].ca == nullptr)
			continue;
		msg__client_ca__init(&cas[n]);
		cas[n].vhost = (uint32_t)i;
		cas[n].pem = ipc_bytes(g->gates[i].ca, g->gates[i].ca_len);
		list[n] = &cas[n];
		n++;
	}
	return n;
}

enum err edition_send_certs(const struct edition *g, struct ipc *supervisor)
{
	Msg__Cert *certs OWNED(base_freep) = calloc(g->certs_n + 1, sizeof *certs);
	Msg__Cert **list OWNED(base_freep) = calloc(g->certs_n + 1, sizeof(Msg__Cert *));
	Msg__Groups *groups OWNED(base_freep) = calloc(g->cfg->vhosts_n, sizeof *groups);
	Msg__Groups **groups_list OWNED(base_freep) = calloc(g->cfg->vhosts_n, sizeof(Msg__Groups *));
	Msg__ClientCa *cas OWNED(base_freep) = calloc(g->cfg->vhosts_n, sizeof *cas);
	Msg__ClientCa **cas_list OWNED(base_freep) = calloc(g->cfg->vhosts_n, sizeof(Msg__ClientCa *));
	if (certs == nullptr || list == nullptr || groups == nullptr || groups_list == nullptr ||
	    cas == nullptr || cas_list == nullptr)
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
	body.n_groups = fill_groups(g, groups, groups_list);
	body.groups = groups_list;
	body.n_client_cas = fill_authorities(g, cas, cas_list);
	body.client_cas = cas_list;
	return ipc_send(supervisor, MSG_CERTS, ipc_next_id(supervisor), &body.base, nullptr, 0);
}
