/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

constexpr double REST_S = 0.3;
constexpr uint32_t NO_RUN = UINT32_MAX;
constexpr double PEER_S = 3;          /* how long the peer may be silent */
constexpr double SETTLE_S = 10;       /* how long packets may still come after the last was sent */
constexpr double SWEEP_FROM = 10'000; /* packets a second */
constexpr unsigned SWEEP_HALVINGS = 5;
constexpr double SWEEP_LOSS = 0.1;    /* percent, without --max-loss */
constexpr double ECHO_RATE = 100;     /* of each client, without --rate */

static double since(struct mono t)
{
	return (double)(clock_now().ns - t.ns) / 1e9;
}

double run_loss(const struct outcome *o)
{
	return o->sent > o->received ? 100.0 * (double)(o->sent - o->received) / (double)o->sent : 0;
}

static uint32_t new_id(void)
{
	uint32_t id = 0;
	while (id == 0)
		if (getrandom(&id, sizeof id, 0) != sizeof id)
			abort(); /* cannot be: the pool is ready since the system started */
	return id;
}

/* {{ sessions }} */

static enum err open_sessions(struct run *r)
{
	struct crew *c = &r->crew;
	const struct options *o = c->shared.o;
	struct mono begun = clock_now();
	double rate = o->mode == MODE_IDLE ? (double)o->rate : 0;
	crew_order(c, &(struct order){ .kind = ORDER_OPEN, .rate = rate });
	struct tally t;
	do {
		if (!crew_wait(c, 0.05))
			return ERR_CLOSED;
		t = crew_tally(c);
	} while (t.count[COUNT_opened] + crew_fails(&t) - t.count[COUNT_lost] < o->clients);
	r->open_seconds = since(begun);
	if (t.count[COUNT_opened] > 0)
		return ERR_OK;
	fprintf(stderr, "ocload: no session could be opened:");
	for (size_t i = 0; i < FAIL_N; i++)
		if (t.fails[i] > 0)
			fprintf(stderr, " %s %llu", client_fail_text((enum fail)i),
				(unsigned long long)t.fails[i]);
	fputc('\n', stderr);
	return ERR_CLOSED;
}

/* {{ one rate }} */

/* The peer's count of this run when it has not changed for a while. */
static bool ask_peer(struct run *r, uint32_t id, struct probe_report *out)
{
	struct crew *c = &r->crew;
	struct mono begun = clock_now();
	uint64_t before = UINT64_MAX;
	crew_order(c, &(struct order){ .kind = ORDER_QUERY, .run = id });
	while (since(begun) < SETTLE_S && crew_wait(c, 0.25)) {
		struct answer a = hand_answer(c->hands[0]);
		if (a.run != id) {
			if (since(begun) > PEER_S)
				break;
			continue;
		}
		*out = a.report;
		r->has_peer = true;
		if (a.report.received + a.report.sent == before)
			return true;
		before = a.report.received + a.report.sent;
	}
	return before != UINT64_MAX;
}

/* Nothing more comes to the clients. */
static void settle(struct run *r)
{
	struct mono begun = clock_now();
	uint64_t before = UINT64_MAX, now = crew_tally(&r->crew).count[COUNT_received];
	while (now != before && since(begun) < SETTLE_S && crew_wait(&r->crew, REST_S)) {
		before = now;
		now = crew_tally(&r->crew).count[COUNT_received];
	}
}

static void take_local(struct outcome *out, const struct tally *d)
{
	out->received = d->count[COUNT_received];
	out->bytes = d->count[COUNT_received_bytes];
	out->twice = d->count[COUNT_twice];
	out->reordered = d->count[COUNT_reordered];
	out->late = d->count[COUNT_late];
	out->dropped = d->count[COUNT_socket_dropped];
}

static void take_remote(struct outcome *out, const struct probe_report *p)
{
	out->received = p->received;
	out->bytes = p->bytes;
	out->twice = p->twice;
	out->reordered = p->reordered;
	out->late = p->late;
	out->corrupt += p->corrupt;
	out->dropped = p->dropped;
}

/* Who knows what, in each mode. */
static void judge(struct run *r, struct outcome *out, uint32_t id, const struct tally *d)
{
	const struct options *o = r->crew.shared.o;
	struct probe_report p = {};
	bool has_report =
		(o->mode == MODE_UP || (o->mode == MODE_DOWN && !o->passive)) && ask_peer(r, id, &p);
	out->sent = d->count[COUNT_sent];
	out->corrupt = d->count[COUNT_corrupt];
	out->blocked = d->count[COUNT_blocked];
	switch (o->mode) {
	case MODE_UP:
		take_remote(out, &p);
		out->is_known = has_report;
		return;
	case MODE_DOWN:
		take_local(out, d);
		out->sent = o->passive ? d->count[COUNT_expected] : p.sent;
		out->is_known = o->passive || has_report;
		return;
	case MODE_ECHO:
		take_local(out, d);
		out->is_known = true;
		return;
	case MODE_NONE:
	case MODE_LOGINS:
	case MODE_IDLE:
	case MODE_PEER:
	case MODE_FLOOD:
	case MODE_N: break;
	}
}

static enum order_kind order_of(enum mode m)
{
	return m == MODE_UP ? ORDER_SEND : m == MODE_DOWN ? ORDER_WISH : ORDER_ECHO;
}

static bool measure(struct run *r, double rate, double seconds, struct outcome *out)
{
	struct crew *c = &r->crew;
	const struct options *o = c->shared.o;
	uint32_t id = o->passive ? 0 : new_id();
	struct tally before = crew_tally(c);
	struct mono begun = clock_now();
	crew_order(c,
		   &(struct order){ .kind = order_of(o->mode), .run = id, .rate = rate, .seconds = seconds });
	bool go_on = crew_wait(c, seconds);
	*out = (struct outcome){ .seconds = since(begun), .rate = rate };
	if (o->mode == MODE_ECHO || (o->mode == MODE_DOWN && !o->passive)) {
		/* Keep the order: it says which run the packets that still come belong to. */
		if (o->mode == MODE_ECHO)
			crew_order(c, &(struct order){ .kind = ORDER_REST, .run = id });
		settle(r);
	}
	/* A flood goes on: what comes from now on belongs to no run. */
	crew_order(c, &(struct order){ .kind = ORDER_REST, .run = o->passive ? NO_RUN : id });
	crew_wait(c, REST_S);
	struct tally d = crew_since(c, &before);
	judge(r, out, id, &d);
	return go_on;
}

static void note(struct run *r, const struct outcome *out)
{
	if (r->steps_n < RUN_STEPS_MAX)
		r->steps[r->steps_n++] = *out;
	if (!r->crew.shared.o->quiet)
		fprintf(stderr, "step: %.0f pps asked, %.0f sent, %.0f received, loss %.4f %%\n", out->rate,
			(double)out->sent / out->seconds, (double)out->received / out->seconds,
			run_loss(out));
}

/* {{ the highest rate }} */

/* Was the rate carried?  Not either, if our own end could not send it. */
static bool is_carried(const struct options *o, const struct outcome *out)
{
	double bound = o->max_loss >= 0 ? o->max_loss : SWEEP_LOSS;
	return out->is_known && out->sent > 0 && run_loss(out) <= bound &&
	       (double)out->sent / out->seconds >= 0.95 * out->rate;
}

static bool try_rate(struct run *r, double rate, bool *carried)
{
	const struct options *o = r->crew.shared.o;
	struct outcome out;
	bool go_on = measure(r, rate, o->step, &out);
	note(r, &out);
	*carried = is_carried(o, &out);
	if (*carried && out.rate > r->best.rate) {
		r->best = out;
		r->is_found = true;
	}
	return go_on && out.is_known;
}

static void sweep(struct run *r)
{
	const struct options *o = r->crew.shared.o;
	double low = 0, high = o->rate > 0 ? (double)o->rate : SWEEP_FROM;
	bool carried = true, go_on = true;
	while (go_on && r->steps_n < RUN_STEPS_MAX / 2) {
		go_on = try_rate(r, high, &carried);
		if (!carried)
			break;
		low = high;
		high *= 2;
	}
	while (go_on && !carried && low == 0 && high > 100) { /* the first was too much */
		high /= 4;
		go_on = try_rate(r, high, &carried);
		low = carried ? high : 0;
		high = carried ? high * 4 : high;
	}
	for (unsigned i = 0; go_on && i < SWEEP_HALVINGS; i++) {
		double middle = (low + high) / 2;
		go_on = try_rate(r, middle, &carried);
		*(carried ? &low : &high) = middle;
	}
	if (!r->is_found && r->steps_n > 0)
		r->best = r->steps[r->steps_n - 1];
}

/* {{ modes }} */

static void run_logins(struct run *r)
{
	struct crew *c = &r->crew;
	const struct options *o = c->shared.o;
	crew_order(c, &(struct order){ .kind = ORDER_CYCLE, .rate = (double)o->rate });
	crew_wait(c, o->warmup);
	struct tally before = crew_tally(c);
	struct mono begun = clock_now();
	crew_wait(c, o->duration);
	r->seconds = since(begun);
	r->logins = crew_since(c, &before).count[COUNT_opened];
}

static void run_traffic(struct run *r)
{
	const struct options *o = r->crew.shared.o;
	double rate = (double)o->rate;
	if (o->mode == MODE_ECHO && rate == 0)
		rate = ECHO_RATE * (double)o->clients;
	r->has_traffic = true;
	struct outcome warm;
	if (o->warmup > 0 && !measure(r, rate, o->warmup, &warm))
		return;
	if (o->sweep)
		sweep(r);
	else
		measure(r, rate, o->duration, &r->best);
	r->seconds = r->best.seconds;
}

static void run_held(struct run *r)
{
	struct mono begun = clock_now();
	crew_wait(&r->crew, r->crew.shared.o->duration);
	r->seconds = since(begun);
}

enum err run_mode(struct run *r, const struct options *o)
{
	*r = (struct run){};
	TRY(crew_begin(&r->crew, o));
	enum err e = ERR_OK;
	if (o->mode == MODE_LOGINS)
		run_logins(r);
	else {
		e = open_sessions(r);
		if (e == ERR_OK)
			(o->mode == MODE_IDLE ? run_held : run_traffic)(r);
	}
	r->total = crew_tally(&r->crew);
	r->held = (uint32_t)(r->total.count[COUNT_started] - r->total.count[COUNT_closed]);
	crew_end(&r->crew);
	return e;
}

void run_fini(struct run *r)
{
	crew_fini(&r->crew);
}
