/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * result - what was measured, as JSON or as a table of the same, and the verdict
 *
 * Runs in: main, when all threads have ended.
 */
#pragma once

#include <jansson.h>

#include "run.h"

/* nullptr: out of memory. */
json_t *result_make(const struct run *r);
void result_print(FILE *to, const json_t *result, bool as_json);
/* Exit status: 0, or 3 with the reason on standard error. */
int result_verdict(const struct run *r);
