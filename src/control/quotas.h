/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quotas - show quotas, reset quota NAME: starts of commands (cmds.def), and what the keeper answers */
#pragma once

#include "control/job.h"
#include "ipc/ipc.h"

void quotas_show(struct job *job);
void quotas_reset(struct job *job);

/* from the keeper */
void quotas_on_list_done(struct ipc *ipc, struct ipc_msg *m);
void quotas_on_reset_done(struct ipc *ipc, struct ipc_msg *m);

/* {"Ended sessions": ..., ...}: a part of show status. */
json_t *quotas_status(const Msg__KeeperStatus *k);
