/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pamtalk - a login by PAM with as many questions as its modules have, and sessions of users as accounting
 *
 * Runs in:  a child of the auth process, which ends after it; modules may do there what they like.
 */
#pragma once

#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Name of the service; "ocserv" if none is set. */
const char *pamtalk_service(const struct auth_method *m);
/* Is there a file for it?  Without one PAM would fall back to its service "other", whose rules nobody meant for us. */
bool pamtalk_has_service(const char *service);

/* Talks to the user through fd, ends with a BackDone that is no question. */
void pamtalk_login(const struct auth_method *m, const Msg__BackBegin *begin, int fd);
/* Opens or closes the user's session, ends with an AcctDone. */
void pamtalk_account(const struct auth_method *m, const Msg__Acct *acct, int fd);
