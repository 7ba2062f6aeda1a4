/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/pulse.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/notify.h"
#include "supervisor/supervisor.h"

constexpr uint64_t BEAT_MIN_MS = 50;

enum pulse_verdict pulse_judge(unsigned unanswered_n)
{
	return unanswered_n > PULSE_DEAD     ? PULSE_IS_DEAD
	       : unanswered_n > PULSE_SILENT ? PULSE_IS_SILENT
					     : PULSE_IS_WELL;
}

uint64_t pulse_beat_ms(uint64_t watchdog_ms)
{
	uint64_t ms = watchdog_ms == 0 ? PULSE_MS : MIN(watchdog_ms / PULSE_BEATS, PULSE_MS);
	return MAX(ms, BEAT_MIN_MS);
}

/* {{ the status line }} */

static void describe(const struct supervisor *s, char *out, size_t cap)
{
	unsigned workers = 0;
	const char *down = nullptr;
	for (size_t i = 0; i < s->children_n; i++) {
		const struct child *c = &s->children[i];
		if (c->role == ROLE_WORKER)
			workers += c->state == CHILD_RUNNING;
		else if (c->state != CHILD_RUNNING)
			down = c->name;
	}
	int n = snprintf(out, cap, "serving %lu session%s with %u of %u workers", s->pulse.sessions,
			 s->pulse.sessions == 1 ? "" : "s", workers, s->workers_n);
	if (down != nullptr)
		n += snprintf(out + n, cap - (size_t)n, "; %s is down", down);
	if (s->pulse.reload_refused)
		snprintf(out + n, cap - (size_t)n, "; the last reload was refused");
}

/* before: what else is to be told, with its end of line. */
static void tell(struct supervisor *s, const char *before)
{
	char text[sizeof s->pulse.told], all[sizeof text + 64];
	describe(s, text, sizeof text);
	bool is_new = strcmp(text, s->pulse.told) != 0;
	if (!is_new && before[0] == '\0')
		return;
	memcpy(s->pulse.told, text, sizeof text);
	snprintf(all, sizeof all, "%sSTATUS=%s", before, text);
	notify_send(all);
}

/* {{ beats }} */

static void ask(struct child *c)
{
	Msg__Empty m;
	msg__empty__init(&m);
	/* what cannot be sent is a channel that is ending */
	if (c->unanswered_n == 0 && child_send(c, MSG_PING, 0, &m.base, nullptr, 0) != ERR_OK)
		return;
	c->unanswered_n++;
}

static bool is_watched(const struct child *c)
{
	return child_is_up(c) && c->state != CHILD_ENDING;
}

/* Whether all is well with it. */
static bool check(struct supervisor *s, struct child *c)
{
	enum pulse_verdict v = pulse_judge(c->unanswered_n);
	if (s->args->traceable) /* a debugger may have stopped it */
		return true;
	if (v == PULSE_IS_DEAD)
		child_kill(c, "has not answered for too long");
	else if (v == PULSE_IS_SILENT && pulse_judge(c->unanswered_n - 1) == PULSE_IS_WELL)
		log_warn("child.silent name=%s pid=%d state=%u", c->name, c->pid, c->state);
	return v == PULSE_IS_WELL;
}

static void on_beat(uv_timer_t *timer)
{
	struct supervisor *s = CONTAINER_OF(timer, struct supervisor, pulse.timer);
	bool all_well = true;
	for (size_t i = 0; i < s->children_n; i++) {
		struct child *c = &s->children[i];
		if (!is_watched(c))
			continue;
		ask(c);
		all_well &= check(s, c);
	}
	tell(s, s->pulse.has_watchdog && all_well ? "WATCHDOG=1\n" : "");
}

/* {{ public }} */

void pulse_start(struct supervisor *s)
{
	uint64_t watchdog_ms = notify_watchdog_ms(), beat_ms = pulse_beat_ms(watchdog_ms);
	s->pulse.has_watchdog = watchdog_ms != 0;
	tell(s, "READY=1\n");
	uv_timer_start(&s->pulse.timer, on_beat, beat_ms, beat_ms);
}

void pulse_reloaded(struct supervisor *s, bool is_refused)
{
	s->pulse.reload_refused = is_refused;
	tell(s, "READY=1\n");
}

void pulse_stop(struct supervisor *s)
{
	uv_timer_stop(&s->pulse.timer);
}

void pulse_on_pong(struct ipc *ipc, struct ipc_msg *m)
{
	struct child *c = ipc_owner(ipc);
	struct supervisor *s = supervisor_of(c);
	if (c->unanswered_n == 0) {
		child_kill(c, "answers what was not asked");
		return;
	}
	if (pulse_judge(c->unanswered_n) != PULSE_IS_WELL)
		log_notice("child.answers name=%s pid=%d again", c->name, c->pid);
	c->unanswered_n = 0;
	if (c->role == ROLE_KEEPER)
		s->pulse.sessions = ((const Msg__Pong *)m->body)->sessions;
}
