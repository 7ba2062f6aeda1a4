/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view - an answer of the server as an administrator reads it
 *
 * What comes from a client (user agent, host name) is printed without control characters: it cannot steer the terminal.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/base.h"

/* view: as the server names it; an unknown one is printed as JSON. */
void view_print(FILE *out, const char *view, const json_t *result);
void view_print_json(FILE *out, const json_t *result);
/* On one line. */
void view_print_json_line(FILE *out, const json_t *result);

/* One value as text without control characters; line feeds are kept if is_text. */
void view_print_safe(FILE *out, const char *s, bool is_text);
