/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shell - commands typed one after the other, completed with TAB from the server's table */
#pragma once

#include "run.h"

/* Until exit or the end of input.  The status of the last command. */
int shell_run(const struct occtl *o);
