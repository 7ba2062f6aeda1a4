/* SPDX-License-Identifier: GPL-3.0-or-later */
/* caps - the capabilities that the supervisor keeps once everything is open; the table gives the reason of each */
#pragma once

#include "base/base.h"

/* Keep the table, in the bounding set too: nothing that is run later gets more.  traceable: stay open to a debugger. */
enum err caps_narrow(bool traceable);
