/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * facts - what a back end said of a user beyond yes: addresses, routes, limits; message Facts
 *
 * Owner:    the job, then the login, then the session; each has its own copy.
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* A copy; *out is nullptr for nullptr. */
enum err facts_copy(Msg__Facts **out, const Msg__Facts *from);

/* The user's own address; family 0: he has none, or it is malformed.  f may be nullptr. */
struct prefix facts_ipv4(const Msg__Facts *f);
struct prefix facts_ipv6(const Msg__Facts *f);

/* Seconds after which a session ends: the smaller of both; 0: never. */
uint32_t facts_session_timeout(const Msg__Facts *f, uint32_t configured_s);

/* The rest as lines of a configuration (config/user.h): routes, name servers, limits; *len 0: there is nothing.  The caller frees *out.
 * What is malformed is left out. */
enum err facts_lines(const Msg__Facts *f, char **out, size_t *len);
