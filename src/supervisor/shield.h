/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shield - the guard's eBPF programs: guard_xdp on the interfaces of guard-interfaces, guard_tun on the TUN device
 *
 * Each layer that cannot be used is told once in the log and in `occtl show status`; the server does its own part without it.
 * Programs leave with the supervisor, and stay while other processes are restarted.
 *
 * Owner:  the supervisor.
 */
#pragma once

#include "config/config.h"
#include "supervisor/bridge.h"
#include "supervisor/listen.h"
#include "supervisor/steering.h"
#include "supervisor/tun.h"

struct shield;

/* Loads and attaches, with all privileges.  steering: nullptr if there is none.  listen and tun must live as long.  nullptr: no memory. */
struct shield *shield_new(const struct config *c, const struct listen *listen, const struct tun *tun,
			  const struct steering *steering);
void shield_free(struct shield *s);
void shield_freep(struct shield **s);

/* What may be changed while it runs: rates, protected networks. */
void shield_set(struct shield *s, const struct config *c);
/* About once a second. */
void shield_tick(struct shield *s);

/* A network behind a client, or it is behind him no longer. */
enum err shield_iroute(struct shield *s, const struct prefix *p, bool gone);

/* The lists; also there, with copies only, when no program asks them. */
struct bridge *shield_bridge(struct shield *s);

/* "guard-xdp=eth0:native" and the like: the two layers.  The texts are s's, until the next call. */
constexpr size_t SHIELD_LAYERS_N = 2;
void shield_text(struct shield *s, char *out[static SHIELD_LAYERS_N]);

/* guard.def: a counter and its sum over all processors; returns how many, 0 if no program is loaded. */
struct shield_count {
	const char *name;
	uint64_t n;
};
constexpr size_t SHIELD_COUNTS_N = GUARD_COUNT_N;
size_t shield_counts(const struct shield *s, struct shield_count out[static SHIELD_COUNTS_N]);
