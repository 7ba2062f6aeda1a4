/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/steer.h"

#include <stdlib.h>
#include <string.h>

#include "worker/rx.h"
#include "worker/session.h"
#include "worker/tx.h"
#include "worker/worker.h"

constexpr size_t FLOWS_MAX = 65536;
constexpr double PROBES_PER_S = 200;
constexpr size_t INBOX_PACKET = 65536; /* a super-packet */

struct flow {
	struct udp_peer peer;
	unsigned worker;
	UT_hash_handle hh;
};

enum handover_kind : uint8_t { HANDOVER_UDP = 1, HANDOVER_PROBE, HANDOVER_CLAIM, HANDOVER_TUN };

/* Before the bytes of a datagram in an inbox; both ends are the same binary. */
struct handover {
	enum handover_kind kind;
	uint8_t from;
	uint16_t zero;
	struct udp_peer peer;
	struct addr local;
	struct virtio_net_hdr vnet; /* of a packet from the TUN queue: it may be a super-packet */
};

/* {{ who has what }} */

static struct addr masked(struct addr a, uint8_t bits)
{
	for (size_t i = 0; i < sizeof a.ip; i++) {
		int keep = (int)bits - (int)(8 * i);
		a.ip[i] &= keep >= 8 ? 0xff : keep <= 0 ? 0 : (uint8_t)(0xff << (8 - keep));
	}
	return a;
}

static void note_len(struct steer *st, uint8_t len)
{
	for (size_t i = 0; i < st->ip6_lens_n; i++)
		if (st->ip6_lens[i] == len)
			return;
	if (st->ip6_lens_n < ARRAY_LEN(st->ip6_lens))
		st->ip6_lens[st->ip6_lens_n++] = len;
}

void steer_set_iroutes(struct route *r, const struct prefix *v, size_t n)
{
	free(r->iroutes);
	r->iroutes = n > 0 ? calloc(n, sizeof *v) : nullptr;
	r->iroutes_n = r->iroutes != nullptr ? n : 0;
	if (r->iroutes_n > 0)
		memcpy(r->iroutes, v, n * sizeof *v);
}

static bool contains(const struct prefix *p, const uint8_t *ip, size_t len)
{
	size_t whole = p->len / 8;
	unsigned rest = p->len % 8;
	return len == (p->family == AF_INET ? 4 : 16) && memcmp(p->addr, ip, whole) == 0 &&
	       (rest == 0 || (p->addr[whole] ^ ip[whole]) >> (8 - rest) == 0);
}

bool steer_has_iroute(const struct route *r, const uint8_t *ip, size_t len)
{
	for (size_t i = 0; i < r->iroutes_n; i++)
		if (contains(&r->iroutes[i], ip, len))
			return true;
	return false;
}

/* The one with the longest that has the address. */
static struct route *find_iroute(const struct steer *st, const uint8_t *ip, size_t len)
{
	struct route *best = nullptr;
	int best_len = -1;
	for (struct route *r = st->with_iroutes; r != nullptr; r = r->next)
		for (size_t i = 0; i < r->iroutes_n; i++)
			if (r->iroutes[i].len > best_len && contains(&r->iroutes[i], ip, len)) {
				best = r;
				best_len = r->iroutes[i].len;
			}
	return best;
}

void steer_add(struct steer *st, struct route *r)
{
	static const uint8_t none[STEER_APP_ID];
	if (r->iroutes_n > 0)
		DL_APPEND(st->with_iroutes, r);
	HASH_ADD(by_sid, st->by_sid, sid, sizeof r->sid, r);
	if (addr_is_set(&r->ip4))
		HASH_ADD(by_ip4, st->by_ip4, ip4, sizeof r->ip4, r);
	if (addr_is_set(&r->ip6)) {
		note_len(st, r->ip6_len);
		r->ip6 = masked(r->ip6, r->ip6_len);
		HASH_ADD(by_ip6, st->by_ip6, ip6, sizeof r->ip6, r);
	}
	if (memcmp(r->app_id, none, sizeof none) != 0)
		HASH_ADD(by_app_id, st->by_app_id, app_id, sizeof r->app_id, r);
}

void steer_remove(struct steer *st, struct route *r)
{
	if (r->iroutes_n > 0 && r->by_sid.tbl != nullptr)
		DL_DELETE(st->with_iroutes, r);
	/* an entry is in a table iff its handle points at one */
	if (r->by_sid.tbl != nullptr)
		HASH_DELETE(by_sid, st->by_sid, r);
	if (r->by_ip4.tbl != nullptr)
		HASH_DELETE(by_ip4, st->by_ip4, r);
	if (r->by_ip6.tbl != nullptr)
		HASH_DELETE(by_ip6, st->by_ip6, r);
	if (r->by_app_id.tbl != nullptr)
		HASH_DELETE(by_app_id, st->by_app_id, r);
	r->by_sid.tbl = r->by_ip4.tbl = r->by_ip6.tbl = r->by_app_id.tbl = nullptr;
}

struct route *steer_find_ip(struct steer *st, const uint8_t *ip, size_t len)
{
	struct addr key = addr_of_ip(ip, len);
	struct route *r = nullptr;
	if (len == 4) {
		HASH_FIND(by_ip4, st->by_ip4, &key, sizeof key, r);
		return r != nullptr ? r : find_iroute(st, ip, len);
	}
	for (size_t i = 0; i < st->ip6_lens_n && r == nullptr; i++) {
		struct addr prefix = masked(key, st->ip6_lens[i]);
		HASH_FIND(by_ip6, st->by_ip6, &prefix, sizeof prefix, r);
		if (r != nullptr && r->ip6_len != st->ip6_lens[i])
			r = nullptr;
	}
	return r != nullptr ? r : find_iroute(st, ip, len);
}

struct route *steer_find_app_id(struct steer *st, const uint8_t app_id[STEER_APP_ID])
{
	struct route *r;
	HASH_FIND(by_app_id, st->by_app_id, app_id, STEER_APP_ID, r);
	return r;
}

struct route *steer_find_sid(struct steer *st, uint64_t sid)
{
	struct route *r;
	HASH_FIND(by_sid, st->by_sid, &sid, sizeof sid, r);
	return r;
}

static void remove_other(struct steer *st, struct route *r)
{
	steer_remove(st, r);
	steer_set_iroutes(r, nullptr, 0);
	free(r);
}

static void take_iroutes(struct route *r, const Msg__Route *m)
{
	struct prefix list[64];
	size_t n = 0;
	for (size_t i = 0; i < m->n_iroutes && n < ARRAY_LEN(list); i++) {
		const ProtobufCBinaryData *b = &m->iroutes[i];
		if ((b->len != 5 && b->len != 17) || b->data[0] > (b->len - 1) * 8)
			continue;
		list[n] = (struct prefix){ .family = b->len == 5 ? AF_INET : AF_INET6, .len = b->data[0] };
		memcpy(list[n++].addr, b->data + 1, b->len - 1);
	}
	steer_set_iroutes(r, list, n);
}

void steer_announced(struct worker *w, const Msg__Route *m)
{
	struct route *old = steer_find_sid(&w->steer, m->sid);
	if (old != nullptr && old->own != nullptr)
		return; /* ours: we know best */
	if (old != nullptr)
		remove_other(&w->steer, old);
	if (m->gone || m->worker == w->index || m->worker >= w->workers_n)
		return;
	struct route *r = calloc(1, sizeof *r);
	if (r == nullptr)
		return; /* the client falls back to TLS, which is not steered */
	r->sid = m->sid;
	r->worker = m->worker;
	r->ip4 = addr_of_ip(m->ipv4.data, m->ipv4.len);
	r->ip6 = addr_of_ip(m->ipv6.data, m->ipv6.len);
	r->ip6_len = m->ipv6_prefix_len != 0 ? (uint8_t)MIN(m->ipv6_prefix_len, 128) : 128;
	if (m->app_id.len == STEER_APP_ID)
		memcpy(r->app_id, m->app_id.data, STEER_APP_ID);
	take_iroutes(r, m);
	steer_add(&w->steer, r);
}

void steer_forget_others(struct steer *st)
{
	struct route *r, *next;
	HASH_ITER(by_sid, st->by_sid, r, next) {
		if (r->own == nullptr)
			remove_other(st, r);
	}
}

/* {{ handing over }} */

static void hand(struct worker *w, unsigned to, const struct handover *h, const void *bytes, size_t len)
{
	if (to >= w->workers_n || to == w->index)
		return;
	struct iovec iov[] = { { (void *)(uintptr_t)h, sizeof *h }, { (void *)(uintptr_t)bytes, len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };
	/* a full inbox drops: a late packet is worth less than a free worker */
	if (sendmsg(w->steer.siblings[to], &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		STAT_INC(w, handover_out);
}

static struct handover head_of(const struct worker *w, enum handover_kind kind, const struct datagram *d)
{
	return (struct handover){
		.kind = kind, .from = (uint8_t)w->index, .peer = d->peer, .local = d->local
	};
}

void steer_udp(struct worker *w, unsigned to, const struct datagram *d)
{
	struct handover h = head_of(w, HANDOVER_UDP, d);
	hand(w, to, &h, d->bytes, d->len);
}

void steer_tun(struct worker *w, unsigned to, const struct virtio_net_hdr *vnet, const uint8_t *packet,
	       size_t len)
{
	struct handover h = { .kind = HANDOVER_TUN, .from = (uint8_t)w->index, .vnet = *vnet };
	hand(w, to, &h, packet, len);
}

void steer_probe(struct worker *w, const struct datagram *d)
{
	if (!steer_take_probe(w))
		return;
	struct handover h = head_of(w, HANDOVER_PROBE, d);
	for (unsigned i = 0; i < w->workers_n; i++)
		hand(w, i, &h, d->bytes, d->len);
}

void steer_claim(struct worker *w, unsigned from, const struct datagram *d)
{
	struct handover h = head_of(w, HANDOVER_CLAIM, d);
	hand(w, from, &h, nullptr, 0);
}

bool steer_take_probe(struct worker *w)
{
	if (w->steer.probes < 1)
		return false;
	w->steer.probes -= 1;
	return true;
}

void steer_refill(struct steer *st)
{
	st->probes = PROBES_PER_S;
}

/* {{ flows learned }} */

static struct flow *find_flow(struct worker *w, const struct udp_peer *peer)
{
	struct flow *f;
	HASH_FIND(hh, w->steer.flows, peer, sizeof *peer, f);
	return f;
}

int steer_flow_owner(struct worker *w, const struct datagram *d)
{
	const struct flow *f = find_flow(w, &d->peer);
	return f != nullptr ? (int)f->worker : -1;
}

static void learn(struct worker *w, const struct udp_peer *peer, unsigned owner)
{
	struct flow *f = find_flow(w, peer);
	if (f != nullptr) {
		f->worker = owner;
		return;
	}
	if (HASH_COUNT(w->steer.flows) >= FLOWS_MAX) {
		struct flow *oldest = w->steer.flows;
		HASH_DELETE(hh, w->steer.flows, oldest);
		free(oldest);
	}
	f = calloc(1, sizeof *f);
	if (f == nullptr)
		return;
	f->peer = *peer;
	f->worker = owner;
	HASH_ADD(hh, w->steer.flows, peer, sizeof f->peer, f);
}

void steer_hello(struct worker *w, unsigned to, const struct datagram *d)
{
	learn(w, &d->peer, to);
	steer_udp(w, to, d);
}

/* {{ the inbox }} */

static void take(struct worker *w, const struct handover *h, uint8_t *bytes, size_t len)
{
	struct datagram d = { .bytes = bytes,
			      .len = len,
			      .peer = h->peer,
			      .local = h->local,
			      .from = h->from,
			      .is_probe = h->kind == HANDOVER_PROBE };
	STAT_INC(w, handover_in);
	switch (h->kind) {
	case HANDOVER_UDP:
	case HANDOVER_PROBE:
		if (d.peer.socket < w->udp.sockets_n)
			udp_dispatch(w, &d);
		return;
	case HANDOVER_CLAIM: learn(w, &h->peer, h->from); return;
	case HANDOVER_TUN: tx_handed_over(w, &h->vnet, bytes, len); return;
	}
}

static void on_inbox(uv_poll_t *poll, int status, int)
{
	struct worker *w = CONTAINER_OF(poll, struct worker, steer.inbox_poll);
	if (status < 0)
		return;
	w->now = clock_now();
	/* packets wait in the buffers until rx_flush: a place for each */
	for (size_t i = 0; i < UDP_BUFFERS / INBOX_PACKET; i++) {
		struct handover h;
		uint8_t *place = w->udp.buffers + i * INBOX_PACKET;
		struct iovec iov[] = { { &h, sizeof h }, { place, INBOX_PACKET } };
		struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_LEN(iov) };
		ssize_t n = recvmsg(w->steer.inbox, &mh, MSG_DONTWAIT);
		if (n < 0)
			break;
		if ((size_t)n >= sizeof h && (mh.msg_flags & MSG_TRUNC) == 0)
			take(w, &h, place, (size_t)n - sizeof h);
	}
	rx_flush(w);
	tx_flush(w);
}

enum err steer_start(struct worker *w)
{
	steer_refill(&w->steer);
	if (uv_poll_init(&w->loop, &w->steer.inbox_poll, w->steer.inbox) != 0 ||
	    uv_poll_start(&w->steer.inbox_poll, UV_READABLE, on_inbox) != 0)
		return ERR_SYS;
	return ERR_OK;
}

void steer_fini(struct worker *w)
{
	uv_poll_stop(&w->steer.inbox_poll);
	steer_forget_others(&w->steer);
	struct flow *f, *next;
	HASH_ITER(hh, w->steer.flows, f, next) {
		HASH_DELETE(hh, w->steer.flows, f);
		free(f);
	}
}
