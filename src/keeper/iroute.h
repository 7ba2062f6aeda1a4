/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * iroute - networks behind a client: the workers learn them with its route, the supervisor makes the kernel's routes
 *
 * Also the address of a client that is outside of all pools of the configuration, to which the kernel has no route yet.
 *
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/session.h"

struct keeper;

constexpr size_t IROUTE_MAX = 64; /* of one client */

/* For Route.iroutes; points into itself. */
struct iroute_list {
	ProtobufCBinaryData v[IROUTE_MAX];
	size_t n;
	uint8_t bytes[IROUTE_MAX][17];
};
void iroute_fill(struct iroute_list *out, const struct session *s);

/* The connection of s came or went. */
void iroute_tell(struct keeper *k, const struct session *s, bool gone);
