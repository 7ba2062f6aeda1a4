/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/segment.h"
#include "worker/compress.h"
#include "worker/rx.h"
#include "worker/sample.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr size_t READ_MAX = 65536;
constexpr size_t PACKET_MAX = 16384;             /* one segment */
constexpr size_t HEADROOM = DTLS_HEAD_ROOM + 1; /* record header and type byte; more than a CSTP header */
constexpr size_t ARENA = 256 * 1024;             /* stays in the cache of one core */
constexpr size_t READS_TURN = 64;                /* reads before the loop gets its turn */
constexpr size_t TOUCHED_MAX = 64;
static_assert(HEADROOM >= CSTP_HEAD_LEN);

/* One thread: the buffers of the process. */
static uint8_t *arena;
static size_t arena_used;
static uint8_t *super;                      /* what was read last */
static struct conn *touched[TOUCHED_MAX];   /* TLS connections with output of this batch */
static size_t touched_n;

/* Where the next packet of at most cap bytes may be written, with room around it; keep() makes it stay until tx_flush. */
static uint8_t *place(struct worker *w, size_t cap)
{
	if (arena_used + HEADROOM + cap + DTLS_TAIL_ROOM > ARENA)
		tx_flush(w);
	return arena + arena_used + HEADROOM;
}

static void keep(size_t len)
{
	arena_used += HEADROOM + len + DTLS_TAIL_ROOM;
}

static void count(struct session *s, bool is_dtls, size_t len)
{
	struct stats_counters *c = &s->w->stats->c;
	stats_add(&s->slot->tx_bytes, len);
	stats_add(&s->slot->tx_packets, 1);
	STAT_ADD(s->w, tx_bytes, len);
	STAT_INC(s->w, tx_packets);
	stats_add(is_dtls ? &c->tx_dtls_bytes : &c->tx_tls_bytes, len);
	stats_add(is_dtls ? &c->tx_dtls_packets : &c->tx_tls_packets, 1);
}

static void touch(struct conn *c)
{
	if (touched_n > 0 && touched[touched_n - 1] == c)
		return;
	for (size_t i = 0; i < touched_n; i++)
		if (touched[i] == c)
			return;
	if (touched_n < TOUCHED_MAX)
		touched[touched_n++] = c;
	else
		conn_flush(c);
}

/* A packet that fits, at p in the arena. */
static void send_packet(struct session *s, uint8_t *p, size_t len)
{
	enum cstp_type type = CSTP_DATA;
	size_t n = len;
	if (!bucket_take(&s->tx_limit, len, s->w->now.ns)) {
		STAT_INC(s->w, tx_limited);
		return;
	}
	if (s->compresses)
		type = compress_packet(s, p, &n);
	enum err e = s->chan != nullptr && s->udp_active ? dtls_send(s, type, p, n) : ERR_CLOSED;
	if (e == ERR_OK) {
		keep(n);
		count(s, true, len);
		return;
	}
	if (type == CSTP_COMPRESSED && e != ERR_CLOSED)
		return; /* packed for UDP, whose keys have just ended: TLS may have another method */
	e = session_send_tls(s, type, p, n);
	if (e == ERR_OK) {
		count(s, false, len);
		touch(s->conn);
	} else {
		STAT_INC(s->w, tx_queue_full);
	}
}

/* Larger than the client's tunnel: tell the sender, or cut it up if it may be. */
static void too_big(struct session *s, const struct ip_packet *k)
{
	struct worker *w = s->w;
	static uint8_t icmp[ICMP_MAX6]; /* one thread */
	size_t len;
	const uint8_t *us = k->version == 4 ? s->server_ip4 : s->server_ip6;
	STAT_INC(w, tx_too_big);
	if (icmp_too_big(k, s->mtu, us, icmp, sizeof icmp, &len) == ERR_OK) {
		rx_write_tun(w, icmp, len);
		return;
	}
	struct ip_fragment4 f;
	if (ip_fragment4_init(&f, k, s->mtu) != ERR_OK)
		return;
	for (uint8_t *p = place(w, s->mtu); ip_fragment4_next(&f, p, s->mtu, &len) == ERR_OK;
	     p = place(w, s->mtu))
		send_packet(s, p, len);
}

/* Segments that do not fit go through a buffer of their own: what becomes of them is written into the arena. */
static void send_too_big(struct session *s, struct segment *g)
{
	static uint8_t one[PACKET_MAX]; /* one thread */
	struct ip_packet k;
	size_t len;
	while (segment_next(g, one, sizeof one, &len) == ERR_OK && ip_parse(one, len, &k) == ERR_OK) {
		too_big(s, &k);
		if (k.dont_fragment)
			return; /* the sender is told once */
	}
}

static void send_segments(struct session *s, struct segment *g)
{
	size_t len;
	if (segment_len_max(g) > s->mtu) {
		send_too_big(s, g);
		return;
	}
	for (uint8_t *p = place(s->w, s->mtu); segment_next(g, p, s->mtu, &len) == ERR_OK;
	     p = place(s->w, s->mtu))
		send_packet(s, p, len);
}

/* One inner (super-)packet. */
static void forward(struct worker *w, const struct virtio_net_hdr *vnet, uint8_t *p, size_t len,
		    bool may_hand_over)
{
	struct segment g;
	if (segment_init(&g, vnet, p, len) != ERR_OK) {
		STAT_INC(w, tun_errors);
		return;
	}
	const struct ip_packet *k = &g.packet;
	const struct route *r = steer_find_ip(&w->steer, k->dst, ip_addr_len(k));
	if (r == nullptr) {
		STAT_INC(w, tx_no_session);
		return;
	}
	if (r->own == nullptr) {
		if (may_hand_over)
			steer_tun(w, r->worker, vnet, p, len);
		return;
	}
	if (ip_is_activity(k))
		r->own->t.data = w->now;
	send_segments(r->own, &g);
}

void tx_handed_over(struct worker *w, const struct virtio_net_hdr *vnet, uint8_t *packet, size_t len)
{
	forward(w, vnet, packet, len, false);
}

void tx_flush(struct worker *w)
{
	udp_flush(w);
	arena_used = 0;
	for (size_t i = 0; i < touched_n; i++)
		conn_flush(touched[i]);
	touched_n = 0;
}

/* false: nothing more for now. */
static bool read_one(struct worker *w)
{
	struct virtio_net_hdr vnet = {};
	struct iovec iov[] = { { &vnet, sizeof vnet }, { super, READ_MAX } };
	int first = w->tun.vnet_hdr ? 0 : 1;
	size_t head = first == 0 ? sizeof vnet : 0;
	ssize_t n = readv(w->tun.fd, iov + first, 2 - first);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno != EAGAIN)
		STAT_INC(w, tun_errors);
	if (n <= (ssize_t)head)
		return n >= 0;
	STAT_INC(w, tx_reads);
	w->rest.packets++;
	forward(w, &vnet, super, (size_t)n - head, true);
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int)
{
	struct worker *w = CONTAINER_OF(poll, struct worker, tun.poll);
	if (status < 0)
		return;
	w->now = clock_now();
	for (size_t i = 0; i < READS_TURN && read_one(w); i++)
		;
	tx_flush(w);
	if (sample_is_due(&w->tx_sample))
		stats_hist_add(&w->stats->hists.tx_latency, clock_now().ns - w->now.ns);
}

enum err tx_start(struct worker *w)
{
	arena = malloc(ARENA);
	super = malloc(READ_MAX);
	if (arena == nullptr || super == nullptr)
		return ERR_NOMEM;
	if (w->tun.fd < 0)
		return ERR_OK;
	if (uv_poll_init(&w->loop, &w->tun.poll, w->tun.fd) != 0 ||
	    uv_poll_start(&w->tun.poll, UV_READABLE, on_readable) != 0)
		return ERR_SYS;
	return ERR_OK;
}

void tx_fini(struct worker *w)
{
	if (w->tun.fd >= 0)
		uv_poll_stop(&w->tun.poll);
	free(arena);
	free(super);
	arena = super = nullptr;
}
