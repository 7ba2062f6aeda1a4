/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/task.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/msgs.h"

constexpr int CHILD_FD = 3;

void tasks_init(struct tasks *t, uv_loop_t *loop, void *ctx)
{
	*t = (struct tasks){ .loop = loop, .ctx = ctx };
}

/* {{ counts and ends }} */

static unsigned *count_of(struct task *t)
{
	switch (t->state) {
	case TASK_QUEUED: return &t->tasks->queued_n;
	case TASK_RUNNING: return t->is_acct ? &t->tasks->acct_n : &t->tasks->running_n;
	case TASK_ASKED: return &t->tasks->asked_n;
	}
	return &t->tasks->queued_n;
}

static void set_state(struct task *t, enum task_state state)
{
	--*count_of(t);
	t->state = state;
	++*count_of(t);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

/* The child with all that it started: it leads a group. */
static void end_child(struct task *t)
{
	if (t->pid != 0) {
		kill(-t->pid, SIGKILL);
		kill(t->pid, SIGKILL); /* it may not have made its group yet */
		waitpid(t->pid, nullptr, 0);
	}
	t->pid = 0;
	if (t->poll != nullptr) {
		uv_poll_stop(t->poll);
		uv_close((uv_handle_t *)TAKE(t->poll), on_closed);
	}
	base_closep(&t->fd);
}

static void wipe_request(struct task *t)
{
	if (t->request != nullptr)
		explicit_bzero(t->request, t->request_len);
	free(TAKE(t->request));
}

static void drop(struct task *t)
{
	end_child(t);
	--*count_of(t);
	DL_DELETE(t->tasks->all, t);
	wipe_request(t);
	free(t);
}

/* Again later: a record must reach its server some time. */
static bool retry(struct task *t, struct mono now, const char *why)
{
	if (!t->is_acct || clock_is_past(now, clock_add_s(t->born, TASK_RECORD_S)))
		return false;
	end_child(t);
	set_state(t, TASK_QUEUED);
	t->deadline = clock_add_s(now, TASK_RETRY_S);
	log_warn("acct.retry record=%llu session=%s why=\"%s\" in_s=%u", (unsigned long long)t->id,
		 t->session, why, TASK_RETRY_S);
	return true;
}

/* The child will not answer: say so in its place. */
static void fail(struct task *t, const char *why)
{
	if (retry(t, clock_now(), why))
		return;
	char text[256];
	snprintf(text, sizeof text, "%s", why);
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	Msg__AcctDone acct = MSG__ACCT_DONE__INIT;
	done.conv = acct.record = t->id;
	done.result = BACK_BROKEN;
	done.why = acct.error = text;
	t->tasks->lost_n += t->is_acct;
	t->tasks->answer(t->tasks->ctx, t, t->is_acct ? &acct.base : &done.base);
	drop(t);
}

void tasks_fini(struct tasks *all)
{
	while (all->all != nullptr)
		drop(all->all);
}

/* {{ the child }} */

static void close_others(int fd)
{
	if (fd != CHILD_FD)
		dup2(fd, CHILD_FD);
	fcntl(CHILD_FD, F_SETFD, FD_CLOEXEC); /* programs that a module starts do not get it */
	syscall(SYS_close_range, CHILD_FD + 1, UINT_MAX, 0);
}

static void reset_signals(const sigset_t *mask)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, mask, nullptr);
}

[[noreturn]] static void become(struct task *t, int fd, pid_t parent, const sigset_t *mask)
{
	close_others(fd);
	setpgid(0, 0);
	reset_signals(mask);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(127);
	t->tasks->run(t->tasks->ctx, t, CHILD_FD);
	_exit(126);
}

void task_tell(int fd, const ProtobufCMessage *m)
{
	size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *bytes = malloc(len + 1);
	if (bytes == nullptr || len > TASK_MESSAGE_MAX)
		_exit(125);
	protobuf_c_message_pack(m, bytes);
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(0);
	free(bytes);
}

Msg__BackAnswer *task_wait_answer(int fd)
{
	static uint8_t bytes[TASK_MESSAGE_MAX];
	ssize_t n;
	do
		n = recv(fd, bytes, sizeof bytes, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_exit(0); /* given up */
	Msg__BackAnswer *a = msg__back_answer__unpack(nullptr, (size_t)n, bytes);
	explicit_bzero(bytes, (size_t)n);
	if (a == nullptr)
		_exit(125);
	return a;
}

char *task_wait(int fd)
{
	Msg__BackAnswer *a = task_wait_answer(fd);
	char *text = strdup(a->answer);
	if (text == nullptr)
		_exit(125);
	explicit_bzero(a->answer, strlen(a->answer));
	msg__back_answer__free_unpacked(a, nullptr);
	return text;
}

/* {{ what a child says }} */

static void take_done(struct task *t, const uint8_t *bytes, size_t len)
{
	Msg__BackDone *m = msg__back_done__unpack(nullptr, len, bytes);
	if (m == nullptr || m->conv != t->id) {
		fail(t, "the child talks nonsense");
	} else {
		bool is_over = m->result != BACK_MORE;
		t->tasks->answer(t->tasks->ctx, t, &m->base);
		if (is_over)
			drop(t);
		else
			set_state(t, TASK_ASKED);
		if (!is_over)
			t->deadline = clock_add_s(clock_now(), TASK_ASKED_S);
	}
	if (m != nullptr)
		msg__back_done__free_unpacked(m, nullptr);
}

static void take_acct(struct task *t, const uint8_t *bytes, size_t len)
{
	Msg__AcctDone *m = msg__acct_done__unpack(nullptr, len, bytes);
	if (m == nullptr || m->record != t->id) {
		fail(t, "the child talks nonsense");
	} else if (m->error[0] != '\0') {
		fail(t, m->error);
	} else {
		t->tasks->answer(t->tasks->ctx, t, &m->base);
		drop(t);
	}
	if (m != nullptr)
		msg__acct_done__free_unpacked(m, nullptr);
}

/* Why it ended without an answer. */
static void tell_death(struct task *t)
{
	int status = 0;
	char why[96];
	pid_t pid = t->pid;
	t->pid = 0;
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL); /* its socket is closed: it is dead, or of no use */
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(why, sizeof why, "its process died of signal %d", WTERMSIG(status));
	else
		snprintf(why, sizeof why, "its process ended with status %d", WEXITSTATUS(status));
	fail(t, why);
}

static void on_readable(uv_poll_t *poll, int, int)
{
	static uint8_t bytes[TASK_MESSAGE_MAX];
	struct task *t = poll->data;
	ssize_t n = recv(t->fd, bytes, sizeof bytes, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		tell_death(t);
	else if (t->state != TASK_RUNNING)
		fail(t, "the child talks out of turn");
	else
		(t->is_acct ? take_acct : take_done)(t, bytes, (size_t)n);
}

/* {{ start }} */

static enum err start_child(struct task *t, int ours, int theirs)
{
	t->poll = calloc(1, sizeof *t->poll);
	if (t->poll == nullptr)
		return ERR_NOMEM;
	if (uv_poll_init(t->tasks->loop, t->poll, ours) != 0) {
		free(TAKE(t->poll));
		return ERR_SYS;
	}
	t->poll->data = t;
	/* no handler of libuv may run in the child */
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		become(t, theirs, parent, &old);
	sigprocmask(SIG_SETMASK, &old, nullptr);
	if (pid < 0)
		return ERR_SYS;
	t->pid = pid;
	return ERR_OK;
}

static void start(struct task *t, struct mono now)
{
	int pair[2];
	set_state(t, TASK_RUNNING);
	t->deadline = clock_add_s(now, TASK_DEADLINE_S);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		fail(t, "no socket pair");
		return;
	}
	t->fd = pair[0];
	enum err e = start_child(t, pair[0], pair[1]);
	close(pair[1]);
	if (e != ERR_OK) {
		fail(t, "no process can be started");
		return;
	}
	if (!t->is_acct)
		wipe_request(t); /* a record may have to be sent again */
	uv_poll_start(t->poll, UV_READABLE | UV_DISCONNECT, on_readable);
}

static bool has_earlier(const struct task *t)
{
	for (const struct task *o = t->tasks->all; o != nullptr && o != t; o = o->next)
		if (o->is_acct && strcmp(o->session, t->session) == 0)
			return true;
	return false;
}

static bool may_start(const struct task *t, struct mono now)
{
	if (t->state != TASK_QUEUED || !clock_is_past(now, t->deadline))
		return false;
	return t->is_acct ? t->tasks->acct_n < TASK_ACCT_MAX && !has_earlier(t)
			  : t->tasks->running_n < TASK_RUN_MAX;
}

static void start_some(struct tasks *all, struct mono now)
{
	struct task *t, *next;
	if (all->queued_n == 0)
		return;
	DL_FOREACH_SAFE(all->all, t, next)
		if (may_start(t, now))
			start(t, now);
}

static enum err add(struct tasks *all, uint64_t id, struct task_place place, const char *session,
		    const ProtobufCMessage *m)
{
	if (all->queued_n >= TASK_QUEUE_MAX)
		return ERR_FULL;
	struct task *t = calloc(1, sizeof *t);
	size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *request = malloc(len + 1);
	if (t == nullptr || request == nullptr) {
		free(t);
		free(request);
		return ERR_NOMEM;
	}
	protobuf_c_message_pack(m, request);
	*t = (struct task){ .id = id,
			    .is_acct = session != nullptr,
			    .place = place,
			    .state = TASK_QUEUED,
			    .tasks = all,
			    .request = request,
			    .request_len = len,
			    .fd = -1,
			    .born = clock_now() };
	if (session != nullptr)
		snprintf(t->session, sizeof t->session, "%s", session);
	DL_APPEND(all->all, t);
	all->queued_n++;
	start_some(all, t->born);
	return ERR_OK;
}

enum err tasks_begin(struct tasks *all, const Msg__BackBegin *m)
{
	return add(all, m->conv, (struct task_place){ m->generation, m->vhost, m->method }, nullptr,
		   &m->base);
}

enum err tasks_acct(struct tasks *all, const Msg__Acct *m)
{
	return add(all, m->record, (struct task_place){ m->generation, m->vhost, m->method }, m->session_id,
		   &m->base);
}

/* {{ steps }} */

static struct task *find(struct tasks *all, uint64_t conv)
{
	struct task *t;
	DL_FOREACH(all->all, t)
		if (!t->is_acct && t->id == conv)
			return t;
	return nullptr;
}

enum err tasks_answer(struct tasks *all, const Msg__BackAnswer *m)
{
	struct task *t = find(all, m->conv);
	if (t == nullptr || t->state != TASK_ASKED)
		return ERR_NOTFOUND;
	size_t len = msg__back_answer__get_packed_size(m);
	uint8_t *bytes = malloc(len + 1);
	if (bytes == nullptr)
		return ERR_NOMEM;
	msg__back_answer__pack(m, bytes);
	bool is_sent = send(t->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len;
	explicit_bzero(bytes, len);
	free(bytes);
	set_state(t, TASK_RUNNING);
	t->deadline = clock_add_s(clock_now(), TASK_DEADLINE_S);
	if (!is_sent)
		tell_death(t);
	return ERR_OK;
}

void tasks_cancel(struct tasks *all, uint64_t conv)
{
	struct task *t = find(all, conv);
	if (t != nullptr)
		drop(t);
	start_some(all, clock_now());
}

void tasks_cancel_all(struct tasks *all)
{
	struct task *t, *next;
	DL_FOREACH_SAFE(all->all, t, next)
		if (!t->is_acct)
			drop(t);
}

/* Who waits longest for a user gives way: those who ask and never answer must not use up all processes. */
static void limit_asked(struct tasks *all)
{
	struct task *t, *next;
	DL_FOREACH_SAFE(all->all, t, next)
		if (t->state == TASK_ASKED && all->asked_n > TASK_ASKED_MAX)
			fail(t, "too many logins wait for their users");
}

void tasks_tick(struct tasks *all, struct mono now)
{
	struct task *t, *next;
	limit_asked(all);
	DL_FOREACH_SAFE(all->all, t, next) {
		if (t->state == TASK_QUEUED || !clock_is_past(now, t->deadline))
			continue;
		log_err("task.killed pid=%d acct=%d why=\"no answer in %u s\"", t->pid, t->is_acct,
			TASK_DEADLINE_S);
		fail(t, "the back end did not answer in time");
	}
	start_some(all, now);
}

bool tasks_have_records(const struct tasks *all)
{
	const struct task *t;
	DL_FOREACH(all->all, t)
		if (t->is_acct)
			return true;
	return false;
}
