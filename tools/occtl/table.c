/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "view.h"

/* Characters, not bytes: those that begin one in UTF-8. */
static size_t width_of(const char *s)
{
	size_t n = 0;
	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Without memory the program ends: it has nothing to lose. */
static char *clean_copy(const char *text)
{
	char *copy = nullptr;
	size_t len;
	FILE *f = open_memstream(&copy, &len);
	if (f == nullptr)
		abort();
	view_print_safe(f, text, false);
	fclose(f);
	return copy;
}

void table_put(struct table *t, const char *text)
{
	if (t->cells_n == t->cells_cap) {
		t->cells_cap = t->cells_cap == 0 ? 64 : t->cells_cap * 2;
		t->cells = reallocarray(t->cells, t->cells_cap, sizeof *t->cells);
		if (t->cells == nullptr)
			abort();
	}
	char *cell = clean_copy(text);
	size_t column = t->cells_n % t->columns_n;
	t->width[column] = MAX(t->width[column], width_of(cell));
	t->cells[t->cells_n++] = cell;
}

struct table table_of(const char *const heads[], size_t n)
{
	struct table t = {};
	for (size_t i = 0; i < n; i++)
		table_add_column(&t, heads[i]);
	return t;
}

void table_add_column(struct table *t, const char *head)
{
	assert(t->cells_n == t->columns_n);
	if (t->columns_n == TABLE_COLUMNS_MAX)
		return;
	t->columns_n++;
	table_put(t, head);
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->cells_n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){};
}

void table_print(FILE *out, const struct table *t)
{
	for (size_t i = 0; i < t->cells_n; i++) {
		size_t column = i % t->columns_n;
		size_t pad = t->width[column] - width_of(t->cells[i]);
		fprintf(out, "%s%*s%s", column == 0 ? "" : "  ", (int)pad, "", t->cells[i]);
		if (column + 1 == t->columns_n)
			fputc('\n', out);
	}
}
