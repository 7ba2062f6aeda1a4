/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * expand - %{U} and %{G} in texts of the configuration that clients are sent
 *
 * Runs in: the worker.
 */
#pragma once

#include "base/base.h"

/* What a name becomes in the text. */
enum expand_as : uint8_t {
	EXPAND_TEXT, /* as it is, but '?' for each byte that is not printable ASCII: a name cannot begin a line of its own */
	EXPAND_URL, /* percent-encoded, but unreserved characters (RFC 3986 2.3): a name cannot leave its place */
};

/* text with user and group (nullptr is "") put in, ended by NUL.  ERR_RANGE: longer than cap; then out is "". */
enum err expand(char *out, size_t cap, const char *text, const char *user, const char *group,
		enum expand_as as);
/* Whether there is anything to put in. */
bool expand_is_needed(const char *text);
