/* SPDX-License-Identifier: GPL-3.0-or-later */
/* caps - the capabilities that the supervisor keeps once everything is open; the table gives the reason of each */
#pragma once

#include "base/base.h"

/* Keep the table, in the bounding set too: nothing that is run later gets more.  traceable: stay open to a debugger. */
/* Would a script get all that the firewall's tools need?  Not if none was configured at start. */
bool caps_are_for_scripts(void);
enum err caps_narrow(bool traceable, bool with_pam, bool with_scripts);

/* What the auth process keeps, an array that ends with -1: modules of PAM act for root on /etc/shadow and the like; RADIUS
 * only reads its files. */
const int *caps_of_auth(bool with_pam);
