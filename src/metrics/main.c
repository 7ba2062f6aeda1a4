/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocserv-modern-metrics - tells monitoring and load balancers how the server is
 *
 * Started by the supervisor, if the configuration wants it, with the channel to it as descriptor 3 and the log pipe as descriptor 2.
 * Rights: none.  Its own user, no capability, no file; it accepts connections on the sockets it was handed, reads counters in shared
 * memory, and may ask supervisor and keeper how they are (msgs.def).  It can change nothing, so what the network sends it is of no
 * use to anybody.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "metrics/metrics.h"
#include "metrics/profile.h"

constexpr int SUPERVISOR_FD = 3;

/* {{ end }} */

static void finish(struct metrics *m)
{
	httpd_stop(m);
	inquiry_fini(m);
	ipc_freep(&m->keeper);
	ipc_freep(&m->supervisor);
}

static void on_stop(struct ipc *ipc, struct ipc_msg *)
{
	finish(ipc_owner(ipc));
}

static void on_supervisor_ended(struct ipc *ipc, enum ipc_end why)
{
	log_err("metrics.supervisor_lost violation=%d", why == IPC_END_VIOLATION);
	finish(ipc_owner(ipc));
}

static void on_drain(struct ipc *ipc, struct ipc_msg *)
{
	struct metrics *m = ipc_owner(ipc);
	m->is_draining = true;
}

/* {{ the keeper }} */

static void report_violation(struct metrics *m)
{
	Msg__Violation v;
	msg__violation__init(&v);
	v.role = ROLE_KEEPER;
	v.what = (char[]){ "a message it may not send to metrics" };
	if (ipc_send(m->supervisor, MSG_VIOLATION, ipc_next_id(m->supervisor), &v.base, nullptr, 0) != ERR_OK)
		log_err("metrics.violation error=\"not reported\"");
}

static void on_keeper_ended(struct ipc *ipc, enum ipc_end why)
{
	struct metrics *m = ipc_owner(ipc);
	log_notice("metrics.keeper_lost violation=%d", why == IPC_END_VIOLATION);
	ipc_freep(&m->keeper);
	inquiry_keeper_lost(m);
	if (why == IPC_END_VIOLATION)
		report_violation(m);
}

static ipc_handler *const keeper_handlers[MSG_N] = {
	[MSG_STATUS_DONE] = inquiry_on_keeper,
	[MSG_GUARD_STATUS_DONE] = inquiry_on_guard,
};

/* A new keeper, at start or in place of one that died. */
static void on_peer(struct ipc *ipc, struct ipc_msg *msg)
{
	const Msg__Peer *peer = (const void *)msg->body;
	struct metrics *m = ipc_owner(ipc);
	OWNED(base_closep) int fd = ipc_take_fd(msg, 0);
	if (fd < 0 || peer->role != ROLE_KEEPER) {
		log_err("metrics.peer role=%u error=\"%s\"", peer->role, err_text(ERR_DENIED));
		return;
	}
	ipc_freep(&m->keeper);
	inquiry_keeper_lost(m);
	enum err e = ipc_new(&m->keeper, &(struct ipc_conf){ .loop = m->loop,
							     .fd = fd,
							     .self = ROLE_METRICS,
							     .peer = ROLE_KEEPER,
							     .handlers = keeper_handlers,
							     .ended = on_keeper_ended,
							     .owner = m });
	if (e == ERR_OK)
		fd = -1;
	else
		log_err("metrics.peer error=\"%s\"", err_text(e));
}

/* {{ configuration }} */

static enum err parse(struct metrics *m, const Msg__Config *q, int fd)
{
	struct config_report report
		OWNED(config_report_fini) = {}; /* the supervisor has printed the same one */
	char *text OWNED(base_freep) = nullptr;
	size_t len;
	TRY(config_read_fd(fd, &text, &len));
	config_putp(&m->next);
	m->next_generation = q->generation;
	return config_parse(&m->next, q->file, text, len, &report);
}

static void on_config(struct ipc *ipc, struct ipc_msg *msg)
{
	const Msg__Config *q = (const void *)msg->body;
	struct metrics *m = ipc_owner(ipc);
	OWNED(base_closep) int fd = ipc_take_fd(msg, 0);
	enum err e = fd >= 0 ? parse(m, q, fd) : ERR_PROTO;
	Msg__ConfigDone done;
	msg__config_done__init(&done);
	done.generation = q->generation;
	done.ready = e == ERR_OK;
	done.error = (char *)(uintptr_t)(e == ERR_OK ? "" : err_text(e));
	log_set_level(log_level_of(q->debug));
	if (ipc_send(ipc, MSG_CONFIG_DONE, msg->id, &done.base, nullptr, 0) != ERR_OK)
		log_err("metrics.config_done error=\"not sent\"");
}

static void on_commit(struct ipc *ipc, struct ipc_msg *msg)
{
	const Msg__Commit *q = (const void *)msg->body;
	struct metrics *m = ipc_owner(ipc);
	if (m->next == nullptr || q->generation != m->next_generation) {
		log_err("metrics.commit generation=%u error=\"not the one that was loaded\"", q->generation);
		return;
	}
	config_put(m->config);
	m->config = TAKE(m->next);
}

/* {{ start }} */

static enum err take_start(struct metrics *m, struct ipc_msg *msg)
{
	const Msg__MetricsStart *start = (const void *)msg->body;
	if (start->workers_n > METRICS_WORKERS_MAX ||
	    msg->fds_n != (size_t)start->sockets_n + start->workers_n)
		return ERR_PROTO;
	m->started_at = start->started_at;
	m->slots_n = start->stats_slots_n;
	for (size_t i = 0; i < start->sockets_n; i++) {
		OWNED(base_closep) int fd = ipc_take_fd(msg, i);
		TRY(httpd_add(m, fd));
		fd = -1;
	}
	for (size_t i = start->sockets_n; i < msg->fds_n; i++) {
		OWNED(base_closep) int fd = ipc_take_fd(msg, i);
		TRY(stats_map(&m->regions[m->workers_n], fd, m->slots_n));
		m->workers_n++;
	}
	return ERR_OK;
}

static void on_start(struct ipc *ipc, struct ipc_msg *msg)
{
	enum err e = take_start(ipc_owner(ipc), msg);
	if (e == ERR_OK)
		return;
	log_err("metrics.start fds=%zu error=\"%s\"", msg->fds_n, err_text(e));
	exit(EXIT_FAILURE);
}

static void on_go(struct ipc *ipc, struct ipc_msg *)
{
	struct metrics *m = ipc_owner(ipc);
	ipc_run(ipc);
	enum err e = m->config != nullptr ? httpd_start(m) : ERR_PROTO;
	if (e != ERR_OK) {
		log_err("metrics.listen error=\"%s\"", err_text(e));
		exit(EXIT_FAILURE);
	}
	m->is_serving = true;
}

static ipc_handler *const supervisor_handlers[MSG_N] = {
	[MSG_CONFIG] = on_config,
	[MSG_COMMIT] = on_commit,
	[MSG_METRICS_START] = on_start,
	[MSG_PEER] = on_peer,
	[MSG_GO] = on_go,
	[MSG_DRAIN] = on_drain,
	[MSG_STOP] = on_stop,
	[MSG_SUPERVISOR_STATUS_DONE] = inquiry_on_supervisor,
	[MSG_PING] = ipc_on_ping,
};

static enum err connect_supervisor(struct metrics *m)
{
	return ipc_new(&m->supervisor, &(struct ipc_conf){ .loop = m->loop,
							   .fd = SUPERVISOR_FD,
							   .self = ROLE_METRICS,
							   .peer = ROLE_SUPERVISOR,
							   .handlers = supervisor_handlers,
							   .ended = on_supervisor_ended,
							   .owner = m });
}

/* Ctrl-C reaches the whole group: the supervisor hears it and ends us in order. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

int main(void)
{
	log_init("metrics", LOG_LEVEL_INFO, nullptr);
	ignore_signals();
	static struct metrics metrics;
	struct metrics *m = &metrics;
	m->loop = uv_default_loop();
	if (m->loop == nullptr || connect_supervisor(m) != ERR_OK || inquiry_init(m) != ERR_OK) {
		log_err("metrics.start error=\"descriptor 3 is no channel; ocserv-modern starts this program\"");
		return EXIT_FAILURE;
	}
	enum err e = sandbox_enter(&profile_metrics, true);
	if (e != ERR_OK) {
		log_err("metrics.sandbox error=\"%s\"", err_text(e));
		return EXIT_FAILURE;
	}
	uv_run(m->loop, UV_RUN_DEFAULT);

	uv_loop_close(m->loop);
	for (unsigned i = 0; i < m->workers_n; i++)
		stats_unmap(m->regions[i], m->slots_n);
	config_putp(&m->config);
	config_putp(&m->next);
	return EXIT_SUCCESS;
}
