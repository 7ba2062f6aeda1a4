/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * range - an address or a prefix of addresses as two numbers, so that masks and comparisons are cheap
 *
 * IPv4 lies v4-mapped in the same space: 192.0.2.0/24 has length 120.  A prefix of 96 bits or more that begins with ::ffff is IPv4 and
 * nothing else; one of IPv6 never covers IPv4.
 *
 * Never:    allocates, logs, or reads the clock.
 */
#pragma once

#include "base/addr.h"

constexpr uint8_t RANGE_V4_BITS = 96; /* before the address of IPv4 */
constexpr uint8_t RANGE_FULL = 128;
constexpr uint8_t RANGE_PEER_V6 = 64; /* one customer has so much of IPv6 at least */
constexpr size_t RANGE_TEXT_MAX = INET6_ADDRSTRLEN + 4;

struct range {
	uint64_t hi, lo; /* host order; bits behind len are 0 */
	uint8_t len;
};

/* The one address. */
struct range range_of_addr(const struct addr *a);
/* Whom points count for: the address of IPv4, the /64 of IPv6. */
struct range range_of_peer(const struct addr *a);
/* The first len bits of r; len at most r->len. */
struct range range_cut(const struct range *r, uint8_t len);
bool range_is_v4(const struct range *r);
bool range_is_same(const struct range *a, const struct range *b);
bool range_covers(const struct range *r, const struct range *part);

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32", also v4-mapped.  ERR_SYNTAX; ERR_RANGE: bits behind the length are not 0, or all
 * addresses (/0). */
enum err range_parse(struct range *out, const char *text);
/* Into out of RANGE_TEXT_MAX, without the length of a whole address; returns out. */
const char *range_text(const struct range *r, char out[RANGE_TEXT_MAX]);
/* As of a message or a BPF map: 4 or 16 bytes at ip, network order; returns how many.  len: of the prefix in its own family. */
size_t range_bytes(const struct range *r, uint8_t ip[16], uint8_t *len);
enum err range_of_bytes(struct range *out, const uint8_t *ip, size_t n, uint32_t len);

/* Loopback, and what is no address of the network (a UNIX socket): never banned, never blocked. */
bool range_is_own(const struct range *r);
