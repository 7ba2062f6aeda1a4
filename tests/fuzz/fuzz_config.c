/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_config - config_parse, config_diff_restart, config_keep_restart, config_vhost, config_prefix_parse
 *
 * The input is a configuration; one that parses must equal itself, and must survive being kept by its own copy.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const struct config_report *r)
{
	size_t errors = 0;
	for (size_t i = 0; i < r->n; i++) {
		errors += r->v[i].is_error;
		for (const char *s = r->v[i].text; *s != '\0'; s++)
			assert(*s != '\n');
	}
	assert(errors <= r->errors_n);
}

static void check_config(const struct config *c, const char *text, size_t len)
{
	struct config_report report OWNED(config_report_fini) = {};
	struct config *twin OWNED(config_putp) = nullptr;
	if (config_parse(&twin, "twin", text, len, &report) != ERR_OK)
		abort();
	const size_t before = report.n;
	if (config_diff_restart(c, twin, "twin", &report) != ERR_OK ||
	    config_keep_restart(twin, c) != ERR_OK || config_diff_restart(c, twin, "twin", &report) != ERR_OK)
		abort();
	assert(report.n == before);
	for (size_t i = 0; i < c->vhosts_n; i++)
		assert(config_vhost(c, c->vhosts[i].name) == &c->vhosts[i]);
}

static void check_prefix(const char *text, size_t len)
{
	char *line OWNED(base_freep) = malloc(len + 1);
	if (line == nullptr)
		return;
	memcpy(line, text, len);
	line[len] = '\0';
	struct prefix p = {};
	if (config_prefix_parse(line, &p) == ERR_OK)
		assert(p.len <= 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct config_report report OWNED(config_report_fini) = {};
	struct config *c OWNED(config_putp) = nullptr;
	const enum err e = config_parse(&c, "fuzz", text, size, &report);
	assert(e == ERR_OK || e == ERR_CONFIG || e == ERR_NOMEM);
	check_report(&report);
	if (e == ERR_OK)
		check_config(c, text, size);
	if (size > 0)
		check_prefix(text, size);
	return 0;
}
