/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crew.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

constexpr long STEP_NS = 20'000'000;

static volatile sig_atomic_t stopped; /* by SIGINT or SIGTERM */

static void stop(int)
{
	if (stopped)
		_Exit(130); /* twice: at once */
	stopped = 1;
}

bool crew_is_stopped(void)
{
	return stopped != 0;
}

static enum err complain(const char *what, const char *about)
{
	fprintf(stderr, "ocload: %s%s\n", what, about);
	return ERR_CONFIG;
}

/* {{ begin }} */

/* HOST, HOST:PORT, [ADDRESS]:PORT, or an IPv6 address alone. */
static void split(const char *text, char *host, size_t cap, char *port, size_t port_cap)
{
	const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	bool has_port =
		colon != nullptr && (bracket != nullptr ? colon > bracket : strchr(text, ':') == colon);
	size_t len = has_port ? (size_t)(colon - text) : strlen(text);
	snprintf(port, port_cap, "%s", has_port ? colon + 1 : "443");
	if (text[0] == '[' && bracket != nullptr) {
		text++;
		len = (size_t)(bracket - text);
	}
	snprintf(host, cap, "%.*s", (int)len, text);
}

static enum err find_server(struct shared *s, const struct options *o, char *host, size_t cap)
{
	char port[16];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	split(o->server, host, cap, port, sizeof port);
	if (getaddrinfo(host, port, &hints, &found) != 0)
		return complain("cannot find the server ", o->server);
	s->server = addr_of_sockaddr(found->ai_addr);
	freeaddrinfo(found);
	bool is_ip6 = strchr(host, ':') != nullptr, is_default = strcmp(port, "443") == 0;
	snprintf(s->host, sizeof s->host, "%s%s%s%s%s", is_ip6 ? "[" : "", host, is_ip6 ? "]" : "",
		 is_default ? "" : ":", is_default ? "" : port);
	return ERR_OK;
}

static enum err fill_shared(struct shared *s, const struct options *o)
{
	static char host[256]; /* servername points to it; one crew a process */
	struct prefix to;
	s->o = o;
	TRY(find_server(s, o, host, sizeof host));
	s->servername = o->servername != nullptr ? o->servername : host;
	s->wants_dtls = o->mode == MODE_LOGINS ? o->dtls : !o->tls;
	if (o->to != nullptr) {
		if (options_prefix(&to, o->to) != ERR_OK)
			return complain("not an address: ", o->to);
		s->has_to = true;
		s->to = to.base;
	}
	size_t least = packet_least(s->has_to && !addr_is_v4(&s->to) ? 6 : 4, 0);
	if (o->size < least)
		return complain("--size is too small; IPv4 takes 60, IPv6 80", "");
	TRY(users_init(&s->users, o));
	enum err e = tls_init(&s->tls, o);
	if (e != ERR_OK)
		users_fini(&s->users);
	return e;
}

static void lift_limits(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
	struct sigaction a = { .sa_handler = stop };
	sigaction(SIGINT, &a, nullptr);
	sigaction(SIGTERM, &a, nullptr);
	signal(SIGPIPE, SIG_IGN);
}

static enum err hire(struct crew *c, const struct options *o)
{
	uint32_t threads = (uint32_t)MIN(o->threads, o->clients), first = 0;
	c->hands = calloc(threads, sizeof(struct hand *));
	if (c->hands == nullptr)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < threads; i++) {
		uint32_t n = (uint32_t)(o->clients / threads + (i < o->clients % threads));
		TRY(hand_new(&c->hands[i], &c->shared, i, first, n));
		first += n;
		TRY(hand_run(c->hands[i]));
		c->n++;
	}
	return ERR_OK;
}

enum err crew_begin(struct crew *c, const struct options *o)
{
	*c = (struct crew){};
	c->begun = c->shown_at = clock_now();
	TRY(fill_shared(&c->shared, o));
	lift_limits();
	enum err e = hire(c, o);
	if (e != ERR_OK) {
		fprintf(stderr, "ocload: cannot start threads: %s\n", err_text(e));
		crew_end(c);
		crew_fini(c);
	}
	return e;
}

/* {{ end }} */

void crew_end(struct crew *c)
{
	crew_order(c, &(struct order){ .kind = ORDER_CLOSE });
	for (uint32_t i = 0; i < c->n; i++) {
		struct hand *h = c->hands[i];
		hand_join(h);
		for (size_t k = 0; k < LATENCY_N; k++)
			hist_merge(&c->hist[k], &h->hist[k]);
		if (h->suite != RECORD_NONE)
			c->suite = h->suite;
	}
}

void crew_fini(struct crew *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		hand_free(c->hands[i]);
	free(c->hands);
	users_fini(&c->shared.users);
	tls_fini(&c->shared.tls);
}

/* {{ orders and sums }} */

void crew_order(struct crew *c, const struct order *o)
{
	struct order part = *o;
	part.start = clock_now();
	part.rate = o->rate / MAX(c->n, 1u);
	for (uint32_t i = 0; i < c->n; i++)
		if (o->kind != ORDER_QUERY || i == 0)
			hand_order(c->hands[i], &part);
}

struct tally crew_tally(struct crew *c)
{
	struct tally t = {};
	for (uint32_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < COUNT_N; k++)
			t.count[k] += atomic_load_explicit(&c->hands[i]->count[k], memory_order_relaxed);
		for (size_t k = 0; k < FAIL_N; k++)
			t.fails[k] += atomic_load_explicit(&c->hands[i]->fails[k], memory_order_relaxed);
	}
	return t;
}

struct tally crew_since(struct crew *c, const struct tally *before)
{
	struct tally t = crew_tally(c);
	for (size_t k = 0; k < COUNT_N; k++)
		t.count[k] -= before->count[k];
	for (size_t k = 0; k < FAIL_N; k++)
		t.fails[k] -= before->fails[k];
	return t;
}

uint64_t crew_fails(const struct tally *t)
{
	uint64_t n = 0;
	for (size_t k = 0; k < FAIL_N; k++)
		n += t->fails[k];
	return n;
}

/* {{ time }} */

static void show(struct crew *c)
{
	struct mono now = clock_now();
	if (c->shared.o->quiet || now.ns - c->shown_at.ns < 1'000'000'000)
		return;
	double secs = (double)(now.ns - c->shown_at.ns) / 1e9;
	struct tally t = crew_tally(c), d = crew_since(c, &c->shown);
	fprintf(stderr, "%4llu s  sessions %llu  failed %llu  lost %llu",
		(unsigned long long)clock_secs(c->begun, now),
		(unsigned long long)(t.count[COUNT_started] - t.count[COUNT_closed]),
		(unsigned long long)crew_fails(&t), (unsigned long long)t.count[COUNT_lost]);
	if (d.count[COUNT_opened] > 0)
		fprintf(stderr, "  logins %.0f/s", (double)d.count[COUNT_opened] / secs);
	if (d.count[COUNT_sent] > 0)
		fprintf(stderr, "  up %.0f pps %.1f Mbit/s", (double)d.count[COUNT_sent] / secs,
			(double)d.count[COUNT_sent_bytes] / secs * 8e-6);
	if (d.count[COUNT_received] > 0)
		fprintf(stderr, "  down %.0f pps %.1f Mbit/s", (double)d.count[COUNT_received] / secs,
			(double)d.count[COUNT_received_bytes] / secs * 8e-6);
	if (t.count[COUNT_corrupt] > 0)
		fprintf(stderr, "  CORRUPT %llu", (unsigned long long)t.count[COUNT_corrupt]);
	fputc('\n', stderr);
	c->shown = t;
	c->shown_at = now;
}

bool crew_wait(struct crew *c, double seconds)
{
	struct mono end = clock_now();
	end.ns += (uint64_t)(seconds * 1e9);
	for (struct mono now = clock_now(); !stopped && now.ns < end.ns; now = clock_now()) {
		struct timespec t = { 0, (long)MIN((uint64_t)STEP_NS, end.ns - now.ns) };
		nanosleep(&t, nullptr);
		show(c);
	}
	return !stopped;
}
