/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link - one question to the server, one answer
 *
 * A connection a question: nothing is held open between the commands of a shell.
 */
#pragma once

#include <jansson.h>

#include "base/base.h"

constexpr size_t LINK_WORDS_MAX = 8;

struct link {
	const char *socket; /* path */
	bool has_debug;     /* show what is sent and received, on standard error */
	bool is_quiet;      /* say nothing of a failure */
};

/* The response object, for json_decref; nullptr after a message on standard error that says what to do. */
json_t *link_ask(const struct link *l, char *const words[], size_t words_n);
