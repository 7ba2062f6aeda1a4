/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_plain - passwords of an ocpasswd file
 *
 * Owner:    a back end (auth_backend.c).
 * Runs in:  made and freed on the loop thread; between these, load and verify only on the back end's thread.
 * Never:    opens a file: it gets descriptors.  Keeps or logs a password: that stays in the job.
 */
#pragma once

#include "keeper/auth_job.h"

struct auth_plain;

/* file: its name, for messages; copied. */
enum err auth_plain_new(struct auth_plain **out, const char *file);
void auth_plain_free(struct auth_plain *p);

/* What is wrong with lines: called once for each; line 0: of the file as a whole.  is_error: the line is malformed; else the
 * rest of the file is as good as without it. */
typedef void auth_plain_complain(void *ctx, bool is_error, const char *file, uint32_t line,
				 const char *problem);

/* Read the file anew if it changed since the last time; malformed lines are left out, with a complaint each.
 * ERR_SYS, ERR_RANGE: it cannot be read; the old content stays. */
enum err auth_plain_load(struct auth_plain *p, int fd, auth_plain_complain *complain, void *ctx);

/* Same for text in memory. */
enum err auth_plain_load_text(struct auth_plain *p, const char *text, size_t len,
			      auth_plain_complain *complain, void *ctx);

/* Check job->password and give the group.  Takes as long for an unknown or locked user as for a known one. */
void auth_plain_verify(struct auth_plain *p, struct auth_job *job);

size_t auth_plain_users(const struct auth_plain *p);
