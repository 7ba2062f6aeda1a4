/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hand.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

constexpr uint64_t TICK_NS = 100'000'000;
constexpr size_t EVENTS = 256;
constexpr uint64_t WAKE = UINT64_MAX; /* epoll's data of the eventfd */

/* {{ made by main }} */

enum err hand_new(struct hand **out, const struct shared *s, uint32_t number, uint32_t first,
		  uint32_t clients_n)
{
	struct hand *h = calloc(1, sizeof *h);
	if (h == nullptr)
		return ERR_NOMEM;
	h->shared = s;
	h->number = number;
	h->clients_n = clients_n;
	h->clients = calloc(MAX(clients_n, 1u), sizeof *h->clients);
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&h->lock, nullptr);
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = WAKE };
	if (h->clients == nullptr || h->epoll < 0 || h->wake < 0 ||
	    epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->wake, &ev) != 0) {
		hand_free(h);
		return ERR_SYS;
	}
	for (uint32_t i = 0; i < clients_n; i++)
		client_init(&h->clients[i], h, first + i);
	*out = h;
	return ERR_OK;
}

void hand_free(struct hand *h)
{
	if (h == nullptr)
		return;
	for (uint32_t i = 0; h->clients != nullptr && i < h->clients_n; i++)
		client_fini(&h->clients[i]);
	free(h->clients);
	base_closep(&h->epoll);
	base_closep(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void hand_order(struct hand *h, const struct order *o)
{
	uint64_t one = 1;
	pthread_mutex_lock(&h->lock);
	h->next_order = *o;
	pthread_mutex_unlock(&h->lock);
	atomic_fetch_add_explicit(&h->orders_n, 1, memory_order_release);
	[[maybe_unused]] ssize_t n = write(h->wake, &one, sizeof one);
}

struct answer hand_answer(struct hand *h)
{
	pthread_mutex_lock(&h->lock);
	struct answer a = h->answer;
	pthread_mutex_unlock(&h->lock);
	return a;
}

/* {{ words of its clients }} */

void hand_fail(struct hand *h, const struct client *c, enum fail why)
{
	uint_fast64_t v = atomic_load_explicit(&h->fails[why], memory_order_relaxed);
	atomic_store_explicit(&h->fails[why], v + 1, memory_order_relaxed);
	if (!h->shared->o->verbose)
		return;
	char text[WOLFSSL_MAX_ERROR_SZ] = "";
	if (why == FAIL_TLS)
		wolfSSL_ERR_error_string((unsigned long)c->conn.error, text);
	fprintf(stderr, "client %u: %s (state %u) %s\n", c->index, client_fail_text(why), c->state, text);
}

enum err hand_watch(struct hand *h, const struct client *c, int fd, bool is_udp, uint32_t events, bool is_new)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)(c - h->clients) << 1 | is_udp };
	return epoll_ctl(h->epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) == 0 ? ERR_OK : ERR_SYS;
}

/* {{ the loop }} */

static bool take_order(struct hand *h)
{
	uint_fast32_t n = atomic_load_explicit(&h->orders_n, memory_order_acquire);
	if (n == h->orders_taken)
		return true;
	h->orders_taken = n;
	pthread_mutex_lock(&h->lock);
	struct order o = h->next_order;
	pthread_mutex_unlock(&h->lock);
	load_begin(h, &o);
	return o.kind != ORDER_CLOSE;
}

/* The next client to start: of all that were not tried, or in turn. */
static struct client *next_idle(struct hand *h, bool again)
{
	if (!again)
		return h->started_n < h->clients_n ? &h->clients[h->started_n] : nullptr;
	for (uint32_t i = 0; i < h->clients_n; i++) {
		struct client *c = &h->clients[h->started_n++ % h->clients_n];
		if (c->state == CLIENT_IDLE && clock_is_past(h->now, c->retry_at))
			return c;
	}
	return nullptr;
}

/* As many as may log in at the same time, and no quicker than the rate. */
static void start_some(struct hand *h)
{
	const struct order *o = &h->load.order;
	bool again = o->kind == ORDER_CYCLE;
	uint32_t most = (uint32_t)MAX(h->shared->o->concurrency / h->shared->o->threads, 1u);
	if (o->kind != ORDER_OPEN && !again)
		return;
	while (again || h->opening_n < most) {
		if (o->rate > 0 && !clock_is_past(h->now, h->next_start))
			return;
		struct client *c = next_idle(h, again);
		if (c == nullptr)
			return;
		if (o->rate > 0)
			h->next_start.ns =
				MAX(h->next_start.ns, h->now.ns - 10'000'000) + (uint64_t)(1e9 / o->rate);
		if (!again)
			h->started_n++;
		client_start(c);
	}
}

/* Mode logins: an open tunnel has served its purpose. */
static void recycle(struct hand *h)
{
	if (h->load.order.kind != ORDER_CYCLE)
		return;
	for (uint32_t i = 0; i < h->clients_n; i++)
		if (client_is_open(&h->clients[i]))
			client_stop(&h->clients[i], FAIL_NONE, true);
}

static void tick(struct hand *h)
{
	if (!clock_is_past(h->now, h->next_tick))
		return;
	h->next_tick.ns = h->now.ns + TICK_NS;
	for (uint32_t i = 0; i < h->clients_n; i++)
		client_tick(&h->clients[i]);
}

static void take_event(struct hand *h, const struct epoll_event *ev)
{
	if (ev->data.u64 == WAKE) {
		uint64_t n;
		[[maybe_unused]] ssize_t rc = read(h->wake, &n, sizeof n);
		return;
	}
	struct client *c = &h->clients[ev->data.u64 >> 1];
	if ((ev->data.u64 & 1) != 0)
		client_udp_ready(c);
	else
		client_tcp_ready(c, (ev->events & ~(uint32_t)EPOLLOUT) != 0, (ev->events & EPOLLOUT) != 0);
}

static void wait_events(struct hand *h, uint64_t most_ns)
{
	struct epoll_event ev[EVENTS];
	struct timespec t = { .tv_sec = (time_t)(most_ns / 1'000'000'000),
			      .tv_nsec = (long)(most_ns % 1'000'000'000) };
	int n = epoll_pwait2(h->epoll, ev, EVENTS, &t, nullptr);
	h->now = clock_now();
	for (int i = 0; i < n; i++)
		take_event(h, &ev[i]);
}

static uint64_t until_start(const struct hand *h)
{
	const struct order *o = &h->load.order;
	bool paced = (o->kind == ORDER_OPEN || o->kind == ORDER_CYCLE) && o->rate > 0;
	return paced && h->next_start.ns > h->now.ns ? h->next_start.ns - h->now.ns : TICK_NS;
}

static void *loop(void *arg)
{
	struct hand *h = arg;
	h->now = h->next_start = clock_now();
	while (take_order(h)) {
		recycle(h);
		start_some(h);
		uint64_t wait = load_run(h);
		wait_events(h, MIN(MIN(wait, TICK_NS), until_start(h)));
		tick(h);
	}
	for (uint32_t i = 0; i < h->clients_n; i++)
		client_stop(&h->clients[i], FAIL_NONE, true);
	return nullptr;
}

enum err hand_run(struct hand *h)
{
	return pthread_create(&h->thread, nullptr, loop, h) == 0 ? ERR_OK : ERR_SYS;
}

void hand_join(struct hand *h)
{
	pthread_join(h->thread, nullptr);
}
