/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blocks - whom the keeper shuts out is shut out at the network card, too */
#pragma once

#include "ipc/ipc.h"

ipc_handler blocks_on_guard_block;
