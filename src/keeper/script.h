/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script - what scripts of the administrator are told, in the format of ocserv (observed with 1.1.6)
 *
 * The supervisor runs them.  A list ends with a space, and what is empty is left out, but for GROUPNAME, DEVICE_TYPE,
 * DEVICE_PLATFORM and USER_AGENT.
 *
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "keeper/session.h"

struct keeper;

/* Ask for the connect-script of a session that is entering; the number of the request, 0: it cannot be asked for. */
uint32_t script_connect(struct keeper *k, const struct session *s);
/* A connection is over.  Does nothing if there is no disconnect-script. */
void script_disconnect(struct keeper *k, const struct session *s, const struct session_end *end);
/* The client has told its name.  Does nothing if there is no host-update-script, or no name. */
void script_host_update(struct keeper *k, const struct session *s);
