/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sysgroup - groups that the system knows of a user; for methods whose users are those of the system */
#pragma once

#include "base/base.h"
#include "ipc/messages.pb-c.h"

/* Those whose number is at least gid_min, the primary one first; none for somebody whom the system does not know. */
enum err sysgroup_read(Msg__Facts *f, const char *user, uint32_t gid_min);
