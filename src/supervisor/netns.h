/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * netns - open something in another network namespace (listen-netns)
 *
 * Runs in:  the supervisor, at start, while it has CAP_SYS_ADMIN.
 */
#pragma once

#include "base/base.h"

/* The namespace by its path, or by its name under /run/netns.  *back is what netns_leave needs.  What fails is logged: ERR_SYS. */
enum err netns_enter(const char *name, int *back);
/* We must not go on in the wrong one: ERR_SYS ends the start. */
enum err netns_leave(int back);
