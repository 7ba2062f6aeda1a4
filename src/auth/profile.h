/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile - a child of the auth process that talks to servers of RADIUS or LDAP gives up all capabilities; modules of PAM may need theirs */
#pragma once

#include "base/base.h"

enum err profile_enter_network(void);
