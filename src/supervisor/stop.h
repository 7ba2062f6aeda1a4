/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stop - the end in order: workers (they tell their clients), then the keeper, auth, control, metrics */
#pragma once

#include "supervisor/supervisor.h"

constexpr uint64_t STOP_WORKERS_MS = 5'000, STOP_OTHERS_MS = 2'000;
constexpr uint64_t STOP_EXTEND_MS = 30'000; /* that systemd is asked for, on top of server-drain-ms */
constexpr uint64_t STOP_AUTH_MS = 5'000; /* last records of accounting go out */

void stop_begin(struct supervisor *s);
/* Let the process of metrics know, if there is one. */
void stop_tell_drain(struct supervisor *s);
/* The same after server-drain-ms, in which all goes on but /health; and clients may come back with their cookie, if what the keeper knows
 * survives (state-dir).  Called again it ends the waiting. */
void stop_for_restart(struct supervisor *s);
/* A process ended. */
void stop_advance(struct supervisor *s);
/* Do not wait any longer. */
void stop_at_once(struct supervisor *s);
