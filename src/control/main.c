/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocserv-modern-control - answers the administrator
 *
 * Started by the supervisor with the channel to it as descriptor 3 and the log pipe as descriptor 2.
 * Rights: none.  Its own user, no capability, no file, no network; what it may do is what the descriptors it was
 * handed can do, and the messages that msgs.def lets it send.
 */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "control/ask.h"
#include "control/control.h"
#include "control/guards.h"
#include "control/profile.h"
#include "control/quotas.h"
#include "control/settings.h"
#include "control/watch.h"

constexpr int SUPERVISOR_FD = 3;

/* {{ end }} */

static void finish(struct control *c)
{
	serve_stop(c);
	ipc_freep(&c->keeper);
	ipc_freep(&c->supervisor);
}

static void on_stop(struct ipc *ipc, struct ipc_msg *)
{
	finish(ipc_owner(ipc));
}

static void on_supervisor_ended(struct ipc *ipc, enum ipc_end why)
{
	log_err("control.supervisor_lost violation=%d", why == IPC_END_VIOLATION);
	finish(ipc_owner(ipc));
}

/* {{ the keeper }} */

static void report_violation(struct control *c)
{
	Msg__Violation v;
	msg__violation__init(&v);
	v.role = ROLE_KEEPER;
	v.what = (char[]){ "a message it may not send to control" };
	if (ipc_send(c->supervisor, MSG_VIOLATION, ipc_next_id(c->supervisor), &v.base, nullptr, 0) != ERR_OK)
		log_err("control.violation error=\"not reported\"");
}

static void on_keeper_ended(struct ipc *ipc, enum ipc_end why)
{
	struct control *c = ipc_owner(ipc);
	log_notice("control.keeper_lost violation=%d", why == IPC_END_VIOLATION);
	ipc_freep(&c->keeper);
	job_keeper_lost(c);
	watch_gap(c);
	if (why == IPC_END_VIOLATION)
		report_violation(c);
}

static ipc_handler *const keeper_handlers[MSG_N] = {
	[MSG_LIST_ITEM] = ask_on_list_item,
	[MSG_DISCONNECT_DONE] = ask_on_disconnect_done,
	[MSG_STATUS_DONE] = ask_on_status_done,
	[MSG_QUOTA_LIST_DONE] = quotas_on_list_done,
	[MSG_QUOTA_RESET_DONE] = quotas_on_reset_done,
	[MSG_EVENT] = watch_on_event,
	[MSG_GUARD_ITEMS] = guards_on_items,
	[MSG_GUARD_CHANGE_DONE] = guards_on_change_done,
	[MSG_GUARD_STATUS_DONE] = guards_on_status_done,
};

/* A new keeper, at start or in place of one that died. */
static void on_peer(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Peer *peer = (const void *)m->body;
	struct control *c = ipc_owner(ipc);
	OWNED(base_closep) int fd = ipc_take_fd(m, 0);
	if (fd < 0 || peer->role != ROLE_KEEPER) {
		log_err("control.peer role=%u error=\"%s\"", peer->role, err_text(ERR_DENIED));
		return;
	}
	ipc_freep(&c->keeper);
	job_keeper_lost(c);
	enum err e = ipc_new(&c->keeper, &(struct ipc_conf){ .loop = c->loop,
							     .fd = fd,
							     .self = ROLE_CONTROL,
							     .peer = ROLE_KEEPER,
							     .handlers = keeper_handlers,
							     .ended = on_keeper_ended,
							     .owner = c });
	if (e == ERR_OK) {
		fd = -1;
		watch_keeper(c);
	} else
		log_err("control.peer error=\"%s\"", err_text(e));
}

/* {{ start }} */

static enum err take_start(struct control *c, struct ipc_msg *m)
{
	const Msg__ControlStart *start = (const void *)m->body;
	size_t at = start->has_socket ? 1 : 0;
	if (m->fds_n != at + start->workers_n)
		return ERR_PROTO;
	c->started_at = start->started_at;
	if (start->has_socket)
		c->socket = ipc_take_fd(m, 0);
	for (; at < m->fds_n; at++) {
		OWNED(base_closep) int fd = ipc_take_fd(m, at);
		TRY(counters_map(&c->counters, fd, start->stats_slots_n));
	}
	return ERR_OK;
}

static void on_start(struct ipc *ipc, struct ipc_msg *m)
{
	struct control *c = ipc_owner(ipc);
	enum err e = take_start(c, m);
	if (e == ERR_OK)
		return;
	log_err("control.start fds=%zu error=\"%s\"", m->fds_n, err_text(e));
	finish(c);
}

static void on_go(struct ipc *ipc, struct ipc_msg *)
{
	struct control *c = ipc_owner(ipc);
	ipc_run(ipc);
	ask_facts(c);
	if (c->socket < 0 || c->config == nullptr)
		return;
	int fd = c->socket;
	c->socket = -1;
	enum err e = serve_start(c, fd);
	if (e != ERR_OK)
		log_err("control.listen error=\"%s\" hint=\"occtl will not work\"", err_text(e));
}

static ipc_handler *const supervisor_handlers[MSG_N] = {
	[MSG_CONFIG] = settings_on_config,
	[MSG_COMMIT] = settings_on_commit,
	[MSG_CONTROL_START] = on_start,
	[MSG_PEER] = on_peer,
	[MSG_GO] = on_go,
	[MSG_STOP] = on_stop,
	[MSG_PING] = ipc_on_ping,
	[MSG_RELOAD_DONE] = ask_on_reload_done,
	[MSG_SUPERVISOR_STATUS_DONE] = ask_on_supervisor_status_done,
};

static enum err connect_supervisor(struct control *c)
{
	return ipc_new(&c->supervisor, &(struct ipc_conf){ .loop = c->loop,
							   .fd = SUPERVISOR_FD,
							   .self = ROLE_CONTROL,
							   .peer = ROLE_SUPERVISOR,
							   .handlers = supervisor_handlers,
							   .ended = on_supervisor_ended,
							   .owner = c });
}

/* Ctrl-C reaches the whole group: the supervisor hears it and ends us in order. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

/* libuv opens /dev/null for its first stream, as a spare for times without descriptors: before the sandbox forbids it. */
static void open_spare(uv_loop_t *loop)
{
	uv_pipe_t first;
	if (uv_pipe_init(loop, &first, 0) != 0)
		return;
	uv_close((uv_handle_t *)&first, nullptr);
	uv_run(loop, UV_RUN_NOWAIT);
}

int main(void)
{
	log_init("control", LOG_LEVEL_INFO, nullptr);
	ignore_signals();
	/* strftime calls tzset, which looks at the file again unless TZ is set and unchanged: the sandbox forbids that */
	setenv("TZ", ":/etc/localtime", 0);
	tzset();

	static struct control control = { .socket = -1, .server.fd = -1 };
	struct control *c = &control;
	c->supervisor_pid = (uint32_t)getppid();
	c->loop = uv_default_loop();
	if (c->loop == nullptr || connect_supervisor(c) != ERR_OK) {
		log_err("control.start error=\"descriptor 3 is no channel; ocserv-modern starts this program\"");
		return EXIT_FAILURE;
	}
	open_spare(c->loop);
	json_object_seed(0); /* jansson would read /dev/urandom at its first object */
	enum err e = sandbox_enter(&profile_control, true);
	if (e != ERR_OK) {
		log_err("control.sandbox error=\"%s\"", err_text(e));
		return EXIT_FAILURE;
	}
	uv_run(c->loop, UV_RUN_DEFAULT);

	uv_loop_close(c->loop);
	counters_fini(&c->counters);
	config_putp(&c->next);
	config_putp(&c->config);
	return EXIT_SUCCESS;
}
