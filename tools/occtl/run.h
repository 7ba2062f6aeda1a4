/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run - one command: asked, shown, and its exit status */
#pragma once

#include "link.h"

struct occtl {
	struct link link;
	bool has_json;
	bool has_pager; /* only ever used on a terminal */
};

/* EXIT_SUCCESS or EXIT_FAILURE. */
int run_command(const struct occtl *o, char *const words[], size_t words_n);
