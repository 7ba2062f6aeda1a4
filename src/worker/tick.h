/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tick - time: once a second the timers of all connections and sessions, without a timer object each; and the rest of a busy turn */
#pragma once

#include <uv.h>

void tick_run(uv_timer_t *timer);
/* The end of a turn of the loop: rest if that gathers packets (rest.h). */
void tick_turn(uv_prepare_t *turn);
