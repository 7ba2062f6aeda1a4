/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_acct - a record of accounting for RADIUS servers (RFC 2866), with fail-over
 *
 * Runs in:  a child of the auth process, which ends after it.
 */
#pragma once

#include "auth/radius_conf.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Ends with an AcctDone. */
void radius_acct(const struct radius_conf *c, const struct auth_method *m, const Msg__Acct *acct, int fd);
