/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve - the messages that children send to the supervisor */
#pragma once

#include "ipc/ipc.h"

extern ipc_handler *const serve_handlers[MSG_N];
