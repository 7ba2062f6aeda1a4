/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config - what the tests of ocserv.conf share: parse a text, look into the report */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define TEST(module, what) static void module##_##what(void **)

/* The least that is a whole configuration. */
#define BASE                                \
	"auth = \"plain[passwd=/etc/x]\"\n" \
	"server-cert = /c\n"                \
	"server-key = /k\n"                 \
	"ipv4-network = 192.0.2.0/24\n"

struct result {
	struct config *c;
	struct config_report report;
	enum err e;
};

static inline struct result parse_bytes(const char *text, size_t len)
{
	struct result r = {};
	r.e = config_parse(&r.c, "t.conf", text, len, &r.report);
	assert_true((r.e == ERR_OK) == (r.c != nullptr));
	assert_true((r.e == ERR_CONFIG) == (r.report.errors_n > 0));
	return r;
}

static inline struct result parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static inline void done(struct result *r)
{
	config_putp(&r->c);
	config_report_fini(&r->report);
}

static inline const struct config_problem *find_problem(const struct result *r, bool is_error,
							const char *part)
{
	for (size_t i = 0; i < r->report.n; i++)
		if (r->report.v[i].is_error == is_error && strstr(r->report.v[i].text, part) != nullptr)
			return &r->report.v[i];
	return nullptr;
}

static inline void print_report(const struct result *r)
{
	for (size_t i = 0; i < r->report.n; i++)
		print_message("  %s\n", r->report.v[i].text);
}
