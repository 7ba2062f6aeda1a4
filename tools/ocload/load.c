/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

constexpr uint64_t TURN = 512;          /* packets before the loop looks for events again */
constexpr double QUANTUM_S = 0.0005;    /* packets of so long are sent together, up to a burst */
constexpr double BACKLOG_S = 0.05;      /* what is later than this is not sent at all */
constexpr uint64_t ASK_NS = 200'000'000; /* between two wishes or queries */

/* {{ one client }} */

static uint8_t version_of(const struct shared *s)
{
	return s->has_to && !addr_is_v4(&s->to) ? 6 : 4;
}

static bool path_of(const struct client *c, uint32_t flow, struct packet_path *out)
{
	const struct shared *s = c->hand->shared;
	out->src = version_of(s) == 4 ? c->tunnel.ip4 : c->tunnel.ip6;
	out->dst = s->has_to ? s->to : c->tunnel.gateway4;
	out->src.port = (uint16_t)(PACKET_CLIENT_PORT + flow);
	out->dst.port = (uint16_t)s->o->port;
	return addr_is_set(&out->src) && addr_is_set(&out->dst);
}

/* The packets of one flow that are due, as many as go into one system call. */
struct burst {
	struct client *c;
	struct packet_path path;
	struct probe probe;
	bool is_echo;
};

static void put_next(struct burst *b, uint8_t *at)
{
	const struct packet_shape *s = &b->c->hand->load.shape;
	b->probe.time_ns = clock_now().ns;
	(b->is_echo ? packet_put_echo : packet_put_udp)(at, s, &b->path, &b->probe);
	b->probe.seq++;
}

static uint64_t send_tls(struct burst *b, uint64_t n)
{
	struct client *c = b->c;
	uint8_t *frame = c->hand->io.plain;
	size_t size = c->hand->load.shape.size;
	if (conn_is_stuck(&c->conn)) {
		hand_add(c->hand, COUNT_blocked, 1);
		return 0;
	}
	for (uint64_t i = 0; i < n; i++) {
		cstp_put_header(frame, CSTP_DATA, size);
		put_next(b, frame + CSTP_HEAD_LEN);
		if (conn_write(&c->conn, frame, CSTP_HEAD_LEN + size) != ERR_OK)
			return i;
	}
	[[maybe_unused]] enum err e =
		conn_flush(&c->conn); /* a broken connection is noticed when it is read */
	client_watch(c);
	return n;
}

static uint64_t send_dtls(struct burst *b, uint64_t n)
{
	struct client *c = b->c;
	struct udp_out *out = &c->hand->out;
	size_t payload = 1 + c->hand->load.shape.size, sent;
	for (uint64_t i = 0; i < n && udp_fits(out, chan_record_len(c->chan, payload)); i++) {
		uint8_t *at = chan_payload(c->chan, out);
		at[0] = CSTP_DATA;
		put_next(b, at + 1);
		if (chan_seal(c->chan, out, payload) != ERR_OK)
			break;
	}
	if (udp_send(c->chan->fd, out, nullptr, &sent) == ERR_BUSY)
		hand_add(c->hand, COUNT_blocked, 1);
	return sent;
}

static uint64_t send_burst(struct client *c, uint64_t n)
{
	struct hand *h = c->hand;
	uint32_t flows = (uint32_t)h->shared->o->flows, flow = c->next_flow++ % flows;
	struct burst b = { .c = c, .is_echo = h->load.order.kind == ORDER_ECHO };
	if (!path_of(c, flow, &b.path))
		return 0;
	if (b.is_echo)
		b.path.src.port = (uint16_t)c->index;
	b.probe = (struct probe){ .kind = PROBE_DATA,
				  .run = h->load.order.run,
				  .flow = c->index * flows + flow,
				  .seq = c->seq[flow] };
	uint64_t sent = (client_uses_tls(c) ? send_tls : send_dtls)(&b, n);
	c->seq[flow] += sent;
	if (sent > 0)
		c->tx_at = h->now;
	hand_add(h, COUNT_sent, sent);
	hand_add(h, COUNT_sent_bytes, sent * h->load.shape.size);
	return sent;
}

/* {{ all clients in turn }} */

static struct client *next_open(struct hand *h)
{
	for (uint32_t i = 0; i < h->clients_n; i++) {
		struct client *c = &h->clients[h->load.cursor++ % h->clients_n];
		if (client_is_open(c))
			return c;
	}
	return nullptr;
}

/* How many packets are due now. */
static uint64_t due(struct hand *h)
{
	struct load *l = &h->load;
	double rate = l->order.rate;
	if (rate <= 0)
		return TURN;
	double should =
		(double)(h->now.ns - MIN(l->order.start.ns, h->now.ns)) / 1e9 * rate - (double)l->sent;
	double most = fmax(rate * BACKLOG_S, 1);
	if (should > most) {
		l->sent += (uint64_t)(should - most); /* will never be sent */
		should = most;
	}
	return should < 1 ? 0 : (uint64_t)should;
}

static uint64_t send_due(struct hand *h)
{
	struct load *l = &h->load;
	uint64_t left = due(h), budget = TURN, failed = 0;
	double rate = l->order.rate;
	uint64_t quantum =
		rate > 0 ? (uint64_t)fmin(fmax(rate * QUANTUM_S, 1), (double)h->shared->o->burst) : 1;
	while (left >= quantum && budget > 0 && failed < h->clients_n) {
		struct client *c = next_open(h);
		if (c == nullptr)
			return UINT64_MAX;
		uint64_t n = send_burst(c, MIN(left, h->shared->o->burst));
		failed = n == 0 ? failed + 1 : 0;
		l->sent += n;
		left -= MIN(n, left);
		budget -= MIN(n, budget);
	}
	if (failed > 0)
		return 100'000; /* no socket takes more */
	return rate <= 0 || left >= quantum ? 0 : (uint64_t)((double)(quantum - left) / rate * 1e9);
}

/* {{ words with the peer }} */

static void send_control(struct client *c, const struct probe *p, const void *body, size_t len)
{
	uint8_t packet[256];
	struct packet_path path;
	if (!path_of(c, 0, &path))
		return;
	client_send_frame(c, CSTP_DATA, packet, packet_put_control(packet, &path, p, body, len));
}

static uint32_t count_open(const struct hand *h)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < h->clients_n; i++)
		n += client_is_open(&h->clients[i]);
	return n;
}

static uint64_t send_wishes(struct hand *h)
{
	const struct order *o = &h->load.order;
	const struct options *opt = h->shared->o;
	double seconds = o->seconds - (double)(h->now.ns - MIN(o->start.ns, h->now.ns)) / 1e9;
	if (seconds <= 0 || opt->passive)
		return UINT64_MAX;
	struct probe_wish w = { .size = (uint16_t)opt->size,
				.flows_n = (uint16_t)opt->flows,
				.millis = (uint32_t)(seconds * 1000),
				.rate_mpps = (uint64_t)(o->rate * 1000 / MAX(count_open(h), 1u)) };
	uint8_t body[PROBE_WISH_LEN];
	probe_put_wish(body, &w);
	bool all = true;
	for (uint32_t i = 0; i < h->clients_n; i++) {
		struct client *c = &h->clients[i];
		if (!client_is_open(c) || c->wish_granted)
			continue;
		all = false;
		struct probe p = { .kind = PROBE_START,
				   .run = o->run,
				   .flow = c->index * (uint32_t)opt->flows };
		send_control(c, &p, body, sizeof body);
	}
	return all ? UINT64_MAX : ASK_NS;
}

static uint64_t send_query(struct hand *h)
{
	struct client *c = next_open(h);
	struct probe p = { .kind = PROBE_QUERY, .run = h->load.order.run };
	if (c != nullptr)
		send_control(c, &p, nullptr, 0);
	return ASK_NS;
}

/* {{ orders }} */

static bool fits(const struct client *c, const struct options *o)
{
	return c->tunnel.mtu == 0 || o->size <= c->tunnel.mtu;
}

static void begin_client(struct client *c)
{
	const struct options *o = c->hand->shared->o;
	if (c->seq == nullptr)
		c->seq = calloc(o->flows, sizeof *c->seq);
	if (c->seq == nullptr)
		client_stop(c, FAIL_LOCAL, true);
	else if (client_is_open(c) && !fits(c, o))
		client_stop(c, FAIL_MTU, true);
	else
		memset(c->seq, 0, o->flows * sizeof *c->seq);
	if (c->tracks != nullptr)
		memset(c->tracks, 0, o->flows * sizeof *c->tracks);
	c->wish_granted = false;
}

/* Passive: nobody tells how many were sent. */
static void count_expected(struct hand *h)
{
	for (uint32_t i = 0; i < h->clients_n; i++)
		for (size_t f = 0; h->clients[i].tracks != nullptr && f < h->shared->o->flows; f++)
			hand_add(h, COUNT_expected, track_expected(&h->clients[i].tracks[f]));
}

void load_begin(struct hand *h, const struct order *o)
{
	struct load *l = &h->load;
	bool is_run = o->kind == ORDER_SEND || o->kind == ORDER_ECHO || o->kind == ORDER_WISH;
	if (o->kind == ORDER_REST && h->shared->o->passive)
		count_expected(h);
	l->order = *o;
	l->next = h->now;
	if (!is_run)
		return;
	l->sent = 0;
	packet_shape_init(&l->shape, version_of(h->shared), h->shared->o->size);
	for (uint32_t i = 0; i < h->clients_n; i++)
		begin_client(&h->clients[i]);
}

uint64_t load_run(struct hand *h)
{
	struct load *l = &h->load;
	if (!clock_is_past(h->now, l->next))
		return l->next.ns - h->now.ns;
	uint64_t wait = UINT64_MAX;
	if (l->order.kind == ORDER_SEND || l->order.kind == ORDER_ECHO)
		wait = send_due(h);
	else if (l->order.kind == ORDER_WISH)
		wait = send_wishes(h);
	else if (l->order.kind == ORDER_QUERY)
		wait = send_query(h);
	l->next.ns = wait == UINT64_MAX ? UINT64_MAX : h->now.ns + wait;
	return wait;
}

/* {{ what comes }} */

static void count_track(struct hand *h, enum track_verdict v, size_t len)
{
	switch (v) {
	case TRACK_REORDERED: hand_add(h, COUNT_reordered, 1); [[fallthrough]];
	case TRACK_NEXT:
		hand_add(h, COUNT_received, 1);
		hand_add(h, COUNT_received_bytes, len);
		return;
	case TRACK_TWICE: hand_add(h, COUNT_twice, 1); return;
	case TRACK_LATE: hand_add(h, COUNT_late, 1); return;
	}
}

static void take_data(struct client *c, const struct packet_in *in)
{
	struct hand *h = c->hand;
	const struct options *o = h->shared->o;
	uint32_t flow = in->probe.flow - c->index * (uint32_t)o->flows;
	if (o->passive && h->load.order.run == 0)
		h->load.order.run = in->probe.run; /* the flood that came first */
	if (in->probe.run != h->load.order.run) {
		hand_add(h, COUNT_other, 1);
		return;
	}
	if (o->passive)
		flow = in->probe.flow % (uint32_t)o->flows;
	if (flow >= o->flows) { /* meant for another client */
		hand_add(h, COUNT_corrupt, 1);
		return;
	}
	if (c->tracks == nullptr)
		c->tracks = calloc(o->flows, sizeof *c->tracks);
	if (c->tracks == nullptr)
		return;
	enum track_verdict v = track_add(&c->tracks[flow], in->probe.seq);
	count_track(h, v, in->len);
	if (in->is_echo && v != TRACK_TWICE)
		hist_add(&h->hist[LATENCY_ECHO], clock_now().ns - in->probe.time_ns);
}

static void take_report(struct hand *h, const struct packet_in *in)
{
	struct probe_report r;
	if (probe_get_report(&r, in->body, in->body_len) != ERR_OK)
		return;
	pthread_mutex_lock(&h->lock);
	h->answer = (struct answer){ .run = in->probe.run, .report = r };
	pthread_mutex_unlock(&h->lock);
}

void load_take(struct client *c, const uint8_t *p, size_t n)
{
	struct hand *h = c->hand;
	struct packet_in in;
	enum packet_verdict v = packet_look(&in, p, n, (uint16_t)h->shared->o->port);
	if (v != PACKET_GOOD) {
		hand_add(h, v == PACKET_CORRUPT ? COUNT_corrupt : COUNT_other, 1);
		return;
	}
	switch (in.probe.kind) {
	case PROBE_DATA: take_data(c, &in); return;
	case PROBE_STARTED:
		if (in.probe.run == h->load.order.run && !c->wish_granted) {
			c->wish_granted = true;
			hand_add(h, COUNT_wishes_granted, 1);
		}
		return;
	case PROBE_REPORT: take_report(h, &in); return;
	case PROBE_START:
	case PROBE_QUERY: break;
	}
	hand_add(h, COUNT_other, 1);
}
