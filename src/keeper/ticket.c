/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/ticket.h"

#include <string.h>

#include "base/log.h"
#include "fips/fips.h"
#include "keeper/keeper.h"

constexpr size_t KEYS = 2;

struct ticket_key {
	uint8_t name[MSGS_TICKET_NAME_LEN];
	uint8_t key[MSGS_TICKET_KEY_LEN];
};

static struct ticket_key *keys_of(const struct ticket_ring *r)
{
	return (struct ticket_key *)(void *)r->memory.p;
}

static enum err rotate(struct ticket_ring *r)
{
	struct ticket_key fresh;
	if (r->memory.p == nullptr)
		TRY(vault_new(&r->memory, KEYS * sizeof fresh));
	TRY(fips_random(&fresh, sizeof fresh));
	struct ticket_key *keys = keys_of(r);
	keys[1] = keys[0];
	keys[0] = fresh;
	explicit_bzero(&fresh, sizeof fresh);
	r->n = MIN(r->n + 1, KEYS);
	return ERR_OK;
}

void ticket_send(const struct keeper *k, struct ipc *worker)
{
	const struct ticket_ring *r = &k->tickets;
	Msg__TicketKey each[KEYS];
	Msg__TicketKey *list[KEYS];
	for (size_t i = 0; i < r->n; i++) {
		msg__ticket_key__init(&each[i]);
		each[i].name = ipc_bytes(keys_of(r)[i].name, MSGS_TICKET_NAME_LEN);
		each[i].key = ipc_bytes(keys_of(r)[i].key, MSGS_TICKET_KEY_LEN);
		list[i] = &each[i];
	}
	Msg__TicketKeys body;
	msg__ticket_keys__init(&body);
	body.n_keys = r->n;
	body.keys = list;
	if (r->n > 0 &&
	    ipc_send(worker, MSG_TICKET_KEYS, ipc_next_id(worker), &body.base, nullptr, 0) != ERR_OK)
		log_debug("ticket.not_sent worker=%u", ipc_peer_index(worker));
}

void ticket_tick(struct keeper *k, struct mono now)
{
	struct ticket_ring *r = &k->tickets;
	if (r->n > 0 && !clock_is_past(now, r->rotate_at))
		return;
	enum err e = rotate(r);
	r->rotate_at = clock_add_s(now, e == ERR_OK ? TICKET_ROTATE_S : 60);
	if (e != ERR_OK) {
		log_err("ticket.no_key error=\"%s\" note=\"TLS sessions are not resumed\"", err_text(e));
		return;
	}
	for (unsigned i = 0; i < KEEPER_WORKERS_MAX; i++)
		if (k->workers[i].ipc != nullptr)
			ticket_send(k, k->workers[i].ipc);
	log_info("ticket.new_key keys=%zu", r->n);
}

void ticket_fini(struct ticket_ring *r)
{
	vault_fini(&r->memory);
	*r = (struct ticket_ring){};
}
