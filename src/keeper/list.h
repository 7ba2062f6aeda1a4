/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list - what the administrator asks: LIST, DISCONNECT, STATUS
 *
 * A long list is sent in pieces, one a turn of the loop, so that neither signatures nor the channel wait for it.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 */
#pragma once

#include "ipc/ipc.h"

struct keeper;
struct list_job;

void list_on_list(struct ipc *ipc, struct ipc_msg *m);
void list_on_disconnect(struct ipc *ipc, struct ipc_msg *m);
void list_on_status(struct ipc *ipc, struct ipc_msg *m);
/* Of the supervisor: the loop turns, and so many sessions are connected. */
void list_on_ping(struct ipc *ipc, struct ipc_msg *m);

/* Control is gone: nothing more is to be sent. */
void list_stop(struct keeper *k);
