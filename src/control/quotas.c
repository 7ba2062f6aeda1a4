/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/quotas.h"

#include "config/config.h"
#include "control/ask.h"
#include "control/control.h"
#include "control/human.h"
#include "control/show.h"

static const char *period_text(uint32_t period)
{
	static const char *const texts[] = {
		[PERIOD_TOTAL] = "total", [PERIOD_DAILY] = "daily", [PERIOD_MONTHLY] = "monthly"
	};
	return period < ARRAY_LEN(texts) ? texts[period] : "unknown";
}

static void put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void put_bytes(json_t *o, const char *key, const char *human_key, uint64_t n)
{
	put_number(o, key, n);
	json_object_set_new(o, human_key, json_string(human_bytes(n).s));
}

static json_t *row_json(const Msg__QuotaRow *row)
{
	json_t *o = json_object();
	json_object_set_new(o, "Username", show_text(row->username));
	json_object_set_new(o, "vhost", show_text(row->vhost[0] != '\0' ? row->vhost : "default"));
	put_bytes(o, "Used", "_Used", row->used);
	put_bytes(o, "Limit", "_Limit", row->most);
	put_bytes(o, "Left", "_Left", row->used < row->most ? row->most - row->used : 0);
	json_object_set_new(o, "Period", json_string(period_text(row->period)));
	json_object_set_new(o, "Since", json_string(human_time((uint64_t)row->since).s));
	put_number(o, "raw_since", (uint64_t)row->since);
	json_object_set_new(o, "Until",
			    json_string(row->until != 0 ? human_time((uint64_t)row->until).s : "-"));
	put_number(o, "raw_until", (uint64_t)row->until);
	put_number(o, "Sessions", row->sessions);
	return o;
}

static void ask_after(struct job *job, uint64_t number)
{
	Msg__QuotaList q = MSG__QUOTA_LIST__INIT;
	q.after = number;
	ask_keeper(job, MSG_QUOTA_LIST, &q.base);
}

void quotas_show(struct job *job)
{
	job->result = json_array();
	if (job->result == nullptr)
		job_fail(job, nullptr, "%s", err_text(ERR_NOMEM));
	else
		ask_after(job, 0);
}

void quotas_on_list_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__QuotaRows *rows = (const void *)m->body;
	struct job *job = job_of_keeper(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	for (size_t i = 0; i < rows->n_rows; i++)
		json_array_append_new(job->result, row_json(rows->rows[i]));
	if (rows->n_rows == 0)
		job_done(job, json_incref(job->result));
	else
		ask_after(job, rows->rows[rows->n_rows - 1]->number);
}

void quotas_reset(struct job *job)
{
	Msg__QuotaReset q = MSG__QUOTA_RESET__INIT;
	q.username = (char *)(uintptr_t)job->arg;
	ask_keeper(job, MSG_QUOTA_RESET, &q.base);
}

void quotas_on_reset_done(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Count *count = (const void *)m->body;
	struct job *job = job_of_keeper(ipc_owner(ipc), m->id);
	if (job == nullptr)
		return;
	if (count->n == 0)
		job_fail(job, nullptr, "user '%s' has no quota that was ever used; 'show quotas' lists them",
			 job->arg);
	else
		job_done(job, json_pack("{s:o}", "message",
					json_sprintf("the quota of '%s' begins anew", job->arg)));
}

json_t *quotas_status(const Msg__KeeperStatus *k)
{
	json_t *o = json_object();
	put_number(o, "Ended by quota", k->quota_ended);
	put_number(o, "Refused by quota", k->quota_refused);
	put_number(o, "Ended by expiry", k->expired_ended);
	put_number(o, "Refused by expiry", k->expired_refused);
	return o;
}
