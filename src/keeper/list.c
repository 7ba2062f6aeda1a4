/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/usage.h"
#include "keeper/name.h"
#include "keeper/session_msg.h"

constexpr unsigned PIECE = 256;      /* sessions sent in one turn */
constexpr uint64_t PAUSE_MS = 2;     /* in which control reads them */
constexpr unsigned JOBS_MAX = 32;

/* One LIST under way: which sessions there were when it came. */
struct list_job {
	struct list_job *next;
	struct keeper *keeper;
	uv_timer_t timer;
	uint32_t id;
	size_t at, n;
	uint8_t hashes[][SESSION_HASH_LEN];
};

static void on_timer_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_timer_t *)handle, struct list_job, timer));
}

static void end(struct list_job *job)
{
	struct list_job **at = &job->keeper->lists;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	uv_close((uv_handle_t *)&job->timer, on_timer_closed);
}

void list_stop(struct keeper *k)
{
	while (k->lists != nullptr)
		end(k->lists);
}

static enum err send_item(struct keeper *k, uint32_t id, const struct session *s)
{
	Msg__ListItem item = MSG__LIST_ITEM__INIT;
	Msg__Session session;
	item.end = s == nullptr;
	if (s != nullptr) {
		session_msg_fill_listed(&session, s);
		item.session = &session;
	}
	return ipc_send(k->control, MSG_LIST_ITEM, id, &item.base, nullptr, 0);
}

static void send_piece(uv_timer_t *timer)
{
	struct list_job *job = CONTAINER_OF(timer, struct list_job, timer);
	struct keeper *k = job->keeper;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < PIECE && job->at < job->n && e == ERR_OK; i++) {
		const struct session *s = session_find(&k->sessions, job->hashes[job->at++]);
		if (s != nullptr) /* it may have ended meanwhile */
			e = send_item(k, job->id, s);
	}
	if (e == ERR_OK && job->at < job->n)
		return;
	if (e == ERR_OK)
		e = send_item(k, job->id, nullptr);
	end(job);
}

static bool is_wanted(const struct session *s, const Msg__List *want)
{
	if ((s->state == SESSION_ENDING && !want->ending) ||
	    (s->state == SESSION_WAITING && !want->disconnected))
		return false;
	if (want->session[0] != '\0' && !name_fits(s, want->session))
		return false;
	return (want->sid == 0 || want->sid == s->sid) &&
	       (want->username[0] == '\0' || strcmp(want->username, session_username(s)) == 0);
}

static struct list_job *snapshot(struct keeper *k, const Msg__List *want)
{
	struct list_job *job =
		calloc(1, sizeof *job + (size_t)HASH_COUNT(k->sessions.by_cookie) * SESSION_HASH_LEN);
	if (job == nullptr)
		return nullptr;
	struct session *s, *next;
	HASH_ITER(hh, k->sessions.by_cookie, s, next)
		if (is_wanted(s, want))
			memcpy(job->hashes[job->n++], s->cookie_hash, SESSION_HASH_LEN);
	return job;
}

static unsigned count_jobs(const struct keeper *k)
{
	unsigned n = 0;
	for (const struct list_job *j = k->lists; j != nullptr; j = j->next)
		n++;
	return n;
}

void list_on_list(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	struct list_job *job = count_jobs(k) < JOBS_MAX ? snapshot(k, (const void *)m->body) : nullptr;
	if (job == nullptr || uv_timer_init(k->loop, &job->timer) != 0) {
		free(job);
		log_warn("keeper.list error=\"%s\"", err_text(ERR_BUSY));
		if (send_item(k, m->id, nullptr) != ERR_OK)
			log_debug("keeper.list error=\"control is gone\"");
		return;
	}
	job->keeper = k;
	job->id = m->id;
	job->next = k->lists;
	k->lists = job;
	uv_timer_start(&job->timer, send_piece, 0, PAUSE_MS);
}

static char several_text[] = "several sessions begin so: give more of 'Full session'";

void list_on_disconnect(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Disconnect *b = (const void *)m->body;
	Msg__Count count = MSG__COUNT__INIT;
	struct session_choice which = { .username = b->username, .sid = b->sid };
	const struct session *s = nullptr;
	enum err e = b->session[0] != '\0' ? name_find(&k->sessions, b->session, &s) : ERR_OK;
	if (e == ERR_BUSY)
		count.error = several_text;
	if (s != nullptr)
		which.cookie_hash = s->cookie_hash;
	if (e == ERR_OK)
		count.n = session_disconnect(&k->sessions, &which, b->terminate, clock_now());
	if (ipc_send(ipc, MSG_DISCONNECT_DONE, m->id, &count.base, nullptr, 0) != ERR_OK)
		log_debug("keeper.disconnect error=\"control is gone\"");
}

static size_t fill_broken(Msg__Broken v[AUTH_METHODS_MAX], Msg__Broken *list[AUTH_METHODS_MAX],
			  const struct auth_stats *a)
{
	size_t n = 0;
	for (; n < AUTH_METHODS_MAX && a->broken_of[n].n > 0; n++) {
		msg__broken__init(&v[n]);
		v[n].method = (char *)(uintptr_t)a->broken_of[n].method;
		v[n].n = a->broken_of[n].n;
		list[n] = &v[n];
	}
	return n;
}

void list_on_status(struct ipc *ipc, struct ipc_msg *m)
{
	const struct keeper *k = ipc_owner(ipc);
	const struct session_stats *s = &k->sessions.stats;
	const struct auth_stats *a = &k->auth.stats;
	Msg__KeeperStatus status = MSG__KEEPER_STATUS__INIT;
	Msg__Broken broken[AUTH_METHODS_MAX], *list[AUTH_METHODS_MAX];
	status.active = k->sessions.open_n;
	status.total = s->opened;
	status.auth_failures = a->failures;
	status.leases = leases_count(k->sessions.leases);
	status.handled = s->handled;
	status.timed_out = s->timed_out;
	status.timed_out_idle = s->timed_out_idle;
	status.closed_error = s->closed_error;
	status.auth_time_max_ms = a->time_max_ms;
	status.auth_time_avg_ms = a->ok > 0 ? a->time_sum_ms / a->ok : 0;
	status.session_time_max_s = s->time_max_s;
	status.session_time_avg_s = s->handled > 0 ? s->time_sum_s / s->handled : 0;
	status.cookies = HASH_COUNT(k->sessions.by_cookie);
	status.logins = a->ok;
	status.auth_broken = a->broken;
	status.broken = list;
	status.n_broken = fill_broken(broken, list, a);
	status.stats_since = (uint64_t)k->began_at;
	status.acct_lost = k->acct.lost_n;
	status.acct_waiting = acct_waiting(&k->acct);
	status.banned = watch_banned(&k->watch);
	recall_status(&k->recall, &status);
	quota_status(&k->quotas, &status);
	period_status(&k->period, a, &status);
	trouble_status(&k->trouble, &status);
	struct usage *usage OWNED(usage_freep) = nullptr;
	if (usage_new(&usage, k, &status) != ERR_OK)
		log_warn("keeper.status error=\"%s\"", err_text(ERR_NOMEM));
	if (ipc_send(ipc, MSG_STATUS_DONE, m->id, &status.base, nullptr, 0) != ERR_OK)
		log_debug("keeper.status error=\"who asked is gone\"");
}

void list_on_ping(struct ipc *ipc, struct ipc_msg *m)
{
	const struct keeper *k = ipc_owner(ipc);
	Msg__Pong pong = MSG__PONG__INIT;
	pong.sessions = k->sessions.open_n;
	if (ipc_send(ipc, MSG_PONG, m->id, &pong.base, nullptr, 0) != ERR_OK)
		log_debug("keeper.pong error=\"the supervisor is gone\"");
}
