/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * groups - the groups that a password file knows, to be offered to clients (auto-select-group)
 *
 * Owner:    a file of a reload, then a generation (edition.h).
 * Runs in:  the loop thread, while a configuration is prepared.
 */
#pragma once

#include "config/config.h"

constexpr size_t GROUPS_MAX = 512;         /* of one virtual host */
constexpr size_t GROUPS_BYTES_MAX =
	12288; /* of their names: they share a message with the certificates, and a form */

/* Each group once, in the order of the file.  Malformed lines are passed over: others have complained of them.  More than there is
 * room for are left out, with one warning.  The caller frees.  ERR_SYS, ERR_NOMEM, ERR_RANGE. */
enum err groups_read(struct strlist *out, int fd, const char *file);
enum err groups_of_text(struct strlist *out, const char *text, size_t len, const char *file);
enum err groups_copy(struct strlist *out, const struct strlist *from);
void groups_fini(struct strlist *l);
