/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tick - once a second: the timers of all connections and sessions, without a timer object each */
#pragma once

#include <uv.h>

void tick_run(uv_timer_t *timer);
