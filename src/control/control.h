/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control - the process that talks to the administrator
 *
 * Owner:    main; the one struct that lists what this process has.
 * Runs in:  control, one thread, one loop.
 * Never:    holds a key, a cookie or a password; reads a byte from the network.
 */
#pragma once

#include "config/config.h"
#include "control/counters.h"
#include "control/serve.h"
#include "ipc/ipc.h"

struct control {
	uv_loop_t *loop;
	struct ipc *supervisor;
	struct ipc *keeper; /* nullptr while it is away */

	struct config *config; /* in force; nullptr before the first COMMIT */
	struct config *next;   /* accepted, waits for its COMMIT */
	uint32_t next_generation;

	struct counters counters; /* of the workers */
	struct server server;     /* the socket of occtl */
	struct job *jobs;         /* commands that wait for an answer of another process */
	unsigned watchers_n;      /* clients of show events */
	uint64_t events_dropped;  /* because they did not read */

	int socket; /* handed down, until the server listens on it */
	uint64_t started_at; /* of the whole server, unix */
	uint32_t supervisor_pid;
	char tun_name[16];
};
