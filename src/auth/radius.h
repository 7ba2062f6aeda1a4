/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius - a login or an accounting record at RADIUS servers (RFC 2865, 2866), with fail-over
 *
 * Runs in:  a child of the auth process, which ends after it.
 */
#pragma once

#include "auth/radius_conf.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Talks to the user through fd, ends with a BackDone that is no question. */
void radius_login(const struct radius_conf *c, const struct auth_method *m, const Msg__BackBegin *begin,
		  int fd);
/* Ends with an AcctDone. */
void radius_account(const struct radius_conf *c, const struct auth_method *m, const Msg__Acct *acct, int fd);
