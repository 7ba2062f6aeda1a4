/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_job - one password to be checked, on its way from the loop to a back end's thread and back
 *
 * Owner:  whoever holds it: the loop, then the thread, then the loop again; auth_job_free wipes it.
 */
#pragma once

#include "base/clock.h"
#include "keeper/auth_queue.h"

constexpr size_t AUTH_ID_LEN = 32;
constexpr size_t AUTH_NAME_MAX = 256;     /* with the end */
constexpr size_t AUTH_PASSWORD_MAX = 513; /* with the end; crypt() takes 512 */

struct auth_backend;

struct auth_job {
	struct auth_work work; /* run and done are set by the back end */
	struct auth_backend *backend;
	uint8_t auth_id[AUTH_ID_LEN];
	uint64_t serial; /* tells a late answer from the one that is awaited */
	struct mono deadline; /* not worth to be run after this */
	char username[AUTH_NAME_MAX];
	char group[AUTH_NAME_MAX]; /* chosen; "": none.  On ERR_OK: the one given */
	char password[AUTH_PASSWORD_MAX];
	/* ERR_OK; ERR_AUTH: wrong, try again; ERR_BUSY: not run; others: the back end does not work */
	enum err result;
	const char *why; /* for the log, static */
};

struct auth_job *auth_job_new(void);
void auth_job_free(struct auth_job *job);
