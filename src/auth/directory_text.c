/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/directory_text.h"

#include <stdio.h>
#include <string.h>

/* {{ filters */

/* Brackets between which nothing else stands, as far as one can see without being a directory server. */
static bool is_balanced(const char *f)
{
	size_t depth = 0;
	for (const char *at = f; *at != '\0'; at++) {
		if (depth == 0 && *at != '(')
			return false;
		if (*at == ')' && at[-1] == '(')
			return false;
		depth += *at == '(';
		depth -= *at == ')';
		if (depth == 0 && at[1] != '\0')
			return false;
	}
	return depth == 0 && f[0] == '(';
}

enum err directory_text_check(const char *filter, bool needs_user, struct wordfile_why *why)
{
	bool has_user = false, has_dn = false;
	if (!is_balanced(filter))
		return wordfile_complain(why, ERR_SYNTAX, "expected one filter in brackets that fit");
	for (const char *at = filter; (at = strchr(at, '%')) != nullptr; at += 2) {
		has_user |= at[1] == 'u';
		has_dn |= at[1] == 'd';
		if (at[1] != 'u' && (at[1] != 'd' || needs_user))
			return wordfile_complain(why, ERR_SYNTAX, "expected %s behind %%",
						 needs_user ? "u" : "u or d");
	}
	if (!has_user && (needs_user || !has_dn))
		return wordfile_complain(why, ERR_SYNTAX, "expected %s, where the user is put in",
					 needs_user ? "%u" : "%u or %d");
	return ERR_OK;
}

/* What is no letter or digit is written as its number: more than RFC 4515 demands, and always right. */
static enum err put_escaped(FILE *f, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@=, ";
	for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
		if ((strchr(plain, *at) != nullptr ? fprintf(f, "%c", *at) : fprintf(f, "\\%02x", *at)) < 0)
			return ERR_RANGE;
	return ERR_OK;
}

static enum err put_filter(FILE *f, const char *filter, const char *user, const char *dn)
{
	for (const char *at = filter; *at != '\0'; at++) {
		if (*at != '%') {
			if (fputc(*at, f) == EOF)
				return ERR_RANGE;
			continue;
		}
		at++;
		const char *in = *at == 'u' ? user : *at == 'd' ? dn : nullptr;
		if (in == nullptr)
			return ERR_SYNTAX;
		TRY(put_escaped(f, in));
	}
	return ERR_OK;
}

enum err directory_text_filter(char *out, size_t cap, const char *filter, const char *user, const char *dn)
{
	FILE *f = fmemopen(out, cap, "w");
	if (f == nullptr)
		return ERR_NOMEM;
	enum err e = put_filter(f, filter, user, dn);
	long n = ftell(f);
	bool is_whole = fflush(f) == 0 && n >= 0 && (size_t)n < cap;
	fclose(f);
	if (e == ERR_OK && !is_whole)
		e = ERR_RANGE;
	out[e == ERR_OK ? (size_t)n : 0] = '\0';
	return e;
}

/* {{ names */

/* Length of the UTF-8 character at p; 0: it is none, or one that is spelled too long. */
static size_t character(const unsigned char *p)
{
	static const struct {
		unsigned char mask, bits;
		uint32_t least;
	} kinds[] = {
		{ 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 }
	};
	for (size_t n = 0; n < ARRAY_LEN(kinds); n++) {
		if ((p[0] & kinds[n].mask) != kinds[n].bits)
			continue;
		uint32_t c = p[0] & (unsigned char)~kinds[n].mask;
		for (size_t i = 1; i <= n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		return c >= kinds[n].least && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? n + 1 : 0;
	}
	return 0;
}

bool directory_text_is_name(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = 1;
	for (; *p != '\0' && n != 0; p += n) {
		if (*p < ' ' || *p == 0x7f)
			return false;
		n = character(p);
	}
	return n != 0 && text[0] != '\0';
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* One character of a DN's value (RFC 4514, 2.4); how many bytes it took, 0: it is wrong. */
static size_t unescape(const char *at, const char *end, char *out)
{
	*out = *at;
	if (*at != '\\')
		return 1;
	if (end - at >= 3 && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
		*out = (char)(hex(at[1]) << 4 | hex(at[2]));
		return 3;
	}
	if (end - at < 2)
		return 0;
	*out = at[1];
	return 2;
}

/* Where the value of a DN's first part begins; nullptr: it is no DN. */
static const char *value_of(const char *text, const char *end)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	const char *equals = memchr(text, '=', (size_t)(end - text));
	if (equals == nullptr || equals == text)
		return nullptr;
	for (const char *at = text; at < equals; at++)
		if (strchr(letters, *at) == nullptr || *at == '\0')
			return nullptr;
	return equals + 1;
}

enum err directory_text_group(char *out, size_t cap, const char *value, size_t len)
{
	const char *end = value + len, *at = value_of(value, end);
	bool is_dn = at != nullptr;
	size_t n = 0, used;
	for (at = is_dn ? at : value; at < end; at += used) {
		char c = *at;
		used = 1;
		if (is_dn && (c == ',' || c == '+'))
			break;
		if (n + 1 >= cap)
			return ERR_RANGE;
		if (is_dn && (used = unescape(at, end, &c)) == 0)
			return ERR_SYNTAX;
		if (c == '\0')
			return ERR_SYNTAX;
		out[n++] = c;
	}
	out[n] = '\0';
	return directory_text_is_name(out) ? ERR_OK : ERR_SYNTAX;
}
