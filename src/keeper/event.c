/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/event.h"

#include <time.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/session_msg.h"

static void publish(const struct keeper *k, Msg__Event *m)
{
	m->at = (uint64_t)time(nullptr);
	if (ipc_send(k->control, MSG_EVENT, ipc_next_id(k->control), &m->base, nullptr, 0) != ERR_OK)
		log_debug("event.not_sent");
}

static bool is_wanted(const struct keeper *k)
{
	return k->wants_events && k->control != nullptr && ipc_is_alive(k->control);
}

static char *text(const char *t)
{
	return (char *)(uintptr_t)(t != nullptr ? t : "");
}

void event_opened(const struct keeper *k, const struct session *s)
{
	if (!is_wanted(k))
		return;
	Msg__Event m = MSG__EVENT__INIT;
	Msg__Session session;
	session_msg_fill_listed(&session, s);
	m.kind = EVENT_OPENED;
	m.session = &session;
	publish(k, &m);
}

void event_closed(const struct keeper *k, const struct session *s, const struct session_end *end)
{
	if (!is_wanted(k))
		return;
	Msg__Event m = MSG__EVENT__INIT;
	Msg__Session session;
	session_msg_fill_listed(&session, s);
	session.sid = end->sid; /* that of a connection that was replaced is an older one */
	session.connected_at = (uint64_t)end->began_at;
	session.connected = false;
	m.kind = EVENT_CLOSED;
	m.session = &session;
	m.reason = text(session_cause_text(end->cause));
	m.rx_bytes = end->rx_bytes;
	m.tx_bytes = end->tx_bytes;
	m.secs = end->secs;
	publish(k, &m);
}

void event_login_failed(const struct keeper *k, const struct auth_failure *f)
{
	if (!is_wanted(k))
		return;
	Msg__Event m = MSG__EVENT__INIT;
	Msg__Session session;
	const uint8_t *ip = nullptr;
	size_t ip_len = addr_ip(f->remote, &ip);
	msg__session__init(&session);
	session.username = text(f->username);
	session.group = text(f->group);
	session.vhost = f->vhost;
	session.remote_ip = ipc_bytes(ip, ip_len);
	session.user_agent = text(f->client->user_agent);
	session.hostname = text(f->client->hostname);
	m.kind = EVENT_LOGIN_FAILED;
	m.session = &session;
	m.reason = text(f->why);
	publish(k, &m);
}

void event_on_events(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Events *b = (const void *)m->body;
	struct keeper *k = ipc_owner(ipc);
	k->wants_events = b->on;
}
