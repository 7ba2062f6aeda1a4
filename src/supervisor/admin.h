/* SPDX-License-Identifier: GPL-3.0-or-later */
/* admin - the UNIX sockets for the administrator: control serves that of occtl, metrics its own; root owns them */
#pragma once

#include "base/base.h"

/* A listening socket that only root can use; what an ended server left there is replaced.  Logs what is wrong; option:
 * which one names the path. */
enum err admin_open(int *out, const char *path, const char *option);
