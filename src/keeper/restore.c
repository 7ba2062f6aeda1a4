/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/restore.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/entry.h"
#include "keeper/firewall.h"
#include "keeper/keeper.h"
#include "keeper/serve.h"
#include "keeper/session_msg.h"

void restore_begin(struct keeper *k, struct mono now)
{
	struct restore *r = &k->restore;
	*r = (struct restore){ .until = clock_add_ms(now, RESTORE_MS) };
	r->tail = &r->head;
}

static struct restore_open *take(struct restore *r)
{
	struct restore_open *o = r->head;
	if (o == nullptr)
		return nullptr;
	r->head = o->next;
	if (r->head == nullptr)
		r->tail = &r->head;
	r->opens_n--;
	return o;
}

static void drop(struct restore_open *o)
{
	explicit_bzero(o->bytes, o->len); /* a cookie */
	free(o);
}

void restore_fini(struct keeper *k)
{
	struct restore_open *o;
	while ((o = take(&k->restore)) != nullptr)
		drop(o);
}

/* {{ reports }} */

static bool all_ended(const struct keeper *k)
{
	for (unsigned i = 0; i < k->workers_n; i++)
		if ((k->restore.ended[i / 64] >> i % 64 & 1) == 0)
			return false;
	return true;
}

static void replay(struct keeper *k, struct restore_open *o)
{
	const struct keeper_worker *w = &k->workers[o->worker];
	Msg__Open *body = w->ipc != nullptr && w->channel == o->channel
				  ? msg__open__unpack(nullptr, o->len, o->bytes)
				  : nullptr;
	if (body != nullptr) {
		entry_begin(k, w->ipc, o->id, body);
		explicit_bzero(body->cookie.data, body->cookie.len);
		msg__open__free_unpacked(body, nullptr);
	}
	drop(o);
}

static void finish(struct keeper *k)
{
	struct restore *r = &k->restore;
	r->is_done = true;
	recall_settle(k);
	firewall_settled(k);
	log_info("keeper.restored sessions=%u waiting=%u", r->sessions_n, r->opens_n);
	struct restore_open *o;
	while ((o = take(r)) != nullptr)
		replay(k, o);
}

void restore_on_report(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Report *body = (const void *)m->body;
	unsigned worker = ipc_peer_index(ipc);
	struct session_report report;
	if (body->session != nullptr) {
		enum err e = session_msg_read(&report, body->session, worker);
		if (e == ERR_OK) { /* by name: numbers change with a reload */
			report.vhost = config_vhost(k->now.cfg, body->session->vhost_name)->index;
			e = session_report(&k->sessions, &report, clock_now());
		} else {
			log_err("session.report_malformed worker=%u", worker);
		}
		k->restore.sessions_n += e == ERR_OK;
	}
	if (!body->end)
		return;
	k->restore.ended[worker / 64] |= UINT64_C(1) << worker % 64;
	if (!k->restore.is_done && all_ended(k))
		finish(k);
}

/* {{ requests that wait }} */

bool restore_holds(struct keeper *k, struct ipc *ipc, const struct ipc_msg *m)
{
	struct restore *r = &k->restore;
	if (r->is_done || r->opens_n >= RESTORE_OPENS_MAX)
		return false;
	const Msg__Open *body = (const void *)m->body;
	size_t len = msg__open__get_packed_size(body);
	struct restore_open *o = calloc(1, sizeof *o + len);
	if (o == nullptr)
		return false;
	msg__open__pack(body, o->bytes);
	o->len = len;
	o->id = m->id;
	o->worker = ipc_peer_index(ipc);
	o->channel = k->workers[o->worker].channel;
	*r->tail = o;
	r->tail = &o->next;
	r->opens_n++;
	return true;
}

void restore_tick(struct keeper *k, struct mono now)
{
	if (!k->restore.is_done && clock_is_past(now, k->restore.until))
		finish(k);
}
