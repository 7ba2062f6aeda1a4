/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tick.h"

#include <time.h>

#include "base/log.h"
#include "base/table.h"
#include "fips/fips.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr uint64_t COOKIE_LIFE_S = 600; /* of the secret in HelloVerifyRequest */

static void renew_cookie_secret(struct worker *w)
{
	if (!clock_is_past(w->now, w->cookie_until))
		return;
	if (fips_random(w->cookie_secret, sizeof w->cookie_secret) != ERR_OK)
		log_err("random.failed");
	w->cookie_until = clock_add_s(w->now, COOKIE_LIFE_S);
	dtls_listener_free(w);
}

static void look_at_load(struct worker *w)
{
	struct timespec t = {};
	bool is_busy;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return;
	const uint64_t cpu_ns = (uint64_t)t.tv_sec * 1'000'000'000 + (uint64_t)t.tv_nsec;
	if (load_feed(&w->load, cpu_ns, clock_now(), &is_busy))
		log_warn(
			"worker.saturated seconds=%u sessions=%zu hint=\"clients wait: more workers, or a faster machine\"",
			LOAD_SECONDS, w->sessions_n);
	if (is_busy)
		STAT_INC(w, saturated);
	stats_set(&w->stats->levels.cpu_ns, cpu_ns);
}

/* What metrics shows of this second. */
static void put_levels(struct worker *w)
{
	struct stats_levels *l = &w->stats->levels;
	uint64_t queued = 0, queues = 0;
	const struct conn *c;
	DL_FOREACH(w->conns, c) {
		queued += c->tls.out_len - c->tls.out_off;
		queues += c->tls.out_len > c->tls.out_off;
	}
	stats_set(&l->sessions, w->sessions_n);
	stats_set(&l->connections, w->conns_n);
	stats_set(&l->waiting, HASH_CNT(by_asked, w->waiting));
	stats_set(&l->tls_queue_bytes, queued);
	stats_set(&l->tls_queues, queues);
}

void tick_run(uv_timer_t *timer)
{
	struct worker *w = CONTAINER_OF(timer, struct worker, tick);
	w->now = clock_now();
	steer_refill(&w->steer);
	renew_cookie_secret(w);
	struct conn *c, *next_conn;
	DL_FOREACH_SAFE(w->conns, c, next_conn) {
		conn_tick(c);
	}
	struct session *s, *next;
	DL_FOREACH_SAFE(w->sessions, s, next) {
		session_tick(s);
	}
	udp_flush(w);
	put_levels(w);
	look_at_load(w);
}

void tick_turn(uv_prepare_t *turn)
{
	struct worker *w = CONTAINER_OF(turn, struct worker, turn);
	if (w->rest.packets == 0)
		return;
	const struct timespec t = { .tv_nsec = rest_turn(&w->rest, clock_now().ns) };
	if (t.tv_nsec == 0)
		return;
	STAT_INC(w, rests);
	nanosleep(&t, nullptr); /* a signal ends it early, which is as good */
}
