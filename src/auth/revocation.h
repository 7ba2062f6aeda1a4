/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * revocation - is a client's certificate revoked? asked by OCSP at a responder
 *
 * Runs in:  a child of the auth process, without capabilities.  It has the certificate and its authorities from the keeper and no
 *           secret of anybody.
 * Source:   RFC 6960.
 */
#pragma once

#include "config/config.h"
#include "ipc/messages.pb-c.h"

constexpr uint32_t REVOCATION_DEADLINE_S = 8; /* name, connection and answer */

/* Ask, and tell the parent: good, revoked, or that nobody knows, by the client-ocsp of v.  A yes has the name and group of b. */
void revocation_check(const struct vhost *v, const Msg__BackBegin *b, int fd);
