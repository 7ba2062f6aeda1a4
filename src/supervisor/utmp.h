/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * utmp - sessions of clients in utmp and wtmp, for who(1) and last(1) (use-utmp)
 *
 * The line of a session is "device:ID", its host the address the client comes from.
 *
 * Owner:    nobody; the files are the system's.
 * Runs in:  the supervisor's loop.
 */
#pragma once

#include "ipc/ipc.h"

/* MSG_UTMP of the keeper */
void utmp_on_session(struct ipc *ipc, struct ipc_msg *m);
/* Entries of a server that ended without a word. */
void utmp_clear(const char *device);
