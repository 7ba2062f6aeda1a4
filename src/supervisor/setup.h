/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setup - everything that is opened once, with all privileges, before the first child */
#pragma once

#include "supervisor/supervisor.h"

/* How many workers there will be: first of all, also for -t. */
void setup_workers_n(struct supervisor *s);
/* Sockets, device, addresses, programs, counters; what fails is logged with its cure. */
enum err setup_resources(struct supervisor *s);
/* The rows of the children with their accounts; -t: the keeper only. */
enum err setup_children(struct supervisor *s);
/* The auth process, if c names a method that it does and it is not there yet: then *is_new. */
enum err setup_auth(struct supervisor *s, const struct config *c, bool *is_new);
void setup_undo(struct supervisor *s);
