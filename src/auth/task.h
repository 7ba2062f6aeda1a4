/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * task - work that blocks, each in a child process: a conversation of a login, or a record of accounting
 *
 *   QUEUED -> RUNNING <-> ASKED (the user is to answer) -> gone
 *
 * A child is forked, not started anew: it has the configuration, talks over one socket pair, and ends by itself or is
 * killed with all that it started.  Of logins at most TASK_RUN_MAX run at once, and of accounting TASK_ACCT_MAX, so that
 * neither waits for the other.
 *
 * Owner:    struct authproc.
 * Runs in:  the loop of the auth process.
 */
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "base/clock.h"
#include "base/table.h"
#include "ipc/messages.pb-c.h"

constexpr unsigned TASK_RUN_MAX = 64;
constexpr unsigned TASK_ACCT_MAX = 8;
constexpr unsigned TASK_ASKED_MAX = 512;     /* that wait for users; the oldest gives way */
constexpr unsigned TASK_QUEUE_MAX = 16'384;  /* logins and records */
constexpr uint32_t TASK_DEADLINE_S = 55;     /* of a step; the keeper waits 60 */
constexpr uint32_t TASK_ASKED_S = 900;       /* the keeper cancels long before: auth-timeout */
constexpr uint32_t TASK_RETRY_S = 15;        /* between tries of a record */
constexpr uint32_t TASK_RECORD_S = 1800;     /* then a record is given up */
constexpr size_t TASK_MESSAGE_MAX = 65'536;

enum task_state : uint8_t { TASK_QUEUED = 1, TASK_RUNNING, TASK_ASKED };

struct tasks;

/* Where a method stands in the configuration. */
struct task_place {
	uint32_t generation, vhost, method;
};

struct task {
	uint64_t id; /* of conversations and of records: each kind counts its own */
	bool is_acct;
	struct task_place place;
	enum task_state state;
	struct tasks *tasks;
	struct task *next, *prev; /* in order of age */
	uint8_t *request;         /* packed BackBegin or Acct; wiped when the child has it */
	size_t request_len;
	char session[80];         /* records of one session go one after the other */
	pid_t pid;
	int fd;
	uv_poll_t *poll;
	struct mono born, deadline; /* QUEUED: not before (0: at once) */
};

struct tasks {
	uv_loop_t *loop;
	struct task *all;
	unsigned running_n, acct_n, asked_n, queued_n;
	uint64_t lost_n; /* records given up */
	/* In the child: never returns. */
	void (*run)(void *ctx, const struct task *t, int fd);
	/* In the parent: a BackDone or AcctDone came, or stands in for a child that died. */
	void (*answer)(void *ctx, const struct task *t, ProtobufCMessage *body);
	void *ctx;
};

void tasks_init(struct tasks *t, uv_loop_t *loop, void *ctx);
/* Kill all children. */
void tasks_fini(struct tasks *t);

/* Queue; the message is copied.  ERR_FULL, ERR_NOMEM. */
enum err tasks_begin(struct tasks *t, const Msg__BackBegin *m);
enum err tasks_acct(struct tasks *t, const Msg__Acct *m);
/* ERR_NOTFOUND: no such conversation asks. */
enum err tasks_answer(struct tasks *t, const Msg__BackAnswer *m);
void tasks_cancel(struct tasks *t, uint64_t conv);
/* The keeper is gone: conversations end, records go on. */
void tasks_cancel_all(struct tasks *t);
/* Deadlines, and what waited for its time. */
void tasks_tick(struct tasks *t, struct mono now);
bool tasks_have_records(const struct tasks *t);

/* {{ in the child }} */

/* Send a packed message to the parent; ends the process when that is gone. */
void task_tell(int fd, const ProtobufCMessage *m);
/* The next answer, for msg__back_answer__free_unpacked. */
Msg__BackAnswer *task_wait_answer(int fd);
/* Its text alone, malloc'ed; the caller wipes and frees it. */
char *task_wait(int fd);
