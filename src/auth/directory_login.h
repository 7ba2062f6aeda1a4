/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_login - a login at an LDAP directory: find the user, then bind as him with his password
 *
 * A refusal comes at a multiple of half a second after the answer of the user, so that the time does not tell whether he is known,
 * whatever the hash of his password costs the server.
 *
 * Runs in:  a child of the auth process, which ends after it.
 * Never:    binds with an empty password, which a server takes as a bind of nobody, and answers yes (RFC 4513, 5.1.2).
 */
#pragma once

#include "auth/directory_conf.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Talks to the user through fd, ends with a BackDone that is no question. */
void directory_login(const struct directory_conf *c, const Msg__BackBegin *begin, int fd);
