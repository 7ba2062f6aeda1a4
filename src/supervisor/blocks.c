/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/blocks.h"

#include <string.h>

#include "base/log.h"
#include "supervisor/supervisor.h"

/* New connections only: tunnels of a banned address go on, as without the programs. */
void blocks_on_guard_block(struct ipc *ipc, struct ipc_msg *m)
{
	const struct supervisor *s = supervisor_of(ipc_owner(ipc));
	const Msg__GuardBlock *b = (const Msg__GuardBlock *)m->body;
	if (s->shield == nullptr || (b->ip.len != 4 && b->ip.len != 16) || b->prefix_len == 0 ||
	    b->prefix_len > b->ip.len * 8) {
		log_err("guard.block_refused len=%u", b->prefix_len);
		return;
	}
	struct prefix p = { .family = b->ip.len == 4 ? AF_INET : AF_INET6, .len = (uint8_t)b->prefix_len };
	memcpy(p.addr, b->ip.data, b->ip.len);
	struct bridge *bridge = shield_bridge(s->shield);
	enum err e =
		b->remove ? bridge_remove(bridge, &p)
			  : bridge_add(bridge, &p, GUARD_VERDICT_BLOCK_NEW, (struct mono){ b->expires_ns });
	/* ended already, protected, or full, which bridge tells: workers refuse it as before */
	if (e != ERR_OK)
		log_debug("guard.block remove=%d why=\"%s\"", b->remove, err_text(e));
}
