/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orders - what the supervisor tells a worker: configuration, descriptors, begin, end
 *
 * Order of a start: CONFIG, CERTS, WORKER_START, PEER (the keeper) -> CONFIG_DONE; COMMIT, GO -> the sandbox closes, then the
 * first byte from the network is read.
 */
#pragma once

#include "worker/worker.h"

extern ipc_handler *const orders[MSG_N];

void generation_fini(struct generation *g);
