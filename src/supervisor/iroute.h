/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iroute - routes of the kernel to networks behind clients, as the keeper says */
#pragma once

#include "ipc/ipc.h"

/* MSG_IROUTE of the keeper */
void iroute_on_iroute(struct ipc *ipc, struct ipc_msg *m);
