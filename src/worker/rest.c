/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/rest.h"

constexpr uint32_t BATCH_ENOUGH = 16;       /* packets of one turn that need no help to come together */
constexpr uint32_t GAP_MAX_NS = 8 * REST_NS; /* a pause is forgotten after a few packets */
constexpr uint32_t SMOOTH = 8;

static uint32_t gap_of(const struct rest *r, uint64_t now_ns)
{
	uint64_t gap = (now_ns - r->last_ns) / r->packets;
	return gap < GAP_MAX_NS ? (uint32_t)gap : GAP_MAX_NS;
}

uint32_t rest_turn(struct rest *r, uint64_t now_ns)
{
	if (r->packets == 0)
		return 0;
	uint32_t gap = gap_of(r, now_ns), taken = r->packets;
	r->last_ns = now_ns;
	r->packets = 0;
	r->gap_ns = r->gap_ns == 0 ? GAP_MAX_NS : (r->gap_ns * (SMOOTH - 1) + gap) / SMOOTH;
	bool is_fast = (uint64_t)r->gap_ns * REST_PACKETS <= REST_NS;
	return is_fast && taken < BATCH_ENOUGH ? REST_NS : 0;
}
