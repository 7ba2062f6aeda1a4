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
