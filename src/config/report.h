/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report - gathers what is wrong with a configuration, all of it and in order
 *
 * ERR_OK means "noted": the parser goes on.  Beyond some hundreds the rest is only counted.
 */
#pragma once

#include "config/config.h"

/* Where a problem is found: what config_report_add needs to say it. */
struct config_place {
	struct config_report *report;
	const char *file;
	uint32_t line; /* 0: of no line */
};

/* ERR_NOMEM or ERR_OK. */
[[gnu::format(printf, 2, 3)]] enum err config_report_error(struct config_place at, const char *fmt, ...);
[[gnu::format(printf, 2, 3)]] enum err config_report_warn(struct config_place at, const char *fmt, ...);

/* By line, those of one line as they came; those of no line at the end. */
void config_report_sort(struct config_report *r);

constexpr size_t CONFIG_SHOW_MAX = 96;
/* The value of key as it may stand in a message: cut, printable, and not at all if it is a secret.  Returns out. */
const char *config_report_show(const char *key, const char *value, char out[CONFIG_SHOW_MAX]);
