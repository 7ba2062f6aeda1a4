/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steer - which worker has which session, and handing packets over
 *
 * The keeper announces every session to every worker.  eBPF brings nearly all packets to the right worker; what still arrives at the
 * wrong one goes through the owner's inbox, so that the server is right without eBPF too.
 *
 * Owner:    the worker.  A route of an own session is part of that session.
 */
#pragma once

#include <linux/virtio_net.h>

#include "base/addr.h"
#include "base/table.h"
#include "config/config.h"
#include "ipc/ipc.h"

struct worker;
struct session;
struct datagram;

constexpr size_t STEER_APP_ID = 32;

struct route {
	uint64_t sid;
	unsigned worker;
	struct session *own; /* nullptr: another worker's */
	struct addr ip4, ip6; /* inner; port 0 */
	uint8_t ip6_len;      /* bits of ip6 that are the client's */
	uint8_t app_id[STEER_APP_ID];
	struct prefix *iroutes; /* networks behind the client */
	size_t iroutes_n;
	struct route *prev, *next; /* of those that have iroutes */
	UT_hash_handle by_sid, by_ip4, by_ip6, by_app_id;
};

struct flow;

struct steer {
	struct route *by_sid, *by_ip4, *by_ip6, *by_app_id;
	struct route *with_iroutes;
	struct flow *flows;   /* outer address -> worker, learned; bounded, oldest first */
	uint8_t ip6_lens[4];  /* lengths in use, for masks */
	size_t ip6_lens_n;
	uv_poll_t inbox_poll;
	int inbox;            /* datagrams from siblings */
	int *siblings;        /* write ends, workers_n */
	double probes;        /* tokens for datagrams from unknown addresses */
};

/* Networks behind the client, before steer_add; 0 after steer_remove frees them.  Without memory there are none. */
void steer_set_iroutes(struct route *r, const struct prefix *v, size_t n);
bool steer_has_iroute(const struct route *r, const uint8_t *ip, size_t len);

void steer_add(struct steer *st, struct route *r);
void steer_remove(struct steer *st, struct route *r);
/* nullptr if unknown.  ip is 4 or 16 bytes. */
struct route *steer_find_ip(struct steer *st, const uint8_t *ip, size_t len);
struct route *steer_find_app_id(struct steer *st, const uint8_t app_id[STEER_APP_ID]);
struct route *steer_find_sid(struct steer *st, uint64_t sid);

/* MSG_ROUTE of the keeper. */
void steer_announced(struct worker *w, const Msg__Route *m);
/* A new keeper announces all again: forget the others' sessions. */
void steer_forget_others(struct steer *st);

/* Pass a datagram or an inner packet to the owner. */
void steer_udp(struct worker *w, unsigned to, const struct datagram *d);
/* The same for a ClientHello: what follows from its address will go there too. */
void steer_hello(struct worker *w, unsigned to, const struct datagram *d);
void steer_tun(struct worker *w, unsigned to, const struct virtio_net_hdr *vnet, const uint8_t *packet,
	       size_t len);
/* A record from an unknown address: ask the siblings, a few times a second.  The one that can open it claims the address. */
void steer_probe(struct worker *w, const struct datagram *d);
void steer_claim(struct worker *w, unsigned from, const struct datagram *d);
/* Worker that claimed this outer address; -1 if none. */
int steer_flow_owner(struct worker *w, const struct datagram *d);
bool steer_take_probe(struct worker *w);
void steer_refill(struct steer *st);

/* Start to read the inbox. */
enum err steer_start(struct worker *w);
void steer_fini(struct worker *w);
