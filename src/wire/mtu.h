/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mtu - how large a packet inside the tunnel may be
 *
 *	link   outer packet: IP header, UDP or TCP, record, type byte, inner packet
 *	inner  MTU of the tunnel interface
 *
 * Sizes from the peer are unsigned and may be anything; every result is in range, so nothing underflows later.
 */
#pragma once

#include "base/base.h"

constexpr uint32_t MTU_LINK_MIN = 800;
constexpr uint32_t MTU_LINK_MAX = 16384;
constexpr uint32_t MTU_LINK_DEFAULT = 1500;
constexpr uint32_t MTU_INNER_MIN = 576; /* what every host takes; openconnect's search begins here */
constexpr uint32_t MTU_IP6_MIN = 1280;

/* What a DTLS record adds; see also record_overhead. */
constexpr uint32_t MTU_RECORD_GCM = 13 + 8 + 16;
constexpr uint32_t MTU_RECORD_CHACHA = 13 + 16;
constexpr uint32_t MTU_RECORD_13 = 1 + 8 + 2 + 1 + 16; /* with the connection id that clients send */
constexpr uint32_t MTU_RECORD_CBC_SHA1 = 13 + 16 + 20 + 16; /* with the longest padding */

/*
 * Smallest of: configured, the client's Base-MTU, the path MTU of its TCP connection; 0 = not known, and a value
 * above MTU_LINK_MAX counts as not known.  Always MTU_LINK_MIN..MTU_LINK_MAX.
 */
uint32_t mtu_link(uint32_t configured, uint32_t client_base, uint32_t path);

/* Inner MTU over DTLS and over TLS (TLS 1.2 AEAD, the widest of those in use).  At least MTU_INNER_MIN. */
uint32_t mtu_inner_dtls(uint32_t link, bool outer_is_ip6, uint32_t record_overhead);
uint32_t mtu_inner_tls(uint32_t link, bool outer_is_ip6);

/* No more than the client's X-CSTP-MTU, if that is a sane number (MTU_INNER_MIN..MTU_LINK_MAX). */
uint32_t mtu_inner_agreed(uint32_t inner, uint32_t client_mtu);

/* If not, no IPv6 address is given out. */
static inline bool mtu_allows_ip6(uint32_t inner)
{
	return inner >= MTU_IP6_MIN;
}

/* Longest payload (without type byte) of a DPD request or answer that fits the link: the inner MTU. */
uint32_t mtu_probe_max(uint32_t link, bool outer_is_ip6, uint32_t record_overhead);
/* Inner MTU after an authentic DPD request with a payload of probe_len arrived whole: raised, never above most. */
uint32_t mtu_inner_probed(uint32_t inner, size_t probe_len, uint32_t most);
