/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state - the folder for what survives (state-dir): made for the keeper, which gets it as a descriptor and no right to any other path */
#pragma once

#include "supervisor/child.h"

/* path nullptr or "": none.  One that cannot be used is logged with its cure; the server then runs from memory only.  Never changes the owner of
 * a folder that it has not made. */
void state_open(struct child *keeper, const char *path);
