/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * addr - an IPv4 or IPv6 address with a port, as one plain value
 *
 * IPv4 is kept v4-mapped (::ffff:a.b.c.d), so that one comparison and one hash serve both; every byte of the struct is defined,
 * so it can be a key.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/base.h"

constexpr size_t ADDR_TEXT_MAX = INET6_ADDRSTRLEN + 8; /* "[address]:port" */

struct addr {
	uint8_t ip[16];
	uint16_t port; /* host order */
	uint16_t zero; /* no padding: the struct is hashed */
};
static_assert(sizeof(struct addr) == 20);

/* An IP without a port, in a protobuf or in an inner header: 4 or 16 bytes; other lengths give ::. */
struct addr addr_of_ip(const void *ip, size_t len);
struct addr addr_of_sockaddr(const struct sockaddr *sa);
/* Length of what was written.  family AF_INET6 writes v4-mapped as such. */
socklen_t addr_to_sockaddr(const struct addr *a, int family, struct sockaddr_storage *out);

bool addr_is_v4(const struct addr *a);
bool addr_is_set(const struct addr *a);
bool addr_is_same_ip(const struct addr *a, const struct addr *b);
/* The bytes to send in a message: 4 or 16 at ip; 0 for an address that is not set. */
size_t addr_ip(const struct addr *a, const uint8_t **ip);

/* "192.0.2.1", "2001:db8::1" into out of ADDR_TEXT_MAX; returns out. */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
