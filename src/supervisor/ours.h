/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ours - which addresses and ports are ours, for the map that guard_xdp asks before anything else
 *
 * A socket that listens on all addresses stands for those that the interfaces have; they change, so ours_update is called again and
 * again.
 *
 * Owner:  the supervisor.
 */
#pragma once

#include "bpf/guard.h"
#include "supervisor/listen.h"

struct ours {
	const struct listen *listen;
	int map;
	uint32_t generation; /* value of what was found this time */
};

void ours_init(struct ours *o, const struct listen *listen, int map);
/* Writes what is ours now and takes out what is no more. */
enum err ours_update(struct ours *o);
/* The ports into settings, at most GUARD_PORTS_MAX; ERR_FULL if there are more. */
enum err ours_ports(const struct listen *listen, struct guard_settings *out);

/* Names of the interfaces with an address that we listen on, without loopback and except; returns how many. */
constexpr size_t OURS_NAME = 16;
size_t ours_interfaces(const struct listen *listen, const char *except, char out[][OURS_NAME], size_t cap);
