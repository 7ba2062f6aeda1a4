/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/quota.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/table.h"
#include "keeper/keeper.h"
#include "keeper/session_life.h"
#include "keeper/show.h"

constexpr unsigned NEAR_PERCENT = 90;         /* used: the log warns */
constexpr int64_t NEAR_S = INT64_C(7) * 86400; /* before expire-date: likewise */
constexpr unsigned ROWS_MAX = 64;             /* of one message */

struct quota {
	UT_hash_handle hh;
	uint64_t number;
	uint64_t used, most;
	enum config_period period;
	int64_t since;
	bool is_near, is_over; /* was said already */
	size_t name_at;
	char key[]; /* "virtual host\nname", as of struct session_user */
};

/* {{ periods: all in UTC }} */

static int64_t month_begin(int64_t now, int months_later)
{
	const time_t t = (time_t)now;
	struct tm tm;
	if (gmtime_r(&t, &tm) == nullptr)
		return 0;
	struct tm begin = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon + months_later, .tm_mday = 1 };
	return timegm(&begin);
}

int64_t quota_period_begin(enum config_period period, int64_t now)
{
	switch (period) {
	case PERIOD_TOTAL: return 0;
	case PERIOD_DAILY: return now - now % 86400;
	case PERIOD_MONTHLY: return month_begin(now, 0);
	}
	return 0;
}

int64_t quota_period_end(enum config_period period, int64_t now)
{
	switch (period) {
	case PERIOD_TOTAL: return 0;
	case PERIOD_DAILY: return now - now % 86400 + 86400;
	case PERIOD_MONTHLY: return month_begin(now, 1);
	}
	return 0;
}

static const char *period_text(enum config_period period)
{
	switch (period) {
	case PERIOD_TOTAL: return "total";
	case PERIOD_DAILY: return "daily";
	case PERIOD_MONTHLY: return "monthly";
	}
	return "unknown";
}

/* {{ one user }} */

static const char *name_of(const struct quota *q)
{
	return q->key + q->name_at;
}

static void put(struct keeper *k, const struct quota *q)
{
	struct store_quota row = { .used = q->used, .most = q->most, .period = q->period, .since = q->since };
	if (k->recall.store == nullptr)
		return;
	snprintf(row.vhost, sizeof row.vhost, "%.*s", (int)(q->name_at - 1), q->key);
	snprintf(row.username, sizeof row.username, "%s", name_of(q));
	store_put_quota(k->recall.store, &row);
}

static struct quota *make(struct quotas *a, const char *key, size_t name_at)
{
	struct quota *q;
	const size_t len = strlen(key);
	HASH_FIND(hh, a->all, key, len, q);
	if (q != nullptr)
		return q;
	q = calloc(1, sizeof *q + len + 1);
	if (q == nullptr)
		return nullptr;
	memcpy(q->key, key, len + 1);
	q->name_at = name_at;
	q->number = ++a->last;
	HASH_ADD_KEYPTR(hh, a->all, q->key, len, q);
	return q;
}

static void begin_anew(struct quota *q, int64_t since)
{
	q->used = 0;
	q->since = since;
	q->is_near = q->is_over = false;
}

/* A new period has begun.  A clock that went back begins none. */
static void turn(struct quota *q, int64_t now)
{
	const int64_t begin = quota_period_begin(q->period, now);
	if (q->since < begin)
		begin_anew(q, begin);
}

/* That of the session's user, as his options say now; nullptr: he has none. */
static struct quota *quota_of(struct keeper *k, const struct session *s)
{
	const struct vhost *v = session_vhost(&k->sessions, s);
	if (v->traffic_quota == 0)
		return nullptr;
	struct quota *q = make(&k->quotas, s->user->key, s->user->name_at);
	if (q == nullptr)
		return nullptr;
	const int64_t now = time(nullptr);
	if (q->since == 0)
		q->since = MAX(quota_period_begin((enum config_period)v->traffic_quota_period, now), 1);
	if (q->most != v->traffic_quota)
		q->is_near = q->is_over = false;
	q->most = v->traffic_quota;
	q->period = (enum config_period)v->traffic_quota_period;
	turn(q, now);
	return q;
}

static uint64_t left(const struct quota *q)
{
	return q->used < q->most ? q->most - q->used : 0;
}

static void log_near(struct quota *q)
{
	if (q->is_near || left(q) > q->most / 100 * (100 - NEAR_PERCENT))
		return;
	q->is_near = true;
	log_notice("quota.near_end user=\"%s\" used=%llu most=%llu period=%s", show_name(name_of(q)).text,
		   (unsigned long long)q->used, (unsigned long long)q->most, period_text(q->period));
}

static void log_over(struct quota *q)
{
	if (q->is_over)
		return;
	q->is_over = true;
	log_notice("quota.used_up user=\"%s\" used=%llu most=%llu period=%s: his sessions end",
		   show_name(name_of(q)).text, (unsigned long long)q->used, (unsigned long long)q->most,
		   period_text(q->period));
}

/* nullptr: the user has no quota. */
static struct quota *count(struct keeper *k, const struct session *s, uint64_t bytes)
{
	struct quota *q = quota_of(k, s);
	if (q == nullptr)
		return nullptr;
	q->used = MIN(q->used + MIN(bytes, (uint64_t)INT64_MAX), (uint64_t)INT64_MAX);
	put(k, q);
	log_near(q);
	return q;
}

/* {{ budgets }} */

static void send_budget(struct keeper *k, const struct session *s, uint64_t bytes, bool at_once)
{
	struct ipc *ipc = s->worker < KEEPER_WORKERS_MAX ? k->workers[s->worker].ipc : nullptr;
	Msg__QuotaBudget m = MSG__QUOTA_BUDGET__INIT;
	m.sid = s->sid;
	m.bytes = bytes;
	m.at_once = at_once;
	if (ipc != nullptr &&
	    ipc_send(ipc, MSG_QUOTA_BUDGET, ipc_next_id(ipc), &m.base, nullptr, 0) != ERR_OK)
		log_debug("quota.worker_unreachable sid=%llu", (unsigned long long)s->sid);
}

static void end_all(struct keeper *k, const struct session *of, struct quota *q)
{
	struct session *s, *next;
	log_over(q);
	DL_FOREACH_SAFE2(of->user->sessions, s, next, user_next)
	{
		if (s->state == SESSION_OPEN)
			k->sessions.ops.close(k, s->worker, s->sid, CAUSE_QUOTA);
	}
}

/* What they have moved since they told is of their budgets, and shrinks what is left for all. */
static void ask_others(struct keeper *k, const struct session *but)
{
	struct session *s;
	DL_FOREACH2(but->user->sessions, s, user_next)
	{
		if (s != but && s->state == SESSION_OPEN)
			send_budget(k, s, 0, true);
	}
}

void quota_on_used(struct ipc *ipc, struct ipc_msg *msg)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__QuotaUsed *m = (const void *)msg->body;
	struct session_conn *c;
	HASH_FIND(hh, k->sessions.by_sid, &m->sid, sizeof m->sid, c);
	if (c == nullptr || c->worker != ipc_peer_index(ipc))
		return;
	struct session *s = c->session;
	struct quota *q = count(k, s, m->bytes);
	if (q == nullptr || s->live != c)
		return; /* it has no limit any more, and asks again in a while */
	if (left(q) == 0) {
		end_all(k, s, q);
		return;
	}
	send_budget(k, s, MAX(left(q) / MAX(s->user->open_n, 1u), 1ul), false);
	if (m->wants)
		ask_others(k, s);
}

/* {{ connections that end }} */

/* Also one of which a new keeper knows by the store only. */
static struct session *find(struct keeper *k, uint32_t worker, uint64_t sid)
{
	struct session_conn *c;
	HASH_FIND(hh, k->sessions.by_sid, &sid, sizeof sid, c);
	if (c != nullptr)
		return c->worker == worker ? c->session : nullptr;
	for (struct session *s = k->sessions.by_cookie; s != nullptr; s = s->hh.next)
		if (s->loaded != nullptr && s->sid == sid && s->worker == worker)
			return s;
	return nullptr;
}

void quota_closed(struct keeper *k, uint32_t worker, const Msg__Closed *c)
{
	struct quotas *a = &k->quotas;
	a->ended_n += c->cause == CAUSE_QUOTA;
	a->expired_ended_n += c->cause == CAUSE_EXPIRED;
	if (c->untold == 0)
		return;
	const struct session *s = find(k, worker, c->sid);
	if (s != nullptr)
		count(k, s, c->untold);
}

/* {{ who may come in }} */

static bool is_expired(const struct session *s, int64_t until)
{
	const int64_t now = time(nullptr);
	if (until == 0)
		return false;
	if (until > now && until - now <= NEAR_S)
		log_notice("account.near_end user=\"%s\" hours_left=%lld: expire-date",
			   show_name(session_username(s)).text, (long long)((until - now) / 3600));
	return until <= now;
}

const char *quota_refusal(struct keeper *k, const struct session *s)
{
	if (is_expired(s, session_vhost(&k->sessions, s)->expire_date)) {
		k->quotas.expired_refused_n++;
		return "the account has expired (expire-date)";
	}
	const struct quota *q = quota_of(k, s);
	if (q == nullptr || left(q) > 0)
		return nullptr;
	k->quotas.refused_n++;
	switch (q->period) {
	case PERIOD_TOTAL: return "the traffic quota of the account is used up";
	case PERIOD_DAILY: return "the traffic quota of the account is used up for today";
	case PERIOD_MONTHLY: return "the traffic quota of the account is used up for this month";
	}
	return "the traffic quota of the account is used up";
}

/* {{ what survives }} */

static void on_row(void *ctx, const struct store_quota *row)
{
	struct keeper *k = ctx;
	char key[2 * STORE_TEXT_MAX + 2];
	snprintf(key, sizeof key, "%s\n%s", row->vhost, row->username);
	struct quota *q = make(&k->quotas, key, strlen(row->vhost) + 1);
	if (q == nullptr) {
		log_err("quota.load user=\"%s\" error=\"%s\"", show_name(row->username).text,
			err_text(ERR_NOMEM));
		return;
	}
	q->used = row->used;
	q->most = row->most;
	q->period = row->period <= PERIOD_MONTHLY ? (enum config_period)row->period : PERIOD_TOTAL;
	q->since = row->since;
}

void quota_load(struct keeper *k)
{
	enum err e = store_load_quotas(k->recall.store, on_row, k);
	if (e != ERR_OK)
		log_err("quota.load error=\"%s\": users of traffic-quota begin anew", err_text(e));
}

void quota_put_all(struct keeper *k)
{
	for (const struct quota *q = k->quotas.all; q != nullptr; q = q->hh.next)
		put(k, q);
}

void quota_fini(struct quotas *a)
{
	struct quota *q, *next;
	HASH_ITER(hh, a->all, q, next) {
		HASH_DEL(a->all, q);
		free(q);
	}
}

/* {{ the administrator }} */

void quota_status(const struct quotas *a, Msg__KeeperStatus *out)
{
	out->quota_ended = a->ended_n;
	out->quota_refused = a->refused_n;
	out->expired_ended = a->expired_ended_n;
	out->expired_refused = a->expired_refused_n;
}

struct rows {
	Msg__QuotaRow v[ROWS_MAX], *list[ROWS_MAX];
	char vhosts[ROWS_MAX][SESSION_TEXT_MAX + 1];
	size_t n;
};

static void add_row(struct rows *r, const struct keeper *k, struct quota *q)
{
	const struct session_user *u;
	char *vhost = r->vhosts[r->n];
	Msg__QuotaRow *row = r->list[r->n] = &r->v[r->n];
	turn(q, time(nullptr));
	snprintf(vhost, SESSION_TEXT_MAX + 1, "%.*s", (int)(q->name_at - 1), q->key);
	HASH_FIND(hh, k->sessions.users, q->key, strlen(q->key), u);
	msg__quota_row__init(row);
	row->number = q->number;
	row->vhost = vhost;
	row->username = q->key + q->name_at;
	row->used = q->used;
	row->most = q->most;
	row->period = q->period;
	row->since = q->since;
	row->until = quota_period_end(q->period, time(nullptr));
	row->sessions = u != nullptr ? u->open_n : 0;
	r->n++;
}

void quota_on_list(struct ipc *ipc, struct ipc_msg *m)
{
	static struct rows rows; /* one thread */
	struct keeper *k = ipc_owner(ipc);
	const Msg__QuotaList *ask = (const void *)m->body;
	Msg__QuotaRows answer = MSG__QUOTA_ROWS__INIT;
	rows.n = 0;
	for (struct quota *q = k->quotas.all; q != nullptr && rows.n < ROWS_MAX; q = q->hh.next)
		if (q->number > ask->after)
			add_row(&rows, k, q);
	answer.rows = rows.list;
	answer.n_rows = rows.n;
	if (ipc_send(ipc, MSG_QUOTA_LIST_DONE, m->id, &answer.base, nullptr, 0) != ERR_OK)
		log_debug("quota.list error=\"control is gone\"");
}

void quota_on_reset(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__QuotaReset *ask = (const void *)m->body;
	Msg__Count count = MSG__COUNT__INIT;
	for (struct quota *q = k->quotas.all; q != nullptr; q = q->hh.next) {
		if (strcmp(name_of(q), ask->username) != 0)
			continue;
		log_notice("quota.reset user=\"%s\" used=%llu", show_name(name_of(q)).text,
			   (unsigned long long)q->used);
		begin_anew(q, time(nullptr));
		put(k, q);
		count.n++;
	}
	if (ipc_send(ipc, MSG_QUOTA_RESET_DONE, m->id, &count.base, nullptr, 0) != ERR_OK)
		log_debug("quota.reset error=\"control is gone\"");
}
