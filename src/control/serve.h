/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve - the UNIX socket of occtl: one JSON object a line in, one a line out
 *
 * Only root and the user of this process may ask.  A client has one request at a time, a short line and a
 * time limit for each step, so that a slow, silent or broken one costs one place of SERVE_CLIENTS_MAX and no more.
 *
 * Owner:  struct control.
 */
#pragma once

#include <uv.h>

#include "base/base.h"

struct control;
struct client;

constexpr unsigned SERVE_CLIENTS_MAX = 32;
constexpr size_t SERVE_STREAM_MAX =
	256 << 10; /* bytes of events that wait for one client; more are dropped and counted */

struct server {
	uv_poll_t listener;
	int fd; /* of the listener; -1: none */
	struct client *clients;
	unsigned clients_n;
};

/* Begin; takes fd, a socket that listens. */
enum err serve_start(struct control *c, int fd);
/* One line more, without its line feed, for each client that looks at the events. */
void serve_publish(struct control *c, const char *line);
/* No new clients, and the present ones are closed; the loop must run once more. */
void serve_stop(struct control *c);
