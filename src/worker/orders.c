/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/orders.h"

#include <linux/if_tun.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "base/table.h"
#include "fips/fips.h"
#include "worker/accept.h"
#include "worker/authority.h"
#include "worker/profile.h"
#include "worker/session.h"
#include "worker/tick.h"
#include "worker/tx.h"

constexpr unsigned long TIMER_SLACK_NS = 1000;
constexpr unsigned TUN_USO = 0x20 | 0x40; /* TUN_F_USO4, TUN_F_USO6: the headers of Linux 6.1 lack them */

void worker_report_violation(struct worker *w, enum ipc_role role, unsigned index, const char *what)
{
	Msg__Violation m = MSG__VIOLATION__INIT;
	m.role = role;
	m.index = index;
	m.what = (char *)(uintptr_t)what;
	if (ipc_send(w->supervisor, MSG_VIOLATION, 0, &m.base, nullptr, 0) != ERR_OK)
		exit(EXIT_FAILURE);
}

/* {{ configuration }} */

void generation_fini(struct generation *g)
{
	offers_fini(&g->offers); /* has names of the configuration */
	config_put(g->config);
	tls_ctx_put(g->tls);
	filter_unmap(&g->filter);
	*g = (struct generation){};
}

static void answer_config(struct worker *w, uint32_t generation, const char *error)
{
	Msg__ConfigDone m = MSG__CONFIG_DONE__INIT;
	m.generation = generation;
	m.ready = error == nullptr;
	m.error = (char *)(uintptr_t)(error != nullptr ? error : "");
	if (ipc_send(w->supervisor, MSG_CONFIG_DONE, 0, &m.base, nullptr, 0) != ERR_OK)
		exit(EXIT_FAILURE);
}

/* Both the text and the certificates are here: make the contexts. */
static void prepare(struct worker *w)
{
	struct generation *g = &w->next;
	if (g->config == nullptr || w->certs == nullptr || w->certs->generation != g->number)
		return;
	char why[160] = "";
	enum err e = offers_take_groups(&g->offers, g->config, w->certs);
	if (e == ERR_OK)
		e = tls_ctx_new(&g->tls, g->config, w->certs, &w->tls_live, why);
	msg__certs__free_unpacked(w->certs, nullptr);
	w->certs = nullptr;
	answer_config(w, g->number, e == ERR_OK ? nullptr : why[0] != '\0' ? why : err_text(e));
}

static void on_config(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__Config *c = (const Msg__Config *)m->body;
	generation_fini(&w->next);
	w->next.number = c->generation;
	char *text OWNED(base_freep) = nullptr;
	size_t len;
	struct config_report report = {};
	enum err e = config_read_fd(m->fds_n > 0 ? m->fds[0] : -1, &text, &len);
	if (e == ERR_OK)
		e = config_parse(&w->next.config, c->file, text, len, &report);
	config_report_fini(&report); /* the supervisor has printed the same one */
	log_set_level(log_level_of(c->debug));
	const char *why = nullptr;
	if (e == ERR_OK)
		e = fips_begin(w->next.config->fips, &why);
	if (e == ERR_OK)
		e = offers_take_profiles(&w->next.offers, w->next.config, c, m->fds_n > 1 ? m->fds[1] : -1);
	if (e == ERR_OK)
		e = filter_map(&w->next.filter, m->fds[m->fds_n - 1], c->geofilter_len);
	if (e != ERR_OK)
		answer_config(w, c->generation, why != nullptr ? why : err_text(e));
	else
		prepare(w);
}

static void on_certs(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	if (w->certs != nullptr)
		msg__certs__free_unpacked(w->certs, nullptr);
	size_t len = protobuf_c_message_get_packed_size(m->body);
	uint8_t *bytes OWNED(base_freep) = malloc(MAX(len, 1));
	if (bytes == nullptr)
		exit(EXIT_FAILURE);
	protobuf_c_message_pack(m->body, bytes);
	w->certs = msg__certs__unpack(nullptr, len, bytes);
	prepare(w);
}

static void on_commit(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__Commit *c = (const Msg__Commit *)m->body;
	if (w->next.tls == nullptr || w->next.number != c->generation)
		return;
	dtls_listener_free(w);
	generation_fini(&w->gen); /* sessions hold what they use */
	w->gen = w->next;
	w->next = (struct generation){};
	log_info("config.in_force generation=%u", w->gen.number);
}

/* {{ start }} */

static void pin(uint32_t cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		log_notice("worker.not_pinned cpu=%u", cpu);
}

static enum err map_stats(struct worker *w, int fd)
{
	void *p = mmap(nullptr, stats_size(w->slots_n), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ERR_SYS;
	w->stats = p;
	/* what a predecessor left is of sessions that are gone */
	uint32_t used = MIN(atomic_load(&w->stats->slots_used), w->slots_n);
	for (uint32_t i = 0; i < used; i++)
		atomic_store(&w->stats->slots[i].sid, 0);
	memset(&w->stats->c, 0, sizeof w->stats->c);
	memset(&w->stats->hists, 0, sizeof w->stats->hists);
	memset(&w->stats->levels, 0, sizeof w->stats->levels);
	w->stats->slots_n = w->slots_n;
	return ERR_OK;
}

static enum err take_descriptors(struct worker *w, const Msg__WorkerStart *s, struct ipc_msg *m)
{
	size_t at = 0;
	size_t need = (size_t)s->tcp_n + s->udp_n + (s->has_tun ? 1 : 0) + 2 + s->workers_n +
		      (s->has_guard ? 2 : 0);
	if (m->fds_n != need)
		return ERR_PROTO;
	w->listeners = calloc(s->tcp_n + 1, sizeof *w->listeners);
	w->udp.sockets = calloc(s->udp_n + 1, sizeof *w->udp.sockets);
	w->steer.siblings = calloc(s->workers_n + 1, sizeof *w->steer.siblings);
	if (w->listeners == nullptr || w->udp.sockets == nullptr || w->steer.siblings == nullptr)
		return ERR_NOMEM;
	for (; w->listeners_n < s->tcp_n; w->listeners_n++)
		w->listeners[w->listeners_n].fd = ipc_take_fd(m, at++);
	for (; w->udp.sockets_n < s->udp_n; w->udp.sockets_n++) {
		struct udp_socket *u = &w->udp.sockets[w->udp.sockets_n];
		socklen_t len = sizeof u->family;
		u->fd = ipc_take_fd(m, at++);
		if (getsockopt(u->fd, SOL_SOCKET, SO_DOMAIN, &u->family, &len) != 0)
			return ERR_SYS;
	}
	w->tun.fd = s->has_tun ? ipc_take_fd(m, at++) : -1;
	int stats = ipc_take_fd(m, at++);
	enum err e = map_stats(w, stats);
	close(stats);
	w->steer.inbox = ipc_take_fd(m, at++);
	for (size_t i = 0; i < s->workers_n; i++)
		w->steer.siblings[i] = ipc_take_fd(m, at++);
	if (e == ERR_OK && s->has_guard)
		e = gate_map(&w->gate, m->fds[at], m->fds[at + 1]);
	return e;
}

static void on_start(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__WorkerStart *s = (const Msg__WorkerStart *)m->body;
	static char name[16];
	snprintf(name, sizeof name, "worker%u", s->index);
	log_init(name, LOG_LEVEL_INFO, nullptr);
	w->index = s->index;
	w->workers_n = s->workers_n;
	w->slots_n = s->stats_slots_n;
	w->isolate = s->isolate;
	w->tun.vnet_hdr = s->vnet_hdr;
	w->tun.offloads = s->tun_offloads;
	w->tun.takes_runs = s->vnet_hdr && (s->tun_offloads & TUN_F_CSUM) != 0;
	coalesce_init(&w->coalesce, (s->tun_offloads & TUN_USO) != 0);
	snprintf(w->tun.name, sizeof w->tun.name, "%s", s->tun_name);
	pin(s->cpu);
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS); /* else a rest of 100 us takes 150 */
	enum err e = take_descriptors(w, s, m);
	if (e != ERR_OK) {
		log_err("worker.start_failed why=\"%s\"", err_text(e));
		exit(EXIT_FAILURE);
	}
}

static void on_peer(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__Peer *p = (const Msg__Peer *)m->body;
	int fd = ipc_take_fd(m, 0);
	if (fd < 0 || p->role != ROLE_KEEPER || authority_connect(w, fd) != ERR_OK)
		log_err("worker.bad_peer role=%u", p->role);
}

static void on_go(struct ipc *ipc, struct ipc_msg *)
{
	struct worker *w = ipc_owner(ipc);
	ipc_run(ipc);
	w->now = clock_now();
	enum err e = sandbox_enter(&profile_worker, w->isolate);
	tick_run(&w->tick);
	if (e == ERR_OK)
		e = tx_start(w);
	if (e == ERR_OK)
		e = udp_start(w);
	if (e == ERR_OK)
		e = steer_start(w);
	if (e == ERR_OK)
		e = gate_start(w);
	if (e == ERR_OK)
		e = accept_start(w);
	if (e != ERR_OK) {
		log_err("worker.start_failed why=\"%s\"", err_text(e));
		exit(EXIT_FAILURE);
	}
	uv_timer_start(&w->tick, tick_run, 1000, 1000);
	uv_prepare_start(&w->turn, tick_turn);
	w->serving = true;
}

/* {{ end }} */

static void on_stop(struct ipc *ipc, struct ipc_msg *m)
{
	const Msg__Stop *stop = (const Msg__Stop *)m->body;
	struct worker *w = ipc_owner(ipc);
	if (w->stopping)
		return;
	w->stopping = true;
	w->comes_back = stop->comes_back;
	if (w->serving) {
		accept_stop(w);
		gate_stop(w);
	}
	w->now = clock_now();
	struct session *s, *next;
	DL_FOREACH_SAFE(w->sessions, s, next) {
		session_close(s, CAUSE_SHUTDOWN);
	}
	uv_stop(&w->loop);
}

ipc_handler *const orders[MSG_N] = {
	[MSG_CONFIG] = on_config,      [MSG_CERTS] = on_certs,   [MSG_COMMIT] = on_commit,
	[MSG_WORKER_START] = on_start, [MSG_PEER] = on_peer,     [MSG_GO] = on_go,
	[MSG_STOP] = on_stop,          [MSG_PING] = ipc_on_ping,
};
