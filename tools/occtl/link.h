/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link - one question to the server, one answer; some answers are followed by a stream of further lines
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

/* An event of the stream, borrowed; false: no more. */
typedef bool link_event(void *ctx, const json_t *event);

/* The response object, for json_decref; nullptr after a message on standard error that says what to do. */
json_t *link_ask(const struct link *l, char *const words[], size_t words_n);

/* As link_ask, but an answer that is a stream ("stream": true) is followed until each says no, SIGINT comes (*was_interrupted)
 * or the server ends it. */
json_t *link_follow(const struct link *l, char *const words[], size_t words_n, link_event *each, void *ctx,
		    bool *was_interrupted);
