/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * steering - the eBPF programs that bring each packet to the worker that has its session
 *
 * Without them the server does the same work: the worker that gets a packet hands it to the owner.
 *
 * Owner:  the supervisor; the keeper writes the two maps.
 */
#pragma once

#include "config/config.h"
#include "supervisor/listen.h"
#include "supervisor/tun.h"

struct steering;

/* Loads and attaches.  An error is no reason to stop: one notice is in the log. */
enum err steering_new(struct steering **out, const struct config *c, const struct listen *l,
		      const struct tun *t);
void steering_free(struct steering *s);
void steering_freep(struct steering **s);

constexpr size_t STEERING_MAPS_N = 2;
/* In the order of KeeperStart: inner addresses, session ids.  The descriptors stay ours. */
void steering_maps(const struct steering *s, int out[static STEERING_MAPS_N]);

/* For the programs at the TUN device: the lengths of prefixes that clients get, each once, 0 behind the last.  out has STEER_PREFIXES_MAX
 * bytes, zeroed. */
void steering_prefixes(uint8_t *out, const struct config *c);
