/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passwd - the lines of an ocpasswd file: user:group[,group]:crypt-hash
 *
 * Group "*" or any group of one character means none.  A hash that begins with '!' or '*' is locked.  Empty lines and
 * lines that begin with '#' are kept by the tool and ignored by the server.
 *
 * Owner:    the caller owns the text; all spans point into it.
 * Never:    allocates, reads a file, or knows crypt schemes.
 */
#pragma once

#include "base/base.h"

constexpr size_t PASSWD_LINE_MAX = 8192; /* bytes of one line */
constexpr size_t PASSWD_NAME_MAX = 255;  /* bytes of a user or group name */

struct span {
	const char *p;
	size_t len;
};

static inline struct span span_of(const char *p, size_t len)
{
	return (struct span){ .p = p, .len = len };
}
bool span_is(struct span s, const char *text);

enum passwd_kind : uint8_t { PASSWD_ENTRY = 1, PASSWD_BLANK, PASSWD_BAD };

struct passwd_line {
	enum passwd_kind kind;
	uint32_t number; /* of the line, from 1 */
	struct span text; /* the line without its end */
	const char *problem; /* of PASSWD_BAD: what is wrong; static */
	/* of PASSWD_ENTRY: */
	struct span user, groups;
	struct span hash; /* without the '!' of a lock */
	bool locked;
};

struct passwd_reader {
	struct span left;
	uint32_t number;
};

static inline struct passwd_reader passwd_reader_of(const char *text, size_t len)
{
	return (struct passwd_reader){ .left = { .p = text, .len = len } };
}

/* The next line; false at the end of the text. */
bool passwd_next(struct passwd_reader *r, struct passwd_line *out);

/* The next real group of a list; false at its end.  Start with *left = line.groups. */
bool passwd_next_group(struct span *left, struct span *group);

/* What is wrong with a name of a user or with a list of groups; nullptr: nothing.  Static text. */
const char *passwd_user_problem(struct span user);
const char *passwd_groups_problem(struct span groups);
