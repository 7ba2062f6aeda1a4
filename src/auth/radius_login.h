/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_login - a login at RADIUS servers (RFC 2865), with challenges and fail-over
 *
 * Runs in:  a child of the auth process, which ends after it.
 */
#pragma once

#include "auth/radius_ask.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Talks to the user through fd, ends with a BackDone that is no question. */
void radius_login(const struct radius_conf *c, const struct auth_method *m, const Msg__BackBegin *begin,
		  int fd);

/* Who we are, and who the client is; for accounting too.  agent is cut to what fits. */
void radius_login_add_client(struct radius_request *r, const struct radius_conf *c,
			     const struct auth_method *m, ProtobufCBinaryData ip, const char *agent);
