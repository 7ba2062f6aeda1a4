/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/session.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/table.h"
#include "config/netprio.h"
#include "config/user.h"
#include "wire/mtu.h"
#include "worker/authority.h"
#include "worker/compress.h"
#include "worker/reply.h"
#include "worker/rx.h"

constexpr size_t QUEUE_MIN =
	192 * 1024; /* bytes that may wait for a slow TLS connection, at least: three super-packets */
constexpr size_t PACKET_TYPICAL = 1500;
constexpr uint64_t PROBE_AFTER_S = 5;   /* silence on UDP, while we send there, before we ask */

/* {{ birth }} */

static struct stats_session *take_slot(struct worker *w)
{
	/* the lowest free one, so that few pages of the region are ever touched; nothing is free below the hint */
	for (uint32_t at = w->slot_hint; at < w->slots_n; at++) {
		struct stats_session *slot = &w->stats->slots[at];
		if (atomic_load_explicit(&slot->sid, memory_order_relaxed) != 0)
			continue;
		w->slot_hint = at + 1;
		if (at >= atomic_load_explicit(&w->stats->slots_used, memory_order_relaxed))
			atomic_store_explicit(&w->stats->slots_used, at + 1, memory_order_relaxed);
		return slot;
	}
	return nullptr;
}

static void fill_slot(struct session *s)
{
	struct stats_session *slot = s->slot;
	atomic_store_explicit(&slot->rx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->tx_bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->rx_packets, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->tx_packets, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->dtls_up, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->dtls_seen, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->mtu, s->mtu, memory_order_relaxed);
	atomic_store_explicit(&slot->pack_tls, s->pack_tls, memory_order_relaxed);
	atomic_store_explicit(&slot->pack_udp, s->pack_udp, memory_order_relaxed);
	tls_describe(&s->conn->tls, slot->tls_cipher, sizeof slot->tls_cipher);
	/* partner: control's acquire load */
	atomic_store_explicit(&slot->sid, s->route.sid, memory_order_release);
}

static Msg__Session *copy_facts(const Msg__Session *m)
{
	size_t len = msg__session__get_packed_size(m);
	uint8_t *bytes = malloc(MAX(len, 1));
	if (bytes == nullptr)
		return nullptr;
	msg__session__pack(m, bytes);
	Msg__Session *copy = msg__session__unpack(nullptr, len, bytes);
	free(bytes);
	return copy;
}

static void take_addresses(struct session *s, const Msg__Session *f)
{
	s->route.ip4 = addr_of_ip(f->ipv4.data, f->ipv4.len);
	s->route.ip6 = addr_of_ip(f->ipv6.data, f->ipv6.len);
	s->route.ip6_len = f->ipv6_prefix_len != 0 ? (uint8_t)MIN(f->ipv6_prefix_len, 128) : 128;
	if (f->app_id.len == STEER_APP_ID)
		memcpy(s->route.app_id, f->app_id.data, STEER_APP_ID);
	if (f->server_ipv4.len == 4)
		memcpy(s->server_ip4, f->server_ipv4.data, 4);
	steer_set_iroutes(&s->route, s->vhost->iroute.v, s->vhost->iroute.n);
	if (f->server_ipv6.len == 16)
		memcpy(s->server_ip6, f->server_ipv6.data, 16);
}

static void take_timers(struct session *s, const struct connect_req *req, const Msg__Session *f)
{
	const struct vhost *v = s->vhost;
	struct session_timers *t = &s->t;
	struct mono now = s->w->now;
	t->opened = t->rx_tcp = t->rx_udp = t->tx_tcp = t->tx_udp = t->data = now;
	t->dpd_s = req->mobile ? v->mobile_dpd : v->dpd;
	t->idle_s = req->mobile ? v->mobile_idle_timeout : v->idle_timeout;
	t->keepalive_s = v->keepalive;
	t->switch_s = v->switch_to_tcp_timeout;
	t->expires.ns = f->expires_mono_ns;
	if (v->rekey_method == REKEY_SSL && v->rekey_time > 0 && tls_is_13(&s->conn->tls))
		t->rekey = clock_add_s(now, v->rekey_time);
}

static uint32_t link_of(const struct conn *c, const struct vhost *v, const struct connect_req *req)
{
	return mtu_link(v->mtu, req->base_mtu, reply_path_mtu(c->fd));
}

/* Judged by the channel that leaves less. */
bool session_has_room_for_ip6(const struct conn *c, const struct vhost *v, const struct connect_req *req)
{
	bool outer_ip6 = !addr_is_v4(&c->remote);
	uint32_t link = link_of(c, v, req);
	uint32_t inner = MIN(mtu_inner_dtls(link, outer_ip6, MTU_RECORD_GCM), mtu_inner_tls(link, outer_ip6));
	return mtu_allows_ip6(mtu_inner_agreed(inner, req->mtu));
}

static void take_mtu(struct session *s, const struct connect_req *req)
{
	bool outer_ip6 = !addr_is_v4(&s->conn->remote);
	uint32_t link = link_of(s->conn, s->vhost, req);
	uint32_t record = s->wants_dtls13            ? MTU_RECORD_13
			  : s->dtls.suite != nullptr ? resume_overhead(s->dtls.suite)
						     : MTU_RECORD_GCM;
	uint32_t inner =
		s->wants_dtls ? mtu_inner_dtls(link, outer_ip6, record) : mtu_inner_tls(link, outer_ip6);
	s->link = (uint16_t)link;
	s->mtu_most = (uint16_t)inner;
	s->mtu = (uint16_t)mtu_inner_agreed(inner, req->mtu);
}

/* Which kind of DTLS, if any.  Of the two secrets only the one that is needed is kept. */
static void choose_dtls(struct session *s, const Msg__Session *facts, const struct connect_req *req)
{
	const struct vhost *v = s->vhost;
	/* tls-priorities in names of PSK suites: the bulk ciphers count; none: no DTLS at all */
	const char *permitted = tls_ctx_dtls_ciphers(s->w->gen.tls, v);
	const struct resume_rules rules = {
		.is_denied = { [RECORD_NONE] =
				       s->config->fips != FIPS_OFF || req->fips, /* CBC with HMAC-SHA1 */
			       [RECORD_AES128_GCM] = strstr(permitted, "AES128-GCM") == nullptr,
			       [RECORD_AES256_GCM] = strstr(permitted, "AES256-GCM") == nullptr },
		.psk = s->config->dtls_psk,
		.resume = v->dtls_legacy || v->cisco_client_compat,
		.prestandard = v->dtls_prestandard,
		.match = v->match_tls_dtls_ciphers,
		.tls = tls_suite(&s->conn->tls),
	};
	bool may = permitted[0] != '\0' && !v->no_udp && s->w->udp.sockets_n > 0 &&
		   facts->app_id.len == STEER_APP_ID;
	s->wants_dtls13 = may && req->psk13 && s->config->dtls13 && s->config->dtls_psk && !rules.match;
	if (may && !s->wants_dtls13)
		s->dtls = resume_choose(req, &rules);
	s->wants_dtls = s->wants_dtls13 || s->dtls.mode != RESUME_NO_DTLS;
	if (s->dtls.mode == RESUME_FAKE)
		memcpy(s->master, req->secret, sizeof s->master);
	if (s->dtls.mode != RESUME_PSK && !s->wants_dtls13)
		explicit_bzero(s->psk, sizeof s->psk);
}

/* A client that asks so must not be woken by empty segments; DPD finds it if it is gone. */
static void take_keepalive(const struct conn *c, const struct connect_req *req)
{
	const int off = 0;
	if (req->no_keepalive)
		setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof off);
}

/* What the kernel refuses costs nobody the tunnel. */
static void take_priority(struct session *s)
{
	const int fd = s->conn->fd;
	struct netprio p;
	bool is_set = true;
	if (netprio_parse(s->vhost->net_priority, &p) != ERR_OK)
		return; /* the check of the options has refused it */
	const int value = p.value;
	if (p.kind == NETPRIO_PRIORITY)
		is_set = setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &value, sizeof value) == 0;
	if (p.kind == NETPRIO_TOS) {
		s->tos = p.value;
		is_set = setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value) == 0 ||
			 setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof value) == 0;
	}
	if (!is_set)
		log_warn("tunnel.priority sid=%lu net-priority=\"%s\": %s", s->route.sid,
			 s->vhost->net_priority, strerror(errno));
}

static void free_parts(struct session *s)
{
	if (s->facts != nullptr)
		msg__session__free_unpacked(s->facts, nullptr);
	s->facts = nullptr;
	config_put(s->config);
	s->config = nullptr;
	config_user_freep(&s->own);
	acl_free(TAKE(s->acl));
	explicit_bzero(s->psk, sizeof s->psk);
	explicit_bzero(s->master, sizeof s->master);
	if (s->partial != nullptr)
		rx_flush(s->w); /* packets may lie in there */
	free(s->partial);
	s->partial = nullptr;
}

/* The virtual host's options, and over them those of the user, which the keeper has found right. */
static enum err take_options(struct session *s, const Msg__Session *f)
{
	constexpr size_t TEXTS_MAX = 3;
	struct config_user_text texts[TEXTS_MAX];
	struct config_report report OWNED(config_report_fini) = {};
	s->vhost = config_vhost(s->config, f->vhost_name);
	if (f->n_texts > TEXTS_MAX)
		return ERR_PROTO;
	for (size_t i = 0; i < f->n_texts; i++)
		texts[i] = (struct config_user_text){ .file = f->texts[i]->file,
						      .text = (const char *)f->texts[i]->text.data,
						      .len = f->texts[i]->text.len,
						      .is_alone = f->texts[i]->alone };
	if (f->n_texts > 0) {
		TRY(config_user_make(&s->own, s->vhost, texts, f->n_texts, &report));
		s->vhost = s->own;
	}
	bucket_init(&s->rx_limit, s->vhost->rx_data_per_sec, s->w->now.ns);
	bucket_init(&s->tx_limit, s->vhost->tx_data_per_sec, s->w->now.ns);
	return acl_new(&s->acl, s->vhost, s->config);
}

enum err session_open(struct conn *c, const Msg__Session *facts, const struct connect_req *req,
		      struct connect_reply *reply)
{
	struct worker *w = c->w;
	struct session *s = calloc(1, sizeof *s);
	struct stats_session *slot = take_slot(w);
	Msg__Session *copy = copy_facts(facts);
	uint8_t psk[32];
	enum err e = tls_export_psk(&c->tls, psk);
	if (s == nullptr || copy == nullptr || slot == nullptr || e != ERR_OK) {
		if (slot != nullptr)
			w->slot_hint = (uint32_t)(slot - w->stats->slots);
		free(s);
		if (copy != nullptr)
			msg__session__free_unpacked(copy, nullptr);
		return slot == nullptr ? ERR_FULL : e != ERR_OK ? e : ERR_NOMEM;
	}
	s->w = w;
	s->conn = c;
	s->facts = copy;
	s->slot = slot;
	s->config = config_get(w->gen.config);
	e = take_options(s, facts);
	if (e != ERR_OK) {
		log_err("session.options sid=%lu user=%s: %s", facts->sid, facts->username, err_text(e));
		w->slot_hint = MIN(w->slot_hint, (uint32_t)(slot - w->stats->slots));
		free_parts(s);
		free(s);
		return e;
	}
	s->route.sid = facts->sid;
	s->route.worker = w->index;
	s->route.own = s;
	memcpy(s->psk, psk, sizeof psk);
	explicit_bzero(psk, sizeof psk);
	choose_dtls(s, facts, req);
	compress_agree(s, req);
	take_mtu(s, req);
	/* the keeper was asked before the user's mtu and the suite of DTLS were known */
	if (!mtu_allows_ip6(s->mtu) || !session_has_room_for_ip6(c, s->vhost, req))
		copy->ipv6.len = copy->server_ipv6.len = 0;
	take_addresses(s, copy);
	take_timers(s, req, facts);
	take_keepalive(c, req);
	take_priority(s);
	fill_slot(s);
	steer_add(&w->steer, &s->route);
	DL_APPEND(w->sessions, s);
	w->sessions_n++;
	c->session = s;
	c->state = CONN_TUNNEL;
	STAT_INC(w, sessions_opened);
	char who[ADDR_TEXT_MAX], ip4[ADDR_TEXT_MAX], ip6[ADDR_TEXT_MAX];
	log_info("tunnel.open sid=%lu user=%s ip=%s inner4=%s inner6=%s mtu=%u tls=%s", s->route.sid,
		 s->facts->username, addr_text(&c->remote, who), addr_text(&s->route.ip4, ip4),
		 addr_text(&s->route.ip6, ip6), s->mtu, slot->tls_cipher);
	reply_fill(reply, s, req);
	return ERR_OK;
}

/* {{ death }} */

/* A reason byte, as clients send it, and a text, which openconnect shows. */
static void disconnect(struct session *s, const char *why)
{
	uint8_t payload[128] = { CSTP_REASON_USER };
	size_t len = MIN(strlen(why), sizeof payload - 1);
	memcpy(payload + 1, why, len);
	session_send_tls_small(s, CSTP_DISCONNECT, payload, 1 + len);
}

/* What the client is told: a DISCONNECT ends it for good, a TERMINATE says that the server stops, silence lets it come back: openconnect
 * 9.01 ends on the first two, and connects again with its cookie on the third. */
static void say_goodbye(struct session *s, enum msgs_cause cause)
{
	switch (cause) {
	case CAUSE_IDLE:
	case CAUSE_SESSION_TIMEOUT:
	case CAUSE_ADMIN:
	case CAUSE_TERMINATED: session_send_tls_small(s, CSTP_DISCONNECT, nullptr, 0); return;
	case CAUSE_QUOTA: disconnect(s, "the traffic quota of the account is used up"); return;
	case CAUSE_EXPIRED: disconnect(s, "the account has expired"); return;
	case CAUSE_SHUTDOWN:
		if (!s->w->comes_back)
			session_send_tls_small(s, CSTP_TERMINATE, nullptr, 0);
		return;
	case CAUSE_NETWORK:
	case CAUSE_USER:
	case CAUSE_TEMPORARY:
	case CAUSE_REPLACED:
	case CAUSE_WORKER_LOST:
	case CAUSES_N: return;
	}
}

void session_close(struct session *s, enum msgs_cause cause)
{
	if (s->dead)
		return;
	struct worker *w = s->w;
	struct conn *c = s->conn;
	s->dead = true;
	say_goodbye(s, cause);
	dtls_close(s, cause != CAUSE_REPLACED);
	authority_closed(w, s, cause);
	steer_remove(&w->steer, &s->route);
	steer_set_iroutes(&s->route, nullptr, 0);
	DL_DELETE(w->sessions, s);
	w->sessions_n--;
	STAT_INC(w, sessions_closed);
	log_info("tunnel.close sid=%lu user=%s cause=%u seconds=%lu rx=%lu tx=%lu", s->route.sid,
		 s->facts->username, cause, clock_secs(s->t.opened, w->now), s->slot->rx_bytes,
		 s->slot->tx_bytes);
	atomic_store_explicit(&s->slot->sid, 0, memory_order_release);
	w->slot_hint = MIN(w->slot_hint, (uint32_t)(s->slot - w->stats->slots));
	free_parts(s); /* the rest goes with the connection */
	conn_finish(c);
}

/* {{ the TLS channel }} */

static size_t queue_max(const struct session *s)
{
	return MAX(QUEUE_MIN, (size_t)s->vhost->output_buffer * PACKET_TYPICAL);
}

enum err session_send_tls(struct session *s, enum cstp_type type, uint8_t *payload, size_t len)
{
	if (s->conn->state != CONN_TUNNEL)
		return ERR_CLOSED;
	/* an answer too: a client that asks and never reads must not fill our memory */
	bool may_be_lost = type == CSTP_DATA || type == CSTP_COMPRESSED || type == CSTP_DPD_RESP;
	if (may_be_lost && tls_unsent(&s->conn->tls) > queue_max(s)) {
		conn_flush(s->conn); /* the batch may be larger than the queue while the socket is free */
		if (s->dead || s->conn->state != CONN_TUNNEL)
			return ERR_CLOSED;
		if (tls_unsent(&s->conn->tls) > queue_max(s))
			return ERR_FULL;
	}
	uint8_t *frame = payload - CSTP_HEAD_LEN;
	cstp_put_header(frame, type, len);
	TRY(tls_write(&s->conn->tls, frame, CSTP_HEAD_LEN + len));
	s->t.tx_tcp = s->w->now;
	return ERR_OK;
}

void session_send_tls_small(struct session *s, enum cstp_type type, const void *payload, size_t len)
{
	static uint8_t bytes[CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX]; /* one thread */
	if (len > CSTP_PAYLOAD_MAX - CSTP_HEAD_LEN)
		return; /* header and payload must fit one record */
	if (len > 0)
		memcpy(bytes + CSTP_HEAD_LEN, payload, len);
	if (session_send_tls(s, type, bytes + CSTP_HEAD_LEN, len) == ERR_OK)
		conn_flush(s->conn);
}

/* Frames of p, as far as they are whole.  What is left is returned: less than the longest frame. */
static size_t take_frames(struct session *s, const uint8_t *p, size_t len)
{
	while (len > 0 && !s->dead) {
		struct cstp_frame f;
		enum err e = cstp_parse(p, len, &f);
		if (e == ERR_SHORT)
			return len;
		if (e != ERR_OK) {
			STAT_INC(s->w, rx_bad_frame);
			session_close(s, CAUSE_NETWORK);
			return 0;
		}
		rx_frame(s, RX_TLS, f.type, (uint8_t *)(uintptr_t)f.payload, f.payload_len);
		p += f.len;
		len -= f.len;
	}
	return 0;
}

/* Give the frame that has begun what it lacks; how much of p that was.  A byte is moved once, however small the records are. */
static size_t fill_partial(struct session *s, const uint8_t *p, size_t len)
{
	size_t taken = 0;
	while (taken < len) {
		size_t lacks = cstp_frame_len(s->partial, s->partial_len) - s->partial_len;
		size_t n = MIN(lacks, len - taken);
		if (n == 0)
			break;
		memcpy(s->partial + s->partial_len, p + taken, n);
		s->partial_len += n;
		taken += n;
	}
	return taken;
}

static void drop_partial(struct session *s)
{
	if (s->partial == nullptr)
		return;
	rx_flush(s->w); /* packets may lie in there */
	free(s->partial);
	s->partial = nullptr;
	s->partial_len = 0;
}

void session_input(struct session *s, const uint8_t *p, size_t len)
{
	s->t.rx_tcp = s->w->now;
	if (s->partial_len > 0) { /* rare: one frame a record is the rule */
		size_t n = fill_partial(s, p, len);
		if (take_frames(s, s->partial, s->partial_len) > 0 || s->dead)
			return;
		drop_partial(s);
		p += n;
		len -= n;
	}
	size_t left = take_frames(s, p, len);
	if (left == 0 || s->dead)
		return;
	s->partial = malloc(CSTP_HEAD_LEN + CSTP_PAYLOAD_MAX);
	if (s->partial == nullptr) {
		session_close(s, CAUSE_NETWORK);
		return;
	}
	memcpy(s->partial, p + len - left, left);
	s->partial_len = left;
}

/* {{ the UDP channel }} */

void session_udp_alive(struct session *s)
{
	s->udp_active = s->chan != nullptr;
	s->t.rx_udp = s->w->now;
}

void session_path_shrunk(struct session *s, size_t datagram_len)
{
	size_t over = datagram_len > s->mtu ? datagram_len - s->mtu : 0;
	size_t smaller = datagram_len - datagram_len / 16 - over;
	if (s->dead || smaller >= s->mtu)
		return;
	s->mtu = (uint16_t)MAX(smaller, MTU_INNER_MIN);
	atomic_store_explicit(&s->slot->mtu, s->mtu, memory_order_relaxed);
	log_info("tunnel.mtu sid=%lu mtu=%u why=\"the path takes less\"", s->route.sid, s->mtu);
}

/* {{ time }} */

static bool silent(struct mono since, struct mono now, uint64_t limit_s)
{
	return limit_s > 0 && clock_secs(since, now) >= limit_s;
}

static void tick_udp(struct session *s)
{
	struct session_timers *t = &s->t;
	struct mono now = s->w->now;
	dtls_tick(s);
	if (s->chan == nullptr)
		return;
	if (silent(MAX(t->tx_udp.ns, t->rx_udp.ns) == t->tx_udp.ns ? t->tx_udp : t->rx_udp, now,
		   t->keepalive_s))
		dtls_send_small(s, CSTP_KEEPALIVE, nullptr, 0);
	if (!s->udp_active)
		return;
	/* we send and hear nothing: ask, so that a dead path is found before the client's own DPD finds it */
	bool sending = t->tx_udp.ns > t->rx_udp.ns;
	if (sending && silent(t->rx_udp, now, PROBE_AFTER_S) && silent(t->probed_udp, now, PROBE_AFTER_S)) {
		t->probed_udp = now;
		dtls_send_small(s, CSTP_DPD_REQ, nullptr, 0);
	}
	if (silent(t->rx_udp, now, t->switch_s)) {
		s->udp_active = false;
		STAT_INC(s->w, dtls_fallbacks);
		log_debug("dtls.silent sid=%lu user=%s: packets go over TLS", s->route.sid,
			  s->facts->username);
	}
}

/* DPD over TLS: asked at twice the time, given up at three times (protocol.md 13).  false: the session is gone. */
static bool tick_tls(struct session *s)
{
	struct session_timers *t = &s->t;
	struct mono now = s->w->now;
	if (silent(t->rx_tcp, now, 3ull * t->dpd_s)) {
		STAT_INC(s->w, dpd_timeouts);
		session_close(s, CAUSE_NETWORK);
		return false;
	}
	if (silent(t->rx_tcp, now, 2ull * t->dpd_s) && silent(t->probed, now, MAX(t->dpd_s / 2, 1))) {
		t->probed = now;
		session_send_tls_small(s, CSTP_DPD_REQ, nullptr, 0);
	}
	if (silent(t->tx_tcp, now, t->keepalive_s))
		session_send_tls_small(s, CSTP_KEEPALIVE, nullptr, 0);
	if (t->rekey.ns != 0 && clock_is_past(now, t->rekey)) {
		t->rekey = clock_add_s(now, s->vhost->rekey_time);
		STAT_INC(s->w, tls_rekeys);
		wolfSSL_update_keys(s->conn->tls.ssl); /* TLS 1.3 has no renegotiation */
		conn_flush(s->conn);
	}
	return !s->dead;
}

void session_tick(struct session *s)
{
	struct mono now = s->w->now;
	if (s->t.expires.ns != 0 && clock_is_past(now, s->t.expires))
		session_close(s, CAUSE_SESSION_TIMEOUT);
	else if (silent(s->t.data, now, s->t.idle_s))
		session_close(s, CAUSE_IDLE);
	else if (quota_tick(s) && tick_tls(s))
		tick_udp(s);
}

/* {{ a new keeper }} */

void session_report_all(struct worker *w)
{
	for (struct session *s = w->sessions; s != nullptr; s = s->next) {
		Msg__Report m = MSG__REPORT__INIT;
		m.session = s->facts;
		if (ipc_send(w->keeper, MSG_REPORT, 0, &m.base, nullptr, 0) != ERR_OK)
			return;
	}
	Msg__Report end = MSG__REPORT__INIT;
	end.end = true;
	if (ipc_send(w->keeper, MSG_REPORT, 0, &end.base, nullptr, 0) != ERR_OK)
		log_warn("keeper.unreachable at=report");
}
