/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * netprio - the value of net-priority: a priority of the kernel, or what stands in the IP header
 *
 *   0 .. 6          SO_PRIORITY: for the queues of this machine alone
 *   0x20            the byte of TOS or traffic class; its two bits of ECN are not ours to set and become 0
 *   EF, CS4, AF21   a class of DSCP by its name
 *
 * Runs in:  every process at the check of the configuration, and the workers.
 * Never:    allocates.
 * Source:   RFC 2474, 2597, 3246, 5865, 8622; the comment in ocserv's sample configuration.
 */
#pragma once

#include "base/err.h"

enum netprio_kind : uint8_t { NETPRIO_NONE, NETPRIO_PRIORITY, NETPRIO_TOS };

struct netprio {
	enum netprio_kind kind;
	uint8_t value; /* priority, or the whole byte of the header */
};

/* text nullptr: NETPRIO_NONE.  ERR_SYNTAX; *out is written only on ERR_OK. */
enum err netprio_parse(const char *text, struct netprio *out);
