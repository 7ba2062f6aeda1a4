/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/script.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/user.h"
#include "keeper/keeper.h"

constexpr size_t VALUES_MAX = 50'000; /* of a message's 64 KB */

struct vars {
	Msg__ScriptVar v[VARS_N];
	Msg__ScriptVar *list[VARS_N];
	size_t n;
	size_t used;
	bool is_cut;
	char values[VALUES_MAX];
};

/* {{ values }} */

static void put(struct vars *a, enum msgs_var name, const char *value)
{
	size_t len = strlen(value);
	if (a->used + len + 1 > VALUES_MAX) {
		a->is_cut = true;
		return;
	}
	Msg__ScriptVar *v = &a->v[a->n];
	msg__script_var__init(v);
	v->name = name;
	v->value = memcpy(a->values + a->used, value, len + 1);
	a->used += len + 1;
	a->list[a->n++] = v;
}

static void put_if(struct vars *a, enum msgs_var name, const char *value)
{
	if (*value != '\0')
		put(a, name, value);
}

static void put_number(struct vars *a, enum msgs_var name, uint64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	put(a, name, text);
}

static void put_ip(struct vars *a, enum msgs_var name, uint16_t family, const uint8_t *ip)
{
	char text[INET6_ADDRSTRLEN];
	if (family != 0 && inet_ntop(family, ip, text, sizeof text) != nullptr)
		put(a, name, text);
}

static void put_addr(struct vars *a, enum msgs_var name, const struct addr *addr)
{
	const uint8_t *ip = nullptr;
	size_t len = addr_ip(addr, &ip);
	put_ip(a, name, len == 4 ? AF_INET : len == 16 ? AF_INET6 : 0, ip);
}

/* "192.0.2.0/255.255.255.0 ", "2001:db8::/32 ", or without what is behind the address; at most 64 bytes. */
static size_t write_prefix(char out[64], const struct prefix *p, bool is_network)
{
	char ip[INET6_ADDRSTRLEN] = "";
	inet_ntop(p->family, p->addr, ip, sizeof ip);
	if (!is_network)
		return (size_t)snprintf(out, 64, "%s ", ip);
	if (p->family == AF_INET6)
		return (size_t)snprintf(out, 64, "%s/%u ", ip, p->len);
	uint32_t mask = p->len == 0 ? 0 : ~UINT32_C(0) << (32 - p->len);
	return (size_t)snprintf(out, 64, "%s/%u.%u.%u.%u ", ip, mask >> 24, mask >> 16 & 0xff,
				mask >> 8 & 0xff, mask & 0xff);
}

/* Those of one family, or of both for 0. */
static void put_list(struct vars *a, enum msgs_var name, const struct prefixlist *l, uint16_t family,
		     bool is_network)
{
	static char text[VALUES_MAX]; /* one thread */
	size_t used = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (family != 0 && l->v[i].family != family)
			continue;
		if (is_network && l->v[i].len == 0)
			continue; /* the default route is no list */
		if (used + 64 > sizeof text) {
			a->is_cut = true;
			return;
		}
		used += write_prefix(text + used, &l->v[i], is_network);
	}
	text[used] = '\0';
	put_if(a, name, text);
}

static void put_ports(struct vars *a, const char *option)
{
	struct config_ports ports;
	char text[CONFIG_PORTS_MAX * 16];
	size_t used = 0;
	if (option == nullptr || config_ports_parse(option, &ports) != ERR_OK)
		return;
	for (size_t i = 0; i < ports.n; i++) {
		char port[8] = "all";
		if (ports.v[i].port != 0)
			snprintf(port, sizeof port, "%u", ports.v[i].port);
		used += (size_t)snprintf(text + used, sizeof text - used, "%s %s ",
					 config_ports_name(ports.v[i].protocol), port);
	}
	put(a, ports.is_deny ? VAR_OCSERV_DENY_PORTS : VAR_OCSERV_ALLOW_PORTS, text);
}

/* {{ all of them }} */

static void put_options(struct vars *a, const struct vhost *v)
{
	put_list(a, VAR_OCSERV_ROUTES4, &v->route, AF_INET, true);
	put_list(a, VAR_OCSERV_ROUTES6, &v->route, AF_INET6, true);
	put_list(a, VAR_OCSERV_ROUTES, &v->route, 0, true);
	put_list(a, VAR_OCSERV_NO_ROUTES4, &v->no_route, AF_INET, true);
	put_list(a, VAR_OCSERV_NO_ROUTES6, &v->no_route, AF_INET6, true);
	put_list(a, VAR_OCSERV_NO_ROUTES, &v->no_route, 0, true);
	put_list(a, VAR_OCSERV_DNS4, &v->dns, AF_INET, false);
	put_list(a, VAR_OCSERV_DNS6, &v->dns, AF_INET6, false);
	put_list(a, VAR_OCSERV_DNS, &v->dns, 0, false);
	if (v->restrict_user_to_routes)
		put(a, VAR_OCSERV_RESTRICT_TO_ROUTES, "1");
	put_ports(a, v->restrict_user_to_ports);
}

static void put_addresses(struct vars *a, const struct session *s)
{
	put_addr(a, VAR_IP_REAL, &s->remote);
	put_addr(a, VAR_IP_REAL_LOCAL, &s->local);
	put_ip(a, VAR_IP_LOCAL, s->ipv4.server.family, s->ipv4.server.addr);
	put_ip(a, VAR_IP_REMOTE, s->ipv4.addr.family, s->ipv4.addr.addr);
	put_ip(a, VAR_IPV6_LOCAL, s->ipv6.server.family, s->ipv6.server.addr);
	put_ip(a, VAR_IPV6_REMOTE, s->ipv6.addr.family, s->ipv6.addr.addr);
	if (s->ipv6.addr.family != 0)
		put_number(a, VAR_IPV6_PREFIX, s->ipv6.addr.len);
}

static void put_all(struct vars *a, const struct keeper *k, const struct session *s, uint64_t sid)
{
	const char *vhost = k->now.cfg->vhosts[s->vhost].name;
	const struct vhost *v = session_vhost(&k->sessions, s);
	put(a, VAR_VHOST, *vhost != '\0' ? vhost : "default");
	put(a, VAR_USERNAME, session_username(s));
	put(a, VAR_GROUPNAME, s->group);
	put_if(a, VAR_DEVICE, k->device != nullptr ? k->device : "");
	put_addresses(a, s);
	put_number(a, VAR_ID, sid);
	put_if(a, VAR_HOSTNAME, s->client.hostname);
	put_if(a, VAR_REMOTE_HOSTNAME, s->client.hostname);
	put(a, VAR_USER_AGENT, s->client.user_agent);
	put(a, VAR_DEVICE_TYPE, s->client.device_type);
	put(a, VAR_DEVICE_PLATFORM, s->client.device_platform);
	put_options(a, v);
}

/* FNV-1a over the inner address: scripts of one run in order. */
static uint64_t key_of(const struct session *s)
{
	const struct prefix *p = s->ipv4.addr.family != 0 ? &s->ipv4.addr : &s->ipv6.addr;
	uint64_t h = 0xcbf29ce484222325;
	for (size_t i = 0; i < sizeof p->addr; i++)
		h = (h ^ p->addr[i]) * 0x100000001b3;
	return h;
}

static uint32_t request(struct keeper *k, enum msgs_script kind, const struct session *s, struct vars *a)
{
	Msg__Script m = MSG__SCRIPT__INIT;
	if (a->is_cut)
		log_warn("script.variables_cut user=\"%s\": its routes are too long for the environment",
			 session_username(s));
	if (!ipc_is_alive(k->supervisor))
		return 0;
	m.kind = kind;
	m.key = key_of(s);
	m.vars = a->list;
	m.n_vars = a->n;
	uint32_t id = ipc_next_id(k->supervisor);
	if (ipc_send(k->supervisor, MSG_SCRIPT, id, &m.base, nullptr, 0) != ERR_OK)
		return 0;
	k->scripts_n++;
	return id;
}

/* {{ public }} */

uint32_t script_connect(struct keeper *k, const struct session *s)
{
	static struct vars a; /* one thread */
	a.n = a.used = a.is_cut = 0;
	put_all(&a, k, s, s->next_sid);
	return request(k, SCRIPT_CONNECT, s, &a);
}

void script_disconnect(struct keeper *k, const struct session *s, const struct session_end *end)
{
	static struct vars a; /* one thread */
	if (k->now.cfg->disconnect_script == nullptr)
		return;
	a.n = a.used = a.is_cut = 0;
	put_all(&a, k, s, end->sid);
	put_number(&a, VAR_STATS_BYTES_IN, end->rx_bytes);
	put_number(&a, VAR_STATS_BYTES_OUT, end->tx_bytes);
	put_number(&a, VAR_STATS_DURATION, end->secs);
	put(&a, VAR_DISCONNECT_REASON, session_cause_text(end->cause));
	if (request(k, SCRIPT_DISCONNECT, s, &a) == 0)
		log_err("script.lost kind=disconnect user=\"%s\"", session_username(s));
}

void script_host_update(struct keeper *k, const struct session *s)
{
	static struct vars a; /* one thread */
	if (k->now.cfg->host_update_script == nullptr || s->client.hostname[0] == '\0')
		return;
	a.n = a.used = a.is_cut = 0;
	put_all(&a, k, s, s->sid);
	if (request(k, SCRIPT_HOST_UPDATE, s, &a) == 0)
		log_err("script.lost kind=host-update user=\"%s\"", session_username(s));
}
