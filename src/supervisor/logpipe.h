/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * logpipe - lines of a child on their way to the log
 *
 * A child writes "<N>name text"; a line without a level (assert, sanitizer) counts as an error.  The name is the one that the
 * supervisor knows, whatever the child writes; control characters are replaced; a flood is cut off.
 *
 * Owner:  the child's row; it frees itself when the last writer is gone, so that last words are not lost.
 */
#pragma once

#include <sys/types.h>
#include <uv.h>

#include "base/base.h"

constexpr size_t LOGPIPE_LINES_PER_S = 2000;

struct logpipe;

/* name and pid of the writer; read_end is ours from now on. */
enum err logpipe_new(struct logpipe **out, uv_loop_t *loop, int read_end, const char *name, pid_t pid);
/* The child is dead: read what is left, then free. */
void logpipe_finish(struct logpipe *p);

/* One line to output_line; for tests. */
void logpipe_forward(const char *name, pid_t pid, const char *line, size_t len);
