/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/iroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/net.h"
#include "supervisor/supervisor.h"

/* The route of everything is nobody's. */
static bool is_right(const Msg__Iroute *m)
{
	return (m->ip.len == 4 || m->ip.len == 16) && m->prefix_len > 0 && m->prefix_len <= m->ip.len * 8;
}

void iroute_on_iroute(struct ipc *ipc, struct ipc_msg *m)
{
	const struct supervisor *s = supervisor_of(ipc_owner(ipc));
	const Msg__Iroute *want = (const Msg__Iroute *)m->body;
	struct net *n OWNED(net_freep) = nullptr;
	char ip[INET6_ADDRSTRLEN] = "?";
	if (!is_right(want)) {
		log_err("iroute.refused len=%u", want->prefix_len);
		return;
	}
	struct prefix p = { .family = want->ip.len == 4 ? AF_INET : AF_INET6,
			    .len = (uint8_t)want->prefix_len };
	memcpy(p.addr, want->ip.data, want->ip.len);
	inet_ntop(p.family, p.addr, ip, sizeof ip);
	enum err e = net_open(&n, s->tun.name);
	if (e == ERR_OK)
		e = net_route(n, &p, want->gone);
	if (shield_iroute(s->shield, &p, want->gone) != ERR_OK)
		log_warn("iroute.unguarded route=%s/%u gone=%d: guard-inner drops what comes from there: %s",
			 ip, p.len, want->gone, strerror(errno));
	if (e != ERR_OK)
		log_err("iroute.failed route=%s/%u gone=%d: %s", ip, p.len, want->gone, strerror(errno));
	else
		log_info("iroute.%s route=%s/%u device=%s", want->gone ? "removed" : "added", ip, p.len,
			 s->tun.name);
}
