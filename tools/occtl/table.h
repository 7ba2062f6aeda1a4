/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table - columns as wide as their longest cell, numbers and names to the right, as occtl always did */
#pragma once

#include <stdio.h>

#include "base/base.h"

constexpr size_t TABLE_COLUMNS_MAX = 256;

struct table {
	char **cells; /* the heads are the first row */
	size_t cells_n, cells_cap;
	size_t columns_n;
	size_t width[TABLE_COLUMNS_MAX];
};

struct table table_of(const char *const heads[], size_t n);
void table_fini(struct table *t);
/* Before the first cell. */
void table_add_column(struct table *t, const char *head);
/* The next cell, row by row; control characters become '?'. */
void table_put(struct table *t, const char *text);
void table_print(FILE *out, const struct table *t);
