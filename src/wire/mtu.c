/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/mtu.h"

constexpr uint32_t IP4_HEAD = 20;
constexpr uint32_t IP6_HEAD = 40;
constexpr uint32_t UDP_HEAD = 8;
constexpr uint32_t TCP_HEAD = 20 + 12; /* with timestamps */
constexpr uint32_t TLS_RECORD = 5 + 8 + 16;
constexpr uint32_t CSTP_HEAD = 8;
constexpr uint32_t TYPE_BYTE = 1;

static uint32_t clamp(uint32_t v, uint32_t least, uint32_t most)
{
	return MIN(MAX(v, least), most);
}

static uint32_t lower(uint32_t link, uint32_t v)
{
	return v == 0 || v > MTU_LINK_MAX ? link : MIN(link, v);
}

/* What is left of the link; neither operand is trusted. */
static uint32_t inner_of(uint32_t link, uint32_t overhead)
{
	link = clamp(link, MTU_LINK_MIN, MTU_LINK_MAX);
	return MAX(overhead < link ? link - overhead : 0, MTU_INNER_MIN);
}

uint32_t mtu_link(uint32_t configured, uint32_t client_base, uint32_t path)
{
	uint32_t link = lower(lower(lower(UINT32_MAX, configured), client_base), path);
	return link == UINT32_MAX ? MTU_LINK_DEFAULT : clamp(link, MTU_LINK_MIN, MTU_LINK_MAX);
}

uint32_t mtu_inner_dtls(uint32_t link, bool outer_is_ip6, uint32_t record_overhead)
{
	uint32_t fixed = (outer_is_ip6 ? IP6_HEAD : IP4_HEAD) + UDP_HEAD + TYPE_BYTE;
	return inner_of(link, fixed + MIN(record_overhead, MTU_LINK_MAX));
}

uint32_t mtu_inner_tls(uint32_t link, bool outer_is_ip6)
{
	return inner_of(link, (outer_is_ip6 ? IP6_HEAD : IP4_HEAD) + TCP_HEAD + TLS_RECORD + CSTP_HEAD);
}

uint32_t mtu_inner_agreed(uint32_t inner, uint32_t client_mtu)
{
	inner = clamp(inner, MTU_INNER_MIN, MTU_LINK_MAX);
	if (client_mtu < MTU_INNER_MIN || client_mtu > MTU_LINK_MAX)
		return inner;
	return MIN(inner, client_mtu);
}

uint32_t mtu_probe_max(uint32_t link, bool outer_is_ip6, uint32_t record_overhead)
{
	return mtu_inner_dtls(link, outer_is_ip6, record_overhead);
}

uint32_t mtu_inner_probed(uint32_t inner, size_t probe_len, uint32_t most)
{
	most = clamp(most, MTU_INNER_MIN, MTU_LINK_MAX);
	inner = clamp(inner, MTU_INNER_MIN, most);
	return probe_len > inner ? (uint32_t)MIN(probe_len, most) : inner;
}
