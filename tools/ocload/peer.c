/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "packet.h"
#include "stream.h"
#include "track.h"

constexpr size_t RUNS = 8;
constexpr uint32_t FLOWS_MAX = 1 << 20;
constexpr uint64_t TICK_NS = 100'000'000;

static volatile sig_atomic_t stopped; /* set by the handler of signals, the only place where it can be told */

/* One run of one ocload; the oldest makes room. */
struct peer_run {
	uint32_t id;
	struct mono used;
	struct probe_report report;
	uint64_t bad_sums_before;
	uint32_t dropped_before;
	struct track **tracks;
	uint32_t tracks_n;
	struct stream stream;
};

struct peer {
	const struct options *o;
	int fd;
	bool has_pool;
	struct prefix pool;
	struct mono now;
	uint32_t dropped;
	struct peer_run *last; /* damaged packets are counted there */
	struct peer_run runs[RUNS];
	struct udp_in in;
	struct udp_out out;
};

static void stop(int)
{
	stopped = 1;
}

static void catch_signals(void)
{
	struct sigaction a = { .sa_handler = stop };
	sigaction(SIGINT, &a, nullptr);
	sigaction(SIGTERM, &a, nullptr);
}

/* The kernel drops datagrams whose checksum is wrong, and only tells here, of all sockets of this namespace. */
static uint64_t bad_sums(void)
{
	unsigned long long v = 0, v6 = 0;
	char line[512], *save;
	FILE *f = fopen("/proc/net/snmp", "re");
	for (unsigned udp = 0; f != nullptr && fgets(line, sizeof line, f) != nullptr;)
		if (strncmp(line, "Udp: ", 5) == 0 && ++udp == 2) {
			char *word = strtok_r(line + 5, " ", &save);
			for (unsigned i = 0; word != nullptr && i < 6; i++)
				word = strtok_r(nullptr, " ", &save);
			v = word != nullptr ? strtoull(word, nullptr, 10) : 0;
		}
	if (f != nullptr)
		fclose(f);
	f = fopen("/proc/net/snmp6", "re");
	while (f != nullptr && fgets(line, sizeof line, f) != nullptr)
		if (strncmp(line, "Udp6InCsumErrors", 16) == 0)
			v6 = strtoull(line + 16, nullptr, 10);
	if (f != nullptr)
		fclose(f);
	return v + v6;
}

/* {{ runs }} */

static void run_fini(struct peer_run *r)
{
	for (uint32_t i = 0; i < r->tracks_n; i++)
		free(r->tracks[i]);
	free(r->tracks);
	stream_fini(&r->stream);
	*r = (struct peer_run){};
}

static struct peer_run *find_run(struct peer *p, uint32_t id)
{
	struct peer_run *oldest = &p->runs[0];
	for (size_t i = 0; i < RUNS; i++) {
		struct peer_run *r = &p->runs[i];
		if (r->id == id && r->used.ns != 0) {
			r->used = p->now;
			return r;
		}
		if (r->used.ns < oldest->used.ns)
			oldest = r;
	}
	run_fini(oldest);
	oldest->id = id;
	oldest->used = p->now;
	oldest->dropped_before = p->dropped;
	oldest->bad_sums_before = bad_sums();
	p->last = oldest;
	return oldest;
}

static struct track *track_of(struct peer_run *r, uint32_t flow)
{
	if (flow >= FLOWS_MAX)
		return nullptr;
	if (flow >= r->tracks_n) {
		uint32_t n = MAX(flow + 1, r->tracks_n * 2);
		struct track **grown = realloc(r->tracks, n * sizeof *grown);
		if (grown == nullptr)
			return nullptr;
		memset(grown + r->tracks_n, 0, (n - r->tracks_n) * sizeof *grown);
		r->tracks = grown;
		r->tracks_n = n;
	}
	if (r->tracks[flow] == nullptr)
		r->tracks[flow] = calloc(1, sizeof(struct track));
	return r->tracks[flow];
}

/* {{ what comes }} */

static void count(struct peer_run *r, const struct probe *h, size_t ip_len)
{
	struct track *t = track_of(r, h->flow);
	if (t == nullptr)
		return;
	enum track_verdict v = track_add(t, h->seq);
	r->report.twice += v == TRACK_TWICE;
	r->report.late += v == TRACK_LATE;
	r->report.reordered += v == TRACK_REORDERED;
	if (v == TRACK_NEXT || v == TRACK_REORDERED) {
		r->report.received++;
		r->report.bytes += ip_len;
	}
}

static void reply(struct peer *p, const struct probe *h, enum probe_kind kind, const void *body, size_t len,
		  const struct sockaddr_storage *to)
{
	uint8_t bytes[PROBE_LEN + PROBE_REPORT_LEN];
	struct probe answer = *h;
	answer.kind = kind;
	probe_put(bytes, &answer);
	if (len > 0)
		memcpy(bytes + PROBE_LEN, body, len);
	[[maybe_unused]] ssize_t n =
		sendto(p->fd, bytes, PROBE_LEN + len, MSG_DONTWAIT, (const struct sockaddr *)to,
		       sizeof(struct sockaddr_in6)); /* lost: it is asked again */
}

static void report(struct peer *p, struct peer_run *r, const struct probe *h,
		   const struct sockaddr_storage *from)
{
	uint8_t body[PROBE_REPORT_LEN];
	struct probe_report out = r->report;
	out.dropped = p->dropped - r->dropped_before;
	out.corrupt += bad_sums() - r->bad_sums_before;
	out.sent = r->stream.sent;
	probe_put_report(body, &out);
	reply(p, h, PROBE_REPORT, body, sizeof body, from);
}

static bool has_flow(const struct stream *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->flows[i].id == id)
			return true;
	return false;
}

static void begin_stream(struct peer *p, struct peer_run *r, const struct probe_wish *w)
{
	if (r->stream.n > 0)
		return;
	r->stream = (struct stream){ .run = r->id,
				     .size = w->size,
				     .burst = (unsigned)p->o->burst,
				     .start = p->now,
				     .until = clock_add_ms(p->now, w->millis) };
}

static void grant(struct peer *p, struct peer_run *r, const struct probe *h, const struct probe_wish *w,
		  const struct sockaddr_storage *from)
{
	struct addr a = addr_of_sockaddr((const struct sockaddr *)from);
	if (!p->has_pool || !prefix_has(&p->pool, &a))
		return;
	if (!has_flow(&r->stream, h->flow)) {
		begin_stream(p, r, w);
		struct sockaddr_storage to = *from;
		for (uint32_t f = 0; f < w->flows_n; f++) {
			struct addr at = a;
			at.port = (uint16_t)(a.port + f);
			addr_to_sockaddr(&at, AF_INET6, &to);
			if (stream_add(&r->stream, &to, h->flow + f) != ERR_OK)
				return;
		}
		/* A new flow must not find itself in arrears. */
		double secs = (double)(p->now.ns - r->stream.start.ns) / 1e9,
		       rate = (double)w->rate_mpps / 1000;
		r->stream.skipped += (uint64_t)(secs * rate);
		r->stream.rate += rate;
	}
	reply(p, h, PROBE_STARTED, nullptr, 0, from);
}

/* Bytes of IP and UDP in front of it. */
static size_t heads_of(const struct sockaddr_storage *from)
{
	struct addr a = addr_of_sockaddr((const struct sockaddr *)from);
	return addr_is_v4(&a) ? 28 : 48;
}

static void take(void *arg, uint8_t *bytes, size_t n, const struct sockaddr_storage *from)
{
	struct peer *p = arg;
	struct probe h;
	struct probe_wish w;
	enum err e = probe_get(&h, bytes, n);
	if (e != ERR_OK) {
		if (p->last != nullptr)
			p->last->report.corrupt++;
		return;
	}
	const uint8_t *body = bytes + PROBE_LEN;
	struct peer_run *r = find_run(p, h.run);
	switch (h.kind) {
	case PROBE_DATA:
		if (probe_is_fill(body, n - PROBE_LEN, h.seq))
			count(r, &h, n + heads_of(from));
		else
			r->report.corrupt++;
		return;
	case PROBE_START:
		if (probe_get_wish(&w, body, n - PROBE_LEN) == ERR_OK)
			grant(p, r, &h, &w, from);
		return;
	case PROBE_QUERY: report(p, r, &h, from); return;
	case PROBE_STARTED:
	case PROBE_REPORT: return;
	}
}

/* {{ the loops }} */

static uint64_t send_streams(struct peer *p)
{
	uint64_t wait = TICK_NS;
	for (size_t i = 0; i < RUNS; i++)
		wait = MIN(wait, stream_run(&p->runs[i].stream, p->fd, &p->out, p->now));
	return wait;
}

static int say(const char *what)
{
	fprintf(stderr, "ocload: %s: %s\n", what, strerror(errno));
	return 1;
}

static enum err open_socket(int *fd, uint16_t port)
{
	const struct addr any = { .port = port };
	return udp_open(fd, &any, nullptr);
}

static void serve(struct peer *p)
{
	while (!stopped) {
		p->now = clock_now();
		uint64_t wait = send_streams(p);
		struct timespec t = { 0, (long)wait };
		struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
		if (ppoll(&pfd, 1, &t, nullptr) <= 0)
			continue;
		p->now = clock_now();
		for (unsigned i = 0; i < 8; i++)
			if (udp_read(p->fd, &p->in, take, p, &p->dropped) != ERR_OK)
				break;
	}
}

int peer_main(const struct options *o)
{
	struct peer *p OWNED(base_freep) = calloc(1, sizeof *p);
	if (p == nullptr)
		return say("memory");
	p->o = o;
	p->now = clock_now();
	p->has_pool = o->pool != nullptr;
	if (p->has_pool && options_prefix(&p->pool, o->pool) != ERR_OK) {
		fprintf(stderr, "ocload: not a prefix: %s\n", o->pool);
		return 2;
	}
	if (open_socket(&p->fd, (uint16_t)o->port) != ERR_OK)
		return say("cannot open the port");
	catch_signals();
	serve(p);
	close(p->fd);
	for (size_t i = 0; i < RUNS; i++)
		run_fini(&p->runs[i]);
	return 0;
}

static enum err add_targets(struct stream *s, const struct options *o, const struct prefix *to)
{
	uint64_t n = MIN(prefix_count(to), 65536);
	for (uint64_t i = 0; i < n; i++)
		for (uint32_t f = 0; f < o->flows; f++) {
			struct sockaddr_storage sa;
			struct addr a = prefix_nth(to, i);
			a.port = (uint16_t)(PACKET_CLIENT_PORT + f);
			addr_to_sockaddr(&a, AF_INET6, &sa);
			TRY(stream_add(s, &sa, (uint32_t)(i * o->flows + f)));
		}
	return ERR_OK;
}

static void pour(struct stream *s, int fd, struct udp_out *out)
{
	while (!stopped) {
		uint64_t wait = stream_run(s, fd, out, clock_now());
		if (wait == UINT64_MAX)
			return;
		struct timespec t = { 0, (long)MIN(wait, TICK_NS) };
		if (wait > 0)
			nanosleep(&t, nullptr);
	}
}

int flood_main(const struct options *o)
{
	struct prefix to;
	int fd;
	struct udp_out *out OWNED(base_freep) = calloc(1, sizeof *out);
	struct stream s = { .size = o->size, .rate = (double)o->rate, .burst = (unsigned)o->burst };
	if (options_prefix(&to, o->to) != ERR_OK) {
		fprintf(stderr, "ocload: not a prefix: %s\n", o->to);
		return 2;
	}
	if (out == nullptr || open_socket(&fd, (uint16_t)o->port) != ERR_OK ||
	    add_targets(&s, o, &to) != ERR_OK || getrandom(&s.run, sizeof s.run, 0) != sizeof s.run)
		return say("cannot begin");
	catch_signals();
	s.start = clock_now();
	s.until.ns = s.start.ns + (uint64_t)(o->duration * 1e9);
	pour(&s, fd, out);
	double secs = (double)(clock_now().ns - s.start.ns) / 1e9;
	printf(o->json ? "{\"mode\": \"flood\", \"sent\": %llu, \"seconds\": %.3f, \"sent_per_s\": %.1f}\n"
		       : "sent %llu packets in %.3f s, %.1f a second\n",
	       (unsigned long long)s.sent, secs, (double)s.sent / secs);
	close(fd);
	stream_fini(&s);
	return 0;
}
