/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/quota.h"

#include <time.h>

#include "worker/session.h"

constexpr uint64_t REPORT_S = 10; /* what a crash of the worker may cost */
constexpr uint64_t ANSWER_S = 5;  /* then the question is asked again */

static uint64_t moved(const struct session *s)
{
	return atomic_load_explicit(&s->slot->rx_bytes, memory_order_relaxed) +
	       atomic_load_explicit(&s->slot->tx_bytes, memory_order_relaxed);
}

uint64_t quota_untold(const struct session *s)
{
	return moved(s) - s->quota.told;
}

static void tell(struct session *s, bool wants)
{
	struct worker *w = s->w;
	Msg__QuotaUsed m = MSG__QUOTA_USED__INIT;
	m.sid = s->route.sid;
	m.bytes = quota_untold(s);
	m.wants = wants;
	if (!ipc_is_alive(w->keeper) || ipc_send(w->keeper, MSG_QUOTA_USED, 0, &m.base, nullptr, 0) != ERR_OK)
		return; /* the next keeper hears it */
	s->quota.told += m.bytes;
	s->quota.budget -= MIN(s->quota.budget, m.bytes);
	s->quota.told_at = w->now;
	s->quota.is_asked = true;
	STAT_INC(w, quota_told);
}

bool quota_tick(struct session *s)
{
	struct quota *q = &s->quota;
	if (s->vhost->expire_date != 0 && time(nullptr) >= s->vhost->expire_date) {
		session_close(s, CAUSE_EXPIRED);
		return false;
	}
	if (s->vhost->traffic_quota == 0)
		return true;
	const uint64_t untold = quota_untold(s), passed_s = clock_secs(q->told_at, s->w->now);
	const bool is_used_up = untold >= q->budget;
	if (q->is_asked && passed_s < ANSWER_S)
		return true;
	if (is_used_up || (untold > 0 && passed_s >= REPORT_S))
		tell(s, is_used_up);
	return true;
}

void quota_ask_again(struct worker *w)
{
	for (struct session *s = w->sessions; s != nullptr; s = s->next) {
		s->quota.budget = 0;
		s->quota.is_asked = false;
	}
}

void quota_on_budget(struct ipc *ipc, struct ipc_msg *m)
{
	struct worker *w = ipc_owner(ipc);
	const Msg__QuotaBudget *b = (const Msg__QuotaBudget *)m->body;
	const struct route *r = steer_find_sid(&w->steer, b->sid);
	if (r == nullptr || r->own == nullptr)
		return; /* it has just ended: CLOSED tells the rest */
	struct session *s = r->own;
	if (b->at_once) {
		tell(s, false);
		return;
	}
	s->quota.budget = b->bytes;
	s->quota.is_asked = false;
}
