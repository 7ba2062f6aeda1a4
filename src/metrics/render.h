/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * render - all that is known of the server, as a page of metrics
 *
 * Names come from the tables: stats.def, hist.def, level.def, guard.def, keeper.def; a new counter appears by itself.
 */
#pragma once

#include "base/base.h"

struct metrics;

/* The caller frees *text.  ERR_NOMEM. */
enum err render_all(char **text, size_t *len, const struct metrics *m, bool is_openmetrics);
