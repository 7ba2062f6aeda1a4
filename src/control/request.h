/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * request - one line from occtl: {"cmd":["show","users"],"v":1}
 *
 * Owner:   the client whose line it is.
 * Never:   keeps a pointer into the line; trusts its length, its depth or its encoding.
 */
#pragma once

#include "base/base.h"

constexpr size_t REQUEST_LEN_MAX = 4096;
constexpr size_t REQUEST_WORDS_MAX = 8;
constexpr size_t REQUEST_WORD_MAX = 256;
constexpr int REQUEST_VERSION = 1;

struct request {
	size_t words_n; /* at least 1 */
	char words[REQUEST_WORDS_MAX][REQUEST_WORD_MAX + 1];
};

/* line: without its line feed.  ERR_SYNTAX: not such an object; ERR_RANGE: too long or too many words;
 * ERR_UNSUPPORTED: another version.  *out is written only on ERR_OK. */
enum err request_parse(struct request *out, const char *line, size_t len);
