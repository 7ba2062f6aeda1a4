/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names are written exactly so: openconnect compares those of X-CSTP and X-DTLS with case. */
#include "wire/connect.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"

constexpr uint32_t REKEY_MOST_S = INT32_MAX; /* clients keep it signed */
constexpr uint32_t ALERT_S = 60;             /* as an ASA says */
constexpr size_t BANNER_MAX = 1024;          /* whole lines stay below what clients are known to take */

static void emit_text(struct writer *w, const char *name, const char *value)
{
	if (value == nullptr || value[0] == '\0')
		return;
	writer_fmt(w, "%s: ", name);
	text_emit_line(w, value);
	writer_str(w, "\r\n");
}

static void emit_bool(struct writer *w, const char *name, bool value)
{
	emit_text(w, name, value ? "true" : "false");
}

static void emit_number(struct writer *w, const char *name, uint32_t value)
{
	if (value != 0)
		writer_fmt(w, "%s: %u\r\n", name, value);
}

static void emit_or_none(struct writer *w, const char *name, uint32_t value)
{
	if (value == 0)
		emit_text(w, name, "none");
	emit_number(w, name, value);
}

static void emit_texts(struct writer *w, const char *name, const struct connect_texts *list)
{
	for (size_t i = 0; i < list->n; i++)
		emit_text(w, name, list->v[i]);
}

/* The address itself, or that of the net it is in. */
static const char *address(const struct connect_prefix *p, bool net, char out[INET6_ADDRSTRLEN])
{
	uint8_t ip[16];
	memcpy(ip, p->addr, sizeof ip);
	for (size_t bit = p->len; net && bit < 128; bit++)
		ip[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return inet_ntop(p->family, ip, out, INET6_ADDRSTRLEN) == nullptr ? "" : out;
}

static const char *dotted_mask(const struct connect_prefix *p, char out[INET6_ADDRSTRLEN])
{
	struct connect_prefix ones = { .family = AF_INET, .len = p->len, .addr = { 255, 255, 255, 255 } };
	return address(&ones, true, out);
}

/* Addresses without length; IPv6 ones under another name, nullptr: not at all. */
static void emit_servers(struct writer *w, const char *name, const char *name_ip6,
			 const struct connect_prefixes *list)
{
	char text[INET6_ADDRSTRLEN];
	for (size_t i = 0; i < list->n; i++) {
		const char *as = list->v[i].family == AF_INET6 ? name_ip6 : name;
		if (as != nullptr)
			emit_text(w, as, address(&list->v[i], false, text));
	}
}

static void emit_net(struct writer *w, const char *name, const struct connect_prefix *p)
{
	char net[INET6_ADDRSTRLEN];
	char mask[INET6_ADDRSTRLEN];
	if (p->family == AF_INET6)
		writer_fmt(w, "%s-IP6: %s/%u\r\n", name, address(p, true, net), p->len);
	else if (p->family == AF_INET) /* Cisco needs the mask dotted */
		writer_fmt(w, "%s: %s/%s\r\n", name, address(p, true, net), dotted_mask(p, mask));
}

/* No net of this family, or "default", which is of IPv4 and speaks for both: it goes whole into the tunnel. */
static bool is_default(const struct connect_prefixes *routes, uint16_t family)
{
	size_t n = 0;
	for (size_t i = 0; i < routes->n; i++) {
		if (routes->v[i].len == 0 &&
		    (routes->v[i].family == family || routes->v[i].family == AF_INET))
			return true;
		n += routes->v[i].family == family;
	}
	return n == 0;
}

/* Whether nets of this family mean anything to the client. */
static bool has_family(const struct connect_reply *r, uint16_t family)
{
	if (family == AF_INET6)
		return r->ipv6.family != 0 && !r->dialect.no_ipv6_lists;
	return r->ipv4.family != 0;
}

static void emit_routes(struct writer *w, const struct connect_reply *r)
{
	for (size_t i = 0; i < r->routes.n; i++) {
		uint16_t family = r->routes.v[i].family;
		if (has_family(r, family) && !is_default(&r->routes, family))
			emit_net(w, "X-CSTP-Split-Include", &r->routes.v[i]);
	}
	if (r->dialect.apple && has_family(r, AF_INET6) && is_default(&r->routes, AF_INET6))
		emit_text(w, "X-CSTP-Split-Include-IP6", "2000::/3"); /* iOS routes no IPv6 without */
	bool all = is_default(&r->routes, has_family(r, AF_INET) ? AF_INET : AF_INET6);
	emit_bool(w, "X-CSTP-Tunnel-All-DNS", r->tunnel_all_dns || all);
	emit_bool(w, "X-CSTP-Client-Bypass-Protocol", r->client_bypass);
	for (size_t i = 0; i < r->no_routes.n; i++)
		if (has_family(r, r->no_routes.v[i].family))
			emit_net(w, "X-CSTP-Split-Exclude", &r->no_routes.v[i]);
}

static void emit_ipv6(struct writer *w, const struct connect_reply *r)
{
	char text[INET6_ADDRSTRLEN];
	if (r->ipv6.family == 0)
		return;
	if (r->dialect.full_ipv6) {
		writer_fmt(w, "X-CSTP-Address-IP6: %s/%u\r\n", address(&r->ipv6, false, text), r->ipv6.len);
		return;
	}
	emit_text(w, "X-CSTP-Address", address(&r->ipv6, false, text));
	writer_fmt(w, "X-CSTP-Netmask: %s/%u\r\n", address(&r->ipv6, true, text), r->ipv6.len);
}

static void emit_addresses(struct writer *w, const struct connect_reply *r)
{
	char text[INET6_ADDRSTRLEN];
	if (r->ipv4.family != 0) {
		emit_text(w, "X-CSTP-Address", address(&r->ipv4, false, text));
		emit_text(w, "X-CSTP-Netmask", dotted_mask(&r->ipv4, text));
	}
	emit_ipv6(w, r);
}

static void emit_names(struct writer *w, const struct connect_reply *r)
{
	const char *dns_ip6 = r->dialect.dns_ip6 ? "X-CSTP-DNS-IP6" : "X-CSTP-DNS";
	emit_servers(w, "X-CSTP-DNS", has_family(r, AF_INET6) ? dns_ip6 : nullptr, &r->dns);
	emit_servers(w, "X-CSTP-NBNS", nullptr, &r->nbns);
	emit_texts(w, "X-CSTP-Split-DNS", &r->split_dns);
}

static void emit_rekey(struct writer *w, const char *channel, uint32_t rekey_s, const char *method)
{
	if (rekey_s == 0 || method == nullptr)
		return;
	writer_fmt(w, "X-%s-Rekey-Time: %u\r\n", channel, MIN(rekey_s, REKEY_MOST_S));
	writer_fmt(w, "X-%s-Rekey-Method: %s\r\n", channel, method);
}

/* When the session ends however often the client reconnects: openconnect takes the lease, Cisco's warn their user before. */
static void emit_end(struct writer *w, uint32_t remaining_s, bool alert)
{
	emit_number(w, "X-CSTP-Session-Timeout-Remaining", remaining_s);
	emit_number(w, "X-CSTP-Lease-Duration", remaining_s);
	if (alert)
		emit_number(w, "X-CSTP-Session-Timeout-Alert-Interval", ALERT_S);
}

static void emit_session(struct writer *w, const struct connect_reply *r)
{
	const struct connect_timers *t = &r->timers;
	emit_number(w, "X-CSTP-Keepalive", t->keepalive_s);
	emit_or_none(w, "X-CSTP-Idle-Timeout", t->idle_s);
	emit_bool(w, "X-CSTP-Smartcard-Removal-Disconnect", true);
	if (r->dyndns)
		emit_bool(w, "X-CSTP-DynDNS", true);
	emit_rekey(w, "CSTP", t->rekey_s, t->rekey_method);
	emit_text(w, "X-CSTP-MSIE-Proxy-Pac-URL", r->proxy_url); /* Cisco's spelling, and openconnect's */
	emit_text(w, "X-CSTP-MSIE-Proxy-PAC-URL", r->proxy_url);
	emit_or_none(w, "X-CSTP-Session-Timeout", t->session_s);
	if (t->session_s != 0)
		emit_end(w, t->session_remaining_s, r->dialect.alert);
	emit_text(w, "X-CSTP-Disconnected-Timeout", "none");
	emit_bool(w, "X-CSTP-Keep", true);
	emit_bool(w, "X-CSTP-TCP-Keepalive", !r->dialect.no_keepalive);
	if (r->dialect.license)
		emit_text(w, "X-CSTP-License", "accept");
}

static void emit_dtls(struct writer *w, const struct connect_dtls *d, const char *rekey_method)
{
	char id[ENCODE_HEX_LEN(CONNECT_ID_LEN) + 1] = {};
	size_t n = 0;
	if (!d->enabled)
		return;
	if (encode_to_hex(d->app_id, sizeof d->app_id, false, id, sizeof id, &n) != ERR_OK)
		w->failed = true;
	emit_number(w, "X-DTLS-DPD", d->dpd_s);
	emit_number(w, "X-DTLS-Port", d->port);
	emit_rekey(w, "DTLS", d->rekey_s, rekey_method);
	emit_number(w, "X-DTLS-Keepalive", d->keepalive_s);
	if (d->suite == nullptr) {
		emit_text(w, "X-DTLS-App-ID", id);
		emit_text(w, "X-DTLS-CipherSuite", d->v13 ? "PSK-NEGOTIATE-13" : "PSK-NEGOTIATE");
		return;
	}
	emit_text(w, "X-DTLS-Session-ID", id);
	emit_text(w, d->is_12 ? "X-DTLS12-CipherSuite" : "X-DTLS-CipherSuite", d->suite);
	emit_number(w, "X-DTLS-MTU", d->mtu);
}

static void emit_banner(struct writer *w, const char *banner)
{
	char text[BANNER_MAX];
	if (banner == nullptr)
		return;
	size_t n = strnlen(banner, sizeof text - 1);
	memcpy(text, banner, n);
	text[n] = '\0';
	emit_text(w, "X-CSTP-Banner", text);
}

void connect_emit(struct writer *w, const struct connect_reply *r)
{
	writer_str(w, "HTTP/1.1 200 CONNECTED\r\nX-CSTP-Version: 1\r\n");
	emit_text(w, "X-CSTP-Server-Name", r->server_name);
	emit_text(w, "X-CSTP-Hostname", r->hostname);
	emit_number(w, "X-CSTP-DPD", r->timers.dpd_s);
	emit_text(w, "X-CSTP-Default-Domain", r->default_domain);
	emit_addresses(w, r);
	emit_names(w, r);
	emit_routes(w, r);
	emit_session(w, r);
	for (size_t i = 0; i < r->headers.n; i++)
		text_emit_header(w, r->headers.v[i]);
	emit_dtls(w, &r->dtls, r->timers.rekey_method);
	emit_number(w, "X-CSTP-Base-MTU", r->base_mtu);
	emit_number(w, "X-CSTP-MTU", r->mtu);
	emit_banner(w, r->banner);
	emit_text(w, "X-DTLS-Content-Encoding", r->dtls_encoding);
	emit_text(w, "X-CSTP-Content-Encoding", r->encoding);
	writer_str(w, "\r\n");
}

void connect_emit_refusal(struct writer *w, unsigned status, const char *reason)
{
	writer_fmt(w, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: 0\r\n", status,
		   http_reason(status));
	emit_text(w, "X-Reason", reason);
	writer_str(w, "\r\n");
}
