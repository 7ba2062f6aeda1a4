/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/recall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/serve.h"
#include "keeper/session_life.h"
#include "keeper/session_load.h"
#include "keeper/session_msg.h"
#include "keeper/show.h"

/* {{ answers that wait }} */

struct recall_held {
	struct recall_held *next;
	uint64_t number; /* of the change to wait for */
	struct mono late;
	struct auth_ticket ticket;
	size_t len;
	uint8_t bytes[];
};

bool recall_holds(struct recall *r, const struct auth_ticket *t, const Msg__AuthDone *done, struct mono now)
{
	if (r->store == nullptr || r->last == 0 || store_done(r->store) >= r->last)
		return false;
	size_t len = msg__auth_done__get_packed_size(done);
	struct recall_held *h = calloc(1, sizeof *h + len);
	if (h == nullptr)
		return false;
	*h = (struct recall_held){
		.number = r->last, .late = clock_add_ms(now, RECALL_LATE_MS), .ticket = *t, .len = len
	};
	msg__auth_done__pack(done, h->bytes);
	*r->tail = h;
	r->tail = &h->next;
	return true;
}

static struct recall_held *take(struct recall *r)
{
	struct recall_held *h = r->head;
	r->head = h->next;
	if (r->head == nullptr)
		r->tail = &r->head;
	return h;
}

static void drop(struct recall_held *h)
{
	explicit_bzero(h->bytes, h->len); /* a cookie */
	free(h);
}

static void answer(const struct keeper *k, struct recall_held *h)
{
	Msg__AuthDone *done = msg__auth_done__unpack(nullptr, h->len, h->bytes);
	if (done != nullptr) {
		serve_auth_done(k, &h->ticket, done);
		explicit_bzero(done->cookie.data, done->cookie.len);
		msg__auth_done__free_unpacked(done, nullptr);
	}
	drop(h);
}

static void answer_done(struct keeper *k)
{
	struct recall *r = &k->recall;
	uint64_t done = store_done(r->store);
	while (r->head != nullptr && r->head->number <= done)
		answer(k, take(r));
}

static void answer_late(struct keeper *k, struct mono now)
{
	struct recall *r = &k->recall;
	while (r->head != nullptr && clock_is_past(now, r->head->late)) {
		r->late++;
		answer(k, take(r));
	}
}

/* {{ changes }} */

static void note(struct recall *r, uint64_t number)
{
	if (number != 0)
		r->last = number;
}

void recall_put(void *ctx, const struct session *s)
{
	struct keeper *k = ctx;
	struct recall *r = &k->recall;
	if (r->store == nullptr)
		return;
	Msg__Session m;
	session_msg_fill_stored(&m, s);
	m.vhost_name = k->sessions.cfg->vhosts[s->vhost].name;
	size_t len = msg__session__get_packed_size(&m);
	uint8_t *bytes OWNED(base_freep) = malloc(len);
	if (bytes == nullptr) {
		log_err("recall.put error=\"%s\"", err_text(ERR_NOMEM));
		return;
	}
	msg__session__pack(&m, bytes);
	note(r, store_put(r->store, s->cookie_hash, bytes, len));
}

void recall_drop(void *ctx, const struct session *s)
{
	struct recall *r = &((struct keeper *)ctx)->recall;
	if (r->store != nullptr)
		note(r, store_drop(r->store, s->cookie_hash));
}

static void copy(char to[STORE_TEXT_MAX + 1], const char *from)
{
	snprintf(to, STORE_TEXT_MAX + 1, "%s", from != nullptr ? from : "");
}

static void copy_prefix(char to[64], const struct prefix *p)
{
	if (p->family != 0)
		snprintf(to, 64, "%s", show_prefix(p).text);
}

void recall_begun(void *ctx, const struct session *s)
{
	struct keeper *k = ctx;
	struct recall *r = &k->recall;
	if (r->store == nullptr)
		return;
	struct store_opened o = { .sid = s->sid,
				  .worker = s->worker,
				  .logged_in_at = s->logged_in_at,
				  .connected_at = s->connected_at };
	copy(o.username, session_username(s));
	copy(o.vhost, k->sessions.cfg->vhosts[s->vhost].name);
	copy(o.group, s->group);
	copy(o.agent, s->client.user_agent);
	snprintf(o.remote, sizeof o.remote, "%s", show_addr(&s->remote).text);
	copy_prefix(o.ipv4, &s->ipv4.addr);
	copy_prefix(o.ipv6, &s->ipv6.addr);
	note(r, store_append(r->store, &o));
}

void recall_began(struct recall *r, const Msg__Session *m, const struct session_report *in)
{
	if (r->store == nullptr)
		return;
	struct store_opened o = { .sid = in->sid,
				  .worker = in->worker,
				  .logged_in_at = in->logged_in_at,
				  .connected_at = in->connected_at };
	copy(o.username, in->username);
	copy(o.vhost, m->vhost_name);
	copy(o.group, in->group);
	copy(o.agent, in->client.user_agent);
	snprintf(o.remote, sizeof o.remote, "%s", show_addr(&in->remote).text);
	copy_prefix(o.ipv4, &in->ipv4);
	copy_prefix(o.ipv6, &in->ipv6);
	note(r, store_append(r->store, &o));
}

uint64_t recall_done(const struct recall *r)
{
	return r->store != nullptr ? store_done(r->store) : UINT64_MAX;
}

void recall_ended(void *ctx, const struct session_over *e)
{
	struct recall *r = &((struct keeper *)ctx)->recall;
	if (r->store == nullptr)
		return;
	const struct store_closed c = { .sid = e->sid,
					.worker = e->worker,
					.cause = session_cause_text(e->cause),
					.rx_bytes = e->rx_bytes,
					.tx_bytes = e->tx_bytes,
					.ended_at = time(nullptr) };
	note(r, store_finish(r->store, &c));
}

/* {{ start }} */

void recall_open(struct recall *r)
{
	r->tail = &r->head;
	/* any other descriptor of this number is no folder */
	if (fchdir(RECALL_FOLDER_FD) != 0)
		return;
	close(RECALL_FOLDER_FD);
	r->why = store_open(&r->store);
}

struct load {
	struct keeper *k;
	int64_t now_unix;
	struct mono now;
	unsigned loaded, expired, refused;
};

/* Seconds that the cookie is still good; 0: it is dead. */
static uint64_t left_s(const struct load *l, const Msg__Session *m, const struct vhost *v)
{
	uint64_t now = (uint64_t)l->now_unix, most = v->cookie_timeout + SESSION_GRACE_S,
		 until = m->cookie_expires_at;
	if (m->expires_at != 0 && m->expires_at <= now)
		return 0;
	if (until == 0) { /* connected when the last keeper ended */
		int64_t seen = MAX(store_facts(l->k->recall.store)->alive_at, (int64_t)m->connected_at);
		until = (uint64_t)MAX(seen, 0) + RECALL_ALIVE_S + most;
	}
	return until > now ? MIN(until - now, most) : 0; /* never longer, whatever happened to the clock */
}

static enum err load_one(struct load *l, const Msg__Session *m)
{
	struct keeper *k = l->k;
	const struct vhost *v = config_vhost(k->sessions.cfg, m->vhost_name);
	struct session_report report;
	TRY(session_msg_read_stored(&report, m, m->worker));
	if (strcmp(v->name, m->vhost_name) != 0)
		return ERR_NOTFOUND; /* its virtual host is no more */
	uint64_t left = left_s(l, m, v);
	if (left == 0)
		return ERR_CLOSED;
	report.vhost = v->index;
	report.is_over = m->cookie_expires_at != 0;
	report.expires.ns = 0;
	if (m->expires_at != 0)
		report.expires = clock_add_s(l->now, m->expires_at - (uint64_t)l->now_unix);
	return session_load(&k->sessions, &report, left, m->rx_bytes, m->tx_bytes, l->now);
}

static void on_row(void *ctx, const uint8_t hash[STORE_HASH_LEN], const uint8_t *body, size_t len)
{
	struct load *l = ctx;
	Msg__Session *m = msg__session__unpack(nullptr, len, body);
	bool is_good = m != nullptr && m->cookie_hash.len == STORE_HASH_LEN &&
		       memcmp(m->cookie_hash.data, hash, STORE_HASH_LEN) == 0;
	enum err e = is_good ? load_one(l, m) : ERR_PROTO;
	l->loaded += e == ERR_OK;
	l->expired += e == ERR_CLOSED;
	l->refused += e != ERR_OK && e != ERR_CLOSED;
	if (e != ERR_OK)
		store_drop(l->k->recall.store, hash);
	if (m != nullptr)
		msg__session__free_unpacked(m, nullptr);
}

static void on_done(void *ctx)
{
	answer_done(ctx);
	closing_confirm(ctx);
}

static void on_resync(void *ctx)
{
	struct keeper *k = ctx;
	struct recall *r = &k->recall;
	store_hold(r->store);
	for (const struct session *s = k->sessions.by_cookie; s != nullptr; s = s->hh.next)
		if (s->state != SESSION_ENDING)
			recall_put(k, s);
	store_release(r->store);
}

static void give_up(struct recall *r, const char *what, enum err e)
{
	log_err("recall.off at=%s error=\"%s\": in memory only", what, err_text(e));
	store_close(TAKE(r->store));
	r->why = e;
}

void recall_load(struct keeper *k)
{
	struct recall *r = &k->recall;
	if (r->store == nullptr)
		return;
	struct load l = { .k = k, .now_unix = time(nullptr), .now = clock_now() };
	const struct store_events events = { .done = on_done, .resync = on_resync, .ctx = k };
	enum err e = store_load(r->store, on_row, &l);
	if (e != ERR_OK) {
		give_up(r, "load", e);
		return;
	}
	sessions_skip_sids(&k->sessions, store_facts(r->store)->last_sid);
	r->first_sid = k->sessions.next_sid;
	e = store_start(r->store, k->loop, &events);
	if (e != ERR_OK) {
		give_up(r, "start", e);
		return;
	}
	log_info("recall.loaded sessions=%u expired=%u refused=%u", l.loaded, l.expired, l.refused);
}

void recall_settle(struct keeper *k)
{
	struct recall *r = &k->recall;
	sessions_settle(&k->sessions);
	if (r->store == nullptr)
		return;
	note(r, store_abandon(r->store, r->first_sid));
	for (const struct session *s = k->sessions.by_cookie; s != nullptr; s = s->hh.next)
		if (s->live != nullptr)
			recall_begun(k, s);
}

/* {{ time, end }} */

void recall_tick(struct keeper *k, struct mono now)
{
	struct recall *r = &k->recall;
	if (r->store == nullptr)
		return;
	answer_late(k, now);
	if (k->sessions.open_n == 0 || !clock_is_past(now, r->alive_at))
		return;
	r->alive_at = clock_add_s(now, RECALL_ALIVE_S);
	note(r, store_alive(r->store, time(nullptr)));
}

void recall_fini(struct keeper *k)
{
	struct recall *r = &k->recall;
	k->sessions.ops.put = k->sessions.ops.drop = k->sessions.ops.begun = nullptr;
	k->sessions.ops.ended = nullptr;
	while (r->head != nullptr)
		drop(take(r));
	closing_fini(k);
	store_close(TAKE(r->store));
}

void recall_status(const struct recall *r, Msg__KeeperStatus *out)
{
	static char texts[][16] = { "memory", "good", "degraded", "unusable" };
	out->store_late = r->late;
	out->store = texts[r->why != ERR_OK ? 3 : 0];
	if (r->store == nullptr)
		return;
	struct store_stats stats;
	store_stats(r->store, &stats);
	out->store = texts[stats.state == STORE_GOOD ? 1 : 2];
	out->store_errors = stats.errors;
	out->store_lost_records = stats.lost_records;
	out->store_written = stats.written;
	out->store_commits = stats.commits;
}
