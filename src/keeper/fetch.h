/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch - files of back ends asked for again at run time, and replaced
 *
 * Owner:    struct keeper; each request under way holds its back end.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/auth_backend.h"

struct keeper;

struct fetch {
	struct fetch *next;
	uint32_t id;    /* of the FILE_GET or FILE_EDIT; a FILE_COMMIT has that of its FILE_EDIT */
	enum msg type;
	struct auth_backend *backend;
};

/* For struct auth_backend_conf; ctx is the keeper. */
enum err fetch_start(void *ctx, struct auth_backend *b);
enum err fetch_edit(void *ctx, struct auth_backend *b);
enum err fetch_commit(void *ctx, struct auth_backend *b, bool drop);

/* The answer to one of ours?  Then it was used. */
bool fetch_answered(struct keeper *k, struct ipc_msg *m);
void fetch_on_edit_done(struct ipc *ipc, struct ipc_msg *m);
void fetch_on_commit_done(struct ipc *ipc, struct ipc_msg *m);

void fetch_fini(struct keeper *k);
