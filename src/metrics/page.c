/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/page.h"

#include <stdlib.h>
#include <string.h>

constexpr uint64_t NS = 1'000'000'000;

enum err page_begin(struct page *p, bool is_openmetrics)
{
	*p = (struct page){ .is_openmetrics = is_openmetrics };
	p->f = open_memstream(&p->text, &p->len);
	return p->f != nullptr ? ERR_OK : ERR_NOMEM;
}

enum err page_end(struct page *p, char **text, size_t *len)
{
	if (p->is_openmetrics)
		fputs("# EOF\n", p->f);
	bool is_whole = ferror(p->f) == 0;
	is_whole = fclose(p->f) == 0 && is_whole;
	if (!is_whole) {
		free(p->text);
		return ERR_NOMEM;
	}
	*text = p->text;
	*len = p->len;
	return ERR_OK;
}

static const char *type_text(enum page_type type)
{
	switch (type) {
	case PAGE_COUNTER: return "counter";
	case PAGE_GAUGE: return "gauge";
	case PAGE_HISTOGRAM: return "histogram";
	}
	return "unknown";
}

/* A help is a line of our own tables: no line end, no backslash; a quotation mark would need an escape in one format only. */
static void put_help(struct page *p, const char *help)
{
	for (; *help != '\0'; help++)
		fputc(*help == '"' || *help == '\\' || *help == '\n' ? '\'' : *help, p->f);
	fputc('\n', p->f);
}

void page_family(struct page *p, enum page_type type, const char *prefix, const char *name, const char *help)
{
	p->type = type;
	snprintf(p->family, sizeof p->family, "%s%s", prefix, name);
	const char *end = type == PAGE_COUNTER && !p->is_openmetrics ? "_total" : "";
	fprintf(p->f, "# HELP %s%s ", p->family, end);
	put_help(p, help);
	fprintf(p->f, "# TYPE %s%s %s\n", p->family, end, type_text(type));
}

static void put_name(struct page *p, const struct page_labels *labels)
{
	fprintf(p->f, "%s%s", p->family, p->type == PAGE_COUNTER ? "_total" : "");
	if (labels != nullptr && labels->len > 0)
		fprintf(p->f, "{%s}", labels->text);
}

void page_sample(struct page *p, const struct page_labels *labels, uint64_t value)
{
	put_name(p, labels);
	fprintf(p->f, " %llu\n", (unsigned long long)value);
}

void page_seconds(struct page *p, const struct page_labels *labels, uint64_t ns)
{
	put_name(p, labels);
	fprintf(p->f, " %llu.%09llu\n", (unsigned long long)(ns / NS), (unsigned long long)(ns % NS));
}

void page_histogram(struct page *p, const struct page_labels *labels, const uint64_t *n, uint64_t sum_ns)
{
	const char *own = labels != nullptr ? labels->text : "", *comma = *own != '\0' ? "," : "";
	uint64_t all = 0;
	for (size_t i = 0; i <= STATS_BOUNDS_N; i++) {
		all += n[i];
		fprintf(p->f, "%s_bucket{%s%sle=\"", p->family, own, comma);
		if (i < STATS_BOUNDS_N)
			fprintf(p->f, "%.9g", (double)(UINT64_C(1) << i) / 1e6);
		else
			fputs("+Inf", p->f);
		fprintf(p->f, "\"} %llu\n", (unsigned long long)all);
	}
	const char *open = *own != '\0' ? "{" : "", *close = *own != '\0' ? "}" : "";
	fprintf(p->f, "%s_sum%s%s%s %llu.%09llu\n", p->family, open, own, close,
		(unsigned long long)(sum_ns / NS), (unsigned long long)(sum_ns % NS));
	fprintf(p->f, "%s_count%s%s%s %llu\n", p->family, open, own, close, (unsigned long long)all);
}

/* {{ labels }} */

static void put(struct page_labels *l, const char *text, size_t len)
{
	memcpy(l->text + l->len, text, len);
	l->len += len;
	l->text[l->len] = '\0';
}

/* One character of a value. */
static void put_char(struct page_labels *l, char c)
{
	if (c == '\n')
		put(l, "\\n", 2);
	else if (c == '"' || c == '\\')
		put(l, (char[]){ '\\', c }, 2);
	else
		put(l, (uint8_t)c < 0x80 && (uint8_t)c >= ' ' ? &c : "?", 1);
}

void page_label(struct page_labels *l, const char *name, const char *value)
{
	constexpr size_t REST = 4; /* an escape, the closing quotation mark, the end */
	const size_t name_len = strlen(name);
	if (l->len + name_len + 4 + REST > sizeof l->text)
		return;
	if (l->len > 0)
		put(l, ",", 1);
	put(l, name, name_len);
	put(l, "=\"", 2);
	for (; *value != '\0' && l->len + REST <= sizeof l->text; value++)
		put_char(l, *value);
	put(l, "\"", 1);
}

void page_label_number(struct page_labels *l, const char *name, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	page_label(l, name, text);
}
