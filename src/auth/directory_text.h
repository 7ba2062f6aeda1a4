/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_text - texts of LDAP: filters with a user's name in them, names of groups out of DNs
 *
 * A filter of the configuration has %u for the name that was typed and %d for the DN that was found.  What is put in is escaped byte by byte
 * (RFC 4515, 3), so that no name can change what the filter says.
 */
#pragma once

#include "auth/wordfile.h"

/* Is it a filter: in brackets that fit, with %u and %d (not needs_user) only?  ERR_SYNTAX. */
enum err directory_text_check(const char *filter, bool needs_user, struct wordfile_why *why);
/* dn nullptr: there is no %d.  ERR_RANGE: it does not fit. */
enum err directory_text_filter(char *out, size_t cap, const char *filter, const char *user, const char *dn);

/* Can this be somebody's name?  Not empty, UTF-8, no control characters. */
bool directory_text_is_name(const char *text);

/* The name of a group: of a DN the value of its first part, of another text the text.  ERR_SYNTAX, ERR_RANGE. */
enum err directory_text_group(char *out, size_t cap, const char *value, size_t len);
