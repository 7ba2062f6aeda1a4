/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/reply.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "wire/pack.h"
#include "worker/expand.h"
#include "worker/session.h"

constexpr size_t PREFIXES_MAX = 2048; /* of all lists of one answer */
constexpr size_t LINES_MAX = 128;
constexpr size_t EXPANDED_MAX = 32768;
constexpr uint32_t REKEY_FAR_S =
	31536000; /* TLS 1.3: the server renews by itself; none and 0 are not understood by all */
constexpr uint32_t REKEY_SPREAD_S = 30;
constexpr uint32_t DTLS_REKEY_LATER_S = 10;

/* Storage of the lists of one answer; one thread. */
static struct connect_prefix prefixes[PREFIXES_MAX];
static size_t prefixes_n;
static const char *lines[LINES_MAX];
static size_t lines_n;
static char expanded[EXPANDED_MAX]; /* lines and URL with names in them */
static size_t expanded_used;

uint32_t reply_path_mtu(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_pmtu : 0;
}

static struct connect_prefixes list_of(const struct prefixlist *from)
{
	struct connect_prefixes out = { .v = prefixes + prefixes_n };
	for (size_t i = 0; i < from->n && prefixes_n < PREFIXES_MAX; i++, out.n++) {
		struct connect_prefix *p = &prefixes[prefixes_n++];
		p->family = from->v[i].family;
		p->len = from->v[i].len;
		memcpy(p->addr, from->v[i].addr, sizeof p->addr);
	}
	return out;
}

/* With expose-iroutes also the networks behind other clients; without routes all goes through the tunnel anyway. */
static struct connect_prefixes routes_of(const struct session *s)
{
	struct connect_prefixes out = list_of(&s->vhost->route);
	if (!s->vhost->expose_iroutes || out.n == 0)
		return out;
	for (const struct route *r = s->w->steer.with_iroutes; r != nullptr; r = r->next) {
		const struct prefixlist l = { r->iroutes, r->iroutes_n };
		if (r != &s->route)
			out.n += list_of(&l).n;
	}
	return out;
}

static struct connect_prefix own_address(const ProtobufCBinaryData *ip, uint32_t len)
{
	struct connect_prefix p = {};
	if (ip->len != 4 && ip->len != 16)
		return p;
	p.family = ip->len == 4 ? AF_INET : AF_INET6;
	p.len = (uint8_t)len;
	memcpy(p.addr, ip->data, ip->len);
	return p;
}

/* The text with the names of user and group; nullptr if there is none, or no room. */
static const char *with_names(const struct session *s, const char *text, enum expand_as as)
{
	if (text == nullptr || !expand_is_needed(text))
		return text;
	char *to = expanded + expanded_used;
	if (expand(to, sizeof expanded - expanded_used, text, s->facts->username, s->facts->group, as) !=
	    ERR_OK) {
		log_warn("connect.line_left_out sid=%lu: with the names of user and group it is too long",
			 s->route.sid);
		return nullptr;
	}
	expanded_used += strlen(to) + 1;
	return to;
}

static void add_lines(const struct strlist *from)
{
	for (size_t i = 0; i < from->n && lines_n < LINES_MAX; i++)
		lines[lines_n++] = from->v[i];
}

static void add_custom_lines(const struct session *s)
{
	const struct strlist *from = &s->vhost->custom_header;
	for (size_t i = 0; i < from->n && lines_n < LINES_MAX; i++) {
		const char *line = with_names(s, from->v[i], EXPAND_TEXT);
		if (line != nullptr)
			lines[lines_n++] = line;
	}
}

/* A herd of clients should not renew at the same second. */
static uint32_t spread(uint32_t seconds)
{
	uint32_t r = 0;
	[[maybe_unused]] ssize_t n = getrandom(&r, sizeof r, GRND_NONBLOCK);
	return seconds > 2 * REKEY_SPREAD_S ? seconds - REKEY_SPREAD_S + r % (2 * REKEY_SPREAD_S) : seconds;
}

/* protocol.md 15: TLS 1.3 renews its keys from the server; else a new tunnel, which works everywhere. */
static void rekey(struct connect_timers *t, const struct session *s)
{
	bool by_us = s->vhost->rekey_method == REKEY_SSL && tls_is_13(&s->conn->tls);
	if (s->vhost->rekey_time == 0 || by_us) {
		t->rekey_s = REKEY_FAR_S;
		t->rekey_method = "ssl";
	} else {
		t->rekey_s = spread(s->vhost->rekey_time);
		t->rekey_method = "new-tunnel";
	}
}

static void timers(struct connect_timers *t, const struct session *s)
{
	uint32_t whole = s->facts->session_timeout_s;
	uint64_t left = s->t.expires.ns > s->w->now.ns ? clock_secs(s->w->now, s->t.expires) : 0;
	*t = (struct connect_timers){ .dpd_s = s->t.dpd_s,
				      .keepalive_s = s->t.keepalive_s,
				      .idle_s = s->t.idle_s,
				      .session_s = whole,
				      .session_remaining_s = whole > 0 ? (uint32_t)MIN(left, whole) : 0 };
	rekey(t, s);
}

static void dtls(struct connect_dtls *d, const struct session *s, const struct connect_timers *t)
{
	d->enabled = s->wants_dtls;
	d->v13 = s->wants_dtls13;
	d->port = (uint16_t)s->vhost->udp_port;
	memcpy(d->app_id, s->route.app_id, sizeof d->app_id);
	if (s->dtls.suite != nullptr) {
		d->suite = s->dtls.suite->name;
		d->is_12 = s->dtls.suite->is_12;
		d->mtu = s->mtu;
	}
	d->dpd_s = t->dpd_s;
	d->keepalive_s = t->keepalive_s;
	d->rekey_s = t->rekey_s + DTLS_REKEY_LATER_S;
}

void reply_fill(struct connect_reply *out, const struct session *s, const struct connect_req *req)
{
	const struct vhost *v = s->vhost;
	prefixes_n = lines_n = expanded_used = 0;
	add_lines(&v->included_http_headers);
	add_custom_lines(s);
	*out = (struct connect_reply){
		.server_name = "ocserv-modern",
		.hostname = v->hostname != nullptr ? v->hostname : s->facts->hostname,
		.default_domain = v->default_domain,
		.ipv4 = own_address(&s->facts->ipv4, s->facts->ipv4_prefix_len),
		.ipv6 = own_address(&s->facts->ipv6, s->facts->ipv6_prefix_len),
		.dns = list_of(&v->dns),
		.nbns = list_of(&v->nbns),
		.split_dns = { (const char *const *)v->split_dns.v, v->split_dns.n },
		.routes = routes_of(s),
		.no_routes = list_of(&v->no_route),
		.tunnel_all_dns = v->tunnel_all_dns,
		.client_bypass = v->client_bypass_protocol,
		.dyndns = v->listen_host_is_dyndns,
		.proxy_url = with_names(s, v->proxy_url, EXPAND_URL),
		.dtls_encoding = pack_name(s->pack_udp),
		.encoding = pack_name(s->pack_tls),
		.headers = { lines, lines_n },
		.base_mtu = s->link,
		.mtu = s->mtu,
		.banner = v->banner,
		.dialect = connect_dialect_of(req),
	};
	timers(&out->timers, s);
	dtls(&out->dtls, s, &out->timers);
}
