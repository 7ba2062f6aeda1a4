/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pulse - asks each process whether its loop still turns, ends the one that does not answer, and tells the service manager
 *
 * Each beat a PING to every process; its PONG is awaited before the next PING.  Who is silent for PULSE_SILENT beats is named in the log,
 * and the watchdog of the service manager gets no word while there is such a one; who is silent for PULSE_DEAD beats is killed, and
 * started again like any that dies.  So a process that hangs costs what its death costs, and the whole service is started anew
 * only if that does not help.  Beats are counted, not seconds: a machine that slept has missed none.
 *
 * Runs in: the supervisor.
 */
#pragma once

#include <uv.h>

#include "ipc/ipc.h"

constexpr uint64_t PULSE_MS = 5000; /* shorter if the watchdog wants it */
constexpr unsigned PULSE_SILENT = 2, PULSE_DEAD = 6;
/* Beats in the time of the watchdog: as long again as a process that hangs may take. */
constexpr unsigned PULSE_BEATS = 2 * PULSE_DEAD;

struct supervisor;

struct pulse {
	uv_timer_t timer;
	bool has_watchdog;
	bool reload_refused; /* the last one */
	uint64_t sessions;   /* connected, by the last word of the keeper */
	char told[160];      /* the status line that the service manager has */
};

enum pulse_verdict : uint8_t { PULSE_IS_WELL = 1, PULSE_IS_SILENT, PULSE_IS_DEAD };
/* unanswered_n: beats from the PING on that has no answer yet, its own included. */
enum pulse_verdict pulse_judge(unsigned unanswered_n);
/* Milliseconds between beats; watchdog_ms 0: nobody watches. */
uint64_t pulse_beat_ms(uint64_t watchdog_ms);

/* All processes run: READY, and the first beat. */
void pulse_start(struct supervisor *s);
/* READY once more, after a reload; is_refused: it has changed nothing. */
void pulse_reloaded(struct supervisor *s, bool is_refused);
/* No more beats; the timer may be closed. */
void pulse_stop(struct supervisor *s);
ipc_handler pulse_on_pong;
