/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/watch.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "control/show_more.h"

static void want(struct control *c, bool on)
{
	Msg__Events m = MSG__EVENTS__INIT;
	m.on = on;
	if (c->keeper == nullptr || !ipc_is_alive(c->keeper))
		return; /* its successor is told */
	if (ipc_send(c->keeper, MSG_EVENTS, ipc_next_id(c->keeper), &m.base, nullptr, 0) != ERR_OK)
		log_debug("watch.not_sent");
}

bool watch_has_room(const struct control *c)
{
	return c->watchers_n < WATCH_MAX;
}

void watch_begin(struct control *c)
{
	if (c->watchers_n++ == 0)
		want(c, true);
}

void watch_end(struct control *c)
{
	if (--c->watchers_n == 0)
		want(c, false);
}

void watch_keeper(struct control *c)
{
	if (c->watchers_n > 0)
		want(c, true);
}

/* Takes event. */
static void publish(struct control *c, json_t *event)
{
	OWNED(base_freep) char *text = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(event);
	if (text != nullptr)
		serve_publish(c, text);
}

void watch_gap(struct control *c)
{
	if (c->watchers_n > 0)
		publish(c, json_pack("{s:s, s:s}", "Event", "gap", "Reason",
				     "the keeper has ended; events are missed until the next one is there"));
}

void watch_on_event(struct ipc *ipc, struct ipc_msg *m)
{
	struct control *c = ipc_owner(ipc);
	json_t *event =
		c->watchers_n > 0 && c->config != nullptr ? show_event(c, (const void *)m->body) : nullptr;
	if (event != nullptr)
		publish(c, event);
}
