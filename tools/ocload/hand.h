/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hand - a thread with its clients: one epoll loop
 *
 * Main gives orders through a mutex and reads the counters; nothing else is shared while the thread runs.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "client.h"
#include "hist.h"
#include "packet.h"
#include "users.h"

enum counter : uint8_t {
#define COUNTER(name) COUNT_##name,
#include "counters.def"
#undef COUNTER
	COUNT_N
};

enum latency : uint8_t {
	LATENCY_TLS,
	LATENCY_LOGIN,
	LATENCY_CONNECT,
	LATENCY_DTLS,
	LATENCY_TOTAL,
	LATENCY_ECHO,
	LATENCY_N
};

enum order_kind : uint8_t {
	ORDER_NONE,
	ORDER_OPEN,  /* open all sessions and keep them */
	ORDER_CYCLE, /* logins again and again */
	ORDER_SEND,  /* packets to the peer */
	ORDER_ECHO,
	ORDER_WISH,  /* let the peer send packets */
	ORDER_REST,  /* no more packets; count what still comes */
	ORDER_QUERY, /* the first client asks the peer what came */
	ORDER_CLOSE, /* end all sessions, then the thread */
};

struct order {
	enum order_kind kind;
	uint32_t run;
	double rate; /* of this hand, per second; 0: as fast as possible */
	struct mono start;
	double seconds; /* ORDER_WISH: how long */
};

/* What all hands share and none changes. */
struct shared {
	const struct options *o;
	struct tls tls;
	struct users users;
	struct addr server;
	char host[300]; /* for Host: */
	const char *servername;
	bool wants_dtls;
	bool has_to;
	struct addr to;
};

struct answer {
	uint32_t run;
	struct probe_report report;
};

struct load {
	struct order order; /* the one being carried out */
	struct packet_shape shape;
	uint64_t sent;  /* of this run */
	size_t cursor;  /* client whose turn it is */
	struct mono next; /* when the next packet is due */
};

struct hand {
	const struct shared *shared;
	uint32_t number;
	pthread_t thread;
	int epoll, wake;
	struct client *clients;
	uint32_t clients_n, opening_n, started_n;
	struct mono now, next_tick, next_start;
	struct load load;
	struct scratch io;
	struct udp_in in;
	struct udp_out out;
	struct hist hist[LATENCY_N]; /* read by main when the thread has ended */
	enum record_suite suite; /* of the last channel that came up */
	atomic_uint_fast64_t count[COUNT_N]; /* written by the thread, read by main; each stands for itself */
	atomic_uint_fast64_t fails[FAIL_N];
	atomic_uint_fast32_t orders_n; /* release by hand_order, acquire by the loop */
	uint_fast32_t orders_taken;
	pthread_mutex_t lock; /* of the two below */
	struct order next_order;
	struct answer answer; /* the peer's last report */
};

enum err hand_new(struct hand **out, const struct shared *s, uint32_t number, uint32_t first,
		  uint32_t clients_n);
void hand_free(struct hand *h); /* after hand_join */
enum err hand_run(struct hand *h);
void hand_join(struct hand *h);

/* From main. */
void hand_order(struct hand *h, const struct order *o);
struct answer hand_answer(struct hand *h);

/* From the thread. */
static inline void hand_add(struct hand *h, enum counter c, uint64_t n)
{
	uint_fast64_t v = atomic_load_explicit(&h->count[c], memory_order_relaxed);
	atomic_store_explicit(&h->count[c], v + n, memory_order_relaxed);
}
void hand_fail(struct hand *h, const struct client *c, enum fail why);
/* events of epoll; 0 takes it out. */
enum err hand_watch(struct hand *h, const struct client *c, int fd, bool is_udp, uint32_t events,
		    bool is_new);
