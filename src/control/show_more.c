/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/show_more.h"

#include <string.h>

#include "config/user.h"
#include "control/human.h"
#include "control/show.h"
#include "ipc/msgs.h"

/* The fields of a whole that is here already, in the order of the table. */
static void pick(json_t *o, json_t *whole, const char *const keys[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *v = json_object_get(whole, keys[i]);
		if (v != nullptr)
			json_object_set(o, keys[i], v);
	}
}

static void put_time(json_t *o, const char *key, uint64_t when)
{
	json_object_set_new(o, key, json_string(human_time(when).s));
}

json_t *show_cookie(const struct control *c, const Msg__Session *s, const struct counters_live *,
		    uint64_t now)
{
	static const char *const names[] = { "Session", "Full session" };
	static const char *const who[] = { "Username",   "Groupname", "vhost",
					   "User-Agent", "Remote IP", "Location" };
	json_t *o = json_object(), *whole = show_session(c, s, nullptr, now);
	bool is_dead = !s->connected && s->cookie_expires_at == 0;
	pick(o, whole, names, ARRAY_LEN(names));
	put_time(o, "Created", s->logged_in_at);
	json_object_set_new(o, "_Created",
			    json_string(human_span(now > s->logged_in_at ? now - s->logged_in_at : 0).s));
	if (s->cookie_expires_at != 0)
		put_time(o, "Expires", s->cookie_expires_at);
	json_object_set_new(o, "State", json_string(is_dead ? "ending" : "authenticated"));
	pick(o, whole, who, ARRAY_LEN(who));
	json_object_set_new(o, "session_is_open", json_integer(s->connected));
	json_object_set_new(o, "tls_auth_ok", json_integer(s->has_cert));
	json_object_set_new(o, "in_use", json_integer(s->connected));
	json_object_set_new(o, "Certificate auth", json_string(s->has_cert ? "True" : "False"));
	if (s->connected)
		json_object_set_new(o, "ID", json_integer((json_int_t)s->sid));
	json_decref(whole);
	return o;
}

json_t *show_iroutes(const struct control *c, const Msg__Session *s, const struct counters_live *,
		     uint64_t now)
{
	static const char *const keys[] = { "ID", "Username", "vhost", "Device" };
	json_t *o = json_object(), *whole = show_session(c, s, nullptr, now);
	json_t *nets = json_object_get(whole, "iRoutes"), *ip = json_object_get(whole, "IPv4");
	pick(o, whole, keys, ARRAY_LEN(keys));
	if (ip == nullptr)
		ip = json_object_get(whole, "IPv6");
	if (ip != nullptr)
		json_object_set(o, "IP", ip);
	json_object_set(o, "iRoutes", nets);
	if (json_array_size(nets) == 0) {
		json_decref(o);
		o = nullptr;
	}
	json_decref(whole);
	return o;
}

/* {{ events }} */

static json_t *login_failed(const struct control *c, const Msg__Event *e)
{
	static const char *const keys[] = { "Username",   "Groupname", "vhost",   "Remote IP",
					    "User-Agent", "Location",  "Hostname" };
	json_t *o = json_object(), *whole = show_session(c, e->session, nullptr, e->at);
	pick(o, whole, keys, ARRAY_LEN(keys));
	json_decref(whole);
	return o;
}

static json_t *closed(const struct control *c, const Msg__Event *e)
{
	const struct counters_live sums = { .rx_bytes = e->rx_bytes, .tx_bytes = e->tx_bytes };
	json_t *o = show_session(c, e->session, &sums, e->at);
	json_object_del(o, "MTU"); /* it was not counted here */
	json_object_set_new(o, "Duration", json_string(human_span(e->secs).s));
	json_object_set_new(o, "raw_duration", json_integer((json_int_t)e->secs));
	return o;
}

json_t *show_event(const struct control *c, const Msg__Event *e)
{
	static const char *const names[] = { [EVENT_OPENED] = "connected",
					     [EVENT_CLOSED] = "disconnected",
					     [EVENT_LOGIN_FAILED] = "login failed" };
	if (e->session == nullptr || e->kind >= ARRAY_LEN(names) || names[e->kind] == nullptr)
		return nullptr;
	json_t *o = json_object();
	json_object_set_new(o, "Event", json_string(names[e->kind]));
	put_time(o, "Time", e->at);
	json_object_set_new(o, "raw_time", json_integer((json_int_t)e->at));
	if (*e->reason != '\0')
		json_object_set_new(o, "Reason", show_text(e->reason));
	json_t *rest = e->kind == EVENT_OPENED   ? show_session(c, e->session, nullptr, e->at)
		       : e->kind == EVENT_CLOSED ? closed(c, e)
						 : login_failed(c, e);
	json_object_update_missing(o, rest);
	json_decref(rest);
	return o;
}
