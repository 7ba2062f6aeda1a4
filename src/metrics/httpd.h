/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * httpd - the sockets of metrics: few connections at once, one request each, little time for it
 *
 * Owner:    struct metrics.
 * Never:    lets a slow or silent client keep its place.
 */
#pragma once

#include <uv.h>

#include "base/base.h"

struct metrics;

constexpr unsigned HTTPD_CLIENTS_MAX = 16;
constexpr size_t HTTPD_SOCKETS_MAX = 16;
constexpr uint64_t HTTPD_READ_MS = 5'000;   /* for the whole request */
constexpr uint64_t HTTPD_WRITE_MS = 10'000; /* for the whole answer */
constexpr uint64_t HTTPD_LINGER_MS = 2'000; /* for the client to close */

struct httpd_client;

struct httpd_socket {
	uv_poll_t poll;
	struct metrics *m;
	int fd;
};

struct httpd {
	struct httpd_socket sockets[HTTPD_SOCKETS_MAX];
	size_t sockets_n;
	struct httpd_client *clients;
	unsigned clients_n;
	uv_timer_t sweep;
	uint64_t answered[2]; /* of /metrics, /health */
	uint64_t refused; /* requests that are none, or for something else */
	uint64_t denied;  /* connections from addresses that metrics-allow does not name */
	uint64_t busy;    /* connections beyond the most */
	uint64_t slow;    /* clients that took too long */
};

/* Keep the descriptor until httpd_start.  ERR_FULL. */
enum err httpd_add(struct metrics *m, int fd);
enum err httpd_start(struct metrics *m);
/* Everything is closed; the loop has to run once more. */
void httpd_stop(struct metrics *m);

/* What clients wait for is there, as far as it will be. */
void httpd_told(struct metrics *m);
