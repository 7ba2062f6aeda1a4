/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * icmp - tell a sender that its packet is too large for a client's tunnel
 *
 * Runs in: the worker; pure.  The caller limits the rate (RFC 1812, 4.3.2.8; RFC 4443, 2.4 f).
 */
#pragma once

#include "base/base.h"
#include "wire/ip.h"

constexpr size_t ICMP_MAX4 = 576;  /* longest answer, RFC 1812, 4.3.2.3 */
constexpr size_t ICMP_MAX6 = 1280; /* RFC 4443, 3.2 */

/*
 * A whole IP packet from our_addr (4 or 16 bytes, as k's version) to k's source: "fragmentation needed" or "packet
 * too big" with mtu.  ERR_DENIED: no answer is right (it fits, may be fragmented, is an ICMP error or a later
 * fragment, its addresses are not unicast); ERR_RANGE: mtu below 68, or 1280 for IPv6; ERR_FULL: cap is less than
 * ICMP_MAX4, ICMP_MAX6 and the answer does not fit.
 */
enum err icmp_too_big(const struct ip_packet *k, uint16_t mtu, const uint8_t *our_addr, uint8_t *out,
		      size_t cap, size_t *out_len);
