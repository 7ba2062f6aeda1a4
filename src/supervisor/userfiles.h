/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * userfiles - files of config-per-user and config-per-group, read for the keeper, which has no file system
 *
 * The keeper names user and group, the configuration the directory: no name can lead out of it, and no link is followed.
 *
 * Runs in:  the supervisor.
 */
#pragma once

#include "ipc/ipc.h"

/* MSG_USER_FILES_GET of the keeper */
void userfiles_on_get(struct ipc *ipc, struct ipc_msg *m);
