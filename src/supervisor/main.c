/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of life of the supervisor: read, open everything, give up privileges, start the others, wait. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/caps.h"
#include "supervisor/daemon.h"
#include "supervisor/output.h"
#include "supervisor/reload.h"
#include "supervisor/setup.h"
#include "supervisor/start.h"
#include "supervisor/stop.h"

constexpr uint64_t START_PATIENCE_MS = 60'000;
constexpr uint64_t SHIELD_MS = 1000;

/* {{ signals }} */

static void reap(struct supervisor *s)
{
	for (size_t i = 0; i < s->children_n; i++)
		child_reap(&s->children[i]);
	scripts_reap(s);
	start_advance(s);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct supervisor *s = handle->data;
	switch (number) {
	case SIGCHLD: reap(s); break;
	case SIGHUP:
		log_info("reload.asked by=signal");
		reload_want(s, nullptr, 0);
		break;
	case SIGUSR2:
		/* ocserv expires its sessions at this signal; here each has its own timer */
		log_info("server.signal USR2: nothing to do");
		break;
	default:
		log_notice("server.signal %d", number);
		if (s->phase == PHASE_STOP)
			stop_at_once(s);
		else if (number == SIGTERM)
			stop_for_restart(s);
		else
			stop_begin(s);
	}
}

static void watch_signals(struct supervisor *s)
{
	static const int numbers[SUPERVISOR_SIGNALS_N] = { SIGCHLD, SIGHUP, SIGUSR2, SIGTERM, SIGINT };
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < SUPERVISOR_SIGNALS_N; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
}

/* {{ the loop }} */

static void on_start_late(uv_timer_t *timer)
{
	start_failed(CONTAINER_OF(timer, struct supervisor, start_timer), "a process does not get ready");
}

static void on_shield(uv_timer_t *timer)
{
	shield_tick(CONTAINER_OF(timer, struct supervisor, shield_timer)->shield);
}

static void close_loop(struct supervisor *s)
{
	for (size_t i = 0; i < s->children_n; i++)
		child_fini(&s->children[i]);
	scripts_fini(s);
	for (size_t i = 0; i < SUPERVISOR_SIGNALS_N; i++)
		uv_close((uv_handle_t *)&s->signals[i], nullptr);
	uv_close((uv_handle_t *)&s->start_timer, nullptr);
	uv_close((uv_handle_t *)&s->stop.timer, nullptr);
	uv_close((uv_handle_t *)&s->pulse.timer, nullptr);
	uv_close((uv_handle_t *)&s->reload.timer, nullptr);
	uv_close((uv_handle_t *)&s->firewall.gather, nullptr);
	uv_close((uv_handle_t *)&s->shield_timer, nullptr);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
}

/* Until the end; the status to exit with. */
static int run(struct supervisor *s)
{
	uv_loop_init(&s->loop);
	watch_signals(s);
	uv_timer_init(&s->loop, &s->start_timer);
	uv_timer_init(&s->loop, &s->stop.timer);
	uv_timer_init(&s->loop, &s->pulse.timer);
	uv_timer_init(&s->loop, &s->reload.timer);
	firewall_start(&s->firewall, &s->loop);
	uv_timer_init(&s->loop, &s->shield_timer);
	s->status = EXIT_FAILURE;
	if (setup_children(s) == ERR_OK &&
	    (s->args->test_only || caps_narrow(s->args->traceable, config_has_method(s->now.config, "pam"),
					       scripts_are_wanted(s->now.config)) == ERR_OK)) {
		s->status = EXIT_SUCCESS;
		uv_timer_start(&s->start_timer, on_start_late, START_PATIENCE_MS, 0);
		if (s->shield != nullptr) /* -t has none */
			uv_timer_start(&s->shield_timer, on_shield, SHIELD_MS, SHIELD_MS);
		start_advance(s);
		uv_run(&s->loop, UV_RUN_DEFAULT);
	}
	close_loop(s);
	return s->status;
}

/* {{ before }} */

/* All problems at once, to whoever started us. */
static enum err load(struct supervisor *s)
{
	char *problems OWNED(base_freep) = nullptr;
	enum err e = generation_load(&s->now, s->args->config, ++s->generations_n, &problems);
	if (problems != nullptr)
		fputs(problems, stderr);
	if (e != ERR_OK)
		return e;
	char *problem OWNED(base_freep) = nullptr;
	e = generation_load_profiles(&s->now, s->folder, &problem);
	if (problem != nullptr)
		fputs(problem, stderr);
	return e;
}

static void set_output(const struct supervisor *s)
{
	const struct args *a = s->args;
	bool to_stderr = a->log_stderr || a->foreground || a->test_only;
	struct output_conf conf = {
		.to_stderr = to_stderr,
		.to_syslog = a->log_syslog || !to_stderr,
		.facility = a->facility >= 0 ? a->facility : (int)s->now.config->syslog_facility,
	};
	/* what goes wrong at the start is told to the terminal as well */
	if (!a->foreground && !a->test_only)
		conf.to_stderr = true;
	if (to_stderr)
		daemon_keep_stderr();
	output_init(&conf);
	log_init("supervisor", log_level_of(supervisor_debug(s, s->now.config)), output_sink);
}

static int check(struct supervisor *s)
{
	s->phase = PHASE_CHECK;
	int status = run(s);
	puts(status == EXIT_SUCCESS ? "The configuration is right." : "The configuration is wrong.");
	return status;
}

static enum err enter(struct supervisor *s)
{
	const char *pid_file = s->args->pid_file != nullptr ? s->args->pid_file : s->now.config->pid_file;
	if (geteuid() != 0) {
		log_err("server.not_root: start as root; it gives up its privileges itself");
		return ERR_DENIED;
	}
	if (!s->args->foreground)
		TRY(daemon_enter(s->args->no_chdir));
	return pid_file != nullptr ? daemon_write_pid(pid_file) : ERR_OK;
}

static int serve(struct supervisor *s)
{
	s->phase = PHASE_START;
	int status = EXIT_FAILURE;
	if (enter(s) == ERR_OK && setup_resources(s) == ERR_OK)
		status = run(s);
	edits_drop_all(&s->edits);
	setup_undo(s);
	daemon_remove_pid();
	daemon_ready(status);
	return status;
}

/* 0, 1 and 2 are somebody's from the beginning, so that no socket gets their number. */
static void open_standard_fds(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct args args;
	open_standard_fds();
	int status = args_parse(&args, argc, argv);
	if (status != ARGS_GO_ON)
		return status;
	static struct supervisor s = { .control_socket = -1, .guard = { -1, -1, -1 } };
	s.args = &args;
	s.folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	log_init("supervisor", LOG_LEVEL_INFO, output_sink);
	if (load(&s) != ERR_OK) {
		fprintf(stderr, "ocserv-modern: the configuration %s is wrong; nothing was started\n",
			args.config);
		return EXIT_FAILURE;
	}
	set_output(&s);
	setup_workers_n(&s);
	status = args.test_only ? check(&s) : serve(&s);
	generation_fini(&s.now);
	base_closep(&s.folder);
	return status;
}
