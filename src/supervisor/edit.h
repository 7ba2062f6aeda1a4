/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * edit - files that the keeper may replace: a new one beside the old, filled by the keeper, then put in its place
 *
 * The new file has owner, group and mode of the old one, or there is none.  The supervisor neither reads nor writes
 * either: it opens, and renames.
 *
 * Owner:    struct supervisor.
 * Runs in:  the supervisor's loop.
 */
#pragma once

#include "base/base.h"

constexpr size_t EDITS_MAX = 64;

struct edit {
	uint32_t id;  /* of FILE_EDIT; 0: free */
	char *path;   /* the file itself, not a link to it */
	char *fresh;  /* beside it */
};

struct edits {
	struct edit v[EDITS_MAX];
};

/* Open both.  An edit of the same file that was never finished is dropped.  error: why not, cap bytes. */
enum err edits_begin(struct edits *e, uint32_t id, int folder, const char *path, int fds[2], char *error,
		     size_t cap);
/* Put the new file in place, or drop it.  ERR_NOTFOUND: no such edit. */
enum err edits_end(struct edits *e, uint32_t id, bool drop, char *error, size_t cap);
/* The keeper is gone: drop all. */
void edits_drop_all(struct edits *e);
