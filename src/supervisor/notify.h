/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * notify - word to the service manager: the protocol of sd_notify(3)
 *
 * One datagram of VARIABLE=value lines to the socket that NOTIFY_SOCKET names.  Without libsystemd: the protocol is documented and
 * promised to stay, and the library would bring libcap, libgcrypt and three compressors into the process that is root.
 *
 * Runs in: the supervisor.
 */
#pragma once

#include "base/base.h"

/* Nothing without NOTIFY_SOCKET.  A manager that does not read is waited for one second. */
void notify_send(const char *state);
/* After which time without WATCHDOG=1 the manager ends us; 0: it does not, or WATCHDOG_USEC makes no sense. */
uint64_t notify_watchdog_ms(void);
