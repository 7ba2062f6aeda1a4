/* SPDX-License-Identifier: GPL-3.0-or-later */
/* port - which process has a port, for the message that it is taken */
#pragma once

#include <sys/types.h>

#include "base/base.h"

/* Name and number of a process that listens on the port; ERR_NOTFOUND if /proc does not tell. */
enum err port_owner(bool is_udp, unsigned port, char *name, size_t name_cap, pid_t *pid);
