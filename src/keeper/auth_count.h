/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth_count - how logins end, in numbers: struct auth_stats.  Runs in the keeper's loop thread. */
#pragma once

#include "keeper/auth.h"

/* A login that took from begun until now has succeeded. */
void auth_count_ok(struct auth_stats *s, struct mono begun, struct mono now);
/* The back end of this method does not work. */
/* A job of this method is back. */
void auth_count_use(struct auth_stats *s, const char *method, enum msgs_result result, struct mono begun,
		    struct mono now);
void auth_count_broken(struct auth_stats *s, const char *method);
