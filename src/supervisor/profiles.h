/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * profiles - the files of user-profile, read once for each generation and handed to workers, which have no file system
 *
 * All of them stand one behind the other in one sealed memfd.
 *
 * Owner:  a generation, of the supervisor.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"

constexpr size_t PROFILES_FILE_MAX = 256 * 1024;

struct profiles {
	int fd; /* -1: there is none */
	size_t n;
	Msg__Profile *v; /* in the order of fd */
};

/* What cfg names, relative names in folder.  ERR_SYS, ERR_RANGE or ERR_NOMEM: *problem says why (the caller frees), *out is empty. */
enum err profiles_load(struct profiles *out, const struct config *cfg, int folder, char **problem);
void profiles_fini(struct profiles *p);

/* A descriptor of its own for a worker; -1 if there is no profile, or on failure. */
int profiles_fd(const struct profiles *p);
