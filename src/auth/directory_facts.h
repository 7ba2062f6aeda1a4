/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_facts - values of a directory's attributes as facts of the user
 *
 * The values are checked: what is malformed is left out.
 *
 * Runs in:  a child of the auth process.
 */
#pragma once

#include "auth/directory_file.h"
#include "ipc/messages.pb-c.h"

/* One value; it need not have an end.  ERR_SYNTAX, ERR_RANGE: malformed; ERR_NOMEM. */
enum err directory_facts_add(Msg__Facts *f, enum directory_fact what, const char *value, size_t len);
/* A group, by name or DN; one that is known already is not added again.  Errors as above. */
enum err directory_facts_add_group(Msg__Facts *f, const char *value, size_t len);
