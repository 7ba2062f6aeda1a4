/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status - what occtl shows of processes and layers */
#pragma once

#include "supervisor/supervisor.h"

enum err status_send(struct supervisor *s, struct child *control, uint32_t id);
