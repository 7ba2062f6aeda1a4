/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * event - tells control what happens to sessions and logins, as long as an administrator looks (occtl show events)
 *
 * Nothing is kept: who is not connected hears nothing.  Control reads all the time and decides what a slow reader misses.
 *
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/auth.h"
#include "keeper/session.h"

struct keeper;

void event_opened(const struct keeper *k, const struct session *s);
void event_closed(const struct keeper *k, const struct session *s, const struct session_end *end);
void event_login_failed(const struct keeper *k, const struct auth_failure *f);

/* MSG_EVENTS of control */
void event_on_events(struct ipc *ipc, struct ipc_msg *m);
