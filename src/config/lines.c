/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/lines.h"

#include <string.h>

static const char bom[] = "\xef\xbb\xbf";

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct config_span trim(struct config_span s)
{
	while (s.len > 0 && is_space(s.p[0]))
		s = (struct config_span){ s.p + 1, s.len - 1 };
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static struct config_span skip(struct config_span s, size_t n)
{
	return (struct config_span){ s.p + n, s.len - n };
}

static struct config_span first(struct config_span s, size_t n)
{
	return (struct config_span){ s.p, n };
}

/* Nothing but white space, or white space and a comment. */
static bool is_rest_empty(struct config_span s)
{
	const struct config_span rest = trim(s);
	return rest.len == 0 || (rest.p != s.p && rest.p[0] == '#');
}

static struct config_span cut_comment(struct config_span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '#' && (i == 0 || is_space(s.p[i - 1])))
			return trim(first(s, i));
	return s;
}

static enum config_line_kind split_section(struct config_span s, struct config_line *out)
{
	const char *end = memchr(s.p, ']', s.len);
	if (end == nullptr)
		return LINE_NO_BRACKET;
	const size_t len = (size_t)(end - s.p);
	if (!is_rest_empty(skip(s, len + 1)))
		return LINE_NO_BRACKET;
	out->key = trim(skip(first(s, len), 1));
	return LINE_SECTION;
}

/* s begins with a quote; it ends at the first quote that has nothing behind it. */
static enum config_line_kind split_quoted(struct config_span s, struct config_line *out)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] != '"' || !is_rest_empty(skip(s, i + 1)))
			continue;
		out->value = trim(skip(first(s, i), 1));
		return LINE_PAIR;
	}
	return LINE_NO_QUOTE;
}

static size_t find_separator(struct config_span s)
{
	size_t i = 0;
	while (i < s.len && s.p[i] != '=' && s.p[i] != ':')
		i++;
	return i;
}

static enum config_line_kind split_pair(struct config_span s, struct config_line *out)
{
	const size_t at = find_separator(s);
	out->key = trim(first(s, at));
	if (at == s.len)
		return LINE_NO_EQUALS;
	if (out->key.len == 0)
		return LINE_NO_KEY;
	const struct config_span value = trim(skip(s, at + 1));
	if (value.len > 0 && value.p[0] == '"')
		return split_quoted(value, out);
	out->value = cut_comment(value);
	return LINE_PAIR;
}

static enum config_line_kind split(struct config_span line, struct config_line *out)
{
	if (line.len > CONFIG_LINE_MAX)
		return LINE_TOO_LONG;
	if (memchr(line.p, '\0', line.len) != nullptr)
		return LINE_HAS_NUL;
	const struct config_span s = trim(line);
	if (s.len == 0 || s.p[0] == '#' || s.p[0] == ';')
		return LINE_BLANK;
	return s.p[0] == '[' ? split_section(s, out) : split_pair(s, out);
}

void config_lines_init(struct config_lines *l, const char *text, size_t len)
{
	*l = (struct config_lines){ .text = reader_of(text, len) };
	constexpr size_t bom_len = sizeof bom - 1;
	if (len >= bom_len && memcmp(text, bom, bom_len) == 0)
		reader_take(&l->text, bom_len);
}

bool config_lines_next(struct config_lines *l, struct config_line *out)
{
	struct reader *r = &l->text;
	if (r->left == 0)
		return false;
	const uint8_t *end = memchr(r->at, '\n', r->left);
	const size_t len = end == nullptr ? r->left : (size_t)(end - r->at);
	const struct config_span line = { (const char *)reader_take(r, len), len };
	if (end != nullptr)
		reader_take(r, 1);
	*out = (struct config_line){ .number = ++l->number };
	out->kind = split(line, out);
	return true;
}
