/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/ask.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "control/control.h"
#include "control/show.h"
#include "control/show_more.h"
#include "control/watch.h"

/* Processes that work answer in milliseconds; one that does not is told of within 2 s.  A reload loads certificates in every process. */
constexpr uint64_t KEEPER_MS = 1000;
constexpr uint64_t SUPERVISOR_MS = 900;
constexpr uint64_t RELOAD_MS = 20'000;

static uint64_t unix_now(void)
{
	return (uint64_t)time(nullptr);
}

/* {{ sending }} */

static void tell_keeper_away(struct job *job)
{
	job_fail(job, nullptr,
		 "the keeper is being started again: try in some seconds, and see the log if it stays so");
}

static void send_keeper(struct job *job, enum msg type, const ProtobufCMessage *body)
{
	struct ipc *keeper = job->control->keeper;
	if (!ipc_is_alive(keeper)) {
		tell_keeper_away(job);
		return;
	}
	job->keeper_id = ipc_next_id(keeper);
	job->deadline = clock_add_ms(clock_now(), KEEPER_MS);
	if (ipc_send(keeper, type, job->keeper_id, body, nullptr, 0) != ERR_OK)
		tell_keeper_away(job);
}

void ask_keeper(struct job *job, enum msg type, const ProtobufCMessage *body)
{
	send_keeper(job, type, body);
}

static void send_supervisor(struct job *job, enum msg type, uint64_t patience_ms)
{
	Msg__Empty empty;
	msg__empty__init(&empty);
	struct ipc *supervisor = job->control->supervisor;
	job->supervisor_id = ipc_next_id(supervisor);
	job->deadline = clock_add_ms(clock_now(), patience_ms);
	if (ipc_send(supervisor, type, job->supervisor_id, &empty.base, nullptr, 0) != ERR_OK)
		job_fail(job, nullptr, "the server is ending");
}

/* {{ show users, show user NAME, show id ID }} */

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void list(struct job *job, job_item *item, const Msg__List *q)
{
	job->item = item;
	job->result = json_array();
	if (job->result == nullptr || counters_index_init(&job->index, &job->control->counters) != ERR_OK) {
		job_fail(job, nullptr, "%s", err_text(ERR_NOMEM));
		return;
	}
	send_keeper(job, MSG_LIST, &q->base);
}

/* Number of a session; 0 if the argument is none. */
static uint64_t sid_of(const char *arg)
{
	char *end;
	if (strspn(arg, "0123456789") != strlen(arg) || strlen(arg) > 19)
		return 0;
	return strtoull(arg, &end, 10);
}

void ask_show_users(struct job *job)
{
	Msg__List q = MSG__LIST__INIT;
	list(job, show_session, &q);
}

void ask_show_user(struct job *job)
{
	Msg__List q = MSG__LIST__INIT;
	q.username = text(job->arg);
	list(job, show_session, &q);
}

void ask_show_id(struct job *job)
{
	Msg__List q = MSG__LIST__INIT;
	q.sid = sid_of(job->arg);
	if (q.sid == 0)
		job_fail(job, json_array(), "'%s' is no ID; 'show users' lists them", job->arg);
	else
		list(job, show_session, &q);
}

static void list_cookies(struct job *job, const char *name, bool ending)
{
	Msg__List q = MSG__LIST__INIT;
	q.session = text(name);
	q.disconnected = true;
	q.ending = ending;
	list(job, show_cookie, &q);
}

void ask_show_sessions_all(struct job *job)
{
	list_cookies(job, "", true);
}

void ask_show_sessions_valid(struct job *job)
{
	list_cookies(job, "", false);
}

void ask_show_session(struct job *job)
{
	list_cookies(job, job->arg, true);
}

void ask_show_iroutes(struct job *job)
{
	Msg__List q = MSG__LIST__INIT;
	list(job, show_iroutes, &q);
}

void ask_show_events(struct job *job)
{
	if (!watch_has_room(job->control)) {
		job_fail(job, nullptr, "enough others look at the events already: %u", WATCH_MAX);
		return;
	}
	job->is_stream = true;
	job_done(job, json_array());
}

static void end_list(struct job *job)
{
	json_t *result = json_incref(job->result);
	if (job->item == show_cookie && job->arg != nullptr && json_array_size(result) == 0)
		job_fail(job, result, "no session is named '%s'; 'show sessions all' lists them", job->arg);
	else if (job->arg != nullptr && json_array_size(result) == 0)
		job_fail(job, result, "no session has %s '%s'; 'show users' lists them",
			 job->cmd->words + strlen("show "), job->arg);
	else
		job_done(job, result);
}

void ask_on_list_item(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__ListItem *item = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	struct job *job = job_of_keeper(c, m->id);
	if (job == nullptr)
		return;
	/* a long list may take its time as long as it goes on */
	job->deadline = clock_add_ms(clock_now(), KEEPER_MS);
	if (item->session != nullptr) {
		struct counters_live live;
		bool found = counters_find(&job->index, item->session->sid, &live);
		json_t *shown = job->item(c, item->session, found ? &live : nullptr, unix_now());
		if (shown != nullptr)
			json_array_append_new(job->result, shown);
	}
	if (item->end)
		end_list(job);
}

/* {{ disconnect: the connection ends; terminate: the cookie, too }} */

static void end_user(struct job *job, bool terminate)
{
	Msg__Disconnect q = MSG__DISCONNECT__INIT;
	q.username = text(job->arg);
	q.terminate = terminate;
	send_keeper(job, MSG_DISCONNECT, &q.base);
}

static void end_id(struct job *job, bool terminate)
{
	Msg__Disconnect q = MSG__DISCONNECT__INIT;
	q.sid = sid_of(job->arg);
	q.terminate = terminate;
	if (q.sid == 0)
		job_fail(job, nullptr, "'%s' is no ID; 'show users' lists them", job->arg);
	else
		send_keeper(job, MSG_DISCONNECT, &q.base);
}

void ask_disconnect_user(struct job *job)
{
	end_user(job, false);
}

void ask_disconnect_id(struct job *job)
{
	end_id(job, false);
}

void ask_terminate_user(struct job *job)
{
	end_user(job, true);
}

void ask_terminate_id(struct job *job)
{
	end_id(job, true);
}

void ask_terminate_session(struct job *job)
{
	Msg__Disconnect q = MSG__DISCONNECT__INIT;
	q.session = text(job->arg);
	q.terminate = true;
	send_keeper(job, MSG_DISCONNECT, &q.base);
}

void ask_on_disconnect_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Count *count = (const void *)m->body;
	struct job *job = job_of_keeper(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	bool is_final = strncmp(job->cmd->words, "terminate", 9) == 0;
	const char *what = strchr(job->cmd->words, ' ') + 1;
	const char *verb = is_final ? "terminate" : "disconnect";
	if (*count->error != '\0')
		job_fail(job, nullptr, "could not %s %s '%s': %s", verb, what, job->arg, count->error);
	else if (count->n == 0)
		job_fail(job, nullptr, "could not %s %s '%s': %s", verb, what, job->arg,
			 is_final ? "there is none" : "not connected");
	else
		job_done(job, json_pack("{s:o, s:I}", "message",
					json_sprintf("%s '%s' was %s", what, job->arg,
						     is_final ? "terminated" : "disconnected"),
					"sessions", (json_int_t)count->n));
}

/* {{ show status: the supervisor first, then the keeper }} */

void ask_show_status(struct job *job)
{
	if (ipc_is_alive(job->control->keeper))
		send_supervisor(job, MSG_SUPERVISOR_STATUS, SUPERVISOR_MS);
	else
		tell_keeper_away(job);
}

void ask_facts(struct control *c)
{
	Msg__Empty empty;
	msg__empty__init(&empty);
	enum err e = ipc_send(c->supervisor, MSG_SUPERVISOR_STATUS, ipc_next_id(c->supervisor), &empty.base,
			      nullptr, 0);
	if (e != ERR_OK)
		log_warn("control.facts error=\"%s\"", err_text(e));
}

void ask_on_supervisor_status_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__SupervisorStatus *s = (const void *)m->body;
	Msg__Empty empty;
	msg__empty__init(&empty);
	struct control *c = ipc_owner(ipc);
	struct job *job = job_of_supervisor(c, m->id);
	strncpy(c->tun_name, s->tun_name, sizeof c->tun_name - 1);
	if (job == nullptr)
		return;
	job->supervisor_id = 0;
	job->result = show_processes(s);
	send_keeper(job, MSG_STATUS, &empty.base);
}

void ask_on_status_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__KeeperStatus *k = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	struct job *job = job_of_keeper(c, m->id);
	if (job == nullptr)
		return;
	if (counters_index_init(&job->index, &c->counters) != ERR_OK)
		job_fail(job, nullptr, "%s", err_text(ERR_NOMEM));
	else
		job_done(job, show_status(c, k, job->result, &job->index, unix_now()));
}

/* {{ the rest }} */

void ask_show_stats(struct job *job)
{
	job_done(job, show_stats(&job->control->counters));
}

void ask_help(struct job *job)
{
	job_done(job, cmds_help());
}

void ask_reload(struct job *job)
{
	send_supervisor(job, MSG_RELOAD, RELOAD_MS);
}

void ask_on_reload_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Done *done = (const void *)m->body;
	struct job *job = job_of_supervisor(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	if (*done->error != '\0')
		job_fail(job, nullptr, "not reloaded, the old configuration stays:\n%s", done->error);
	else
		job_done(job, json_pack("{s:s}", "message", "the configuration was reloaded"));
}

/* No answer comes: the server takes us with it. */
void ask_stop_now(struct job *job)
{
	Msg__Empty empty;
	msg__empty__init(&empty);
	struct ipc *supervisor = job->control->supervisor;
	if (ipc_send(supervisor, MSG_STOP_NOW, ipc_next_id(supervisor), &empty.base, nullptr, 0) != ERR_OK)
		job_fail(job, nullptr, "the server is ending already");
	else
		job_done(job, json_pack("{s:s}", "message", "the server is stopping"));
}
