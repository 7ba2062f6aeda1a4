/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * name - what an administrator calls a session: base64 of the hash of its cookie, or the beginning of it
 *
 * The cookie itself cannot be learned from it.
 *
 * Runs in:  the keeper's loop thread.
 */
#pragma once

#include "base/encode.h"
#include "keeper/session.h"

constexpr size_t NAME_LEAST = 6; /* characters that occtl shows as "Session" */

/* Does the name of s begin so? */
bool name_fits(const struct session *s, const char *text);

/* The session whose name begins so, to do something to it.  ERR_NOTFOUND: there is none, or text is shorter than NAME_LEAST;
 * ERR_BUSY: there are several. */
enum err name_find(const struct sessions *a, const char *text, const struct session **out);
