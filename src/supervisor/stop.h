/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stop - the end in order: workers (they tell their clients), then the keeper, then control */
#pragma once

#include "supervisor/supervisor.h"

constexpr uint64_t STOP_WORKERS_MS = 5'000, STOP_OTHERS_MS = 2'000;
constexpr uint64_t STOP_AUTH_MS = 5'000; /* last records of accounting go out */

void stop_begin(struct supervisor *s);
/* The same, but clients may come back with their cookie, if what the keeper knows survives (state-dir). */
void stop_for_restart(struct supervisor *s);
/* A process ended. */
void stop_advance(struct supervisor *s);
/* Do not wait any longer. */
void stop_at_once(struct supervisor *s);
