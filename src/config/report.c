/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option.h"

constexpr size_t LISTED_MAX = 200; /* of errors, and of warnings; a file of another kind has one a line */

static enum err append(struct config_report *r, bool is_error, uint32_t line, char *text)
{
	struct config_problem *v = reallocarray(r->v, r->n + 1, sizeof *v);
	if (v == nullptr)
		return ERR_NOMEM;
	r->v = v;
	v[r->n++] = (struct config_problem){ .is_error = is_error, .line = line, .text = text };
	return ERR_OK;
}

static size_t listed(const struct config_report *r, bool is_error)
{
	const size_t errors = MIN(r->errors_n, LISTED_MAX + 1);
	return is_error ? errors : r->n - errors;
}

[[gnu::format(printf, 3, 0)]]
static enum err add(struct config_place at, bool is_error, const char *fmt, va_list ap)
{
	struct config_report *r = at.report;
	const size_t before = listed(r, is_error);
	if (before > LISTED_MAX) {
		r->errors_n += is_error;
		return ERR_OK;
	}
	char where[16] = "";
	if (at.line != 0)
		snprintf(where, sizeof where, ":%u", at.line);
	char *body OWNED(base_freep) = nullptr;
	if (vasprintf(&body, before == LISTED_MAX ? "there are more; mend these first" : fmt, ap) < 0)
		return ERR_NOMEM;
	char *text OWNED(base_freep) = nullptr;
	if (asprintf(&text, "%s%s: %s: %s", at.file, where, is_error ? "error" : "warning", body) < 0)
		return ERR_NOMEM;
	TRY(append(r, is_error, at.line, text));
	text = nullptr;
	r->errors_n += is_error;
	return ERR_OK;
}

enum err config_report_error(struct config_place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const enum err e = add(at, true, fmt, ap);
	va_end(ap);
	return e;
}

enum err config_report_warn(struct config_place at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const enum err e = add(at, false, fmt, ap);
	va_end(ap);
	return e;
}

void config_report_sort(struct config_report *r)
{
	for (size_t i = 1; i < r->n; i++) { /* nearly sorted, and short */
		const struct config_problem p = r->v[i];
		size_t to = i;
		for (; to > 0 && r->v[to - 1].line - 1u > p.line - 1u; to--) /* 0 - 1 is the greatest */
			r->v[to] = r->v[to - 1];
		r->v[to] = p;
	}
}

void config_report_fini(struct config_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].text);
	free(r->v);
	*r = (struct config_report){};
}

const char *config_report_show(const char *key, const char *value, char out[CONFIG_SHOW_MAX])
{
	static const char hidden[] = "(not shown)", cut[] = "...";
	if (config_option_is_secret(key)) {
		memcpy(out, hidden, sizeof hidden);
		return out;
	}
	size_t n = 0;
	for (; value[n] != '\0' && n < CONFIG_SHOW_MAX - 1; n++)
		out[n] = value[n] >= ' ' && value[n] < 0x7f ? value[n] : '?';
	out[n] = '\0';
	if (value[n] != '\0')
		memcpy(out + CONFIG_SHOW_MAX - sizeof cut, cut, sizeof cut);
	return out;
}
