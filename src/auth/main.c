/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ocserv-modern-auth - PAM, RADIUS, LDAP, Kerberos and OpenID Connect for the keeper, which has neither files nor network
 *
 * Started by the supervisor, if the configuration names such a method, with the channel to it as descriptor 3 and the log
 * pipe as descriptor 2.
 * Rights: root's identity with the capabilities that caps.c lists and no other, no_new_privs.  Each conversation runs in a
 * child; all but those of PAM give up the rest (profile.c).  This process itself reads its two channels only.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "auth/authproc.h"
#include "base/log.h"

constexpr int SUPERVISOR_FD = 3;
constexpr uint64_t TICK_MS = 250;
constexpr uint64_t STOP_S = 3; /* less than the supervisor waits */

/* {{ configuration }} */

static void answer(struct authproc *a, uint32_t id, uint32_t number, const char *problem)
{
	Msg__ConfigDone body;
	msg__config_done__init(&body);
	body.generation = number;
	body.ready = problem == nullptr;
	body.error = (char *)(uintptr_t)(problem != nullptr ? problem : "");
	if (ipc_send(a->supervisor, MSG_CONFIG_DONE, id, &body.base, nullptr, 0) != ERR_OK)
		log_err("auth.config generation=%u error=\"the answer was not sent\"", number);
}

static enum err load(struct methods *out, const Msg__Config *c, int fd, char *problem, size_t cap)
{
	struct config_report report = {};
	struct config *cfg OWNED(config_putp) = nullptr;
	char *text = nullptr;
	size_t len = 0;
	enum err e = config_read_fd(fd, &text, &len);
	if (e == ERR_OK)
		e = config_parse(&cfg, c->file, text, len, &report);
	if (e == ERR_OK)
		e = methods_init(out, c->generation, cfg, problem, cap);
	if (e != ERR_OK && problem[0] == '\0')
		snprintf(problem, cap, "%s: %s", c->file, err_text(e));
	config_report_fini(&report);
	if (text != nullptr)
		explicit_bzero(text, len);
	free(text);
	return e;
}

static void on_config(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	const Msg__Config *c = (const void *)m->body;
	char problem[1024] = "";
	int fd OWNED(base_closep) = ipc_take_fd(m, 0);
	methods_fini(&a->next); /* one that is under way is overtaken */
	if (a->now.number == 0)
		log_set_level(log_level_of(c->debug));
	enum err e = load(&a->next, c, fd, problem, sizeof problem);
	if (e != ERR_OK)
		log_err("auth.refused generation=%u why=\"%s\"", c->generation, problem);
	answer(a, m->id, c->generation, e == ERR_OK ? nullptr : problem);
}

static void on_commit(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	const Msg__Commit *c = (const void *)m->body;
	if (a->next.number == 0 || a->next.number != c->generation) {
		log_err("auth.commit generation=%u error=\"not prepared\"", c->generation);
		return;
	}
	methods_inherit(&a->next, &a->now);
	methods_fini(&a->before);
	a->before = a->now; /* conversations under way name it still */
	a->now = a->next;
	a->next = (struct methods){};
	log_info("auth.config generation=%u", a->now.number);
}

/* {{ channels }} */

static void quit(struct authproc *a)
{
	uv_timer_stop(&a->tick);
	tasks_fini(&a->tasks);
	ipc_freep(&a->keeper);
	ipc_freep(&a->supervisor);
}

static void on_supervisor_ended(struct ipc *ipc, enum ipc_end why)
{
	log_err("auth.supervisor_lost violation=%d", why == IPC_END_VIOLATION);
	quit(ipc_owner(ipc));
}

/* Logins end at once; records of the last connections still go out, as long as the supervisor waits. */
static void on_stop(struct ipc *ipc, struct ipc_msg *)
{
	struct authproc *a = ipc_owner(ipc);
	a->stop_until = clock_add_s(clock_now(), STOP_S);
	tasks_cancel_all(&a->tasks);
	if (!tasks_have_records(&a->tasks))
		quit(a);
}

static void on_go(struct ipc *ipc, struct ipc_msg *)
{
	ipc_run(ipc);
}

static void on_keeper_ended(struct ipc *ipc, enum ipc_end why)
{
	struct authproc *a = ipc_owner(ipc);
	log_notice("auth.keeper_lost violation=%d", why == IPC_END_VIOLATION);
	tasks_cancel_all(&a->tasks);
	ipc_freep(&a->keeper);
}

static void on_peer(struct ipc *ipc, struct ipc_msg *m)
{
	struct authproc *a = ipc_owner(ipc);
	int fd = ipc_take_fd(m, 0);
	if (((const Msg__Peer *)m->body)->role != ROLE_KEEPER || fd < 0) {
		log_err("auth.peer error=\"%s\"", err_text(ERR_DENIED));
		base_closep(&fd);
		return;
	}
	tasks_cancel_all(&a->tasks); /* conversations of a keeper that died */
	ipc_freep(&a->keeper);
	const struct ipc_conf conf = { .loop = a->loop,
				       .fd = fd,
				       .self = ROLE_AUTH,
				       .peer = ROLE_KEEPER,
				       .handlers = back_handlers,
				       .ended = on_keeper_ended,
				       .owner = a };
	enum err e = ipc_new(&a->keeper, &conf);
	if (e != ERR_OK) {
		base_closep(&fd);
		log_err("auth.peer error=\"%s\"", err_text(e));
	}
}

static ipc_handler *const supervisor_handlers[MSG_N] = {
	[MSG_CONFIG] = on_config, [MSG_COMMIT] = on_commit, [MSG_GO] = on_go,
	[MSG_PEER] = on_peer,     [MSG_STOP] = on_stop,     [MSG_PING] = ipc_on_ping,
};

static enum err connect_supervisor(struct authproc *a)
{
	const struct ipc_conf conf = { .loop = a->loop,
				       .fd = SUPERVISOR_FD,
				       .self = ROLE_AUTH,
				       .peer = ROLE_SUPERVISOR,
				       .handlers = supervisor_handlers,
				       .ended = on_supervisor_ended,
				       .owner = a };
	return ipc_new(&a->supervisor, &conf);
}

/* {{ life }} */

static void on_tick(uv_timer_t *timer)
{
	struct authproc *a = CONTAINER_OF(timer, struct authproc, tick);
	tasks_tick(&a->tasks, clock_now());
	if (a->stop_until.ns == 0)
		return;
	bool is_late = clock_is_past(clock_now(), a->stop_until), has_records = tasks_have_records(&a->tasks);
	if (is_late && has_records)
		log_err("acct.lost note=\"records were not delivered before the server stopped\"");
	if (is_late || !has_records)
		quit(a);
}

static void fini(struct authproc *a)
{
	uv_close((uv_handle_t *)&a->tick, nullptr);
	uv_run(a->loop, UV_RUN_DEFAULT); /* the closing of handles */
	methods_fini(&a->next);
	methods_fini(&a->now);
	methods_fini(&a->before);
	uv_loop_close(a->loop);
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
	log_init("auth", LOG_LEVEL_INFO, nullptr);
	prctl(PR_SET_DUMPABLE, 0); /* passwords pass through: no core image, no ptrace by the same user */
	prctl(PR_SET_NAME, "ocserv-auth", 0, 0, 0);
	ignore_signals();
	tzset();

	static struct authproc authproc;
	struct authproc *a = &authproc;
	a->loop = uv_default_loop();
	if (a->loop == nullptr || uv_timer_init(a->loop, &a->tick) != 0 || connect_supervisor(a) != ERR_OK) {
		log_err("auth.start error=\"descriptor 3 is no channel; ocserv-modern starts this program\"");
		return EXIT_FAILURE;
	}
	tasks_init(&a->tasks, a->loop, a);
	a->tasks.run = back_run;
	a->tasks.answer = back_answer;
	uv_timer_start(&a->tick, on_tick, TICK_MS, TICK_MS);
	uv_run(a->loop, UV_RUN_DEFAULT);
	fini(a);
	return EXIT_SUCCESS;
}
