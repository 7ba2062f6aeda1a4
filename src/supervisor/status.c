/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/status.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <unistd.h>

#include "supervisor/listen.h"
#include "supervisor/tun.h"

constexpr size_t FEATURES_MAX = 8 + SHIELD_LAYERS_N;

/* "name=state" lines; the texts are static. */
static size_t list_features(const struct supervisor *s, char *out[static FEATURES_MAX])
{
	static char bpf_on[] = "bpf-steering=on", bpf_off[] = "bpf-steering=off",
		    isolated[] = "isolate-workers=on", open[] = "isolate-workers=off";
	static char offload[32], udp[48];
	size_t n = 0;
	out[n++] = s->steering != nullptr ? bpf_on : bpf_off;
	out[n++] = s->now.config->isolate_workers && !s->args->traceable ? isolated : open;
	snprintf(offload, sizeof offload, "tun-offload=%s", tun_offloads_text(&s->tun));
	out[n++] = offload;
	snprintf(udp, sizeof udp, "udp-offload=%s%s",
		 listen_has_udp(&s->listen, UDP_SEGMENT) ? "segment" : "single",
		 listen_has_udp(&s->listen, UDP_GRO) ? "+gro" : "");
	out[n++] = udp;
	if (s->shield != nullptr) {
		shield_text(s->shield, out + n);
		n += SHIELD_LAYERS_N;
	}
	return n;
}

static size_t list_guard(const struct supervisor *s, Msg__GuardCount *rows, Msg__GuardCount **out)
{
	struct shield_count counts[SHIELD_COUNTS_N];
	size_t n = s->shield != nullptr ? shield_counts(s->shield, counts) : 0;
	for (size_t i = 0; i < n; i++) {
		msg__guard_count__init(&rows[i]);
		rows[i].name = (char *)(uintptr_t)counts[i].name;
		rows[i].n = counts[i].n;
		out[i] = &rows[i];
	}
	return n;
}

/* The supervisor itself first, then a row each. */
static size_t list_processes(const struct supervisor *s, Msg__Process *rows, Msg__Process **out)
{
	static char own_name[] = "supervisor";
	size_t n = 0;
	msg__process__init(&rows[n]);
	rows[n].name = own_name;
	rows[n].pid = (uint32_t)getpid();
	rows[n].ready = s->phase == PHASE_RUN;
	out[n] = &rows[n];
	n++;
	for (size_t i = 0; i < s->children_n; i++, n++) {
		const struct child *c = &s->children[i];
		msg__process__init(&rows[n]);
		rows[n].name = (char *)(uintptr_t)c->name;
		rows[n].pid = (uint32_t)c->pid;
		rows[n].restarts = c->restarts;
		rows[n].ready = c->state == CHILD_RUNNING;
		out[n] = &rows[n];
	}
	return n;
}

enum err status_send(struct supervisor *s, struct child *control, uint32_t id)
{
	Msg__Process rows[SUPERVISOR_CHILDREN_MAX + 1], *processes[SUPERVISOR_CHILDREN_MAX + 1];
	Msg__GuardCount counts[SHIELD_COUNTS_N], *guard[SHIELD_COUNTS_N];
	char *features[FEATURES_MAX];
	Msg__SupervisorStatus m;
	msg__supervisor_status__init(&m);
	m.processes = processes;
	m.n_processes = list_processes(s, rows, processes);
	m.features = features;
	m.n_features = list_features(s, features);
	m.guard = guard;
	m.n_guard = list_guard(s, counts, guard);
	m.bpf_steering = s->steering != nullptr;
	m.tun_name = s->tun.name;
	return child_send(control, MSG_SUPERVISOR_STATUS_DONE, id, &m.base, nullptr, 0);
}
