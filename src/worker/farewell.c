/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/farewell.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/table.h"
#include "worker/worker.h"

struct farewell {
	uint64_t sid;
	size_t len;
	UT_hash_handle hh;
	uint8_t bytes[]; /* a packed Closed */
};

static void drop(struct farewells *all, struct farewell *f)
{
	HASH_DEL(all->by_sid, f);
	free(f);
}

static void remember(struct farewells *all, const Msg__Closed *m)
{
	size_t len = msg__closed__get_packed_size(m);
	struct farewell *f;
	HASH_FIND(hh, all->by_sid, &m->sid, sizeof m->sid, f);
	if (f != nullptr)
		return;
	f = HASH_COUNT(all->by_sid) < FAREWELLS_MAX ? malloc(sizeof *f + len) : nullptr;
	if (f == nullptr) {
		log_warn("keeper.slow sid=%lu: if it dies now, the accounting of this connection is lost",
			 m->sid);
		return;
	}
	*f = (struct farewell){ .sid = m->sid, .len = len };
	msg__closed__pack(m, f->bytes);
	HASH_ADD(hh, all->by_sid, sid, sizeof f->sid, f);
}

static void tell(struct worker *w, const Msg__Closed *m)
{
	/* a keeper that cannot be told is dying; the next one hears it */
	if (ipc_is_alive(w->keeper) && ipc_send(w->keeper, MSG_CLOSED, 0, &m->base, nullptr, 0) != ERR_OK)
		log_debug("keeper.not_told sid=%lu", m->sid);
}

void farewell_say(struct worker *w, const Msg__Closed *m, const Msg__Session *facts)
{
	Msg__Closed all = *m;
	Msg__Session session = *facts;
	/* what only a living connection needs, and what is no business of the accounting */
	session.n_texts = 0;
	session.facts = nullptr;
	all.session = &session;
	remember(&w->farewells, &all);
	tell(w, &all);
}

void farewell_say_all(struct worker *w)
{
	struct farewell *f, *next;
	HASH_ITER(hh, w->farewells.by_sid, f, next) {
		Msg__Closed *m = msg__closed__unpack(nullptr, f->len, f->bytes);
		if (m == nullptr)
			continue;
		tell(w, m);
		msg__closed__free_unpacked(m, nullptr);
	}
}

void farewell_on_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__ClosedDone *done = (const Msg__ClosedDone *)m->body;
	struct farewell *f;
	HASH_FIND(hh, w->farewells.by_sid, &done->sid, sizeof done->sid, f);
	if (f != nullptr)
		drop(&w->farewells, f);
}

void farewell_fini(struct farewells *all)
{
	struct farewell *f, *next;
	HASH_ITER(hh, all->by_sid, f, next)
		drop(all, f);
}
