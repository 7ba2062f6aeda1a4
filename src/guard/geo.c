/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/geo.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

constexpr size_t LINE_BYTES_MAX = 4096;
static const char blanks[] = " \t\r";

struct line {
	struct geo *g;
	const char *name; /* of the file */
	uint32_t number;
	char *rest; /* words that are not read yet */
	enum trie_verdict verdict;
};

/* {{ words }} */

[[gnu::format(printf, 2, 3)]] static enum err complain(const struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(l->g->why, GEO_WHY_MAX, "%s:%u: ", l->name, l->number);
	if (n < 0 || (size_t)n >= GEO_WHY_MAX)
		return ERR_CONFIG;
	va_start(ap, fmt);
	vsnprintf(l->g->why + n, GEO_WHY_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return ERR_CONFIG;
}

/* nullptr: none is left. */
static char *next_word(struct line *l)
{
	l->rest += strspn(l->rest, blanks);
	if (*l->rest == '\0')
		return nullptr;
	char *word = l->rest;
	l->rest += strcspn(l->rest, blanks);
	if (*l->rest != '\0')
		*l->rest++ = '\0';
	return word;
}

/* The rest of the line, without blanks around; nullptr if there is none. */
static char *last_word(struct line *l)
{
	char *word = l->rest + strspn(l->rest, blanks);
	size_t len = strlen(word);
	while (len > 0 && strchr(blanks, word[len - 1]) != nullptr)
		word[--len] = '\0';
	return len > 0 ? word : nullptr;
}

uint16_t geo_country(const char *code, size_t len)
{
	uint16_t c = 0;
	if (len != 2)
		return GEO_NO_COUNTRY;
	for (size_t i = 0; i < 2; i++) {
		char letter = (char)(code[i] & ~0x20);
		if (letter < 'A' || letter > 'Z')
			return GEO_NO_COUNTRY;
		c = (uint16_t)(c * 26 + (letter - 'A'));
	}
	return c;
}

static enum err add_range(struct line *l, const char *word)
{
	struct range r;
	enum err e = range_parse(&r, word);
	if (e == ERR_RANGE)
		return complain(
			l, "'%s' is not the beginning of a network, or is everything; write 192.0.2.0/24",
			word);
	if (e != ERR_OK)
		return complain(l, "'%s' is no address or network; write 192.0.2.0/24 or 2001:db8::/32",
				word);
	if (range_is_own(&r) && l->verdict != TRIE_ALLOW)
		return complain(l, "'%s' is this machine itself, which cannot be blocked; remove it", word);
	e = trie_add(&l->g->trie, &r, l->verdict);
	return e == ERR_FULL ? complain(l, "there are more than %u prefixes; use fewer countries",
					TRIE_PREFIXES_MAX)
			     : e;
}

/* {{ lines }} */

static enum err read_ranges(struct line *l)
{
	char *word = next_word(l);
	if (word == nullptr)
		return complain(l, "an address or network is missing; write 192.0.2.0/24");
	for (; word != nullptr; word = next_word(l))
		TRY(add_range(l, word));
	return ERR_OK;
}

static enum err read_country(struct line *l, const char *word, uint16_t *out)
{
	*out = word != nullptr ? geo_country(word, strlen(word)) : GEO_NO_COUNTRY;
	if (*out == GEO_NO_COUNTRY)
		return complain(l, "'%s' is no country; write its two letters, as AT",
				word != nullptr ? word : "");
	return ERR_OK;
}

static enum err read_countries(struct line *l)
{
	uint16_t c;
	char *word = next_word(l);
	do {
		TRY(read_country(l, word, &c));
		uint8_t *v = &l->g->verdicts[c];
		if (*v != 0 && *v != l->verdict)
			return complain(l, "'%s' is allowed and blocked; remove one of the two", word);
		*v = l->verdict;
	} while ((word = next_word(l)) != nullptr);
	return ERR_OK;
}

static enum err copy_path(struct line *l, char **out)
{
	const char *path = last_word(l);
	if (path == nullptr)
		return complain(l, "the name of a file is missing");
	*out = strdup(path);
	return *out != nullptr ? ERR_OK : ERR_NOMEM;
}

static enum err read_file_of_country(struct line *l)
{
	struct geo *g = l->g;
	struct geo_file f = { .line = l->number };
	TRY(read_country(l, next_word(l), &f.country));
	if (g->files_n == GEO_FILES_MAX)
		return complain(l, "there are more than %zu files", GEO_FILES_MAX);
	TRY(copy_path(l, &f.path));
	g->files[g->files_n++] = f;
	return ERR_OK;
}

static enum err read_database(struct line *l)
{
	if (l->g->database != nullptr)
		return complain(l, "line %u names a database already; remove one of the two",
				l->g->database_line);
	l->g->database_line = l->number;
	return copy_path(l, &l->g->database);
}

static const struct {
	const char *key;
	enum trie_verdict verdict;
	enum err (*read)(struct line *l);
} keys[] = {
	{ "allow", TRIE_ALLOW, read_ranges },
	{ "block", TRIE_BLOCK, read_ranges },
	{ "allow-country", TRIE_COUNTRY_ALLOW, read_countries },
	{ "block-country", TRIE_COUNTRY_BLOCK, read_countries },
	{ "country-prefixes", TRIE_NONE, read_file_of_country },
	{ "country-database", TRIE_NONE, read_database },
};

static enum err read_line(struct line *l)
{
	char *key = l->rest + strspn(l->rest, blanks);
	size_t len = strcspn(key, " \t\r=:");
	l->rest = key + len;
	if (*l->rest != ':') /* which, behind a blank, begins an address */
		l->rest += strspn(l->rest, blanks);
	if (*l->rest == '=' || (*l->rest == ':' && l->rest == key + len))
		l->rest++;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strlen(keys[i].key) == len && memcmp(keys[i].key, key, len) == 0) {
			l->verdict = keys[i].verdict;
			return keys[i].read(l);
		}
	return complain(
		l,
		"'%.*s' is no word of this file; write allow, block, allow-country, block-country, country-prefixes or "
		"country-database",
		(int)MIN(len, 40u), key);
}

static enum err read_prefix(struct line *l)
{
	char *word = next_word(l);
	TRY(add_range(l, word));
	return next_word(l) == nullptr ? ERR_OK : complain(l, "one prefix a line");
}

/* Each line that says anything goes to read. */
static enum err each_line(struct line *l, const char *text, size_t len, enum err (*read)(struct line *l))
{
	char copy[LINE_BYTES_MAX + 1];
	for (size_t at = 0; at < len; at++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != nullptr ? (size_t)(end - text) - at : len - at;
		l->number++;
		if (n > LINE_BYTES_MAX)
			return complain(l, "the line is longer than %zu bytes", LINE_BYTES_MAX);
		if (memchr(text + at, '\0', n) != nullptr)
			return complain(l, "the line has a zero byte; is this the right file?");
		memcpy(copy, text + at, n);
		copy[n] = '\0';
		copy[strcspn(copy, "#;")] = '\0';
		l->rest = copy;
		if (copy[strspn(copy, blanks)] != '\0')
			TRY(read(l));
		at += n;
	}
	return ERR_OK;
}

enum err geo_read(struct geo *g, const char *name, const char *text, size_t len)
{
	struct line l = { .g = g, .name = name };
	return each_line(&l, text, len, read_line);
}

enum err geo_read_prefixes(struct geo *g, const char *name, const char *text, size_t len,
			   enum trie_verdict verdict)
{
	struct line l = { .g = g, .name = name, .verdict = verdict };
	return each_line(&l, text, len, read_prefix);
}

/* {{ life }} */

enum err geo_begin(struct geo *g)
{
	*g = (struct geo){};
	return trie_begin(&g->trie);
}

void geo_end(struct geo *g)
{
	trie_abandon(&g->trie);
	for (size_t i = 0; i < g->files_n; i++)
		free(g->files[i].path);
	free(g->database);
	*g = (struct geo){};
}
