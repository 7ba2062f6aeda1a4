/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/spawn.h"

/* a report of a sanitizer fits, although the child does not wait for us */
constexpr int LOG_PIPE_BYTES = 1024 * 1024;

static const char *file_of(enum ipc_role role)
{
	switch (role) {
	case ROLE_KEEPER: return "ocserv-modern-keeper";
	case ROLE_WORKER: return "ocserv-modern-worker";
	case ROLE_CONTROL: return "ocserv-modern-control";
	case ROLE_AUTH: return "ocserv-modern-auth";
	case ROLE_METRICS: return "ocserv-modern-metrics";
	case ROLE_SUPERVISOR: break;
	}
	return "";
}

enum err child_init(struct child *c, enum ipc_role role, unsigned index, uv_loop_t *loop,
		    const struct child_events *ev, void *data)
{
	*c = (struct child){ .state = CHILD_DOWN, .role = role, .index = index, .binary = -1, .events = ev };
	if (role == ROLE_WORKER)
		snprintf(c->name, sizeof c->name, "worker%u", index);
	else
		snprintf(c->name, sizeof c->name, "%s",
			 role == ROLE_KEEPER    ? "keeper"
			 : role == ROLE_AUTH    ? "auth"
			 : role == ROLE_METRICS ? "metrics"
						: "control");
	uv_timer_init(loop, &c->timer);
	c->timer.data = data;
	return spawn_find(&c->binary, file_of(role));
}

void child_fini(struct child *c)
{
	child_cut(c);
	if (c->log != nullptr)
		logpipe_finish(TAKE(c->log));
	base_closep(&c->binary);
	if (c->folder > 0)
		close(c->folder);
	uv_close((uv_handle_t *)&c->timer, nullptr);
}

static void on_due(uv_timer_t *timer)
{
	struct child *c = CONTAINER_OF(timer, struct child, timer);
	c->events->due(c);
}

static void wait_for_next(struct child *c)
{
	c->delay_ms = child_next_delay(c->delay_ms, clock_secs(c->since, clock_now()));
	uv_timer_start(&c->timer, on_due, c->delay_ms, 0);
}

/* {{ birth }} */

static enum err make_log(int *write_end, int *read_end)
{
	int pipe[2];
	/* a full pipe loses lines, not the time of the child */
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_SYS;
	fcntl(pipe[1], F_SETPIPE_SZ, LOG_PIPE_BYTES);
	*read_end = pipe[0];
	*write_end = pipe[1];
	return ERR_OK;
}

static enum err start_process(struct child *c, int channel, int log)
{
	char shown[64];
	snprintf(shown, sizeof shown, c->role == ROLE_WORKER ? "%s: %u" : "%s", file_of(c->role), c->index);
	struct spawn s = { .binary = c->binary,
			   .name = shown,
			   .channel = channel,
			   .log = log,
			   .user = c->user,
			   .folder = c->folder,
			   .caps = c->caps };
	return spawn_run(&c->pid, &s);
}

static enum err listen_to(struct child *c, int *channel, int *log)
{
	uv_loop_t *loop = c->timer.loop;
	TRY(logpipe_new(&c->log, loop, *log, c->name, c->pid));
	*log = -1;
	struct ipc_conf conf = {
		.loop = loop,
		.fd = *channel,
		.self = ROLE_SUPERVISOR,
		.peer = c->role,
		.peer_index = c->index,
		.handlers = c->events->handlers,
		.ended = c->events->ended,
		.owner = c,
	};
	TRY(ipc_new(&c->ipc, &conf));
	*channel = -1;
	return ERR_OK;
}

static enum err begin(struct child *c)
{
	int pair[2], log_write OWNED(base_closep) = -1, log_read OWNED(base_closep) = -1;
	TRY(make_log(&log_write, &log_read));
	TRY(ipc_pair(pair));
	int ours OWNED(base_closep) = pair[0], theirs OWNED(base_closep) = pair[1];
	TRY(start_process(c, theirs, log_write));
	c->state = CHILD_LOADING;
	c->since = clock_now();
	c->is_linked = false;
	c->unanswered_n = 0;
	enum err e = listen_to(c, &ours, &log_read);
	if (e != ERR_OK) {
		child_kill(c, "no channel");
		return e;
	}
	log_debug("child.started name=%s pid=%d", c->name, c->pid);
	return ERR_OK;
}

enum err child_spawn(struct child *c)
{
	assert(c->state == CHILD_DOWN && c->pid == 0);
	enum err e = begin(c);
	if (e != ERR_OK && c->pid == 0) {
		log_err("child.not_started name=%s: %s", c->name, strerror(errno));
		wait_for_next(c);
	}
	return e;
}

/* {{ end }} */

void child_kill(struct child *c, const char *why)
{
	if (c->pid == 0)
		return;
	log_err("child.killed name=%s pid=%d why=\"%s\"", c->name, c->pid, why);
	kill(c->pid, SIGKILL);
}

enum err child_send(struct child *c, enum msg type, uint32_t id, const ProtobufCMessage *body, const int *fds,
		    size_t fds_n)
{
	return c->ipc == nullptr ? ERR_CLOSED : ipc_send(c->ipc, type, id, body, fds, fds_n);
}

void child_cut(struct child *c)
{
	ipc_freep(&c->ipc);
	c->is_linked = false;
}

void child_ending(struct child *c)
{
	uv_timer_stop(&c->timer);
	if (c->state != CHILD_DOWN)
		c->state = CHILD_ENDING;
}

bool child_is_idle(const struct child *c)
{
	return c->state == CHILD_DOWN && !uv_is_active((const uv_handle_t *)&c->timer);
}

uint64_t child_next_delay(uint64_t delay_ms, uint64_t lived_s)
{
	if (delay_ms == 0 || lived_s >= CHILD_STABLE_S)
		return CHILD_DELAY_MIN_MS;
	return MIN(delay_ms * 2, CHILD_DELAY_MAX_MS);
}

static void tell_death(const struct child *c, int status)
{
	uint64_t lived = clock_secs(c->since, clock_now());
	if (c->state == CHILD_ENDING && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		log_debug("child.ended name=%s pid=%d", c->name, c->pid);
	else if (WIFSIGNALED(status))
		log_err("child.died name=%s pid=%d signal=%d (%s) lived_s=%lu", c->name, c->pid,
			WTERMSIG(status), strsignal(WTERMSIG(status)), lived);
	else
		log_err("child.died name=%s pid=%d status=%d lived_s=%lu", c->name, c->pid,
			WEXITSTATUS(status), lived);
}

static void bury(struct child *c, int status)
{
	bool was_ending = c->state == CHILD_ENDING;
	if (c->log != nullptr)
		logpipe_finish(TAKE(c->log)); /* its last words come first */
	tell_death(c, status);
	child_cut(c);
	c->pid = 0;
	c->state = CHILD_DOWN;
	if (!was_ending) {
		c->restarts++;
		wait_for_next(c);
	}
	c->events->died(c, status);
}

void child_reap(struct child *c)
{
	int status;
	if (c->pid != 0 && waitpid(c->pid, &status, WNOHANG) == c->pid)
		bury(c, status);
}
