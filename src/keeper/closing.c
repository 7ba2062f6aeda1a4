/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/closing.h"

#include <stdlib.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/session_msg.h"

struct closing_row {
	struct closing_row *next;
	uint64_t number, sid; /* of the change to wait for; of the connection */
	uint32_t worker;
	uint64_t channel;
};

static void tell(const struct keeper *k, const struct closing_row *r)
{
	const struct keeper_worker *w = &k->workers[r->worker];
	Msg__ClosedDone m = MSG__CLOSED_DONE__INIT;
	m.sid = r->sid;
	if (w->ipc == nullptr || w->channel != r->channel)
		return; /* it has died; its successor knows of nothing */
	if (ipc_send(w->ipc, MSG_CLOSED_DONE, ipc_next_id(w->ipc), &m.base, nullptr, 0) != ERR_OK)
		log_debug("closing.not_told sid=%llu", (unsigned long long)r->sid);
}

static void wait_for(struct keeper *k, const struct closing_row *row)
{
	struct closings *all = &k->closings;
	struct closing_row *r = row->number > recall_done(&k->recall) ? malloc(sizeof *r) : nullptr;
	if (r == nullptr) { /* written already, or no memory: then it is as safe as it can be */
		tell(k, row);
		return;
	}
	*r = *row;
	r->next = nullptr;
	if (all->head == nullptr)
		all->tail = &all->head;
	*all->tail = r;
	all->tail = &r->next;
}

static void drop_first(struct closings *all)
{
	struct closing_row *r = all->head;
	all->head = r->next;
	free(r);
}

void closing_confirm(struct keeper *k)
{
	uint64_t done = recall_done(&k->recall);
	while (k->closings.head != nullptr && k->closings.head->number <= done) {
		tell(k, k->closings.head);
		drop_first(&k->closings);
	}
}

void closing_fini(struct keeper *k)
{
	while (k->closings.head != nullptr)
		drop_first(&k->closings);
}

/* Its begin may have been lost with the last keeper; workers are only believed so until they have reported. */
static void note_begin(struct keeper *k, uint32_t worker, const Msg__Closed *b)
{
	struct session_report report;
	struct session_conn *c;
	HASH_FIND(hh, k->sessions.by_sid, &b->sid, sizeof b->sid, c);
	if (c == nullptr && !k->restore.is_done && b->session != nullptr && b->session->sid == b->sid &&
	    session_msg_read(&report, b->session, worker) == ERR_OK)
		recall_began(&k->recall, b->session, &report);
}

void closing_on_closed(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Closed *b = (const void *)m->body;
	uint32_t worker = ipc_peer_index(ipc);
	bool known = b->cause >= CAUSE_NETWORK && b->cause <= CAUSE_WORKER_LOST;
	enum msgs_cause cause = known ? (enum msgs_cause)b->cause : CAUSE_NETWORK;
	note_begin(k, worker, b);
	session_closed(&k->sessions, worker, b->sid, cause, b->rx_bytes, b->tx_bytes, clock_now());
	const struct closing_row row = { .number = k->recall.last,
					 .sid = b->sid,
					 .worker = worker,
					 .channel = k->workers[worker].channel };
	wait_for(k, &row);
}
