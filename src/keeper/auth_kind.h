/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_kind - the methods of authentication that there are: one row each, with the functions of its conversation
 *
 *	begin -> question -> answer -> ... -> yes, no, or broken        all through auth_done
 *
 * Owner:    nobody; a constant table.
 * Runs in:  the loop thread.  begin and answer only hand the job on: a file's back end has a thread (auth_backend.c), PAM,
 *           RADIUS, LDAP and GSSAPI live in a process of their own (auth_remote.c).
 */
#pragma once

#include "keeper/auth_job.h"

struct keeper;

struct auth_kind {
	const char *method; /* of the configuration */
	/* Both take the job on ERR_OK; auth_done gets it back, maybe at once.  ERR_NOTFOUND, ERR_FULL, ERR_CLOSED. */
	enum err (*begin)(struct keeper *k, struct auth_job *job, struct mono now);
	enum err (*answer)(struct keeper *k, struct auth_job *job, struct mono now);
	/* Nobody waits for this conversation any more; nullptr: nothing is kept for it. */
	void (*cancel)(struct keeper *k, uint64_t conv);
};

/* The row of the method that the job names, in the configuration in force; nullptr: none. */
const struct auth_kind *auth_kind_of(const struct keeper *k, uint32_t vhost, uint32_t method);

/* For struct auth_ops and struct auth_backend_conf; ctx is the keeper. */
enum err auth_kind_start(void *ctx, struct auth_job *job, struct mono now);
void auth_kind_cancel(void *ctx, uint32_t vhost, uint32_t method, uint64_t conv);
void auth_kind_file_done(void *ctx, struct auth_job *job);
