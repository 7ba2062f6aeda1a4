/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocserv-modern-keeper - holds the secrets: private keys, passwords, cookies; decides who is in
 *
 * Started by the supervisor with the channel to it as descriptor 3 and the log pipe as descriptor 2.
 * Rights: none.  Its own user, no capability, no file but those the supervisor opens for it and its own database (descriptor 4: the
 * folder), which is opened before the sandbox closes; no network.  Workers, which face the network, reach it only by the messages of
 * msgs.def.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "fips/fips.h"
#include "keeper/keeper.h"
#include "keeper/profile.h"
#include "keeper/serve.h"

constexpr int SUPERVISOR_FD = 3;
constexpr uint64_t TICK_MS = 250;
constexpr uint64_t STOP_TURN_MS = 20;

/* {{ configuration }} */

enum err keeper_commit(struct keeper *k)
{
	const struct config *cfg = k->next.cfg;
	if (k->now.number == 0) {
		struct session_ops session_ops = keeper_session_ops;
		struct auth_ops auth_ops = keeper_auth_ops;
		session_ops.ctx = auth_ops.ctx = k;
		TRY(sessions_init(&k->sessions, cfg, session_ops));
		auth_init(&k->auth, cfg, auth_ops);
		recall_load(k);
	} else {
		sessions_set_config(&k->sessions, cfg);
		auth_set_config(&k->auth, cfg);
	}
	edition_fini(&k->before);
	k->before = k->now;
	k->now = k->next;
	k->next = (struct edition){};
	watch_set_config(k);
	edition_retire(&k->before); /* its keys are still named by handshakes under way */
	staple_reset(k);
	log_set_level(log_level_of(k->now.debug));
	log_info("keeper.config generation=%u", k->now.number);
	return ERR_OK;
}

/* {{ the supervisor }} */

static void drop_auth(struct keeper *k);

void keeper_stop(struct keeper *k)
{
	uv_timer_stop(&k->tick);
	uv_timer_stop(&k->stop);
	entry_fini(k);
	list_stop(k);
	restore_fini(k);
	for (unsigned i = 0; i < KEEPER_WORKERS_MAX; i++)
		ipc_freep(&k->workers[i].ipc);
	ipc_freep(&k->control);
	ipc_freep(&k->metrics);
	drop_auth(k);
	ipc_freep(&k->supervisor);
}

/* Scripts of the last sessions are still to be run: the supervisor is there for that only as long as we are. */
static void on_stop_turn(uv_timer_t *timer)
{
	struct keeper *k = CONTAINER_OF(timer, struct keeper, stop);
	for (unsigned i = 0; i < KEEPER_WORKERS_MAX; i++)
		serve_disconnect(k, i);
	if (k->scripts_n == 0)
		keeper_stop(k);
}

static void on_stop(struct ipc *ipc, struct ipc_msg *)
{
	struct keeper *k = ipc_owner(ipc);
	k->is_stopping = true;
	/* what the workers said before they ended is read first */
	uv_timer_start(&k->stop, on_stop_turn, STOP_TURN_MS, STOP_TURN_MS);
}

static void on_supervisor_ended(struct ipc *ipc, enum ipc_end why)
{
	log_err("keeper.supervisor_lost violation=%d", why == IPC_END_VIOLATION);
	keeper_stop(ipc_owner(ipc));
}

static void on_start(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__KeeperStart *b = (const void *)m->body;
	if (b->workers_n == 0 || b->workers_n > KEEPER_WORKERS_MAX ||
	    m->fds_n != (b->has_maps ? 2u : 0u) + (b->has_board ? 1u : 0u)) {
		log_err("keeper.start workers=%u fds=%zu error=\"%s\"", b->workers_n, m->fds_n,
			err_text(ERR_RANGE));
		keeper_stop(k);
		return;
	}
	k->workers_n = b->workers_n;
	k->device = strdup(b->tun_name);
	restore_begin(k, clock_now()); /* workers may report before GO */
	if (b->has_maps)
		maps_set(&k->maps, ipc_take_fd(m, 0), ipc_take_fd(m, 1));
	k->watch.wants_blocks = b->wants_blocks;
	if (b->has_board && watch_map(k, m->fds[m->fds_n - 1]) != ERR_OK)
		log_err("keeper.start error=\"the board of the guard cannot be used\": nobody is banned");
	else if (k->now.number != 0)
		watch_set_config(k);
}

static void on_go(struct ipc *ipc, struct ipc_msg *)
{
	struct keeper *k = ipc_owner(ipc);
	if (k->now.number == 0 || k->workers_n == 0) {
		log_err("keeper.go error=\"no configuration or no KEEPER_START before it\"");
		keeper_stop(k);
		return;
	}
	ipc_run(ipc);
	k->is_running = true;
	watch_go(k);
	k->restore.until = clock_add_ms(clock_now(), RESTORE_MS);
}

/* {{ control }} */

static ipc_handler *const control_handlers[MSG_N] = {
	[MSG_LIST] = list_on_list,
	[MSG_DISCONNECT] = list_on_disconnect,
	[MSG_STATUS] = list_on_status,
	[MSG_EVENTS] = event_on_events,
	[MSG_GUARD_LIST] = watch_on_list,
	[MSG_GUARD_CHANGE] = watch_on_change,
	[MSG_GUARD_STATUS] = watch_on_status,
	[MSG_QUOTA_LIST] = quota_on_list,
	[MSG_QUOTA_RESET] = quota_on_reset,
};

static void on_control_ended(struct ipc *ipc, enum ipc_end why)
{
	struct keeper *k = ipc_owner(ipc);
	log_notice("keeper.control_lost violation=%d", why == IPC_END_VIOLATION);
	list_stop(k);
	ipc_freep(&k->control);
	k->wants_events = false;
}

static void connect_control(struct keeper *k, int fd)
{
	list_stop(k);
	ipc_freep(&k->control);
	k->wants_events = false; /* control says so again if they are */
	const struct ipc_conf conf = { .loop = k->loop,
				       .fd = fd,
				       .self = ROLE_KEEPER,
				       .peer = ROLE_CONTROL,
				       .handlers = control_handlers,
				       .ended = on_control_ended,
				       .owner = k };
	enum err e = ipc_new(&k->control, &conf);
	if (e == ERR_OK)
		return;
	base_closep(&fd);
	log_err("keeper.peer role=control error=\"%s\"", err_text(e));
}

/* {{ metrics: may ask how things are, and nothing else }} */

static ipc_handler *const metrics_handlers[MSG_N] = {
	[MSG_STATUS] = list_on_status,
	[MSG_GUARD_STATUS] = watch_on_status,
};

static void on_metrics_ended(struct ipc *ipc, enum ipc_end why)
{
	struct keeper *k = ipc_owner(ipc);
	log_notice("keeper.metrics_lost violation=%d", why == IPC_END_VIOLATION);
	ipc_freep(&k->metrics);
	if (why == IPC_END_VIOLATION)
		serve_report_violation(k, ROLE_METRICS, 0);
}

static void connect_metrics(struct keeper *k, int fd)
{
	ipc_freep(&k->metrics);
	const struct ipc_conf conf = { .loop = k->loop,
				       .fd = fd,
				       .self = ROLE_KEEPER,
				       .peer = ROLE_METRICS,
				       .handlers = metrics_handlers,
				       .ended = on_metrics_ended,
				       .owner = k };
	enum err e = ipc_new(&k->metrics, &conf);
	if (e == ERR_OK)
		return;
	base_closep(&fd);
	log_err("keeper.peer role=metrics error=\"%s\"", err_text(e));
}

/* {{ the auth process }} */

static void on_back_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	auth_remote_answered(&k->remote, (void *)(uintptr_t)m->body);
}

static ipc_handler *const auth_handlers[MSG_N] = {
	[MSG_BACK_DONE] = on_back_done,
	[MSG_ACCT_DONE] = acct_on_done,
};

static void drop_auth(struct keeper *k)
{
	struct ipc *old = k->remote.ipc;
	auth_remote_set(&k->remote, nullptr);
	ipc_freep(&old);
}

static void on_auth_ended(struct ipc *ipc, enum ipc_end why)
{
	struct keeper *k = ipc_owner(ipc);
	log_notice("keeper.auth_lost violation=%d", why == IPC_END_VIOLATION);
	drop_auth(k);
	if (why == IPC_END_VIOLATION)
		serve_report_violation(k, ROLE_AUTH, 0);
}

static void connect_auth(struct keeper *k, int fd)
{
	drop_auth(k);
	const struct ipc_conf conf = { .loop = k->loop,
				       .fd = fd,
				       .self = ROLE_KEEPER,
				       .peer = ROLE_AUTH,
				       .handlers = auth_handlers,
				       .ended = on_auth_ended,
				       .owner = k };
	struct ipc *ipc = nullptr;
	enum err e = ipc_new(&ipc, &conf);
	if (e == ERR_OK) {
		auth_remote_set(&k->remote, ipc);
		acct_resend(k);
		return;
	}
	base_closep(&fd);
	log_err("keeper.peer role=auth error=\"%s\"", err_text(e));
}

static void on_peer(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Peer *b = (const void *)m->body;
	int fd = ipc_take_fd(m, 0);
	bool is_worker = b->role == ROLE_WORKER && b->index < k->workers_n;
	bool is_other = b->role == ROLE_CONTROL || b->role == ROLE_AUTH || b->role == ROLE_METRICS;
	if (fd < 0 || k->now.number == 0 || (!is_worker && !is_other)) {
		log_err("keeper.peer role=%u index=%u error=\"%s\"", b->role, b->index, err_text(ERR_DENIED));
		base_closep(&fd);
		return;
	}
	if (is_worker)
		serve_connect(k, b->index, fd);
	else if (b->role == ROLE_AUTH)
		connect_auth(k, fd);
	else if (b->role == ROLE_METRICS)
		connect_metrics(k, fd);
	else
		connect_control(k, fd);
}

static ipc_handler *const supervisor_handlers[MSG_N] = {
	[MSG_CONFIG] = reload_on_config,
	[MSG_COMMIT] = reload_on_commit,
	[MSG_FILE_DONE] = reload_on_file,
	[MSG_FILE_EDIT_DONE] = fetch_on_edit_done,
	[MSG_FILE_COMMIT_DONE] = fetch_on_commit_done,
	[MSG_KEEPER_START] = on_start,
	[MSG_GO] = on_go,
	[MSG_PEER] = on_peer,
	[MSG_STOP] = on_stop,
	[MSG_PING] = list_on_ping,
	[MSG_USER_FILES] = entry_on_files,
	[MSG_SCRIPT_DONE] = entry_on_script_done,
};

static enum err connect_supervisor(struct keeper *k)
{
	const struct ipc_conf conf = { .loop = k->loop,
				       .fd = SUPERVISOR_FD,
				       .self = ROLE_KEEPER,
				       .peer = ROLE_SUPERVISOR,
				       .handlers = supervisor_handlers,
				       .ended = on_supervisor_ended,
				       .owner = k };
	return ipc_new(&k->supervisor, &conf);
}

/* {{ time }} */

static void on_tick(uv_timer_t *timer)
{
	struct keeper *k = CONTAINER_OF(timer, struct keeper, tick);
	struct mono now = clock_now();
	if (!k->is_running)
		return;
	restore_tick(k, now);
	sessions_tick(&k->sessions, now);
	auth_tick(&k->auth, now);
	sso_tick(k, now);
	acct_tick(k, now);
	entry_tick(k, now);
	auth_set_tick(&k->now.auth, now);
	recall_tick(k, now);
	period_tick(k, now);
	ticket_tick(k, now);
	staple_tick(k, now);
	watch_tick(k, now);
	cert_gate_tick(k, now);
	trouble_tick(k, now);
}

/* {{ start }} */

/* Ctrl-C reaches the whole group: the supervisor hears it and ends us in order. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
}

static void fini(struct keeper *k)
{
	reload_fini(&k->reload);
	fetch_fini(k);
	edition_fini(&k->next);
	recall_fini(k); /* while the sessions are there: their end is not the end of their cookies */
	if (k->now.number != 0) {
		auth_set_fini(&k->now.auth); /* jobs that wait come back, and find nobody to tell */
		auth_fini(&k->auth);
		sessions_fini(&k->sessions);
	}
	edition_fini(&k->now);
	edition_fini(&k->before);
	auth_remote_fini(&k->remote);
	sso_fini(k);
	acct_fini(&k->acct);
	quota_fini(&k->quotas);
	maps_fini(&k->maps);
	watch_fini(&k->watch);
	free(k->device);
	staple_fini(&k->staples);
	ticket_fini(&k->tickets);
	fips_end();
	uv_close((uv_handle_t *)&k->tick, nullptr);
	uv_close((uv_handle_t *)&k->stop, nullptr);
	uv_run(k->loop, UV_RUN_DEFAULT); /* the closing of handles */
	uv_loop_close(k->loop);
}

static void finish_remote(void *ctx, struct auth_job *job)
{
	struct keeper *k = ctx;
	if (job->sso != nullptr)
		sso_done(k, job);
	else
		auth_done(&k->auth, job, clock_now());
}

int main(void)
{
	log_init("keeper", LOG_LEVEL_INFO, nullptr);
	prctl(PR_SET_DUMPABLE, 0); /* before the first secret: no core image, no ptrace by the same user */
	ignore_signals();
	tzset(); /* reads a file, which the sandbox forbids later */

	static struct keeper keeper;
	struct keeper *k = &keeper;
	maps_init(&k->maps);
	k->began_at = time(nullptr);
	recall_open(&k->recall); /* before any descriptor of our own */
	auth_remote_init(&k->remote, finish_remote, k);
	k->loop = uv_default_loop();
	if (k->loop == nullptr || uv_timer_init(k->loop, &k->tick) != 0 ||
	    uv_timer_init(k->loop, &k->stop) != 0 || connect_supervisor(k) != ERR_OK) {
		log_err("keeper.start error=\"descriptor 3 is no channel; ocserv-modern starts this program\"");
		return EXIT_FAILURE;
	}
	enum err e = sandbox_enter(&profile_keeper, true);
	if (e != ERR_OK) {
		log_err("keeper.sandbox error=\"%s\"", err_text(e));
		return EXIT_FAILURE;
	}
	uv_timer_start(&k->tick, on_tick, TICK_MS, TICK_MS);
	uv_run(k->loop, UV_RUN_DEFAULT);
	fini(k);
	return EXIT_SUCCESS;
}
