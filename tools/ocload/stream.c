/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"

constexpr uint64_t TURN = 512;
constexpr double QUANTUM_S = 0.0005;
constexpr double BACKLOG_S = 0.05;

enum err stream_add(struct stream *s, const struct sockaddr_storage *to, uint32_t id)
{
	struct stream_flow *grown = realloc(s->flows, (s->n + 1) * sizeof *grown);
	if (grown == nullptr)
		return ERR_NOMEM;
	s->flows = grown;
	s->flows[s->n++] = (struct stream_flow){ .to = *to, .id = id };
	return ERR_OK;
}

void stream_fini(struct stream *s)
{
	free(s->flows);
	*s = (struct stream){};
}

static size_t payload_len(const struct stream *s, const struct stream_flow *f)
{
	struct sockaddr_in6 in6;
	memcpy(&in6, &f->to, sizeof in6);
	size_t heads = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) ? 28 : 48;
	return MAX(s->size, heads + PROBE_LEN) - heads;
}

static void put_one(const struct stream *s, const struct stream_flow *f, uint64_t seq, struct udp_out *out,
		    size_t len)
{
	const struct probe p = { PROBE_DATA, s->run, f->id, seq, clock_now().ns };
	uint8_t *at = udp_room(out);
	probe_put(at, &p);
	memcpy(at + PROBE_LEN, probe_fill(seq), len - PROBE_LEN);
	udp_added(out, len);
}

static uint64_t send_flow(struct stream *s, int fd, struct udp_out *out, uint64_t n)
{
	struct stream_flow *f = &s->flows[s->cursor++ % s->n];
	size_t len = payload_len(s, f), sent;
	for (uint64_t i = 0; i < n && udp_fits(out, len); i++)
		put_one(s, f, f->seq + i, out, len);
	[[maybe_unused]] enum err e =
		udp_send(fd, out, &f->to, &sent); /* an address nobody has: not sent, not counted */
	f->seq += sent;
	s->sent += sent;
	return sent;
}

static uint64_t due(struct stream *s, struct mono now)
{
	if (s->rate <= 0)
		return TURN;
	double should =
		(double)(now.ns - MIN(s->start.ns, now.ns)) / 1e9 * s->rate - (double)(s->sent + s->skipped);
	double most = fmax(s->rate * BACKLOG_S, 1);
	if (should > most) {
		s->skipped += (uint64_t)(should - most);
		should = most;
	}
	return should < 1 ? 0 : (uint64_t)should;
}

uint64_t stream_run(struct stream *s, int fd, struct udp_out *out, struct mono now)
{
	if (s->n == 0 || clock_is_past(now, s->until))
		return UINT64_MAX;
	uint64_t left = due(s, now), budget = TURN;
	uint64_t quantum = s->rate > 0 ? (uint64_t)fmin(fmax(s->rate * QUANTUM_S, 1), s->burst) : 1;
	for (size_t failed = 0; left >= quantum && budget > 0 && failed < s->n;) {
		uint64_t n = send_flow(s, fd, out, MIN(left, s->burst));
		failed = n == 0 ? failed + 1 : 0;
		left -= MIN(n, left);
		budget -= MIN(n, budget);
		if (failed == s->n)
			return 100'000;
	}
	return s->rate <= 0 || left >= quantum ? 0 : (uint64_t)((double)(quantum - left) / s->rate * 1e9);
}
