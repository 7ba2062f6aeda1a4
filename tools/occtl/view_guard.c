/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_guard.h"

#include "table.h"
#include "view.h"

static void put(struct table *t, const json_t *object, const char *key)
{
	char number[32];
	const json_t *v = json_object_get(object, key);
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	table_put(t, json_is_string(v) ? json_string_value(v) : number);
}

static void print(FILE *out, const json_t *list, const char *const *heads, const char *const *keys, size_t n)
{
	struct table t = table_of(heads, n);
	for (size_t i = 0; i < json_array_size(list); i++)
		for (size_t j = 0; j < n; j++)
			put(&t, json_array_get(list, i), keys[j]);
	table_print(out, &t);
	table_fini(&t);
}

void view_guard_bans(FILE *out, const json_t *result)
{
	static const char *const heads[] = { "IP", "kind", "since", "score", "ends in" };
	static const char *const keys[] = { "IP", "Kind", "Since", "Score", "_Until" };
	print(out, result, heads, keys, ARRAY_LEN(heads));
}

void view_guard_points(FILE *out, const json_t *result)
{
	static const char *const heads[] = { "IP", "since", "score" };
	static const char *const keys[] = { "IP", "Since", "Score" };
	print(out, result, heads, keys, ARRAY_LEN(heads));
}

static void print_line(FILE *out, const char *indent, const char *key, const json_t *v)
{
	fprintf(out, "%s%s: ", indent, key);
	if (json_is_string(v))
		view_print_safe(out, json_string_value(v), false);
	else
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	fputc('\n', out);
}

void view_guard_status(FILE *out, const json_t *result)
{
	const char *key, *inner;
	json_t *v, *w;
	json_object_foreach((json_t *)(uintptr_t)result, key, v)
	{
		if (!json_is_object(v)) {
			print_line(out, "\t", key, v);
			continue;
		}
		fprintf(out, "%s:\n", key);
		json_object_foreach(v, inner, w)
		{
			print_line(out, "\t", inner, w);
		}
	}
}
