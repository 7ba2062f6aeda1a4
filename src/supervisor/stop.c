/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/stop.h"

#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "supervisor/notify.h"

static const enum ipc_role order[] = { ROLE_WORKER, ROLE_KEEPER, ROLE_AUTH, ROLE_CONTROL, ROLE_METRICS };

static bool has_any(const struct supervisor *s, enum ipc_role role)
{
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].role == role && s->children[i].pid != 0)
			return true;
	return false;
}

static void tell(struct supervisor *s, enum ipc_role role)
{
	Msg__Stop m;
	msg__stop__init(&m);
	m.comes_back = s->stop.comes_back;
	for (size_t i = 0; i < s->children_n; i++) {
		struct child *c = &s->children[i];
		if (c->role != role || c->pid == 0)
			continue;
		child_ending(c);
		if (child_send(c, MSG_STOP, 0, &m.base, nullptr, 0) != ERR_OK)
			kill(c->pid, SIGKILL);
	}
}

/* /health says no from now on. */
void stop_tell_drain(struct supervisor *s)
{
	Msg__Empty empty;
	msg__empty__init(&empty);
	for (size_t i = 0; i < s->children_n; i++) {
		struct child *c = &s->children[i];
		if (c->role == ROLE_METRICS && c->state == CHILD_RUNNING &&
		    child_send(c, MSG_DRAIN, 0, &empty.base, nullptr, 0) != ERR_OK)
			child_kill(c, "cannot be told that the server stops");
	}
}

static void finish(struct supervisor *s)
{
	if (!s->args->test_only)
		log_notice("server.stopped status=%d", s->status);
	uv_stop(&s->loop);
}

static void on_late(uv_timer_t *timer)
{
	struct supervisor *s = CONTAINER_OF(timer, struct supervisor, stop.timer);
	if (s->stop.step == 0) { /* commands that take too long */
		finish(s);
		return;
	}
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].role == s->stop.step)
			child_kill(&s->children[i], "did not stop in time");
}

/* At our deadline the late ones are killed; the service manager must not be faster. */
static void wait_for(struct supervisor *s, uint64_t patience_ms)
{
	constexpr uint64_t SPARE_MS = 5000;
	char text[64];
	snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%lu", (patience_ms + SPARE_MS) * 1000);
	if (!s->args->test_only)
		notify_send(text);
	uv_timer_start(&s->stop.timer, on_late, patience_ms, 0);
}

/* Go on with the next role that has a process. */
void stop_advance(struct supervisor *s)
{
	if (s->stop.step != 0 && has_any(s, s->stop.step))
		return;
	uv_timer_stop(&s->stop.timer);
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (!has_any(s, order[i]))
			continue;
		s->stop.step = order[i];
		tell(s, order[i]);
		uint64_t patience = order[i] == ROLE_WORKER   ? STOP_WORKERS_MS
				    : order[i] == ROLE_AUTH   ? STOP_AUTH_MS
				    : order[i] == ROLE_KEEPER ? STOP_OTHERS_MS + scripts_patience_ms(s)
							      : STOP_OTHERS_MS;
		wait_for(s, patience);
		return;
	}
	s->stop.step = 0;
	if (scripts_are_busy(s))
		wait_for(s, scripts_patience_ms(s));
	else
		finish(s);
}

void stop_begin(struct supervisor *s)
{
	if (s->phase == PHASE_STOP)
		return;
	s->stop.is_draining = false;
	uv_timer_stop(&s->stop.timer);
	stop_tell_drain(s);
	s->phase = PHASE_STOP;
	pulse_stop(s);
	for (size_t i = 0; i < s->children_n; i++)
		uv_timer_stop(&s->children[i].timer); /* no more tries */
	uv_timer_stop(&s->start_timer);
	uv_timer_stop(&s->reload.timer);
	if (!s->args->test_only) {
		notify_send("STOPPING=1\nSTATUS=stopping");
		log_info("server.stopping");
	}
	stop_advance(s);
}

static void begin_for_restart(struct supervisor *s)
{
	if (s->phase != PHASE_STOP)
		s->stop.comes_back = s->phase == PHASE_RUN && supervisor_keeper(s)->folder > 0;
	stop_begin(s);
}

static void on_drained(uv_timer_t *timer)
{
	begin_for_restart(CONTAINER_OF(timer, struct supervisor, stop.timer));
}

void stop_for_restart(struct supervisor *s)
{
	const uint32_t drain_ms = s->now.config->server_drain_ms;
	if (s->phase != PHASE_RUN || drain_ms == 0 || s->stop.is_draining) {
		begin_for_restart(s);
		return;
	}
	char text[96];
	snprintf(text, sizeof text, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=%llu",
		 (unsigned long long)(drain_ms + STOP_EXTEND_MS) * 1000);
	notify_send(text);
	log_notice("server.draining ms=%u: a second SIGTERM ends it at once", drain_ms);
	s->stop.is_draining = true;
	stop_tell_drain(s);
	uv_timer_start(&s->stop.timer, on_drained, drain_ms, 0);
}

void stop_at_once(struct supervisor *s)
{
	stop_begin(s);
	for (size_t i = 0; i < s->children_n; i++)
		child_kill(&s->children[i], "told to stop at once");
}
