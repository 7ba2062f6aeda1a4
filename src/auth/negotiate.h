/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * negotiate - the method gssapi: Kerberos tickets as HTTP Negotiate carries them (RFC 4559, RFC 4178)
 *
 * Tokens are opaque to all but the library here.  Tickets for HTTP/... of the keytab alone are taken, of Kerberos alone; the library's replay cache
 * refuses a token that was seen before.
 *
 * Runs in:  a child of the auth process, which ends after it.
 */
#pragma once

#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* The file of keys. */
const char *negotiate_keytab(const struct auth_method *m);
/* Is there such a file, and is it one of keys?  ERR_CONFIG: problem tells what is wrong. */
enum err negotiate_check(const struct auth_method *m, char *problem, size_t cap);
/* Ends with a BackDone that is no question. */
void negotiate_login(const struct auth_method *m, const Msg__BackBegin *begin, int fd);
