/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/firewall_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>

#include "base/base.h"

typedef unsigned long long number;

/* {{ words }} */

static bool is_v4(const ProtobufCBinaryData *b)
{
	return b->len == 5;
}

/* "192.0.2.0/24", or without a length for a host */
static void put_prefix(FILE *out, const ProtobufCBinaryData *b)
{
	char text[INET6_ADDRSTRLEN] = "";
	inet_ntop(is_v4(b) ? AF_INET : AF_INET6, b->data + 1, text, sizeof text);
	fputs(text, out);
	if (b->data[0] != (b->len - 1) * 8)
		fprintf(out, "/%u", b->data[0]);
}

static size_t count(const ProtobufCBinaryData *v, size_t n, bool v4)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		found += is_v4(&v[i]) == v4;
	return found;
}

/* "a, b", those of one family; there is one at least. */
static void put_all(FILE *out, const ProtobufCBinaryData *v, size_t n, bool v4)
{
	const char *sep = "";
	for (size_t i = 0; i < n; i++) {
		if (is_v4(&v[i]) != v4)
			continue;
		fputs(sep, out);
		put_prefix(out, &v[i]);
		sep = ", ";
	}
}

static const char *family_of(bool v4)
{
	return v4 ? "ip" : "ip6";
}

/* {{ the table }} */

void firewall_text_table(char out[static FIREWALL_TABLE_MAX], const char *device)
{
	int n = snprintf(out, FIREWALL_TABLE_MAX, "ocserv_modern_%s", device);
	for (int i = 0; i < n && out[i] != '\0'; i++)
		if (!isalnum((unsigned char)out[i]))
			out[i] = '_';
}

void firewall_text_remove(FILE *out, const char *table)
{
	fprintf(out, "add table inet %s\ndelete table inet %s\n", table, table);
}

void firewall_text_make(FILE *out, const char *table, const char *device)
{
	firewall_text_remove(out, table);
	fprintf(out,
		"table inet %s {\n"
		" counter dropped {}\n"
		" map host4 { type ipv4_addr : verdict; }\n"
		" map host6 { type ipv6_addr : verdict; }\n"
		" map net4 { type ipv4_addr : verdict; flags interval; }\n"
		" map net6 { type ipv6_addr : verdict; flags interval; }\n"
		" chain isolated { oifname \"%s\" counter name dropped drop; }\n"
		" chain check {\n"
		"  ip saddr vmap @host4\n  ip saddr vmap @net4\n  ip6 saddr vmap @host6\n  ip6 saddr vmap @net6\n }\n"
		" chain forward { type filter hook forward priority filter - 5; policy accept; iifname \"%s\" jump check; }\n"
		" chain input { type filter hook input priority filter - 5; policy accept; iifname \"%s\" jump check; }\n"
		"}\n",
		table, device, device, device);
}

/* {{ a session }} */

static const char drop[] = "counter name dropped drop";

static void put_rule(FILE *out, const char *table, char chain, uint64_t sid)
{
	fprintf(out, "add rule inet %s %c_%llu ", table, chain, (number)sid);
}

static void add_dns(FILE *out, const char *table, const Msg__Firewall *m, bool v4)
{
	if (count(m->dns, m->n_dns, v4) == 0)
		return;
	put_rule(out, table, 's', m->sid);
	fprintf(out, "%s daddr { ", family_of(v4));
	put_all(out, m->dns, m->n_dns, v4);
	fputs(" } meta l4proto { tcp, udp } th dport 53 return\n", out);
}

static bool has_ports(uint32_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* Fragments behind the first have no ports: the first one has decided. */
static void add_fragments(FILE *out, const char *table, const Msg__Firewall *m, uint32_t protocol)
{
	put_rule(out, table, 's', m->sid);
	fprintf(out, "ip frag-off & 0x1fff != 0 meta l4proto %u goto p_%llu\n", protocol, (number)m->sid);
	put_rule(out, table, 's', m->sid);
	fprintf(out, "frag frag-off != 0 meta l4proto %u goto p_%llu\n", protocol, (number)m->sid);
}

static void add_port(FILE *out, const char *table, const Msg__Firewall *m, const Msg__FirewallPort *p)
{
	put_rule(out, table, 's', m->sid);
	fprintf(out, "meta l4proto %u ", p->protocol);
	if (p->port != 0)
		fprintf(out, "th dport %u ", p->port);
	if (m->is_deny) {
		fprintf(out, "%s\n", drop);
		return;
	}
	fprintf(out, "goto p_%llu\n", (number)m->sid);
	if (p->port != 0 && has_ports(p->protocol))
		add_fragments(out, table, m, p->protocol);
}

static void add_ports(FILE *out, const char *table, const Msg__Firewall *m)
{
	for (size_t i = 0; i < m->n_ports; i++)
		add_port(out, table, m, m->ports[i]);
	put_rule(out, table, 's', m->sid);
	if (m->to_ports && !m->is_deny)
		fprintf(out, "%s\n", drop);
	else
		fprintf(out, "goto p_%llu\n", (number)m->sid);
}

/* A set by itself: networks that overlap are joined. */
static void add_set(FILE *out, const char *table, const char *name, uint64_t sid,
		    const ProtobufCBinaryData *v, size_t n, bool v4)
{
	if (count(v, n, v4) == 0)
		return;
	fprintf(out, "add set inet %s %s%c_%llu { type %s; flags interval; auto-merge; elements = { ", table,
		name, v4 ? '4' : '6', (number)sid, v4 ? "ipv4_addr" : "ipv6_addr");
	put_all(out, v, n, v4);
	fputs(" } }\n", out);
}

static void add_routes(FILE *out, const char *table, const Msg__Firewall *m, bool v4)
{
	const char family = v4 ? '4' : '6';
	if (!m->to_routes)
		return;
	add_set(out, table, "n", m->sid, m->no_routes, m->n_no_routes, v4);
	add_set(out, table, "r", m->sid, m->routes, m->n_routes, v4);
	if (count(m->no_routes, m->n_no_routes, v4) > 0) {
		put_rule(out, table, 'p', m->sid);
		fprintf(out, "%s daddr @n%c_%llu %s\n", family_of(v4), family, (number)m->sid, drop);
	}
	if (m->n_routes == 0)
		return; /* everything */
	put_rule(out, table, 'p', m->sid);
	if (count(m->routes, m->n_routes, v4) > 0)
		fprintf(out, "%s daddr != @r%c_%llu %s\n", family_of(v4), family, (number)m->sid, drop);
	else
		fprintf(out, "meta nfproto %s %s\n", v4 ? "ipv4" : "ipv6", drop);
}

static const char *map_of(const ProtobufCBinaryData *client)
{
	const bool is_host = client->data[0] == (client->len - 1) * 8;
	if (is_v4(client))
		return is_host ? "host4" : "net4";
	return is_host ? "host6" : "net6";
}

void firewall_text_add(FILE *out, const char *table, const Msg__Firewall *m)
{
	fprintf(out, "add chain inet %s p_%llu\nadd chain inet %s s_%llu\n", table, (number)m->sid, table,
		(number)m->sid);
	if (m->isolated) {
		put_rule(out, table, 's', m->sid);
		fputs("jump isolated\n", out);
	}
	add_dns(out, table, m, true);
	add_dns(out, table, m, false);
	add_ports(out, table, m);
	add_routes(out, table, m, true);
	add_routes(out, table, m, false);
	for (size_t i = 0; i < m->n_clients; i++) {
		fprintf(out, "add element inet %s %s { ", table, map_of(&m->clients[i]));
		put_prefix(out, &m->clients[i]);
		fprintf(out, " : jump s_%llu }\n", (number)m->sid);
	}
}

static void delete_set(FILE *out, const char *table, const char *name, uint64_t sid,
		       const ProtobufCBinaryData *v, size_t n, bool v4)
{
	if (count(v, n, v4) > 0)
		fprintf(out, "delete set inet %s %s%c_%llu\n", table, name, v4 ? '4' : '6', (number)sid);
}

void firewall_text_delete(FILE *out, const char *table, const Msg__Firewall *m)
{
	const number sid = m->sid;
	for (size_t i = 0; i < m->n_clients; i++) {
		fprintf(out, "delete element inet %s %s { ", table, map_of(&m->clients[i]));
		put_prefix(out, &m->clients[i]);
		fprintf(out, " : jump s_%llu }\n", sid);
	}
	fprintf(out, "flush chain inet %s s_%llu\nflush chain inet %s p_%llu\n", table, sid, table, sid);
	fprintf(out, "delete chain inet %s s_%llu\ndelete chain inet %s p_%llu\n", table, sid, table, sid);
	for (int v4 = 0; m->to_routes && v4 < 2; v4++) {
		delete_set(out, table, "n", m->sid, m->no_routes, m->n_no_routes, v4 == 1);
		delete_set(out, table, "r", m->sid, m->routes, m->n_routes, v4 == 1);
	}
}

/* {{ check }} */

static bool are_right(const ProtobufCBinaryData *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((v[i].len != 5 && v[i].len != 17) || v[i].data[0] > (v[i].len - 1) * 8)
			return false;
	return true;
}

bool firewall_text_is_right(const Msg__Firewall *m)
{
	for (size_t i = 0; i < m->n_ports; i++)
		if (m->ports[i]->protocol > UINT8_MAX || m->ports[i]->port > UINT16_MAX ||
		    (m->ports[i]->port != 0 && !has_ports(m->ports[i]->protocol)))
			return false;
	return m->n_clients > 0 && are_right(m->clients, m->n_clients) && are_right(m->dns, m->n_dns) &&
	       are_right(m->routes, m->n_routes) && are_right(m->no_routes, m->n_no_routes);
}
