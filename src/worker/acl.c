/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/acl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "config/user.h"
#include "config/value.h"

constexpr uint16_t PORT_DNS = 53;
constexpr uint8_t PROTO_SCTP = 132;

typedef unsigned __int128 ip_number;

struct range {
	ip_number first, last;
};

/* Disjoint, in order. */
struct ranges {
	size_t n;
	struct range *v;
};

struct acl {
	bool to_routes, to_ports, isolates;
	struct config_ports ports;
	struct ranges routes[2], no_routes[2]; /* IPv4, IPv6 */
	struct ranges dns[2];
	struct ranges pools[2], servers[2]; /* if it isolates */
};

/* {{ ranges }} */

static ip_number number_of(const uint8_t *ip, size_t len)
{
	ip_number n = 0;
	for (size_t i = 0; i < len; i++)
		n = n << 8 | ip[i];
	return n;
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorted ones that touch or overlap become one. */
static void merge(struct ranges *r)
{
	size_t n = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (n > 0 && r->v[i].first <= r->v[n - 1].last)
			r->v[n - 1].last = MAX(r->v[n - 1].last, r->v[i].last);
		else
			r->v[n++] = r->v[i];
	}
	r->n = n;
}

/* Those of one family. */
static enum err make(struct ranges *out, const struct prefixlist *l, uint16_t family)
{
	size_t bytes = family == AF_INET ? 4 : 16;
	out->v = calloc(l->n + 1, sizeof *out->v);
	if (out->v == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct prefix *p = &l->v[i];
		/* "default" is of IPv4 and means both */
		if (p->family != family && p->len != 0)
			continue;
		unsigned host = p->len == 0 ? (unsigned)bytes * 8 : (unsigned)bytes * 8 - p->len;
		ip_number tail = host == 128 ? ~(ip_number)0 : ((ip_number)1 << host) - 1;
		ip_number first = p->len == 0 ? 0 : number_of(p->addr, bytes) & ~tail;
		out->v[out->n++] = (struct range){ first, first | tail };
	}
	qsort(out->v, out->n, sizeof *out->v, compare);
	merge(out);
	return ERR_OK;
}

static enum err make_both(struct ranges out[2], const struct prefixlist *l)
{
	TRY(make(&out[0], l, AF_INET));
	return make(&out[1], l, AF_INET6);
}

static bool has(const struct ranges *r, ip_number ip)
{
	size_t low = 0, high = r->n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (ip > r->v[mid].last)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && r->v[low].first <= ip;
}

/* Our own end of a pool is its first host address (keeper/lease.c). */
static struct prefix server_of(struct prefix pool)
{
	config_prefix_mask(&pool);
	pool.len = pool.family == AF_INET ? 32 : 128;
	pool.addr[pool.len / 8 - 1] |= 1;
	return pool;
}

static enum err make_pools(struct acl *a, const struct config *c)
{
	struct prefixlist pools = { .v = calloc(2 * c->vhosts_n, sizeof *pools.v) };
	struct prefixlist servers = { .v = calloc(2 * c->vhosts_n, sizeof *servers.v) };
	enum err e = pools.v != nullptr && servers.v != nullptr ? ERR_OK : ERR_NOMEM;
	for (size_t i = 0; e == ERR_OK && i < 2 * c->vhosts_n; i++) {
		const struct vhost *v = &c->vhosts[i / 2];
		const struct prefix *p = i % 2 == 0 ? &v->ipv4_network : &v->ipv6_network;
		if (p->family == 0)
			continue;
		pools.v[pools.n++] = *p;
		servers.v[servers.n++] = server_of(*p);
	}
	if (e == ERR_OK)
		e = make_both(a->pools, &pools);
	if (e == ERR_OK)
		e = make_both(a->servers, &servers);
	free(pools.v);
	free(servers.v);
	return e;
}

/* {{ life }} */

static enum err fill(struct acl *a, const struct vhost *v, const struct config *c)
{
	static struct prefix all = { .family = AF_INET };
	static const struct prefixlist everything = { .v = &all, .n = 1 };
	a->to_routes = v->restrict_user_to_routes;
	a->isolates = v->isolate_clients;
	a->to_ports = v->restrict_user_to_ports != nullptr;
	if (a->to_ports && config_ports_parse(v->restrict_user_to_ports, &a->ports) != ERR_OK)
		return ERR_CONFIG;
	if (a->isolates)
		TRY(make_pools(a, c));
	/* without routes all goes through the tunnel */
	TRY(make_both(a->routes, v->route.n > 0 ? &v->route : &everything));
	TRY(make_both(a->no_routes, &v->no_route));
	return make_both(a->dns, &v->dns);
}

enum err acl_new(struct acl **out, const struct vhost *v, const struct config *c)
{
	*out = nullptr;
	if (!v->restrict_user_to_routes && v->restrict_user_to_ports == nullptr && !v->isolate_clients)
		return ERR_OK;
	struct acl *a = calloc(1, sizeof *a);
	if (a == nullptr)
		return ERR_NOMEM;
	enum err e = fill(a, v, c);
	if (e != ERR_OK)
		acl_free(a);
	else
		*out = a;
	return e;
}

void acl_free(struct acl *a)
{
	if (a == nullptr)
		return;
	for (size_t i = 0; i < 2; i++) {
		free(a->routes[i].v);
		free(a->no_routes[i].v);
		free(a->dns[i].v);
		free(a->pools[i].v);
		free(a->servers[i].v);
	}
	free(a);
}

/* {{ a packet }} */

static bool has_ports(uint8_t protocol)
{
	return protocol == IP_PROTO_TCP || protocol == IP_PROTO_UDP || protocol == PROTO_SCTP;
}

/* false: it has none that could be read.  Later fragments never reach the ports of the first: 8 bytes are the least. */
static bool port_of(const struct ip_packet *k, uint16_t *out)
{
	if (!has_ports(k->protocol) || k->fragment_offset != 0 || k->len < k->header_len + 4u)
		return false;
	const uint8_t *p = k->start + k->header_len + 2;
	*out = (uint16_t)(p[0] << 8 | p[1]);
	return true;
}

static bool is_listed(const struct config_ports *ports, uint8_t protocol, bool is_known, uint16_t port)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->v[i].protocol == protocol &&
		    (ports->v[i].port == 0 || (is_known && ports->v[i].port == port)))
			return true;
	return false;
}

static bool has_protocol(const struct config_ports *ports, uint8_t protocol)
{
	for (size_t i = 0; i < ports->n; i++)
		if (ports->v[i].protocol == protocol)
			return true;
	return false;
}

static bool permits_port(const struct config_ports *ports, const struct ip_packet *k, bool is_known,
			 uint16_t port)
{
	if (has_ports(k->protocol) && !is_known) {
		/* the rest of what the first fragment decides; too short for ports: nobody's */
		bool is_later = k->fragment_offset != 0;
		return is_later && (ports->is_deny || has_protocol(ports, k->protocol));
	}
	return is_listed(ports, k->protocol, is_known, port) != ports->is_deny;
}

bool acl_permits(const struct acl *a, const struct ip_packet *k)
{
	size_t family = k->version == 4 ? 0 : 1;
	ip_number dst = number_of(k->dst, ip_addr_len(k));
	uint16_t port = 0;
	bool is_known = port_of(k, &port);
	bool is_dns = is_known && port == PORT_DNS && k->protocol != PROTO_SCTP && has(&a->dns[family], dst);
	if (is_dns)
		return true;
	if (a->to_ports && !permits_port(&a->ports, k, is_known, port))
		return false;
	return !a->to_routes || (has(&a->routes[family], dst) && !has(&a->no_routes[family], dst));
}

bool acl_isolates(const struct acl *a)
{
	return a->isolates;
}

enum acl_place acl_place_of(const struct acl *a, const struct ip_packet *k)
{
	size_t family = k->version == 4 ? 0 : 1;
	ip_number dst = number_of(k->dst, ip_addr_len(k));
	if (has(&a->servers[family], dst))
		return ACL_SERVER;
	return has(&a->pools[family], dst) ? ACL_POOL : ACL_ELSEWHERE;
}
