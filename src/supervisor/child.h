/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * child - one row a process: start by fork and exec, its end, when to try again
 *
 * A row knows nothing of the start protocol: it tells its owner that the process died, and that it is time for the next one.
 *
 *   DOWN -child_spawn-> LOADING -(start.c)-> READY -(start.c)-> RUNNING -child_ending-> ENDING
 *   any of them -death-> DOWN, with a timer until the next try unless it was ENDING
 *
 * Owner:  the supervisor; a row is never freed while the loop runs.
 */
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "base/clock.h"
#include "ipc/ipc.h"
#include "supervisor/logpipe.h"
#include "supervisor/user.h"

enum child_state : uint8_t {
	CHILD_DOWN = 1,
	CHILD_LOADING, /* has its configuration, reads it */
	CHILD_READY,   /* waits for GO */
	CHILD_RUNNING,
	CHILD_ENDING,  /* told to stop */
};

constexpr uint64_t CHILD_DELAY_MIN_MS = 100, CHILD_DELAY_MAX_MS = 10'000;
constexpr uint64_t CHILD_STABLE_S = 60; /* alive so long: the next death is a first one */

struct child;
struct child_events {
	/* The process is gone; restarts and delay are counted already.  status: of waitpid. */
	void (*died)(struct child *c, int status);
	/* The delay is over. */
	void (*due)(struct child *c);
	ipc_ended *ended;
	ipc_handler *const *handlers;
};

struct child {
	enum child_state state;
	enum ipc_role role;
	unsigned index; /* of a worker */
	char name[16];  /* keeper, worker3, control */
	int binary;     /* O_PATH: the version that we are, whatever the disk holds later */
	struct user user;
	int folder;     /* that the process may work in; 0: none */
	const int *caps; /* spawn.h */
	pid_t pid;      /* 0: none */
	struct ipc *ipc;
	struct logpipe *log;
	uv_timer_t timer;
	struct mono since;    /* start of the process */
	uint64_t delay_ms;    /* before the next try */
	unsigned restarts;    /* deaths since the server started */
	bool is_linked;       /* has a channel to the keeper */
	unsigned unanswered_n; /* beats since the PING that it has not answered (pulse.h); 0: none */
	const struct child_events *events;
};

/* data: the owner, kept in timer.data. */
enum err child_init(struct child *c, enum ipc_role role, unsigned index, uv_loop_t *loop,
		    const struct child_events *ev, void *data);
/* Closes the timer and what is left of a process; the loop must run once more. */
void child_fini(struct child *c);

/* DOWN -> LOADING.  On failure a later try is on its way. */
enum err child_spawn(struct child *c);
/* SIGKILL, with the reason in the log. */
void child_kill(struct child *c, const char *why);
/* ipc_send that may be called when the channel is gone. */
enum err child_send(struct child *c, enum msg type, uint32_t id, const ProtobufCMessage *body, const int *fds,
		    size_t fds_n);
/* The channel is of no use any more. */
void child_cut(struct child *c);
/* Look whether the process ended; call it on SIGCHLD for each row. */
void child_reap(struct child *c);
/* No further tries. */
void child_ending(struct child *c);
/* DOWN without a try on its way. */
bool child_is_idle(const struct child *c);
static inline bool child_is_up(const struct child *c)
{
	return c->state != CHILD_DOWN && c->ipc != nullptr;
}
static inline void *child_owner(const struct child *c)
{
	return c->timer.data;
}
/* Delay after one more death: doubled, anew after a long life. */
uint64_t child_next_delay(uint64_t delay_ms, uint64_t lived_s);
