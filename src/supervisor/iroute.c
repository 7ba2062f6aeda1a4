/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/iroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/net.h"
#include "supervisor/supervisor.h"

/* The route of everything is nobody's. */
static bool is_right(const Msg__Iroute *m)
{
	return (m->ip.len == 4 || m->ip.len == 16) && m->prefix_len > 0 && m->prefix_len <= m->ip.len * 8;
}

/* "192.0.2.0/255.255.255.0"; IPv6 with its length */
static void write_masked(char *out, size_t cap, const struct prefix *p, const char *ip)
{
	uint32_t mask = 0;
	char text[INET_ADDRSTRLEN] = "";
	if (p->family == AF_INET)
		mask = htonl(UINT32_MAX << (32 - p->len)); /* 1..32: is_right */
	if (p->family == AF_INET && inet_ntop(AF_INET, &mask, text, sizeof text) != nullptr)
		snprintf(out, cap, "%s/%s", ip, text);
	else
		snprintf(out, cap, "%s/%u", ip, p->len);
}

struct words {
	const char *masked, *prefix, *device;
};

/* The value that begins here; *len is that of its name.  nullptr: none does. */
static const char *value_at(const char *c, const struct words *w, size_t *len)
{
	const struct {
		const char *name, *value;
	} all[] = { { "%{RI}", w->prefix }, { "%{R}", w->masked }, { "%{D}", w->device } };
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		*len = strlen(all[i].name);
		if (strncmp(c, all[i].name, *len) == 0)
			return all[i].value;
	}
	return nullptr;
}

static bool expand(char *out, size_t cap, const char *command, const struct words *w)
{
	size_t used = 0, skip;
	for (const char *c = command; *c != '\0'; c += skip) {
		const char *value = value_at(c, w, &skip);
		if (value == nullptr)
			skip = 1;
		const size_t len = value != nullptr ? strlen(value) : 1;
		if (used + len >= cap)
			return false;
		memcpy(out + used, value != nullptr ? value : c, len);
		used += len;
	}
	out[used] = '\0';
	return true;
}

/* FNV-1a: what is removed and what is added of one network must not run side by side. */
static uint64_t key_of(const struct prefix *p)
{
	uint64_t h = 0xcbf29ce484222325;
	for (size_t i = 0; i < sizeof p->addr; i++)
		h = (h ^ p->addr[i]) * 0x100000001b3;
	return h ^ p->len;
}

static void by_command(struct supervisor *s, const struct prefix *p, const char *ip, bool gone)
{
	const char *what = gone ? "route-del" : "route-add";
	const char *command = gone ? s->now.config->route_del_cmd : s->now.config->route_add_cmd;
	char masked[64], prefix[64], text[4096];
	write_masked(masked, sizeof masked, p, ip);
	snprintf(prefix, sizeof prefix, "%s/%u", ip, p->len);
	const struct words w = { masked, prefix, s->tun.name };
	enum err e = command == nullptr                       ? ERR_CONFIG
		     : expand(text, sizeof text, command, &w) ? scripts_run_command(s, what, text, key_of(p))
							      : ERR_RANGE;
	if (e != ERR_OK)
		log_err("iroute.failed route=%s gone=%d by=%s-cmd: %s", prefix, gone, what, err_text(e));
}

static void by_netlink(const struct supervisor *s, const struct prefix *p, const char *ip, bool gone)
{
	struct net *n OWNED(net_freep) = nullptr;
	enum err e = net_open(&n, s->tun.name);
	if (e == ERR_OK)
		e = net_route(n, p, gone);
	if (e != ERR_OK)
		log_err("iroute.failed route=%s/%u gone=%d: %s", ip, p->len, gone, strerror(errno));
	else
		log_info("iroute.%s route=%s/%u device=%s", gone ? "removed" : "added", ip, p->len,
			 s->tun.name);
}

void iroute_on_iroute(struct ipc *ipc, struct ipc_msg *m)
{
	struct supervisor *s = supervisor_of(ipc_owner(ipc));
	const Msg__Iroute *want = (const Msg__Iroute *)m->body;
	char text[INET6_ADDRSTRLEN] = "?";
	if (!is_right(want)) {
		log_err("iroute.refused len=%u", want->prefix_len);
		return;
	}
	struct prefix p = { .family = want->ip.len == 4 ? AF_INET : AF_INET6,
			    .len = (uint8_t)want->prefix_len };
	memcpy(p.addr, want->ip.data, want->ip.len);
	inet_ntop(p.family, p.addr, text, sizeof text);
	if (shield_iroute(s->shield, &p, want->gone) != ERR_OK)
		log_warn("iroute.unguarded route=%s/%u gone=%d: guard-inner drops what comes from there: %s",
			 text, p.len, want->gone, strerror(errno));
	const struct config *c = s->now.config;
	if (c->route_add_cmd != nullptr && c->route_del_cmd != nullptr && !want->is_address)
		by_command(s, &p, text, want->gone);
	else
		by_netlink(s, &p, text, want->gone);
}
