/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/ours.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"

void ours_init(struct ours *o, const struct listen *listen, int map)
{
	*o = (struct ours){ .listen = listen, .map = map };
}

static __be16 port_of(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
					: ((const struct sockaddr_in *)a)->sin_port;
}

/* IPv4 as ::ffff:a.b.c.d */
static void address_of(uint8_t out[static 16], const struct sockaddr *a)
{
	const struct addr found = addr_of_sockaddr(a);
	memcpy(out, found.ip, 16);
}

static bool is_any(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6
		       ? IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr)
		       : ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static bool is_ip(const struct ifaddrs *i)
{
	return i->ifa_addr != nullptr &&
	       (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

/* Whether the group takes what comes to this address. */
static bool takes(const struct listen_group *g, const struct ifaddrs *i)
{
	uint8_t listening[16], here[16];
	if (!is_ip(i) || g->addr.ss_family != i->ifa_addr->sa_family)
		return false;
	if (is_any(&g->addr))
		return true;
	address_of(listening, (const struct sockaddr *)&g->addr);
	address_of(here, i->ifa_addr);
	return memcmp(listening, here, sizeof here) == 0;
}

static enum err put(const struct ours *o, const struct listen_group *g, const struct sockaddr *a)
{
	struct guard_ours key = { .port = port_of(&g->addr),
				  .protocol = g->is_udp ? IPPROTO_UDP : IPPROTO_TCP };
	address_of(key.addr, a);
	return bpf_map_update_elem(o->map, &key, &o->generation, BPF_ANY) == 0 ? ERR_OK : ERR_FULL;
}

static void sweep(const struct ours *o)
{
	struct guard_ours key, next;
	bool is_more = bpf_map_get_next_key(o->map, nullptr, &key) == 0;
	while (is_more) {
		uint32_t generation = 0;
		is_more = bpf_map_get_next_key(o->map, &key, &next) == 0;
		if (bpf_map_lookup_elem(o->map, &key, &generation) == 0 && generation != o->generation)
			bpf_map_delete_elem(o->map, &key);
		key = next;
	}
}

enum err ours_update(struct ours *o)
{
	struct ifaddrs *all = nullptr;
	if (getifaddrs(&all) != 0)
		return ERR_SYS;
	enum err e = ERR_OK;
	o->generation++;
	for (size_t i = 0; i < o->listen->groups_n; i++) {
		const struct listen_group *g = &o->listen->groups[i];
		if (!is_any(&g->addr) && put(o, g, (const struct sockaddr *)&g->addr) != ERR_OK)
			e = ERR_FULL;
		for (const struct ifaddrs *a = all; a != nullptr && is_any(&g->addr); a = a->ifa_next)
			if (takes(g, a) && put(o, g, a->ifa_addr) != ERR_OK)
				e = ERR_FULL;
	}
	freeifaddrs(all);
	sweep(o);
	return e;
}

static bool has_port(const struct guard_settings *s, __be16 port)
{
	for (uint32_t i = 0; i < s->ports_n; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

enum err ours_ports(const struct listen *listen, struct guard_settings *out)
{
	out->ports_n = 0;
	for (size_t i = 0; i < listen->groups_n; i++) {
		__be16 port = port_of(&listen->groups[i].addr);
		if (has_port(out, port))
			continue;
		if (out->ports_n == GUARD_PORTS_MAX)
			return ERR_FULL;
		out->ports[out->ports_n++] = port;
	}
	return ERR_OK;
}

static bool is_listed(char list[][OURS_NAME], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static bool is_listened_on(const struct listen *listen, const struct ifaddrs *i)
{
	for (size_t g = 0; g < listen->groups_n; g++)
		if (takes(&listen->groups[g], i))
			return true;
	return false;
}

size_t ours_interfaces(const struct listen *listen, const char *except, char out[][OURS_NAME], size_t cap)
{
	struct ifaddrs *all = nullptr;
	size_t n = 0;
	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *i = all; i != nullptr && n < cap; i = i->ifa_next) {
		if ((i->ifa_flags & IFF_LOOPBACK) != 0 || strcmp(i->ifa_name, except) == 0 ||
		    strlen(i->ifa_name) >= OURS_NAME || is_listed(out, n, i->ifa_name) ||
		    !is_listened_on(listen, i))
			continue;
		memcpy(out[n++], i->ifa_name, strlen(i->ifa_name) + 1);
	}
	freeifaddrs(all);
	return n;
}
