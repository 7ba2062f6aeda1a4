/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lines - the text of a configuration, line by line
 *
 * A reader of our own: inih, as Debian builds it, cuts a line at 200 bytes and takes the rest for a line of its own, takes
 * an indented line for another value of the line before, and tells no line numbers.
 *
 *	key = value        also "key: value"; white space around is dropped
 *	key = "value"      up to the quote that ends the line, so that quotes and # may stand inside
 *	key = value # why  a # after white space begins a comment
 *	# comment          also with ;
 *	[section]
 *
 * Never: allocates.  The spans point into the text.
 */
#pragma once

#include "base/buf.h"

constexpr size_t CONFIG_LINE_MAX = 65'536;

struct config_span {
	const char *p;
	size_t len;
};

enum config_line_kind : uint8_t {
	LINE_BLANK = 1,
	LINE_SECTION, /* key is what stands between the brackets */
	LINE_PAIR,
	LINE_HAS_NUL,
	LINE_TOO_LONG,
	LINE_NO_BRACKET, /* '[' without ']', or text after it */
	LINE_NO_EQUALS,
	LINE_NO_KEY,
	LINE_NO_QUOTE, /* the quote is not closed at the end */
};

struct config_line {
	enum config_line_kind kind;
	uint32_t number; /* from 1 */
	struct config_span key;
	struct config_span value;
};

struct config_lines {
	struct reader text;
	uint32_t number;
};

void config_lines_init(struct config_lines *l, const char *text, size_t len);
/* false at the end. */
bool config_lines_next(struct config_lines *l, struct config_line *out);
