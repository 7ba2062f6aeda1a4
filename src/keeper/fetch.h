/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch - password files asked for again at run time
 *
 * Owner:    struct keeper; each fetch under way holds its back end.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/auth_backend.h"

struct keeper;

struct fetch {
	struct fetch *next;
	uint32_t id; /* of the FILE_GET */
	struct auth_backend *backend;
};

/* For struct auth_backend_conf; ctx is the keeper. */
enum err fetch_start(void *ctx, struct auth_backend *b);

/* The answer to one of ours?  Then it was used. */
bool fetch_answered(struct keeper *k, struct ipc_msg *m);

void fetch_fini(struct keeper *k);
