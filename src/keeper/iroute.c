/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/iroute.h"

#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "keeper/keeper.h"

static size_t bytes_of(const struct prefix *p)
{
	return p->family == AF_INET ? 4 : 16;
}

void iroute_fill(struct iroute_list *out, const struct session *s)
{
	out->n = 0;
	if (s->own == nullptr)
		return;
	for (size_t i = 0; i < s->own->iroute.n && out->n < IROUTE_MAX; i++) {
		const struct prefix *p = &s->own->iroute.v[i];
		uint8_t *b = out->bytes[out->n];
		b[0] = p->len;
		memcpy(b + 1, p->addr, bytes_of(p));
		out->v[out->n++] = ipc_bytes(b, 1 + bytes_of(p));
	}
}

static void tell(struct keeper *k, const struct prefix *p, bool is_address, bool gone)
{
	Msg__Iroute m = MSG__IROUTE__INIT;
	m.ip = ipc_bytes(p->addr, bytes_of(p));
	m.prefix_len = p->len;
	m.gone = gone;
	m.is_address = is_address;
	if (ipc_is_alive(k->supervisor) &&
	    ipc_send(k->supervisor, MSG_IROUTE, ipc_next_id(k->supervisor), &m.base, nullptr, 0) != ERR_OK)
		log_debug("iroute.not_sent");
}

static bool contains(const struct prefix *net, const struct prefix *p)
{
	if (net->family != p->family || net->len > p->len)
		return false;
	size_t whole = net->len / 8;
	unsigned rest = net->len % 8;
	return memcmp(net->addr, p->addr, whole) == 0 &&
	       (rest == 0 || (net->addr[whole] ^ p->addr[whole]) >> (8 - rest) == 0);
}

static bool is_in_a_pool(const struct config *c, const struct prefix *p)
{
	for (size_t i = 0; i < c->vhosts_n; i++)
		if (contains(&c->vhosts[i].ipv4_network, p) || contains(&c->vhosts[i].ipv6_network, p))
			return true;
	return p->family == 0;
}

void iroute_tell(struct keeper *k, const struct session *s, bool gone)
{
	if (s->own == nullptr && s->facts == nullptr)
		return;
	for (size_t i = 0; s->own != nullptr && i < MIN(s->own->iroute.n, IROUTE_MAX); i++)
		tell(k, &s->own->iroute.v[i], false, gone);
	if (!is_in_a_pool(k->now.cfg, &s->ipv4.addr))
		tell(k, &s->ipv4.addr, true, gone);
	if (!is_in_a_pool(k->now.cfg, &s->ipv6.addr))
		tell(k, &s->ipv6.addr, true, gone);
}
