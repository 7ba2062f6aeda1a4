/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/script_exec.h"
#include "supervisor/stop.h"
#include "supervisor/supervisor.h"

constexpr size_t ENV_MAX = VARS_N + 4;
static const char SHELL[] = "/bin/sh";

struct script_job {
	struct script_job *next;
	struct supervisor *s;
	Msg__Script *what;
	const char *name; /* for the log */
	char *command;    /* nullptr: a script of the keeper's wish */
	uint32_t id;
	pid_t keeper; /* who waits for the answer */
	pid_t pid;    /* 0: not started */
	struct mono since;
	bool is_late;
	uv_timer_t timer;
	struct logpipe *log;
};

static const char *const kinds[] = {
	[SCRIPT_CONNECT] = "connect",
	[SCRIPT_DISCONNECT] = "disconnect",
	[SCRIPT_HOST_UPDATE] = "host-update",
};

bool scripts_are_wanted(const struct config *c)
{
	return c->connect_script != nullptr || c->disconnect_script != nullptr ||
	       c->host_update_script != nullptr || c->route_add_cmd != nullptr;
}

static const char *path_of(const struct config *c, uint32_t kind)
{
	switch (kind) {
	case SCRIPT_CONNECT: return c->connect_script;
	case SCRIPT_DISCONNECT: return c->disconnect_script;
	case SCRIPT_HOST_UPDATE: return c->host_update_script;
	default: return nullptr; /* a number from another process, not an enum of ours */
	}
}

/* {{ environment }} */

static void clean(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static enum err set_var(char **at, const char *name, const char *value)
{
	char *text = nullptr;
	if (asprintf(&text, "%s=%s", name, value) < 0)
		return ERR_NOMEM;
	clean(text);
	*at = text;
	return ERR_OK;
}

struct env {
	char *v[ENV_MAX]; /* ends with nullptr */
};

static void free_env(struct env *env)
{
	for (size_t i = 0; i < ENV_MAX; i++)
		free(env->v[i]);
}

/* env is empty before. */
static enum err make_env(struct env *env, const Msg__Script *m)
{
	static const char *const names[VARS_N] = {
#define SCRIPT_VAR(name) [VAR_##name] = #name,
#include "ipc/script.def"
	};
	bool is_set[VARS_N] = {};
	size_t n = 0;
	TRY(set_var(&env->v[n++], "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	if (m->kind < ARRAY_LEN(kinds) && kinds[m->kind] != nullptr)
		TRY(set_var(&env->v[n++], "REASON", kinds[m->kind]));
	for (size_t i = 0; i < m->n_vars; i++) {
		const Msg__ScriptVar *v = m->vars[i];
		if (v->name == VAR_NONE || v->name >= VARS_N || is_set[v->name])
			return ERR_PROTO;
		is_set[v->name] = true;
		TRY(set_var(&env->v[n++], names[v->name], v->value));
	}
	return ERR_OK;
}

/* {{ end of a job }} */

static void on_timer_closed(uv_handle_t *handle)
{
	struct script_job *j = CONTAINER_OF((uv_timer_t *)handle, struct script_job, timer);
	msg__script__free_unpacked(j->what, nullptr);
	free(j->command);
	free(j);
}

static void job_free(struct script_job *j)
{
	if (j->log != nullptr)
		logpipe_finish(TAKE(j->log));
	uv_close((uv_handle_t *)&j->timer, on_timer_closed);
}

static void answer(const struct script_job *j, const char *error)
{
	struct child *keeper = supervisor_keeper(j->s);
	Msg__ScriptDone done;
	msg__script_done__init(&done);
	done.error = (char *)(uintptr_t)error;
	if (child_send(keeper, MSG_SCRIPT_DONE, j->id, &done.base, nullptr, 0) != ERR_OK)
		log_debug("script.unanswered");
}

static void enqueue(struct script_job *j)
{
	struct scripts *all = &j->s->scripts;
	if (all->head == nullptr)
		all->tail = &all->head;
	j->next = nullptr;
	*all->tail = j;
	all->tail = &j->next;
	all->waiting_n++;
}

/* Its keeper died before it heard that the client may enter: the client never came in, so what the script made is to go. */
static bool undo(struct script_job *j, bool is_done)
{
	if (j->what->kind != SCRIPT_CONNECT || !is_done || j->s->phase == PHASE_STOP ||
	    path_of(j->s->now.config, SCRIPT_DISCONNECT) == nullptr)
		return false;
	j->what->kind = SCRIPT_DISCONNECT;
	j->name = kinds[SCRIPT_DISCONNECT];
	j->pid = 0;
	j->is_late = false;
	enqueue(j);
	return true;
}

static bool is_awaited(const struct script_job *j)
{
	return j->keeper != 0 && supervisor_keeper(j->s)->pid == j->keeper;
}

/* error: "" if it succeeded. */
static void finish(struct script_job *j, const char *error)
{
	if (j->command == nullptr && is_awaited(j))
		answer(j, error);
	else if (j->command == nullptr && undo(j, error[0] == '\0'))
		return;
	job_free(j);
}

/* {{ start }} */

static void on_late(uv_timer_t *timer)
{
	struct script_job *j = CONTAINER_OF(timer, struct script_job, timer);
	j->is_late = true;
	kill(-j->pid, SIGKILL);
}

static enum err run(struct script_job *j, const char *path)
{
	int pipe[2];
	struct env env OWNED(free_env) = {};
	TRY(make_env(&env, j->what));
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_SYS;
	int theirs OWNED(base_closep) = pipe[1];
	const struct script_exec x = {
		.path = path, .command = j->command, .env = env.v, .folder = j->s->folder, .log = theirs
	};
	enum err e = script_exec_run(&j->pid, &x);
	if (e != ERR_OK) {
		close(pipe[0]);
		return e;
	}
	j->since = clock_now();
	uv_timer_start(&j->timer, on_late, (uint64_t)j->s->now.config->script_timeout * 1000, 0);
	if (logpipe_new(&j->log, &j->s->loop, pipe[0], "script", j->pid) != ERR_OK)
		log_warn("script.output_lost pid=%d", j->pid);
	log_debug("script.started kind=%s pid=%d path=%s", j->name, j->pid, path);
	return ERR_OK;
}

static void start(struct script_job *j)
{
	struct scripts *all = &j->s->scripts;
	const char *path = j->command != nullptr ? SHELL : path_of(j->s->now.config, j->what->kind);
	if (path == nullptr) { /* a reload has removed it */
		finish(j, "");
		return;
	}
	enum err e = run(j, path);
	if (e != ERR_OK) {
		log_err("script.not_started kind=%s path=%s error=\"%s\"", j->name, path, err_text(e));
		finish(j, err_text(e));
		return;
	}
	j->next = all->running;
	all->running = j;
	all->running_n++;
}

static bool is_free(const struct scripts *all, uint64_t key)
{
	for (const struct script_job *j = all->running; j != nullptr; j = j->next)
		if (j->what->key == key)
			return false;
	return true;
}

/* The first that may run: an earlier one of its key would have been found before. */
static struct script_job *next_of(struct scripts *all)
{
	for (struct script_job **at = &all->head; *at != nullptr; at = &(*at)->next) {
		struct script_job *j = *at;
		if (!is_free(all, j->what->key))
			continue;
		*at = j->next;
		if (all->tail == &j->next)
			all->tail = at;
		all->waiting_n--;
		return j;
	}
	return nullptr;
}

static void advance(struct supervisor *s)
{
	struct scripts *all = &s->scripts;
	while (all->running_n < SCRIPTS_AT_ONCE) {
		struct script_job *j = next_of(all);
		if (j == nullptr)
			return;
		start(j);
	}
}

/* {{ from the keeper }} */

static Msg__Script *copy(const Msg__Script *m)
{
	size_t len = msg__script__get_packed_size(m);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr)
		return nullptr;
	msg__script__pack(m, bytes);
	return msg__script__unpack(nullptr, len, bytes);
}

static struct script_job *job_new(struct supervisor *s, const Msg__Script *m, uint32_t id)
{
	struct script_job *j = calloc(1, sizeof *j);
	Msg__Script *what = copy(m);
	if (j == nullptr || what == nullptr) {
		free(j);
		if (what != nullptr)
			msg__script__free_unpacked(what, nullptr);
		return nullptr;
	}
	*j = (struct script_job){ .s = s, .what = what, .id = id, .keeper = supervisor_keeper(s)->pid };
	if (m->kind < ARRAY_LEN(kinds))
		j->name = kinds[m->kind];
	uv_timer_init(&s->loop, &j->timer);
	return j;
}

static void refuse(struct child *keeper, uint32_t id, uint32_t kind, const char *why)
{
	log_err("script.refused kind=%u why=\"%s\"", kind, why);
	Msg__ScriptDone done;
	msg__script_done__init(&done);
	done.error = (char *)(uintptr_t)why;
	if (child_send(keeper, MSG_SCRIPT_DONE, id, &done.base, nullptr, 0) != ERR_OK)
		log_debug("script.unanswered");
}

void scripts_on_script(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *keeper = ipc_owner(ipc);
	struct supervisor *s = supervisor_of(keeper);
	const Msg__Script *want = (const Msg__Script *)m->body;
	if (want->kind >= ARRAY_LEN(kinds) || kinds[want->kind] == nullptr) {
		child_kill(keeper, "asked for a script that there is not");
		return;
	}
	if (s->scripts.waiting_n >= SCRIPTS_WAIT_MAX) {
		refuse(keeper, m->id, want->kind, "too many scripts wait");
		return;
	}
	struct script_job *j = job_new(s, want, m->id);
	if (j == nullptr) {
		refuse(keeper, m->id, want->kind, "out of memory");
		return;
	}
	enqueue(j);
	advance(s);
}

enum err scripts_run_command(struct supervisor *s, const char *what, const char *command, uint64_t key)
{
	Msg__Script m = MSG__SCRIPT__INIT;
	m.key = key;
	if (s->scripts.waiting_n >= SCRIPTS_WAIT_MAX)
		return ERR_FULL;
	char *text = strdup(command);
	struct script_job *j = text != nullptr ? job_new(s, &m, 0) : nullptr;
	if (j == nullptr) {
		free(text);
		return ERR_NOMEM;
	}
	j->name = what;
	j->command = text;
	enqueue(j);
	advance(s);
	return ERR_OK;
}

/* {{ end of a script }} */

static void describe(char *out, size_t cap, const struct script_job *j, int status)
{
	out[0] = '\0';
	if (j->is_late)
		snprintf(out, cap, "took longer than script-timeout = %u s and was killed",
			 j->s->now.config->script_timeout);
	else if (WIFSIGNALED(status))
		snprintf(out, cap, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		snprintf(out, cap, "exit status %d", WEXITSTATUS(status));
}

static void ended(struct script_job *j, int status)
{
	char error[128];
	uint64_t ms = (clock_now().ns - j->since.ns) / 1'000'000;
	uv_timer_stop(&j->timer);
	if (j->log != nullptr)
		logpipe_finish(TAKE(j->log)); /* its last words come first */
	describe(error, sizeof error, j, status);
	if (error[0] == '\0')
		log_info("script.done kind=%s pid=%d ms=%lu", j->name, j->pid, ms);
	else
		log_warn("script.failed kind=%s pid=%d ms=%lu why=\"%s\"", j->name, j->pid, ms, error);
	finish(j, error);
}

void scripts_reap(struct supervisor *s)
{
	struct scripts *all = &s->scripts;
	for (struct script_job **at = &all->running; *at != nullptr;) {
		struct script_job *j = *at;
		int status;
		if (waitpid(j->pid, &status, WNOHANG) != j->pid) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		all->running_n--;
		ended(j, status);
	}
	advance(s);
	if (s->phase == PHASE_STOP && !scripts_are_busy(s))
		stop_advance(s);
}

bool scripts_are_busy(const struct supervisor *s)
{
	return s->scripts.running_n + s->scripts.waiting_n > 0;
}

uint64_t scripts_patience_ms(const struct supervisor *s)
{
	const struct config *c = s->now.config;
	return c->disconnect_script != nullptr || c->route_del_cmd != nullptr
		       ? c->script_timeout * UINT64_C(1000)
		       : 0;
}

void scripts_fini(struct supervisor *s)
{
	struct scripts *all = &s->scripts;
	if (all->running_n + all->waiting_n > 0)
		log_err("script.given_up running=%u waiting=%u", all->running_n, all->waiting_n);
	for (struct script_job *j = all->running, *next; j != nullptr; j = next) {
		next = j->next;
		kill(-j->pid, SIGKILL);
		job_free(j);
	}
	for (struct script_job *j = all->head, *next; j != nullptr; j = next) {
		next = j->next;
		job_free(j);
	}
	*all = (struct scripts){};
}
