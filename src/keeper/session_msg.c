/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/session_msg.h"

#include <string.h>
#include <time.h>

static ProtobufCBinaryData bytes(const void *p, size_t len)
{
	return (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)p, .len = len };
}

static ProtobufCBinaryData bytes_of_addr(const struct addr *a)
{
	const uint8_t *ip = nullptr;
	size_t len = addr_ip(a, &ip);
	return bytes(ip, len);
}

static ProtobufCBinaryData bytes_of_prefix(const struct prefix *p)
{
	return bytes(p->addr, p->family == 0 ? 0 : p->family == AF_INET ? 4 : 16);
}

static char *text(const char *t)
{
	return (char *)(uintptr_t)(t != nullptr ? t : "");
}

static void fill_client(Msg__Session *out, const struct session *s)
{
	out->user_agent = text(s->client.user_agent);
	out->hostname = text(s->client.hostname);
	out->device_type = text(s->client.device_type);
	out->device_platform = text(s->client.device_platform);
	out->remote_ip = bytes_of_addr(&s->remote);
	out->remote_port = s->remote.port;
	out->local_ip = bytes_of_addr(&s->local);
	out->login_ip = bytes_of_addr(&s->login);
}

static void fill_leases(Msg__Session *out, const struct session *s)
{
	out->ipv4 = bytes_of_prefix(s->loaded != nullptr ? &s->loaded->ipv4 : &s->ipv4.addr);
	/* the client's mask is that of the pool; its IPv6 prefix is its own */
	out->ipv4_prefix_len = s->ipv4.server.family != 0 ? s->ipv4.server.len : s->ipv4.addr.len;
	out->server_ipv4 = bytes_of_prefix(&s->ipv4.server);
	const struct prefix *ipv6 = s->loaded != nullptr ? &s->loaded->ipv6 : &s->ipv6.addr;
	out->ipv6 = bytes_of_prefix(ipv6);
	out->ipv6_prefix_len = ipv6->len;
	out->server_ipv6 = bytes_of_prefix(&s->ipv6.server);
}

/* The cookie's last second on the clock of the wall; the monotonic clock is what counts. */
static uint64_t unix_of(struct mono when)
{
	return (uint64_t)time(nullptr) + clock_secs(clock_now(), when);
}

void session_msg_fill(Msg__Session *out, const struct session *s)
{
	msg__session__init(out);
	out->sid = s->sid;
	out->cookie_hash = bytes(s->cookie_hash, sizeof s->cookie_hash);
	out->username = text(session_username(s));
	out->group = text(s->group);
	out->vhost = s->vhost;
	fill_leases(out, s);
	fill_client(out, s);
	out->logged_in_at = (uint64_t)s->logged_in_at;
	out->connected_at = (uint64_t)s->connected_at;
	out->app_id = bytes(s->app_id, sizeof s->app_id);
	out->strap_key = bytes(s->strap.key, s->strap.has_key ? sizeof s->strap.key : 0);
	out->strap_before = bytes(s->strap.before, s->strap.has_before ? sizeof s->strap.before : 0);
	out->session_timeout_s = s->timeout_s;
	out->expires_mono_ns = s->expires.ns;
	out->worker = s->worker;
	out->has_cert = s->has_cert;
	out->connected = s->state == SESSION_OPEN;
	out->cookie_expires_at = s->state == SESSION_WAITING ? unix_of(s->deadline) : 0;
}

static void fill_texts(Msg__Session *out, const struct session *s)
{
	out->n_texts = s->texts != nullptr ? s->texts->n_texts : 0;
	out->texts = s->texts != nullptr ? s->texts->texts : nullptr;
}

void session_msg_fill_listed(Msg__Session *out, const struct session *s)
{
	session_msg_fill(out, s);
	fill_texts(out, s);
}

void session_msg_fill_stored(Msg__Session *out, const struct session *s)
{
	session_msg_fill(out, s);
	out->expires_mono_ns = 0;
	out->expires_at = s->expires.ns != 0 ? unix_of(s->expires) : 0;
	out->rx_bytes = s->rx_bytes;
	out->facts = s->facts;
	fill_texts(out, s);
	out->tx_bytes = s->tx_bytes;
}

void session_msg_fill_route(Msg__Route *out, const struct session *s, bool gone)
{
	msg__route__init(out);
	out->sid = s->sid;
	out->worker = s->worker;
	out->ipv4 = bytes_of_prefix(&s->ipv4.addr);
	out->ipv6 = bytes_of_prefix(&s->ipv6.addr);
	out->ipv6_prefix_len = s->ipv6.addr.len;
	out->app_id = bytes(s->app_id, sizeof s->app_id);
	out->gone = gone;
}

static struct addr addr_of(ProtobufCBinaryData ip, uint32_t port)
{
	struct addr a = addr_of_ip(ip.data, ip.len);
	a.port = (uint16_t)port;
	return a;
}

static enum err prefix_of(struct prefix *out, ProtobufCBinaryData ip, uint16_t family, size_t len,
			  uint32_t prefix_len)
{
	*out = (struct prefix){};
	if (ip.len == 0)
		return ERR_OK;
	if (ip.len != len || prefix_len > len * 8)
		return ERR_PROTO;
	out->family = family;
	out->len = (uint8_t)prefix_len;
	memcpy(out->addr, ip.data, len);
	return ERR_OK;
}

/* A session that had a key must not come back without one. */
static enum err key_of(uint8_t out[SESSION_STRAP_KEY_LEN], bool *has, ProtobufCBinaryData key)
{
	if (key.len != 0 && key.len != SESSION_STRAP_KEY_LEN)
		return ERR_PROTO;
	*has = key.len != 0;
	if (*has)
		memcpy(out, key.data, SESSION_STRAP_KEY_LEN);
	return ERR_OK;
}

enum err session_msg_read(struct session_report *out, const Msg__Session *m, uint32_t worker)
{
	return m->sid != 0 ? session_msg_read_stored(out, m, worker) : ERR_PROTO;
}

enum err session_msg_read_stored(struct session_report *out, const Msg__Session *m, uint32_t worker)
{
	if (m->cookie_hash.len != SESSION_HASH_LEN || m->app_id.len != SESSION_APP_ID_LEN)
		return ERR_PROTO;
	*out = (struct session_report){ .cookie_hash = m->cookie_hash.data,
					.app_id = m->app_id.data,
					.sid = m->sid,
					.worker = worker,
					.vhost = m->vhost,
					.timeout_s = m->session_timeout_s,
					.has_cert = m->has_cert,
					.username = m->username,
					.group = m->group,
					.login = addr_of(m->login_ip, 0),
					.remote = addr_of(m->remote_ip, m->remote_port),
					.local = addr_of(m->local_ip, 0),
					.client = { m->user_agent, m->hostname, m->device_type,
						    m->device_platform },
					.logged_in_at = (int64_t)m->logged_in_at,
					.connected_at = (int64_t)m->connected_at,
					.expires = { m->expires_mono_ns } };
	TRY(key_of(out->strap.key, &out->strap.has_key, m->strap_key));
	TRY(key_of(out->strap.before, &out->strap.has_before, m->strap_before));
	msg__user_files__init(&out->files);
	out->files.n_texts = m->n_texts;
	out->files.texts = m->texts;
	out->facts = m->facts;
	TRY(prefix_of(&out->ipv4, m->ipv4, AF_INET, 4, 32));
	return prefix_of(&out->ipv6, m->ipv6, AF_INET6, 16, m->ipv6_prefix_len);
}
