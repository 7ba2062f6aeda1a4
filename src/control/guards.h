/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guards - commands about who may knock: show ip bans, show ip ban points, show guard, unban ip, block, unblock
 *
 * As ask.h: functions without a message begin a command of cmds.def, the others receive what the keeper answers.
 */
#pragma once

#include "control/job.h"
#include "ipc/ipc.h"

void guards_show_bans(struct job *job);
void guards_show_points(struct job *job);
void guards_show(struct job *job);
void guards_unban(struct job *job);
void guards_block(struct job *job);
void guards_unblock(struct job *job);

ipc_handler guards_on_items, guards_on_change_done, guards_on_status_done;
