/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics - the sockets of metrics-socket and metrics-listen, which the process of that name serves
 *
 * Owner:  the supervisor; they outlive the process, and stay open while it is started again.
 */
#pragma once

#include "config/config.h"

constexpr size_t METRICS_SOCKETS_MAX = 9; /* 8 of metrics-listen, metrics-socket */

struct metrics {
	int fds[METRICS_SOCKETS_MAX];
	size_t n; /* 0: nobody wants metrics, and there is no process */
	bool has_path;
};

/* Logs what is wrong; what was opened is closed by metrics_close. */
enum err metrics_open(struct metrics *m, const struct config *c);
void metrics_close(struct metrics *m, const struct config *c);
