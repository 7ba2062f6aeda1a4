/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer - the end behind the server: counts what clients send, sends what they wish; and flood, which sends unasked
 *
 * Runs in: the main thread of its own process; one socket, no other thread.
 */
#pragma once

#include "options.h"

/* Both return an exit status, when SIGINT or SIGTERM came or the time is over. */
int peer_main(const struct options *o);
int flood_main(const struct options *o);
