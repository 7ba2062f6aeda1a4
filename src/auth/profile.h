/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile - children of the auth process that talk to servers give up all capabilities; modules of PAM may need theirs */
#pragma once

#include "base/base.h"

enum err profile_enter_network(void);
