/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text - pieces of text inside a request, and text made safe for a place in an answer
 *
 * Owner:  nobody; a slice points into bytes of its caller.
 * Never:  allocates; keeps a pointer.
 */
#pragma once

#include "base/buf.h"

/* n bytes without an end mark; p nullptr: there is none at all. */
struct slice {
	const char *p;
	size_t n;
};

struct slice text_slice(const char *s);
bool text_is(struct slice s, const char *word);
bool text_is_nocase(struct slice s, const char *word);
bool text_has_prefix_nocase(struct slice s, const char *prefix);
struct slice text_trim(struct slice s);
/* The next word up to sep (a byte), trimmed, taken off *rest; p nullptr when all are taken. */
struct slice text_next_word(struct slice *rest, char sep);
/* A word of a list without regard to case, as in "IPv6,IPv4". */
bool text_list_has(struct slice list, char sep, const char *word);
/* Digits only; ERR_SYNTAX, or ERR_RANGE above max. */
enum err text_number(uint64_t *out, struct slice s, uint64_t max);

/* Letters, digits and - . _ ~ as they are, every other byte as %XX. */
void text_emit_percent(struct writer *w, const char *s);

/* As much of s as fits, ended by NUL; every byte that is not printable ASCII becomes '?'. */
void text_copy_ascii(char *out, size_t cap, struct slice s);
/* All of s, ended by NUL.  ERR_RANGE if it does not fit, ERR_SYNTAX if it has a NUL in it. */
enum err text_copy(char *out, size_t cap, struct slice s);
/* %XX, and '+' for a blank if plus.  A '%' without two hex digits, or %00: ERR_SYNTAX; no room: ERR_RANGE. */
enum err text_percent_decode(char *out, size_t cap, struct slice s, bool plus);

/* Text for XML content and attribute values: & < > " ' as entities, bytes that are not UTF-8 or not allowed in XML as U+FFFD. */
void text_emit_xml(struct writer *w, const char *s);
/* Text for the value of a header: line ends and control bytes as blanks, what is not ASCII as '?'. */
void text_emit_line(struct writer *w, const char *s);
/* A whole header line as configured plus CRLF; a control byte in it fails the writer. */
void text_emit_header(struct writer *w, const char *line);
