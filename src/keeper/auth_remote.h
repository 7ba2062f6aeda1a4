/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_remote - conversations with back ends that live in the auth process: PAM, RADIUS, LDAP, GSSAPI
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.  A job is held here until the other side has answered; when that process dies, all come back
 *           as broken.
 * Never:    keeps a password after it was sent, unless it is to be tried on another way as well (job->is_kept).
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/auth_job.h"

struct auth_remote_job;

struct auth_remote {
	struct ipc *ipc; /* nullptr: no auth process */
	struct auth_remote_job *jobs; /* by conv */
	void (*done)(void *ctx, struct auth_job *job);
	void *ctx;
};

void auth_remote_init(struct auth_remote *r, void (*done)(void *ctx, struct auth_job *job), void *ctx);
/* The channel to the auth process, or nullptr when that is gone: what it had comes back as broken. */
void auth_remote_set(struct auth_remote *r, struct ipc *ipc);
/* Jobs that are left are freed. */
void auth_remote_fini(struct auth_remote *r);

/* Take the job on ERR_OK.  generation: of the configuration that its vhost and method are numbers in.  ERR_CLOSED: no
 * process. */
enum err auth_remote_begin(struct auth_remote *r, uint32_t generation, struct auth_job *job);
/* The same for a certificate that is good but for what OCSP may say; authorities: PEM of those that sign clients.  Its password is not sent. */
enum err auth_remote_certificate(struct auth_remote *r, uint32_t generation, struct auth_job *job,
				 const uint8_t *authorities, size_t len);
enum err auth_remote_answer(struct auth_remote *r, struct auth_job *job);
void auth_remote_cancel(struct auth_remote *r, uint64_t conv);

/* MSG_BACK_DONE; the message's body may be taken apart. */
void auth_remote_answered(struct auth_remote *r, Msg__BackDone *m);
