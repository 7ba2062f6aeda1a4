/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/tx.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "wire/icmp.h"
#include "wire/ip.h"
#include "worker/rx.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr size_t BATCH = UDP_BATCH; /* packets sealed before they are sent */
constexpr size_t PACKET_MAX = 16384;
constexpr size_t HEADROOM = RECORD_HEAD_MAX + 1; /* record header and type byte; more than a CSTP header */
constexpr size_t SLOT = HEADROOM + PACKET_MAX + RECORD_TAIL_MAX;
constexpr int TURNS = 4; /* batches read before the loop gets its turn */
static_assert(HEADROOM >= CSTP_HEAD_LEN);

/* One thread: the buffers of the process. */
static uint8_t *slots;
static size_t slots_n;
static struct conn *touched[BATCH]; /* TLS connections with output of this batch */
static size_t touched_n;

static uint8_t *next_slot(struct worker *w)
{
	if (slots_n == BATCH)
		tx_flush(w);
	return slots + slots_n * SLOT + HEADROOM;
}

static void count(struct session *s, size_t len)
{
	stats_add(&s->slot->tx_bytes, len);
	stats_add(&s->slot->tx_packets, 1);
	STAT_ADD(s->w, tx_bytes, len);
	STAT_INC(s->w, tx_packets);
}

static void touch(struct conn *c)
{
	for (size_t i = 0; i < touched_n; i++)
		if (touched[i] == c)
			return;
	if (touched_n < BATCH)
		touched[touched_n++] = c;
	else
		conn_flush(c);
}

/* A packet that fits, at p with room around it (a slot, which it then uses). */
static void send_packet(struct session *s, uint8_t *p, size_t len)
{
	enum err e = s->chan != nullptr && s->udp_active ? dtls_send(s, CSTP_DATA, p, len) : ERR_CLOSED;
	if (e == ERR_OK) {
		slots_n++;
		count(s, len);
		return;
	}
	e = session_send_tls(s, CSTP_DATA, p, len);
	if (e == ERR_OK) {
		count(s, len);
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
	static uint8_t original[PACKET_MAX]; /* the slot that holds it is used for the pieces */
	struct ip_packet copy;
	struct ip_fragment4 f;
	memcpy(original, k->start, k->len);
	if (ip_parse(original, k->len, &copy) != ERR_OK || ip_fragment4_init(&f, &copy, s->mtu) != ERR_OK)
		return;
	for (uint8_t *p = next_slot(w); ip_fragment4_next(&f, p, PACKET_MAX, &len) == ERR_OK; p = next_slot(w))
		send_packet(s, p, len);
}

/* One inner packet in a slot. */
static void forward(struct worker *w, uint8_t *p, size_t len, bool may_hand_over)
{
	struct ip_packet k;
	if (ip_parse(p, len, &k) != ERR_OK) {
		STAT_INC(w, tx_no_session);
		return;
	}
	const struct route *r = steer_find_ip(&w->steer, k.dst, ip_addr_len(&k));
	if (r == nullptr) {
		STAT_INC(w, tx_no_session);
		return;
	}
	if (r->own == nullptr) {
		if (may_hand_over)
			steer_tun(w, r->worker, p, k.len);
		return;
	}
	struct session *s = r->own;
	if (ip_is_activity(&k))
		s->t.data = w->now;
	if (k.len > s->mtu)
		too_big(s, &k);
	else
		send_packet(s, p, k.len);
}

void tx_handed_over(struct worker *w, const uint8_t *packet, size_t len)
{
	if (len > PACKET_MAX)
		return;
	uint8_t *p = next_slot(w);
	memcpy(p, packet, len);
	forward(w, p, len, false);
}

void tx_flush(struct worker *w)
{
	udp_flush(w);
	slots_n = 0;
	for (size_t i = 0; i < touched_n; i++)
		conn_flush(touched[i]);
	touched_n = 0;
}

/* false: nothing more for now. */
static bool read_one(struct worker *w)
{
	uint8_t *p = next_slot(w);
	struct virtio_net_hdr hdr;
	struct iovec iov[] = { { &hdr, sizeof hdr }, { p, PACKET_MAX } };
	int first = w->tun.vnet_hdr ? 0 : 1;
	ssize_t n = readv(w->tun.fd, iov + first, 2 - first);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno != EAGAIN)
		STAT_INC(w, tun_errors);
	size_t head = first == 0 ? sizeof hdr : 0;
	if (n <= (ssize_t)head)
		return n >= 0;
	forward(w, p, (size_t)n - head, true);
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int)
{
	struct worker *w = CONTAINER_OF(poll, struct worker, tun.poll);
	if (status < 0)
		return;
	w->now = clock_now();
	for (size_t i = 0; i < BATCH * TURNS && read_one(w); i++)
		;
	tx_flush(w);
}

enum err tx_start(struct worker *w)
{
	slots = malloc(BATCH * SLOT);
	if (slots == nullptr)
		return ERR_NOMEM;
	if (w->tun.fd < 0)
		return ERR_OK;
	if (uv_poll_init(&w->loop, &w->tun.poll, w->tun.fd) != 0 || uv_poll_start(&w->tun.poll, UV_READABLE, on_readable) != 0)
		return ERR_SYS;
	return ERR_OK;
}

void tx_fini(struct worker *w)
{
	if (w->tun.fd >= 0)
		uv_poll_stop(&w->tun.poll);
	free(slots);
	slots = nullptr;
}
