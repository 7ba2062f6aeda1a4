/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/firewall.h"

#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "config/user.h"
#include "keeper/keeper.h"
#include "keeper/show.h"

constexpr size_t PREFIXES_MAX = 2500; /* of a message's 64 KB */

struct prefixes {
	size_t n;
	bool is_cut;
	ProtobufCBinaryData v[PREFIXES_MAX];
	uint8_t bytes[PREFIXES_MAX][17]; /* length, address */
};

static bool is_on(const struct keeper *k)
{
	return k->now.cfg->firewall == FIREWALL_NFTABLES && ipc_is_alive(k->supervisor);
}

static void tell(struct keeper *k, const Msg__Firewall *m)
{
	if (ipc_send(k->supervisor, MSG_FIREWALL, ipc_next_id(k->supervisor), &m->base, nullptr, 0) != ERR_OK)
		log_warn("firewall.not_told sid=%llu", (unsigned long long)m->sid);
}

static void add(struct prefixes *all, const struct prefix *p)
{
	if (p->family == 0)
		return;
	if (all->n >= PREFIXES_MAX) {
		all->is_cut = true;
		return;
	}
	const size_t len = p->family == AF_INET ? 4 : 16;
	uint8_t *b = all->bytes[all->n];
	b[0] = p->len;
	memcpy(b + 1, p->addr, len);
	all->v[all->n++] = ipc_bytes(b, 1 + len);
}

/* The list that begins where the others end. */
static ProtobufCBinaryData *add_list(struct prefixes *all, const struct prefixlist *l, size_t *n)
{
	const size_t first = all->n;
	for (size_t i = 0; i < l->n; i++)
		add(all, &l->v[i]);
	*n = all->n - first;
	return &all->v[first];
}

/* What packets of the client may come from: worker/rx.c. */
static ProtobufCBinaryData *add_clients(struct prefixes *all, const struct session *s, const struct vhost *v,
					size_t *n)
{
	struct prefix ipv4 = s->ipv4.addr; /* its length is that of the pool */
	ipv4.len = 32;
	add(all, &ipv4);
	add(all, &s->ipv6.addr);
	for (size_t i = 0; i < v->iroute.n; i++)
		add(all, &v->iroute.v[i]);
	*n = all->n;
	return all->v;
}

static bool has_default(const struct prefixlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].len == 0)
			return true;
	return false;
}

static void fill_ports(Msg__Firewall *m, const char *option, Msg__FirewallPort rows[CONFIG_PORTS_MAX],
		       Msg__FirewallPort *list[CONFIG_PORTS_MAX])
{
	struct config_ports ports;
	if (option == nullptr || config_ports_parse(option, &ports) != ERR_OK)
		return; /* the worker has refused such a session */
	for (size_t i = 0; i < ports.n; i++) {
		msg__firewall_port__init(&rows[i]);
		rows[i].protocol = ports.v[i].protocol;
		rows[i].port = ports.v[i].port;
		list[i] = &rows[i];
	}
	m->to_ports = true;
	m->is_deny = ports.is_deny;
	m->ports = list;
	m->n_ports = ports.n;
}

static bool is_held(const struct vhost *v)
{
	return v->restrict_user_to_routes || v->restrict_user_to_ports != nullptr || v->isolate_clients;
}

void firewall_begun(struct keeper *k, const struct session *s)
{
	static struct prefixes all; /* one thread */
	static const struct prefixlist none = {};
	const struct vhost *v = session_vhost(&k->sessions, s);
	Msg__FirewallPort rows[CONFIG_PORTS_MAX], *ports[CONFIG_PORTS_MAX];
	Msg__Firewall m = MSG__FIREWALL__INIT;
	if (!is_on(k) || !is_held(v))
		return;
	all.n = all.is_cut = 0;
	m.sid = s->sid;
	m.clients = add_clients(&all, s, v, &m.n_clients);
	m.dns = add_list(&all, &v->dns, &m.n_dns);
	m.isolated = v->isolate_clients;
	m.to_routes = v->restrict_user_to_routes;
	/* no route, or the default one: everything */
	m.routes = add_list(&all, has_default(&v->route) ? &none : &v->route, &m.n_routes);
	m.no_routes = add_list(&all, &v->no_route, &m.n_no_routes);
	fill_ports(&m, v->restrict_user_to_ports, rows, ports);
	if (all.is_cut)
		log_warn("firewall.too_long user=\"%s\" most=%zu: his routes are judged by the worker alone",
			 show_name(session_username(s)).text, PREFIXES_MAX);
	else
		tell(k, &m);
}

void firewall_ended(struct keeper *k, uint64_t sid)
{
	Msg__Firewall m = MSG__FIREWALL__INIT;
	m.sid = sid;
	m.gone = true;
	if (is_on(k))
		tell(k, &m);
}

void firewall_settled(struct keeper *k)
{
	Msg__Firewall m = MSG__FIREWALL__INIT;
	m.settled = true;
	if (is_on(k))
		tell(k, &m);
}
