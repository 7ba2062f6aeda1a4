/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/gate.h"

#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "worker/accept.h"
#include "worker/conn.h"
#include "worker/worker.h"

constexpr uint64_t LOG_EVERY_S = 1;
constexpr uint64_t MS = 1'000'000;

enum err gate_map(struct gate *g, int board, int turn)
{
	void *b = mmap(nullptr, sizeof *g->board, PROT_READ, MAP_SHARED, board, 0);
	void *t = mmap(nullptr, sizeof *g->turn, PROT_READ | PROT_WRITE, MAP_SHARED, turn, 0);
	if (b == MAP_FAILED || t == MAP_FAILED)
		return ERR_SYS;
	g->board = b;
	g->turn = t;
	return board_check(b);
}

/* {{ who may not }} */

static void log_refused(struct worker *w, const struct addr *remote, const struct board_entry *e)
{
	struct gate *g = &w->gate;
	if (!clock_is_past(w->now, g->log_at)) {
		g->silent_n++;
		return;
	}
	char who[ADDR_TEXT_MAX], range[RANGE_TEXT_MAX];
	log_info("guard.refused ip=%s why=%s of=%s silent=%u", addr_text(remote, who),
		 e->kind == BOARD_BLOCK ? "block" : "ban", range_text(&e->range, range), g->silent_n);
	g->log_at = clock_add_s(w->now, LOG_EVERY_S);
	g->silent_n = 0;
}

bool gate_admits(struct worker *w, const struct addr *remote)
{
	const struct range r = range_of_addr(remote);
	struct board_entry e;
	if (w->gate.board == nullptr || range_is_own(&r) || !board_find(w->gate.board, &r, w->now, &e))
		return true;
	if (e.kind == BOARD_BLOCK)
		STAT_INC(w, guard_blocked);
	else
		STAT_INC(w, guard_banned);
	log_refused(w, remote, &e);
	return false;
}

/* {{ what is told to the keeper }} */

static void fill(Msg__GuardPeer *m, const struct gate_seen *seen)
{
	const uint8_t *ip;
	msg__guard_peer__init(m);
	size_t len = addr_ip(&seen->ip, &ip);
	m->ip = ipc_bytes(ip, len);
	m->accepted = seen->accepted;
	m->fruitless = seen->fruitless;
}

static void tell(struct worker *w)
{
	struct gate *g = &w->gate;
	Msg__GuardPeer peers[GATE_SEEN_MAX], *list[GATE_SEEN_MAX];
	Msg__GuardSeen m = MSG__GUARD_SEEN__INIT;
	for (; m.n_peers < g->seen_n; m.n_peers++) {
		fill(&peers[m.n_peers], &g->seen[m.n_peers]);
		list[m.n_peers] = &peers[m.n_peers];
	}
	m.peers = list;
	g->seen_n = 0;
	/* without a keeper nobody can log in: that is no fault of those who try */
	if (ipc_is_alive(w->keeper) && ipc_send(w->keeper, MSG_GUARD_SEEN, 0, &m.base, nullptr, 0) != ERR_OK)
		log_debug("guard.untold peers=%zu", m.n_peers);
}

static void on_tell(uv_timer_t *timer)
{
	struct worker *w = CONTAINER_OF(CONTAINER_OF(timer, struct gate, tell), struct worker, gate);
	if (w->gate.seen_n > 0)
		tell(w);
}

static void note(struct worker *w, const struct addr *a, uint32_t accepted, uint32_t fruitless)
{
	struct gate *g = &w->gate;
	size_t i = 0;
	while (i < g->seen_n && !addr_is_same_ip(&g->seen[i].ip, a))
		i++;
	if (i == GATE_SEEN_MAX) {
		tell(w);
		i = 0;
	}
	if (i == g->seen_n) {
		if (i == 0)
			uv_timer_start(&g->tell, on_tell, GATE_TELL_MS, 0);
		g->seen[g->seen_n++] = (struct gate_seen){ .ip = *a };
	}
	g->seen[i].accepted += accepted;
	g->seen[i].fruitless += fruitless;
}

void gate_entered(struct conn *c)
{
	const struct range r = range_of_addr(&c->remote);
	c->is_counted = c->w->gate.board != nullptr && !range_is_own(&r);
	if (c->is_counted)
		note(c->w, &c->remote, 1, 0);
}

void gate_left(struct conn *c)
{
	if (c->is_counted && !c->has_proven && !c->w->stopping)
		note(c->w, &c->remote, 0, 1);
	c->is_counted = false;
}

/* {{ rate-limit-ms }} */

static void on_turn(uv_timer_t *timer)
{
	struct worker *w = CONTAINER_OF(CONTAINER_OF(timer, struct gate, wait), struct worker, gate);
	if (accept_start(w) != ERR_OK)
		log_err("accept.failed: the sockets cannot be watched");
}

static void wait_until(struct worker *w, uint64_t next_ns)
{
	accept_stop(w);
	uv_update_time(&w->loop);
	uv_timer_start(&w->gate.wait, on_turn, (next_ns - w->now.ns) / MS + 1, 0);
}

bool gate_takes_turn(struct worker *w)
{
	uint64_t gap_ns = w->gen.config->rate_limit_ms * MS;
	if (gap_ns == 0 || w->gate.turn == nullptr)
		return true;
	_Atomic uint64_t *turn = &w->gate.turn->next_ns;
	uint64_t next = atomic_load_explicit(turn, memory_order_relaxed);
	do {
		/* further away than one gap: written under another configuration, or by a worker that was taken over */
		if (next > w->now.ns && next <= w->now.ns + gap_ns) {
			wait_until(w, next);
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(turn, &next, w->now.ns + gap_ns, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

/* {{ life }} */

enum err gate_start(struct worker *w)
{
	if (uv_timer_init(&w->loop, &w->gate.tell) != 0 || uv_timer_init(&w->loop, &w->gate.wait) != 0)
		return ERR_SYS;
	return ERR_OK;
}

void gate_stop(struct worker *w)
{
	uv_timer_stop(&w->gate.wait);
	uv_timer_stop(&w->gate.tell);
}
