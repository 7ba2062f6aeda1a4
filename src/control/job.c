/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/job.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/table.h"
#include "control/control.h"
#include "control/show.h"

static void leave(struct job *job)
{
	if (!job->is_running)
		return;
	DL_DELETE(job->control->jobs, job);
	job->is_running = false;
	json_decref(job->result);
	job->result = nullptr;
	counters_index_fini(&job->index);
}

static void finish(struct job *job, json_t *response)
{
	assert(job->is_running);
	leave(job);
	job->answer(job, response);
}

void job_done(struct job *job, json_t *result)
{
	json_t *response = json_pack("{s:b, s:s, s:o}", "ok", true, "view", job->cmd->view, "result", result);
	if (job->is_stream)
		json_object_set_new(response, "stream", json_true());
	finish(job, response);
}

void job_fail(struct job *job, json_t *result, const char *fmt, ...)
{
	OWNED(base_freep) char *text = nullptr;
	va_list ap;
	va_start(ap, fmt);
	/* a text of any length: the problems of a configuration are many */
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		text = nullptr;
	json_t *error = show_text(text != nullptr ? text : err_text(ERR_NOMEM));
	json_t *response = json_pack("{s:b, s:o}", "ok", false, "error", error);
	if (result != nullptr)
		json_object_set_new(response, "result", result);
	finish(job, response);
}

void job_start(struct job *job, struct control *c, uint8_t rights, job_answer *answer)
{
	char text[1024] = "";
	struct writer why = writer_of(text, sizeof text - 1);
	job->control = c;
	job->answer = answer;
	job->keeper_id = job->supervisor_id = 0;
	job->is_stream = false;
	job->is_running = true;
	DL_APPEND(c->jobs, job);
	if (cmds_find(&job->request, &job->cmd, &job->arg, &why) != ERR_OK) {
		job_fail(job, nullptr, "%s", text);
		return;
	}
	if ((rights & job->cmd->right) == 0) {
		job_fail(job, nullptr, "you may not use '%s'", job->cmd->words);
		return;
	}
	if (job->cmd->right == RIGHT_CHANGE)
		log_notice("occtl.command words=\"%s\" arg=\"%s\"", job->cmd->words,
			   job->arg == nullptr ? "" : job->arg);
	job->cmd->start(job);
}

void job_cancel(struct job *job)
{
	leave(job);
}

void job_expire(struct job *job)
{
	if (job->keeper_id != 0)
		job_fail(job, nullptr, "the keeper does not answer; see the log of the server");
	else
		job_fail(job, nullptr, "the supervisor does not answer; see the log of the server");
}

struct job *job_of_keeper(struct control *c, uint32_t id)
{
	struct job *job;
	DL_SEARCH_SCALAR(c->jobs, job, keeper_id, id);
	return id == 0 ? nullptr : job;
}

struct job *job_of_supervisor(struct control *c, uint32_t id)
{
	struct job *job;
	DL_SEARCH_SCALAR(c->jobs, job, supervisor_id, id);
	return id == 0 ? nullptr : job;
}

void job_keeper_lost(struct control *c)
{
	struct job *job, *tmp;
	DL_FOREACH_SAFE(c->jobs, job, tmp) {
		if (job->keeper_id != 0)
			job_fail(
				job, nullptr,
				"the keeper ended while it was asked; it is started again, try in some seconds");
	}
}
