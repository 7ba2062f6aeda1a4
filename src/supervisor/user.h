/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user - the accounts that children run as */
#pragma once

#include <sys/types.h>

#include "config/config.h"
#include "ipc/msgs.h"

struct user {
	uid_t uid;
	gid_t gid;
};

/* Numbers for an account that does not exist (one warning each); nobody else has them on a usual system. */
constexpr uid_t USER_WORKER_ID = 61001, USER_KEEPER_ID = 61002, USER_CONTROL_ID = 61003,
		USER_METRICS_ID = 61004;

/* The account of a role by the configuration.  ERR_DENIED: it is root's, or the group does not exist; logged. */
enum err user_of_role(struct user *out, const struct config *c, enum ipc_role role);
