/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth - methods of authentication as configured; the parser accepts all that ocserv has, the check only what works */
#pragma once

#include "config/value.h"

/* Is the method implemented with these arguments?  Otherwise why says what to do. */
typedef enum err config_method_check(const struct auth_method *m, struct config_why *why);
enum err config_auth_check(const struct auth_method *m, struct config_why *why);
enum err config_acct_check(const struct auth_method *m, struct config_why *why);
