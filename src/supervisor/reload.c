/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "supervisor/caps.h"
#include "supervisor/notify.h"
#include "supervisor/report.h"
#include "supervisor/setup.h"
#include "supervisor/start.h"

static bool is_on_its_way(const struct supervisor *s)
{
	return generation_is_loaded(&s->reload.next);
}

static void answer(struct supervisor *s, const char *error)
{
	struct child *control = &s->children[SUPERVISOR_CONTROL];
	Msg__Done m;
	msg__done__init(&m);
	m.error = (char *)(uintptr_t)error;
	/* the one that asked may be gone */
	if (s->reload.asked_pid != 0 && (pid_t)s->reload.asked_pid == control->pid &&
	    child_send(control, MSG_RELOAD_DONE, s->reload.asked_id, &m.base, nullptr, 0) != ERR_OK)
		log_warn("reload.unanswered");
	s->reload.asked_pid = 0;
}

static void finish(struct supervisor *s, const char *error)
{
	uv_timer_stop(&s->reload.timer);
	generation_fini(&s->reload.next);
	pulse_reloaded(s, error[0] != '\0');
	answer(s, error);
}

static void keep(struct supervisor *s, const char *why)
{
	log_notice("reload.kept generation=%u", s->now.number);
	finish(s, why);
}

static void refuse(struct supervisor *s, const char *why)
{
	report_lines("reload.refused", why);
	keep(s, why);
}

static void on_late(uv_timer_t *timer)
{
	struct supervisor *s = CONTAINER_OF(timer, struct supervisor, reload.timer);
	if (is_on_its_way(s)) {
		refuse(s, "a process did not answer in time");
		return;
	}
	s->reload.is_wanted = false;
	refuse(s, "a process is down for too long; see the log why");
}

/* {{ begin }} */

static bool all_run(const struct supervisor *s)
{
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].state != CHILD_RUNNING)
			return false;
	return true;
}

static void tell_systemd(void)
{
	char text[64];
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)t.tv_sec * 1'000'000 + t.tv_nsec / 1'000);
	notify_send(text);
}

static void warn_restart(struct supervisor *s)
{
	struct config_report diff OWNED(config_report_fini) = { 0 };
	if (config_diff_restart(s->now.config, s->reload.next.config, s->args->config, &diff) != ERR_OK)
		return;
	for (size_t i = 0; i < diff.n; i++)
		log_warn("reload.restart_needed %s", diff.v[i].text);
	if (scripts_are_wanted(s->reload.next.config) && !caps_are_for_scripts())
		log_warn(
			"reload.restart_needed scripts: none was configured at start, so they lack capabilities (NET_RAW, DAC_OVERRIDE, "
			"CHOWN, FOWNER), and iptables or files of others will refuse them before a restart");
}

/* On failure problems tells what is wrong with a profile, in place of the warnings of the text. */
static enum err load_profiles(struct supervisor *s, char **problems)
{
	char *problem = nullptr;
	enum err e = generation_load_profiles(&s->reload.next, s->folder, &problem);
	if (e == ERR_OK)
		return ERR_OK;
	generation_fini(&s->reload.next);
	free(*problems);
	*problems = problem;
	return e;
}

static void begin(struct supervisor *s)
{
	struct child *keeper = supervisor_keeper(s);
	char *problems OWNED(base_freep) = nullptr;
	tell_systemd();
	enum err e = generation_load(&s->reload.next, s->args->config, s->generations_n + 1, &problems);
	if (e == ERR_OK)
		e = load_profiles(s, &problems);
	if (e != ERR_OK) {
		report_lines("reload.problem", problems);
		log_err("reload.refused file=%s: %s", s->args->config, err_text(e));
		keep(s, problems != nullptr && problems[0] != '\0' ? problems : err_text(e));
		return;
	}
	s->generations_n++;
	report_lines("config", problems);
	bool is_new = false;
	if (setup_auth(s, s->reload.next.config, &is_new) != ERR_OK) {
		refuse(s, "the auth process cannot be started");
		return;
	}
	if (is_new) { /* it starts with the configuration in force; then the reload begins anew */
		generation_fini(&s->reload.next);
		s->reload.is_wanted = true;
		start_advance(s);
		reload_advance(s);
		return;
	}
	warn_restart(s);
	memset(s->reload.ready, 0, sizeof s->reload.ready);
	uv_timer_start(&s->reload.timer, on_late, RELOAD_PATIENCE_MS, 0);
	if (start_send_config(keeper, &s->reload.next) != ERR_OK)
		refuse(s, "the keeper cannot be told");
}

void reload_advance(struct supervisor *s)
{
	if (!s->reload.is_wanted || is_on_its_way(s) || s->phase != PHASE_RUN)
		return;
	if (!all_run(s)) {
		if (!uv_is_active((uv_handle_t *)&s->reload.timer))
			uv_timer_start(&s->reload.timer, on_late, RELOAD_PATIENCE_MS, 0);
		return;
	}
	uv_timer_stop(&s->reload.timer);
	s->reload.is_wanted = false;
	begin(s);
}

void reload_want(struct supervisor *s, const struct child *asker, uint32_t id)
{
	if (s->phase == PHASE_STOP)
		return;
	if (asker != nullptr && s->reload.asked_pid != 0) {
		/* one answer at a time: the first asker's */
		answer(s, "another reload was asked for");
	}
	if (asker != nullptr) {
		s->reload.asked_pid = (unsigned)asker->pid;
		s->reload.asked_id = id;
	}
	s->reload.is_wanted = true;
	reload_advance(s);
}

void reload_want_certs(struct supervisor *s)
{
	log_notice("reload.certificates changed while the keeper was down");
	s->reload.is_wanted = true;
}

/* {{ on its way }} */

static void commit(struct supervisor *s)
{
	Msg__Commit m;
	msg__commit__init(&m);
	m.generation = s->reload.next.number;
	generation_fini(&s->now);
	s->now = s->reload.next;
	s->reload.next = (struct generation){ .text = -1, .geo = { .fd = -1 }, .profiles = { .fd = -1 } };
	log_set_level(log_level_of(supervisor_debug(s, s->now.config)));
	for (size_t i = 0; i < s->children_n; i++)
		if (child_send(&s->children[i], MSG_COMMIT, 0, &m.base, nullptr, 0) != ERR_OK)
			child_kill(&s->children[i], "cannot be told the new configuration");
	shield_set(s->shield, s->now.config);
	log_notice("reload.done generation=%u", s->now.number);
	finish(s, "");
	reload_advance(s);
}

static void tell_others(struct supervisor *s)
{
	for (size_t i = SUPERVISOR_KEEPER + 1; i < s->children_n; i++)
		if (start_send_config(&s->children[i], &s->reload.next) != ERR_OK) {
			refuse(s, "a process cannot be told");
			return;
		}
}

static bool all_ready(const struct supervisor *s)
{
	for (size_t i = 0; i < s->children_n; i++)
		if (!s->reload.ready[i])
			return false;
	return true;
}

void reload_certs(struct child *keeper, const Msg__Certs *certs)
{
	struct supervisor *s = supervisor_of(keeper);
	if (generation_set_certs(&s->reload.next, certs) != ERR_OK)
		refuse(s, "out of memory");
}

void reload_config_done(struct child *c, const Msg__ConfigDone *m)
{
	struct supervisor *s = supervisor_of(c);
	size_t i = (size_t)(c - s->children);
	if (!m->ready) {
		char why[2048];
		snprintf(why, sizeof why, "%s: %s", c->name, m->error);
		refuse(s, why);
		return;
	}
	if (s->reload.ready[i])
		return;
	s->reload.ready[i] = true;
	if (i == SUPERVISOR_KEEPER) {
		if (s->reload.next.certs == nullptr)
			refuse(s, "the keeper sent no certificates");
		else
			tell_others(s);
	} else if (all_ready(s))
		commit(s);
}

void reload_child_died(struct supervisor *s, const struct child *c)
{
	if (!is_on_its_way(s))
		return;
	char why[64];
	snprintf(why, sizeof why, "%s died on the way; try again", c->name);
	refuse(s, why);
}
