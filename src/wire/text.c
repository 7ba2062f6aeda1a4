/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/text.h"

#include <string.h>
#include <strings.h>

struct slice text_slice(const char *s)
{
	return (struct slice){ .p = s, .n = strlen(s) };
}

bool text_is(struct slice s, const char *word)
{
	return s.n == strlen(word) && (s.n == 0 || memcmp(s.p, word, s.n) == 0);
}

bool text_is_nocase(struct slice s, const char *word)
{
	return s.n == strlen(word) && text_has_prefix_nocase(s, word);
}

bool text_has_prefix_nocase(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);
	return s.n >= n && (n == 0 || strncasecmp(s.p, prefix, n) == 0);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice text_trim(struct slice s)
{
	for (; s.n > 0 && is_blank(s.p[s.n - 1]); s.n--)
		;
	for (; s.n > 0 && is_blank(s.p[0]); s.n--)
		s.p++;
	return s;
}

struct slice text_next_word(struct slice *rest, char sep)
{
	if (rest->p == nullptr)
		return *rest;
	const char *end = rest->n == 0 ? nullptr : memchr(rest->p, sep, rest->n);
	struct slice word = *rest;
	if (end == nullptr) {
		*rest = (struct slice){};
		return text_trim(word);
	}
	word.n = (size_t)(end - rest->p);
	rest->p = end + 1;
	rest->n -= word.n + 1;
	return text_trim(word);
}

bool text_list_has(struct slice list, char sep, const char *word)
{
	for (auto w = text_next_word(&list, sep); w.p != nullptr; w = text_next_word(&list, sep))
		if (text_is_nocase(w, word))
			return true;
	return false;
}

enum err text_number(uint64_t *out, struct slice s, uint64_t max)
{
	if (s.n == 0)
		return ERR_SYNTAX;
	uint64_t v = 0;
	bool big = false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_SYNTAX;
		unsigned digit = (unsigned)(s.p[i] - '0');
		big = big || digit > max || v > (max - digit) / 10;
		v = big ? 0 : v * 10 + digit;
	}
	if (big)
		return ERR_RANGE;
	*out = v;
	return ERR_OK;
}

void text_copy_ascii(char *out, size_t cap, struct slice s)
{
	size_t n = MIN(s.n, cap - 1);
	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	out[n] = '\0';
}

enum err text_copy(char *out, size_t cap, struct slice s)
{
	if (s.n >= cap)
		return ERR_RANGE;
	if (s.n > 0 && memchr(s.p, '\0', s.n) != nullptr)
		return ERR_SYNTAX;
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return ERR_OK;
}

/* 0..15, or -1. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The character at *i, of which *i is moved to the last byte; '\0' if it is malformed. */
static char decode_one(struct slice s, size_t *i, bool plus)
{
	char c = s.p[*i];
	if (c != '%')
		return plus && c == '+' ? ' ' : c;
	if (s.n - *i < 3)
		return '\0';
	int high = hex_digit(s.p[*i + 1]);
	int low = hex_digit(s.p[*i + 2]);
	*i += 2;
	return high < 0 || low < 0 ? '\0' : (char)(high << 4 | low);
}

enum err text_percent_decode(char *out, size_t cap, struct slice s, bool plus)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++, n++) {
		if (n + 1 >= cap)
			return ERR_RANGE;
		out[n] = decode_one(s, &i, plus);
		if (out[n] == '\0')
			return ERR_SYNTAX;
	}
	out[n] = '\0';
	return ERR_OK;
}

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 character at p, of a text that ends with NUL; 0 if it is none that XML allows. */
static size_t char_len(const uint8_t *p)
{
	if (p[0] < 0x80)
		return p[0] >= 0x20 || p[0] == '\n' || p[0] == '\t' ? 1 : 0;
	if (p[0] < 0xc2 || p[0] > 0xf4 || !is_tail(p[1]))
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (!is_tail(p[2]))
		return 0;
	if (p[0] < 0xf0) {
		uint32_t c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return c < 0x800 || (c >= 0xd800 && c < 0xe000) || c >= 0xfffe ? 0 : 3;
	}
	bool in_range = (p[0] != 0xf0 || p[1] >= 0x90) && (p[0] != 0xf4 || p[1] < 0x90);
	return in_range && is_tail(p[3]) ? 4 : 0;
}

static const char *entity_of(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&apos;";
	default: return nullptr;
	}
}

void text_emit_xml(struct writer *w, const char *s)
{
	while (*s != '\0') {
		size_t n = char_len((const uint8_t *)s);
		const char *entity = entity_of(*s);
		if (n == 0)
			writer_str(w, "\xef\xbf\xbd"); /* U+FFFD */
		else if (entity != nullptr)
			writer_str(w, entity);
		else
			writer_put(w, s, n);
		s += MAX(n, (size_t)1);
	}
}

void text_emit_line(struct writer *w, const char *s)
{
	for (; *s != '\0'; s++) {
		uint8_t c = (uint8_t)*s;
		if (is_tail(c))
			continue; /* one mark for a whole character */
		writer_u8(w, c < 0x20 ? ' ' : c < 0x7f ? c : '?');
	}
}

void text_emit_header(struct writer *w, const char *line)
{
	for (const char *c = line; *c != '\0'; c++)
		if (((uint8_t)*c < 0x20 && *c != '\t') || *c == 0x7f)
			w->failed = true;
	const char *colon = strchr(line, ':');
	if (colon == nullptr || colon == line)
		w->failed = true;
	writer_str(w, line);
	writer_str(w, "\r\n");
}

void text_emit_percent(struct writer *w, const char *s)
{
	for (; *s != '\0'; s++) {
		bool alnum = (*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z');
		if (alnum || *s == '-' || *s == '.' || *s == '_' || *s == '~')
			writer_u8(w, (uint8_t)*s);
		else
			writer_fmt(w, "%%%02X", (unsigned)(uint8_t)*s);
	}
}
