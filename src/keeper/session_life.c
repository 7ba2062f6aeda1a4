/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/session_life.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "config/user.h"
#include "keeper/show.h"

constexpr uint32_t ENDING_S = 10; /* a worker that has not closed by then never will */
constexpr struct mono NEVER = { UINT64_MAX };

/* {{ texts }} */

const char *session_cause_text(enum msgs_cause cause)
{
	static const char *const texts[] = {
		[CAUSE_NETWORK] = "network",
		[CAUSE_USER] = "user",
		[CAUSE_TEMPORARY] = "temporary",
		[CAUSE_IDLE] = "idle-timeout",
		[CAUSE_SESSION_TIMEOUT] = "session-timeout",
		[CAUSE_ADMIN] = "admin-disconnect",
		[CAUSE_TERMINATED] = "admin-terminate",
		[CAUSE_REPLACED] = "replaced",
		[CAUSE_SHUTDOWN] = "shutdown",
		[CAUSE_WORKER_LOST] = "worker-lost",
		[CAUSE_QUOTA] = "quota",
		[CAUSE_EXPIRED] = "expired",
	};
	return cause < ARRAY_LEN(texts) && texts[cause] != nullptr ? texts[cause] : "unknown";
}

const char *session_state_text(enum session_state state)
{
	static const char *const texts[SESSION_STATES_N] = {
#define SESSION_STATE(name, text) [SESSION_##name] = (text),
#include "keeper/session.def"
	};
	return state < SESSION_STATES_N ? texts[state] : "unknown";
}

const char *session_username(const struct session *s)
{
	return s->user->key + s->user->name_at;
}

/* {{ strings }} */

static char *copy(const char *text)
{
	return strndup(text != nullptr ? text : "", SESSION_TEXT_MAX);
}

static void update(char **to, const char *from)
{
	if (from == nullptr || *from == '\0')
		return;
	char *fresh = copy(from);
	if (fresh == nullptr)
		return; /* the old text is better than none */
	free(*to);
	*to = fresh;
}

void session_client_update(struct session_client *to, const struct session_client *from)
{
	update(&to->user_agent, from->user_agent);
	update(&to->hostname, from->hostname);
	update(&to->device_type, from->device_type);
	update(&to->device_platform, from->device_platform);
}

static bool client_copy(struct session_client *to, const struct session_client *from)
{
	*to = (struct session_client){ copy(from->user_agent), copy(from->hostname), copy(from->device_type),
				       copy(from->device_platform) };
	return to->user_agent != nullptr && to->hostname != nullptr && to->device_type != nullptr &&
	       to->device_platform != nullptr;
}

/* {{ users }} */

static struct session_user *user_get(struct sessions *a, uint32_t vhost, const char *name)
{
	const char *host = a->cfg->vhosts[vhost].name;
	size_t host_len = host != nullptr ? strlen(host) : 0;
	size_t key_len = host_len + 1 + strnlen(name, SESSION_TEXT_MAX);
	struct session_user *u = calloc(1, sizeof *u + key_len + 1);
	if (u == nullptr)
		return nullptr;
	if (host_len > 0)
		memcpy(u->key, host, host_len);
	u->key[host_len] = '\n';
	memcpy(u->key + host_len + 1, name, key_len - host_len - 1);
	u->name_at = host_len + 1;
	struct session_user *known;
	HASH_FIND(hh, a->users, u->key, key_len, known);
	if (known != nullptr) {
		free(u);
		return known;
	}
	HASH_ADD_KEYPTR(hh, a->users, u->key, key_len, u);
	return u;
}

static void user_leave(struct sessions *a, struct session *s)
{
	struct session_user *u = s->user;
	DL_DELETE2(u->sessions, s, user_prev, user_next);
	if (u->sessions == nullptr) {
		HASH_DEL(a->users, u);
		free(u);
	}
}

/* {{ birth and death }} */

static void free_storage(struct session *s)
{
	if (s->facts != nullptr)
		msg__facts__free_unpacked(s->facts, nullptr);
	if (s->texts != nullptr)
		msg__user_files__free_unpacked(s->texts, nullptr);
	config_user_free(s->own);
	free(s->group);
	free(s->client.user_agent);
	free(s->client.hostname);
	free(s->client.device_type);
	free(s->client.device_platform);
	free(s->loaded);
	free(s);
}

void session_set_deadline(struct sessions *a, struct session *s, struct mono when)
{
	s->deadline = when;
	if (when.ns < a->next_deadline.ns)
		a->next_deadline = when;
}

enum err session_born(struct sessions *a, const struct session_login *in,
		      const uint8_t cookie_hash[SESSION_HASH_LEN], struct mono now, struct session **out)
{
	struct session *s = calloc(1, sizeof *s);
	if (s == nullptr)
		return ERR_NOMEM;
	const struct vhost *v = &a->cfg->vhosts[in->vhost];
	memcpy(s->cookie_hash, cookie_hash, SESSION_HASH_LEN);
	s->state = SESSION_WAITING;
	s->vhost = in->vhost;
	s->login = in->remote;
	s->logged_in = now;
	s->remote = in->remote;
	s->group = copy(in->group);
	if (s->group == nullptr || !client_copy(&s->client, &in->client) ||
	    (s->user = user_get(a, in->vhost, in->username)) == nullptr) {
		free_storage(s);
		return ERR_NOMEM;
	}
	DL_APPEND2(s->user->sessions, s, user_prev, user_next);
	HASH_ADD(hh, a->by_cookie, cookie_hash, SESSION_HASH_LEN, s);
	session_set_deadline(a, s, clock_add_s(now, v->cookie_timeout));
	*out = s;
	return ERR_OK;
}

void session_count_place(struct sessions *a, struct session *s)
{
	bool has = s->live != nullptr || s->is_entering;
	if (has && !s->has_place) {
		s->user->places_n++;
		a->places_n++;
	} else if (!has && s->has_place) {
		s->user->places_n--;
		a->places_n--;
	}
	s->has_place = has;
}

static void bury(struct sessions *a, struct session *s)
{
	assert(s->conns_n == 0 && s->live == nullptr);
	s->is_entering = false;
	session_count_place(a, s);
	HASH_DEL(a->by_cookie, s);
	lease_give(a->leases, &s->ipv4);
	lease_give(a->leases, &s->ipv6);
	user_leave(a, s);
	free_storage(s);
}

struct session_conn *session_conn_new(struct sessions *a, struct session *s, uint64_t sid, uint32_t worker,
				      struct mono now)
{
	struct session_conn *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return nullptr;
	*c = (struct session_conn){ .sid = sid, .session = s, .worker = worker, .since = now };
	HASH_ADD(hh, a->by_sid, sid, sizeof c->sid, c);
	s->conns_n++;
	return c;
}

void session_conn_drop(struct sessions *a, struct session_conn *c)
{
	HASH_DEL(a->by_sid, c);
	c->session->conns_n--;
	free(c);
}

/* {{ what survives }} */

void session_put(struct sessions *a, const struct session *s)
{
	if (a->ops.put != nullptr)
		a->ops.put(a->ops.ctx, s);
}

void session_begun(struct sessions *a, const struct session *s)
{
	if (a->ops.begun != nullptr)
		a->ops.begun(a->ops.ctx, s);
}

void session_ended(struct sessions *a, const struct session_over *e)
{
	if (a->ops.ended != nullptr)
		a->ops.ended(a->ops.ctx, e);
}

/* {{ actions: each returns the state entered, NONE if the session is gone }} */

typedef enum session_state session_action(struct sessions *a, struct session *s,
					  const struct session_move *m);

/* The live connection is no longer the session's; its struct may be gone already. */
static void leave_open(struct sessions *a, struct session *s)
{
	a->ops.route(a->ops.ctx, s, true);
	s->live = nullptr;
	s->user->open_n--;
	a->open_n--;
	session_count_place(a, s);
}

static enum session_state enter_open(struct sessions *a, struct session *s, const struct session_move *m)
{
	if (s->live != nullptr) {
		log_info("session.replaced sid=%llu by=%llu user=\"%s\"", (unsigned long long)s->sid,
			 (unsigned long long)m->conn->sid, show_name(session_username(s)).text);
		a->ops.close(a->ops.ctx, s->live->worker, s->live->sid, CAUSE_REPLACED);
		leave_open(a, s);
	}
	s->live = m->conn;
	s->sid = m->conn->sid;
	s->worker = m->conn->worker;
	memcpy(s->app_id, m->app_id, SESSION_APP_ID_LEN);
	s->user->open_n++;
	a->open_n++;
	session_count_place(a, s);
	session_set_deadline(a, s, s->expires.ns != 0 ? s->expires : NEVER);
	a->ops.route(a->ops.ctx, s, false);
	return SESSION_OPEN;
}

/* The cookie is dead.  Connections that are still being closed keep the leases: nobody else may get them yet. */
static enum session_state end(struct sessions *a, struct session *s, const struct session_move *m)
{
	if (a->ops.drop != nullptr)
		a->ops.drop(a->ops.ctx, s);
	if (s->conns_n > 0) {
		session_set_deadline(a, s, clock_add_s(m->now, ENDING_S));
		return SESSION_ENDING;
	}
	bury(a, s);
	return SESSION_NONE;
}

/* Seconds that a cookie lives after a connection: protocol.md 18. */
uint32_t session_life_s(const struct sessions *a, const struct session *s, enum msgs_cause cause)
{
	enum life : uint8_t { FULL, SHORT, DEAD, DEAD_ALWAYS };
	static const enum life lives[] = {
		[CAUSE_NETWORK] = FULL,
		[CAUSE_USER] = SHORT,
		[CAUSE_TEMPORARY] = FULL,
		[CAUSE_IDLE] = FULL,
		[CAUSE_SESSION_TIMEOUT] = DEAD_ALWAYS, /* it would be refused anyway */
		[CAUSE_ADMIN] = DEAD,
		[CAUSE_TERMINATED] = DEAD_ALWAYS,
		[CAUSE_REPLACED] = FULL,
		[CAUSE_SHUTDOWN] = FULL,
		[CAUSE_WORKER_LOST] = FULL,
		[CAUSE_QUOTA] = FULL, /* refused by what it says now, and let in by what it says tomorrow */
		[CAUSE_EXPIRED] = FULL,
	};
	const struct vhost *v = &a->cfg->vhosts[s->vhost];
	enum life life = cause < ARRAY_LEN(lives) ? lives[cause] : FULL;
	if (life == DEAD_ALWAYS)
		return 0;
	if (life == FULL || v->persistent_cookies)
		return v->cookie_timeout + SESSION_GRACE_S;
	return life == SHORT ? SESSION_GRACE_S : 0;
}

static enum session_state wait_or_end(struct sessions *a, struct session *s, const struct session_move *m)
{
	leave_open(a, s);
	uint32_t life = session_life_s(a, s, m->cause);
	if (life == 0)
		return end(a, s, m);
	session_set_deadline(a, s, clock_add_s(m->now, life));
	return SESSION_WAITING;
}

static enum session_state close_and_end(struct sessions *a, struct session *s, const struct session_move *m)
{
	a->ops.close(a->ops.ctx, s->worker, s->sid, m->cause);
	leave_open(a, s);
	return end(a, s, m);
}

static enum session_state forget(struct sessions *a, struct session *s, const struct session_move *)
{
	struct session_conn *c, *next;
	if (s->conns_n > 0)
		HASH_ITER(hh, a->by_sid, c, next)
			if (c->session == s)
				session_conn_drop(a, c);
	bury(a, s);
	return SESSION_NONE;
}

static session_action *const steps[SESSION_STATES_N][SESSION_EVENTS_N] = {
#define SESSION_STEP(state, event, action) [SESSION_##state][SESSION_EV_##event] = (action),
#include "keeper/session.def"
};

enum err session_feed(struct sessions *a, struct session *s, enum session_event ev,
		      const struct session_move *move)
{
	session_action *act = steps[s->state][ev];
	if (act == nullptr)
		return ERR_PROTO;
	enum session_state next = act(a, s, move);
	if (next != SESSION_NONE)
		s->state = next;
	if (next == SESSION_WAITING)
		session_put(a, s);
	return ERR_OK;
}
