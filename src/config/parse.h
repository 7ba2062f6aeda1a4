/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse - what the parser knows of a text that struct config does not keep: the line of each option */
#pragma once

#include "config/option.h"
#include "config/report.h"

struct config_where {
	uint32_t line[OPTION_N]; /* 0: not set in this section */
};

struct config_parse {
	const char *file;
	struct config_report *report;
	struct config *config;
	struct config_where *where; /* one for each of config->vhosts */
	uint32_t section;           /* index of the vhost whose section this is */
	bool is_skipped;            /* the section is none of ours */
	bool is_told[OPTION_N];     /* that the option is planned or obsolete */
	bool *is_own; /* file of a user or group: lists that are no longer the virtual host's; else nullptr */
};

/* The lines of a file of a user or group, for the one vhost of p->config.  ERR_NOMEM, else ERR_OK: see the report. */
enum err config_parse_user(struct config_parse *p, const char *text, size_t len);

/* Problems of more than one line: what is missing, what does not fit together.  ERR_NOMEM, else ERR_OK. */
enum err config_check(const struct config_parse *p);
