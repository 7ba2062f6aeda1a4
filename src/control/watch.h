/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch - the live stream of events: from the keeper to all who look (occtl show events)
 *
 * The keeper sends events only while somebody looks.  A client that does not read misses events and is told how many; nobody waits
 * for it (serve.h).
 *
 * Owner:  struct control.
 */
#pragma once

#include "control/control.h"

constexpr unsigned WATCH_MAX = 8; /* of SERVE_CLIENTS_MAX places */

bool watch_has_room(const struct control *c);
/* A client begins or stops to look. */
void watch_begin(struct control *c);
void watch_end(struct control *c);

/* There is a new keeper. */
void watch_keeper(struct control *c);
/* The keeper is gone: what happens until the next one is there is missed. */
void watch_gap(struct control *c);

/* MSG_EVENT of the keeper */
void watch_on_event(struct ipc *ipc, struct ipc_msg *m);
