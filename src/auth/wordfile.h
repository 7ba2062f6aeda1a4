/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wordfile - a file of lines "word value", as the configurations of RADIUS and LDAP clients are
 *
 * Runs in:  the auth process, when a configuration is read.
 */
#pragma once

#include "base/base.h"

constexpr size_t WORDFILE_MAX = 65'536;

/* Why a text is refused. */
struct wordfile_why {
	unsigned line; /* 0: no line in particular */
	char text[160];
};

/* Sets the text; returns e. */
[[gnu::format(printf, 3, 4)]] enum err wordfile_complain(struct wordfile_why *why, enum err e,
							 const char *fmt, ...);

/* The next line that says something: its first word, and the rest without blanks around it; nullptr at the end.  Cuts the
 * text and counts why->line. */
char *wordfile_next(char **rest, char **value, struct wordfile_why *why);

/* Copy a value.  ERR_RANGE: it is too long. */
enum err wordfile_text(char *out, size_t cap, const char *text, struct wordfile_why *why);
/* Decimal digits only.  ERR_RANGE. */
enum err wordfile_number(const char *text, uint32_t least, uint32_t most, uint32_t *out,
			 struct wordfile_why *why);
/* yes, true, no or false.  ERR_SYNTAX. */
enum err wordfile_flag(const char *text, bool *out, struct wordfile_why *why);

/* All of a file as text.  whose: "radius", "ldap", for messages.  is_secret: warn if everybody can read it.  ERR_CONFIG: problem
 * tells why not; ERR_NOMEM. */
enum err wordfile_read(char **out, const char *whose, const char *path, bool is_secret, char *problem,
		       size_t cap);
/* Wipes and frees what wordfile_read gave; for OWNED. */
void wordfile_drop(char **text);
/* problem: "whose path:line: why"; ERR_CONFIG. */
enum err wordfile_explain(char *problem, size_t cap, const char *whose, const char *path,
			  const struct wordfile_why *why);
