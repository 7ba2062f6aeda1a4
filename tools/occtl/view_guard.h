/* SPDX-License-Identifier: GPL-3.0-or-later */
/* view_guard - how occtl shows who is shut out */
#pragma once

#include <jansson.h>
#include <stdio.h>

void view_guard_bans(FILE *out, const json_t *result);
void view_guard_points(FILE *out, const json_t *result);
void view_guard_status(FILE *out, const json_t *result);
