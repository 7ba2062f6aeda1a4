/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proxy - the header of the PROXY protocol, versions 1 and 2, that a load balancer sends before the client's bytes
 *
 * Accepted: TCP over IPv4 and IPv6, and LOCAL of version 2 (the balancer's own health check: the real addresses count).
 * Refused: UNKNOWN, UNSPEC, UDP, UNIX and everything else; who sends the header must know the client.  What version 2 appends
 * (TLVs) is stepped over and never believed.
 *
 * Owner:  the caller.
 * Never:  allocates; keeps a pointer.
 * Source: "The PROXY protocol, versions 1 & 2" (HAProxy), protocol.md 19.
 */
#pragma once

#include "base/addr.h"

constexpr size_t PROXY_MAX = 4096; /* bytes of a header with all that is appended */

struct proxy {
	size_t len;     /* bytes of the header; what follows is the client's */
	bool is_local;  /* no addresses: those of the connection count */
	struct addr from, to; /* client, and where it connected to */
};

/* p: all bytes from the beginning of the connection.  ERR_SHORT: more bytes may complete it; ERR_UNSUPPORTED: a header without a
 * TCP client; ERR_RANGE: longer than PROXY_MAX; ERR_SYNTAX: no header at all.  *out is written only on ERR_OK. */
enum err proxy_parse(struct proxy *out, const uint8_t *p, size_t len);
