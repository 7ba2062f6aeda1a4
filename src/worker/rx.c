/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/rx.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/uio.h>

#include "base/log.h"
#include "wire/cstp.h"
#include "wire/ip.h"
#include "wire/mtu.h"
#include "worker/compress.h"
#include "worker/session.h"
#include "worker/worker.h"

void rx_write_tun(struct worker *w, const uint8_t *packet, size_t len)
{
	struct virtio_net_hdr plain = {}; /* checksums are complete, nothing to segment */
	struct iovec iov[] = { { &plain, sizeof plain }, { (void *)(uintptr_t)packet, len } };
	int first = w->tun.vnet_hdr ? 0 : 1;
	if (w->tun.fd < 0 || writev(w->tun.fd, iov + first, 2 - first) < 0)
		STAT_INC(w, tun_errors);
}

/* One write for each run of a flow: super-packets cost the kernel little more than one packet. */
static void write_runs(struct worker *w)
{
	struct coalesce_out out;
	while (coalesce_next(&w->coalesce, &out) == ERR_OK) {
		ssize_t n = writev(w->tun.fd, out.iov, (int)out.iov_n);
		if (n < 0)
			STAT_ADD(w, tun_errors, out.packets_n);
		STAT_INC(w, rx_writes);
	}
}

void rx_flush(struct worker *w)
{
	write_runs(w);
	w->plain_used = 0;
	compress_forget();
}

static void collect(struct worker *w, uint8_t *p, size_t len)
{
	if (!w->tun.takes_runs) {
		rx_write_tun(w, p, len);
		return;
	}
	enum err e = coalesce_add(&w->coalesce, p, len);
	if (e == ERR_FULL) {
		write_runs(w); /* the packet at hand stays where it is */
		e = coalesce_add(&w->coalesce, p, len);
	}
	if (e != ERR_OK)
		STAT_INC(w, rx_malformed);
}

/* fe80::/10 and ::, from which every IPv6 interface looks for routers and neighbours. */
static bool is_link_local(const struct ip_packet *k)
{
	static const uint8_t none[16];
	return k->version == 6 &&
	       ((k->src[0] == 0xfe && (k->src[1] & 0xc0) == 0x80) || memcmp(k->src, none, 16) == 0);
}

/* A client sends from its own addresses only. */
static bool is_own_source(const struct session *s, const struct ip_packet *k)
{
	const struct route *r = &s->route;
	if (k->version == 4)
		return addr_is_set(&r->ip4) && memcmp(k->src, r->ip4.ip + 12, 4) == 0;
	if (!addr_is_set(&r->ip6))
		return false;
	size_t bytes = r->ip6_len / 8;
	uint8_t mask = (uint8_t)(0xff << (8 - r->ip6_len % 8));
	return memcmp(k->src, r->ip6.ip, bytes) == 0 &&
	       (r->ip6_len % 8 == 0 || ((k->src[bytes] ^ r->ip6.ip[bytes]) & mask) == 0);
}

static bool goes_to_a_client(const struct session *s, const struct ip_packet *k)
{
	switch (acl_place_of(s->acl, k)) {
	case ACL_SERVER: return false;
	case ACL_POOL: return true;
	case ACL_ELSEWHERE: break;
	}
	return steer_find_ip(&s->w->steer, k->dst, ip_addr_len(k)) != nullptr;
}

static bool is_permitted(const struct session *s, const struct ip_packet *k)
{
	struct worker *w = s->w;
	if (acl_isolates(s->acl) && goes_to_a_client(s, k)) {
		STAT_INC(w, rx_isolated);
		return false;
	}
	if (!acl_permits(s->acl, k)) {
		STAT_INC(w, rx_restricted);
		return false;
	}
	return true;
}

static void count(struct session *s, enum rx_via via, size_t len)
{
	struct worker *w = s->w;
	stats_add(&s->slot->rx_bytes, len);
	stats_add(&s->slot->rx_packets, 1);
	STAT_ADD(w, rx_bytes, len);
	STAT_INC(w, rx_packets);
	stats_add(via == RX_TLS ? &w->stats->c.rx_tls_bytes : &w->stats->c.rx_dtls_bytes, len);
	stats_add(via == RX_TLS ? &w->stats->c.rx_tls_packets : &w->stats->c.rx_dtls_packets, 1);
}

static void packet(struct session *s, enum rx_via via, uint8_t *p, size_t len)
{
	struct worker *w = s->w;
	struct ip_packet k;
	if (ip_parse(p, len, &k) != ERR_OK || k.len > s->mtu_most) {
		STAT_INC(w, rx_malformed);
		return;
	}
	if (!is_own_source(s, &k) && !steer_has_iroute(&s->route, k.src, ip_addr_len(&k))) {
		if (is_link_local(&k))
			STAT_INC(w, rx_link_local);
		else
			STAT_INC(w, rx_spoofed);
		return;
	}
	if (s->acl != nullptr && !is_permitted(s, &k))
		return;
	if (!bucket_take(&s->rx_limit, k.len, w->now.ns)) {
		STAT_INC(w, rx_limited);
		return;
	}
	if (via == RX_TLS)
		s->udp_active = false; /* the client has left UDP: it knows best */
	if (ip_is_activity(&k))
		s->t.data = w->now;
	count(s, via, k.len);
	collect(w, p, k.len);
}

/* A frame of this type without an agreed method is a frame of unknown type. */
static bool compressed(struct session *s, enum rx_via via, const uint8_t *payload, size_t len)
{
	struct worker *w = s->w;
	if ((via == RX_TLS ? s->pack_tls : s->pack_udp) == PACK_NONE)
		return false;
	if (compress_is_full(s->mtu_most)) {
		write_runs(w); /* the frame at hand lies in another buffer and stays */
		compress_forget();
	}
	uint8_t *p = compress_expand(s, via == RX_TLS, payload, &len);
	if (p == nullptr) {
		STAT_INC(w, rx_bad_compressed);
		return true;
	}
	STAT_INC(w, rx_compressed);
	packet(s, via, p, len);
	return true;
}

static void answer_dpd(struct session *s, enum rx_via via, const uint8_t *payload, size_t len)
{
	if (via == RX_TLS) {
		session_send_tls_small(s, CSTP_DPD_RESP, payload, len);
		return;
	}
	/* the client probes for the MTU with padded requests: the answer has the same size (protocol.md 14) */
	dtls_send_small(s, CSTP_DPD_RESP, payload, len);
	s->mtu = (uint16_t)mtu_inner_probed(s->mtu, len, s->mtu_most);
	atomic_store_explicit(&s->slot->mtu, s->mtu, memory_order_relaxed);
}

static enum msgs_cause cause_of(const struct cstp_bye *bye)
{
	return bye->reason == CSTP_REASON_USER ? CAUSE_USER : CAUSE_TEMPORARY;
}

static void goodbye(struct session *s, const uint8_t *payload, size_t len)
{
	struct cstp_bye bye = cstp_parse_bye(payload, len);
	log_info("tunnel.bye sid=%lu user=%s reason=\"%s\" text=\"%.*s\"", s->route.sid, s->facts->username,
		 cstp_reason_text(bye.reason), (int)MIN(bye.text_len, 120),
		 bye.text != nullptr ? (const char *)bye.text : "");
	session_close(s, cause_of(&bye));
}

void rx_frame(struct session *s, enum rx_via via, uint8_t type, uint8_t *payload, size_t len)
{
	switch ((enum cstp_type)type) {
	case CSTP_DATA: packet(s, via, payload, len); return;
	case CSTP_DPD_REQ: answer_dpd(s, via, payload, len); return;
	case CSTP_DPD_RESP:
	case CSTP_KEEPALIVE: return; /* that it came is all it says */
	case CSTP_DISCONNECT:
		if (via == RX_TLS) /* TLS is the control channel */
			goodbye(s, payload, len);
		return;
	case CSTP_COMPRESSED:
		if (compressed(s, via, payload, len))
			return;
		break;
	case CSTP_TERMINATE: break;
	}
	STAT_INC(s->w, rx_unknown_type);
}
