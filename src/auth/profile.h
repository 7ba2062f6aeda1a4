/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile - what is left to a child of the auth process that talks to RADIUS servers; modules of PAM cannot be confined */
#pragma once

#include "base/base.h"

enum err profile_enter_radius(void);
