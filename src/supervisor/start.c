/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/start.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/daemon.h"
#include "supervisor/reload.h"
#include "supervisor/report.h"
#include "supervisor/serve.h"
#include "supervisor/stop.h"

constexpr unsigned DEATHS_AT_START_MAX = 3;

/* {{ what each is told first }} */

static enum err send_certs(struct child *c, const struct generation *g)
{
	Msg__Certs *certs = generation_certs(g);
	if (certs == nullptr)
		return ERR_NOTFOUND;
	enum err e = child_send(c, MSG_CERTS, 0, &certs->base, nullptr, 0);
	msg__certs__free_unpacked(certs, nullptr);
	return e;
}

/* With the profiles: clients fetch them from a worker. */
static enum err send_to_worker(struct child *c, const struct generation *g, Msg__Config *m, int text)
{
	Msg__Profile **list OWNED(base_freep) = calloc(g->profiles.n + 1, sizeof(Msg__Profile *));
	int profiles OWNED(base_closep) = profiles_fd(&g->profiles);
	int filter OWNED(base_closep) = geofilter_fd(&g->geo);
	if (list == nullptr || (g->profiles.n > 0 && profiles < 0))
		return ERR_SYS;
	for (size_t i = 0; i < g->profiles.n; i++)
		list[i] = &g->profiles.v[i];
	m->profiles = list;
	m->n_profiles = g->profiles.n;
	int fds[3] = { text };
	size_t n = 1;
	if (profiles >= 0)
		fds[n++] = profiles;
	if (filter >= 0)
		fds[n++] = filter;
	return child_send(c, MSG_CONFIG, 0, &m->base, fds, n);
}

enum err start_send_config(struct child *c, const struct generation *g)
{
	struct supervisor *s = supervisor_of(c);
	int text OWNED(base_closep) = generation_text_fd(g);
	if (text < 0)
		return ERR_SYS;
	Msg__Config m;
	msg__config__init(&m);
	m.generation = g->number;
	m.file = (char *)(uintptr_t)s->args->config;
	m.debug = supervisor_debug(s, g->config);
	if (c->role == ROLE_WORKER || c->role == ROLE_KEEPER)
		m.geofilter_len = g->geo.len;
	if (c->role == ROLE_KEEPER) {
		int filter OWNED(base_closep) = geofilter_fd(&g->geo);
		const int fds[] = { text, filter };
		return child_send(c, MSG_CONFIG, 0, &m.base, fds, filter >= 0 ? 2 : 1);
	}
	if (c->role != ROLE_WORKER)
		return child_send(c, MSG_CONFIG, 0, &m.base, &text, 1);
	TRY(send_to_worker(c, g, &m, text));
	return send_certs(c, g);
}

static enum err tell_keeper(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	int fds[STEERING_MAPS_N + 1];
	size_t n = s->steering != nullptr ? STEERING_MAPS_N : 0;
	Msg__KeeperStart m;
	msg__keeper_start__init(&m);
	m.workers_n = s->workers_n;
	m.has_maps = s->steering != nullptr;
	m.tun_name = s->tun.name;
	m.has_board = s->guard.board >= 0;
	m.wants_blocks = s->shield != nullptr && shield_has_lists(s->shield); /* -t has none */
	if (m.has_maps)
		steering_maps(s->steering, fds);
	if (m.has_board)
		fds[n++] = s->guard.board;
	return child_send(c, MSG_KEEPER_START, 0, &m.base, fds, n);
}

static enum err tell_worker(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	const struct kit *kit = &s->kits[c->index];
	int fds[IPC_FDS_MAX];
	Msg__WorkerStart m;
	msg__worker_start__init(&m);
	m.index = c->index;
	m.workers_n = s->workers_n;
	m.tcp_n = (uint32_t)listen_fds(&s->listen, false, c->index, fds, LISTEN_GROUPS_MAX);
	m.udp_n = (uint32_t)listen_fds(&s->listen, true, c->index, fds + m.tcp_n, LISTEN_GROUPS_MAX);
	size_t n = m.tcp_n + m.udp_n;
	m.has_tun = s->tun.queues_n > 0;
	if (m.has_tun)
		fds[n++] = s->tun.fds[c->index];
	fds[n++] = kit->stats;
	fds[n++] = kit->inbox_read;
	for (unsigned i = 0; i < s->workers_n; i++)
		fds[n++] = s->kits[i].inbox_write;
	m.has_guard = s->guard.board >= 0;
	if (m.has_guard) {
		fds[n++] = s->guard.board_read;
		fds[n++] = s->guard.turn;
	}
	m.tun_mtu = s->tun.mtu;
	m.tun_name = s->tun.name;
	m.vnet_hdr = true;
	m.tun_offloads = s->tun.offloads;
	m.stats_slots_n = s->stats_slots_n;
	m.cpu = kit->cpu;
	m.isolate = s->now.config->isolate_workers && !s->args->traceable;
	m.bpf_steering = s->steering != nullptr;
	return child_send(c, MSG_WORKER_START, 0, &m.base, fds, n);
}

static enum err tell_control(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	int fds[SUPERVISOR_WORKERS_MAX + 1];
	size_t n = 0;
	Msg__ControlStart m;
	msg__control_start__init(&m);
	m.workers_n = s->workers_n;
	m.stats_slots_n = s->stats_slots_n;
	m.has_socket = s->control_socket >= 0;
	m.started_at = s->started_at;
	if (m.has_socket)
		fds[n++] = s->control_socket;
	for (unsigned i = 0; i < s->workers_n; i++)
		fds[n++] = s->kits[i].stats_read;
	return child_send(c, MSG_CONTROL_START, 0, &m.base, fds, n);
}

static enum err tell_metrics(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	int fds[METRICS_SOCKETS_MAX + SUPERVISOR_WORKERS_MAX];
	size_t n = 0;
	Msg__MetricsStart m;
	msg__metrics_start__init(&m);
	m.sockets_n = (uint32_t)s->metrics.n;
	m.workers_n = s->workers_n;
	m.stats_slots_n = s->stats_slots_n;
	m.started_at = s->started_at;
	for (size_t i = 0; i < s->metrics.n; i++)
		fds[n++] = s->metrics.fds[i];
	for (unsigned i = 0; i < s->workers_n; i++)
		fds[n++] = s->kits[i].stats_read;
	return child_send(c, MSG_METRICS_START, 0, &m.base, fds, n);
}

static enum err tell_start(struct child *c)
{
	switch (c->role) {
	case ROLE_KEEPER: return tell_keeper(c);
	case ROLE_WORKER: return tell_worker(c);
	case ROLE_CONTROL: return tell_control(c);
	case ROLE_METRICS: return tell_metrics(c);
	case ROLE_AUTH: return ERR_OK; /* the configuration is all it needs */
	case ROLE_SUPERVISOR: break;
	}
	return ERR_RANGE;
}

static void bring_up(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	if (child_spawn(c) != ERR_OK)
		return;
	if (c->role == ROLE_WORKER)
		listen_resume(&s->listen, c->index);
	if (start_send_config(c, &s->now) != ERR_OK || tell_start(c) != ERR_OK)
		child_kill(c, "cannot be told how to start");
}

/* {{ joining }} */

static enum err send_peer(struct child *to, const struct child *peer, int fd)
{
	Msg__Peer m;
	msg__peer__init(&m);
	m.role = peer->role;
	m.index = peer->index;
	return child_send(to, MSG_PEER, 0, &m.base, &fd, 1);
}

static void join(struct child *keeper, struct child *c)
{
	int pair[2];
	if (ipc_pair(pair) != ERR_OK) {
		child_kill(c, "no channel to the keeper");
		return;
	}
	enum err e = send_peer(keeper, c, pair[0]);
	if (e == ERR_OK)
		e = send_peer(c, keeper, pair[1]);
	base_closep(&pair[0]);
	base_closep(&pair[1]);
	c->is_linked = true;
	if (e != ERR_OK) /* one of the two is dying: its death joins anew */
		log_err("start.join name=%s: %s", c->name, err_text(e));
}

static void join_all(struct supervisor *s)
{
	struct child *keeper = supervisor_keeper(s);
	if (!child_is_up(keeper) || keeper->state != CHILD_RUNNING)
		return;
	for (size_t i = SUPERVISOR_KEEPER + 1; i < s->children_n; i++)
		if (child_is_up(&s->children[i]) && !s->children[i].is_linked)
			join(keeper, &s->children[i]);
}

/* {{ going }} */

static void go(struct child *c)
{
	struct supervisor *s = supervisor_of(c);
	Msg__Commit commit;
	msg__commit__init(&commit);
	Msg__Empty empty;
	msg__empty__init(&empty);
	commit.generation = s->now.number;
	if (child_send(c, MSG_COMMIT, 0, &commit.base, nullptr, 0) != ERR_OK ||
	    child_send(c, MSG_GO, 0, &empty.base, nullptr, 0) != ERR_OK) {
		child_kill(c, "cannot be told to go");
		return;
	}
	ipc_run(c->ipc);
	c->state = CHILD_RUNNING;
	if (c->role == ROLE_METRICS && s->stop.is_draining)
		stop_tell_drain(s);
	if (c->role == ROLE_KEEPER && s->shield != nullptr)
		shield_reconcile(s->shield);
	if (c->restarts > 0)
		log_notice("child.back name=%s pid=%d restarts=%u", c->name, c->pid, c->restarts);
}

static size_t count(const struct supervisor *s, enum child_state state)
{
	size_t n = 0;
	for (size_t i = 0; i < s->children_n; i++)
		n += s->children[i].state == state;
	return n;
}

static void go_all(struct supervisor *s, enum child_state from)
{
	for (size_t i = 0; i < s->children_n; i++)
		if (s->children[i].state == from)
			go(&s->children[i]);
}

static void be_ready(struct supervisor *s)
{
	s->phase = PHASE_RUN;
	uv_timer_stop(&s->start_timer);
	log_notice("server.ready READY pid=%d workers=%u tcp_port=%u udp_port=%u device=%s bpf=%s", getpid(),
		   s->workers_n, s->now.config->tcp_port, s->now.config->vhosts[0].udp_port, s->tun.name,
		   s->steering != nullptr ? "on" : "off");
	daemon_ready(0);
	pulse_start(s);
}

void start_advance(struct supervisor *s)
{
	if (s->phase == PHASE_STOP)
		return;
	struct child *keeper = supervisor_keeper(s);
	if (child_is_idle(keeper))
		bring_up(keeper);
	/* its files are checked, too; the others have none */
	if (s->phase == PHASE_CHECK && s->children_n > 1 && child_is_idle(&s->children[1]))
		bring_up(&s->children[1]);
	if (s->phase == PHASE_CHECK)
		return;
	/* at the first start the others wait for the certificates; later those of the generation are known */
	bool may_start = s->phase == PHASE_RUN || (keeper->state >= CHILD_READY && s->now.certs != nullptr);
	for (size_t i = SUPERVISOR_KEEPER + 1; may_start && i < s->children_n; i++)
		if (child_is_idle(&s->children[i]))
			bring_up(&s->children[i]);
	/* the keeper first: what the others send it must find it at work */
	if (keeper->state == CHILD_READY)
		go(keeper);
	if (s->phase == PHASE_RUN)
		go_all(s, CHILD_READY);
	join_all(s);
	if (s->phase == PHASE_START && count(s, CHILD_READY) + count(s, CHILD_RUNNING) == s->children_n) {
		go_all(s, CHILD_READY);
		be_ready(s);
	}
	if (s->phase == PHASE_RUN)
		reload_advance(s);
}

/* {{ events }} */

void start_failed(struct supervisor *s, const char *why)
{
	if (s->phase == PHASE_STOP)
		return;
	log_err("server.failed %s", why);
	s->status = EXIT_FAILURE;
	stop_begin(s);
}

void start_config_done(struct child *c, const Msg__ConfigDone *m)
{
	struct supervisor *s = supervisor_of(c);
	if (s->phase == PHASE_STOP)
		return;
	if (generation_is_loaded(&s->reload.next) && m->generation == s->reload.next.number) {
		reload_config_done(c, m);
		return;
	}
	if (c->state != CHILD_LOADING || m->generation != s->now.number)
		return; /* an answer to a generation that was given up */
	if (!m->ready) {
		char event[64];
		snprintf(event, sizeof event, "start.refused name=%s", c->name);
		report_lines(event, m->error);
		if (s->phase == PHASE_RUN)
			child_kill(c, "refused its configuration");
		else
			start_failed(s, "the configuration cannot be used");
		return;
	}
	c->state = CHILD_READY;
	if (s->phase != PHASE_CHECK)
		start_advance(s);
	else if (count(s, CHILD_READY) == s->children_n)
		stop_begin(s);
}

static void on_died(struct child *c, int status)
{
	struct supervisor *s = supervisor_of(c);
	(void)status;
	if (s->phase == PHASE_STOP) {
		stop_advance(s);
		return;
	}
	if (s->phase != PHASE_RUN && (c->restarts >= DEATHS_AT_START_MAX || s->phase == PHASE_CHECK)) {
		start_failed(s, "a process cannot start: see its last lines above");
		return;
	}
	if (c->role == ROLE_KEEPER)
		edits_drop_all(&s->edits);
	if (c->role == ROLE_KEEPER)
		firewall_keeper_died(&s->firewall);
	if (c->role == ROLE_KEEPER) /* their channels to it are dead */
		for (size_t i = 0; i < s->children_n; i++)
			s->children[i].is_linked = false;
	else if (c->role == ROLE_WORKER && c->delay_ms > CHILD_DELAY_MIN_MS)
		listen_pause(&s->listen, c->index);
	reload_child_died(s, c);
}

static void on_due(struct child *c)
{
	start_advance(supervisor_of(c));
}

static void on_ended(struct ipc *ipc, enum ipc_end why)
{
	struct child *c = ipc_owner(ipc);
	if (why == IPC_END_VIOLATION)
		child_kill(c, "broke the rules of messages");
	else if (c->state != CHILD_ENDING && c->pid != 0)
		kill(c->pid, SIGKILL); /* mostly it is dead already; alive it would be of no use */
	child_cut(c);
}

const struct child_events start_events = {
	.died = on_died,
	.due = on_due,
	.ended = on_ended,
	.handlers = serve_handlers,
};
