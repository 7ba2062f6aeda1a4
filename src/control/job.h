/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * job - one command of one client, from its words to its answer
 *
 * Owner:  the client, in which it lives; it has at most one at a time.
 * A job is answered exactly once: by job_done or job_fail, unless job_cancel ended it before.
 */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "control/cmds.h"
#include "control/counters.h"
#include "ipc/messages.pb-c.h"

struct control;

/* Takes response: {"ok":true,"view":…,"result":…} or {"ok":false,"error":…}; nullptr without memory. */
typedef void job_answer(struct job *job, json_t *response);

/* One session of a listing as JSON; nullptr: it is left out. */
typedef json_t *job_item(const struct control *c, const Msg__Session *s, const struct counters_live *live,
			 uint64_t now);

struct job {
	struct job *prev, *next; /* in control's list while it runs */
	struct control *control;
	job_answer *answer;
	bool is_running;

	struct request request;
	const struct cmd *cmd;
	const char *arg; /* points into request */

	uint32_t keeper_id; /* of the question that is open; 0: none */
	uint32_t supervisor_id;
	struct mono deadline; /* for the answer to it */
	json_t *result;       /* what is known so far */
	struct counters_index index; /* of a listing */
	job_item *item;
	bool is_stream; /* after the answer events follow, until the client leaves */
};

/* Run what job->request asks for with these rights (a mask); it may be answered before this returns. */
void job_start(struct job *job, struct control *c, uint8_t rights, job_answer *answer);

/* Takes result. */
void job_done(struct job *job, json_t *result);
/* result may be nullptr. */
[[gnu::format(printf, 3, 4)]] void job_fail(struct job *job, json_t *result, const char *fmt, ...);
/* The client is gone: no answer any more.  Does nothing to a job that does not run. */
void job_cancel(struct job *job);

/* The other process did not answer in time. */
void job_expire(struct job *job);

/* The running job that asked with this id; nullptr if it was cancelled meanwhile. */
struct job *job_of_keeper(struct control *c, uint32_t id);
struct job *job_of_supervisor(struct control *c, uint32_t id);
/* The keeper is gone: fail all that wait for it. */
void job_keeper_lost(struct control *c);
