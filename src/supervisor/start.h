/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * start - brings processes up and joins them, at the start and after each death
 *
 *   keeper:   CONFIG KEEPER_START … CERTS CONFIG_DONE
 *   others:   CONFIG CERTS WORKER_START|CONTROL_START|METRICS_START PEER … CONFIG_DONE     once the certificates are known
 *   all:      COMMIT GO                 at the start when all are ready, later each when it is
 *   a pair:   PEER to both              once the keeper is ready (at the start) or runs
 *
 * Runs in: the supervisor.
 */
#pragma once

#include "supervisor/supervisor.h"

extern const struct child_events start_events;

/* Do what can be done now; called after each event. */
void start_advance(struct supervisor *s);
/* The child answered CONFIG. */
void start_config_done(struct child *c, const Msg__ConfigDone *m);
/* Before RUN: tell why and end with status 1. */
void start_failed(struct supervisor *s, const char *why);
/* CONFIG and, for workers, CERTS of a generation. */
enum err start_send_config(struct child *c, const struct generation *g);
