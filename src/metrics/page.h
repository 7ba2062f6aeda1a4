/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * page - metrics as text: OpenMetrics 1.0, or the format of Prometheus 0.0.4 that came before it
 *
 * They differ in the name of a counter's family, which has _total in the older one only, and in the last line.
 *
 * Owner:  the caller.
 */
#pragma once

#include <stdio.h>

#include "base/base.h"
#include "ipc/stats.h"

enum page_type : uint8_t { PAGE_COUNTER = 1, PAGE_GAUGE, PAGE_HISTOGRAM };

constexpr size_t PAGE_NAME_MAX = 96;
constexpr size_t PAGE_LABELS_MAX = 512;

struct page {
	FILE *f;
	char *text;
	size_t len;
	bool is_openmetrics;
	enum page_type type; /* of the family at hand */
	char family[PAGE_NAME_MAX];
};

/* name="value",name="value"; empty at the beginning. */
struct page_labels {
	char text[PAGE_LABELS_MAX];
	size_t len;
};

enum err page_begin(struct page *p, bool is_openmetrics);
/* The text, which the caller frees; p is over.  ERR_NOMEM: it is not whole. */
enum err page_end(struct page *p, char **text, size_t *len);

/* What follows are samples of this family; each family once.  prefix and name together are its name, without _total. */
void page_family(struct page *p, enum page_type type, const char *prefix, const char *name, const char *help);
/* labels nullptr: none. */
void page_sample(struct page *p, const struct page_labels *labels, uint64_t value);
/* A number of seconds. */
void page_seconds(struct page *p, const struct page_labels *labels, uint64_t ns);
/* n: STATS_BOUNDS_N + 1 buckets as in struct stats_hist. */
void page_histogram(struct page *p, const struct page_labels *labels, const uint64_t *n, uint64_t sum_ns);

/* One more label; what is no UTF-8 of the value is replaced, and what does not fit is cut. */
void page_label(struct page_labels *l, const char *name, const char *value);
void page_label_number(struct page_labels *l, const char *name, uint64_t value);
