/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/farewell.h"

#include <stdlib.h>

#include "base/log.h"
#include "worker/worker.h"

static enum err tell(struct worker *w, const struct farewell *f)
{
	if (!ipc_is_alive(w->keeper))
		return ERR_CLOSED;
	Msg__Closed m = MSG__CLOSED__INIT;
	m.sid = f->sid;
	m.cause = f->cause;
	m.rx_bytes = f->rx_bytes;
	m.tx_bytes = f->tx_bytes;
	m.untold = f->untold;
	return ipc_send(w->keeper, MSG_CLOSED, 0, &m.base, nullptr, 0);
}

static enum err remember(struct farewells *all, const struct farewell *f)
{
	if (all->n >= FAREWELLS_MAX)
		return ERR_FULL;
	if (all->n == all->room) {
		unsigned room = MAX(all->room * 2, 64u);
		struct farewell *v = realloc(all->v, room * sizeof *v);
		if (v == nullptr)
			return ERR_NOMEM;
		all->v = v;
		all->room = room;
	}
	all->v[all->n++] = *f;
	return ERR_OK;
}

void farewell_say(struct worker *w, const struct farewell *f)
{
	if (tell(w, f) == ERR_OK)
		return;
	enum err e = remember(&w->farewells, f);
	if (e != ERR_OK)
		log_warn("keeper.unreachable sid=%lu why=\"%s\": its accounting is lost", f->sid,
			 err_text(e));
}

void farewell_say_all(struct worker *w)
{
	struct farewells all = w->farewells;
	w->farewells = (struct farewells){};
	for (unsigned i = 0; i < all.n; i++)
		farewell_say(w, &all.v[i]);
	free(all.v);
}
