/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admin - the socket that occtl connects to; control serves it, root owns it */
#pragma once

#include "base/base.h"

/* A listening socket that only root can use; what an ended server left there is replaced.  Logs what is wrong. */
enum err admin_open(int *out, const char *path);
