/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/option.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

constexpr size_t KEY_MAX = 32; /* of the table; longer names are near to none */

#define ROW(where, field_at, name, type_, dflt_, min_, max_, reload_, state_, help_) \
	{                                                                            \
		.key = name,                                                         \
		.dflt = dflt_,                                                       \
		.help = help_,                                                       \
		.offset = field_at,                                                  \
		.min = min_,                                                         \
		.max = max_,                                                         \
		.type = TYPE_##type_,                                                \
		.scope = where,                                                      \
		.reload = RELOAD_##reload_,                                          \
		.state = STATE_##state_,                                             \
	}

const struct config_option config_options[OPTION_N] = {
#define OPT_G(field, key, type, ctype, ...) \
	[OPTION_##field] = ROW(SCOPE_G, offsetof(struct config, field), key, type, __VA_ARGS__),
#define OPT_V(field, key, type, ctype, ...) \
	[OPTION_##field] = ROW(SCOPE_V, offsetof(struct vhost, field), key, type, __VA_ARGS__),
#define OPT_U(field, key, type, ctype, ...) \
	[OPTION_##field] = ROW(SCOPE_U, offsetof(struct vhost, field), key, type, __VA_ARGS__),
#define OPT_ONLY_U(field, key, type, ctype, ...) \
	[OPTION_##field] = ROW(SCOPE_ONLY_U, offsetof(struct vhost, field), key, type, __VA_ARGS__),
#include "config/options.def"
};

const struct config_word config_words[] = {
#define WORD(key, word, value) { key, word, value },
#include "config/options.def"
	{},
};

const struct config_obsolete config_obsoletes[] = {
#define OBSOLETE(key, advice) { key, advice },
#include "config/options.def"
	{},
};

/* An alias names its option by field, so that a slip is an error of the compiler. */
const struct config_alias config_aliases[] = {
#define ALIAS(old, field, is_inverse) { old, OPTION_##field, is_inverse },
#include "config/options.def"
	{},
};

#define OPT_G(field, key, ...) static_assert(sizeof(key) <= KEY_MAX + 1);
#define OPT_V(field, key, ...) static_assert(sizeof(key) <= KEY_MAX + 1);
#define OPT_U(field, key, ...) static_assert(sizeof(key) <= KEY_MAX + 1);
#define OPT_ONLY_U(field, key, ...) static_assert(sizeof(key) <= KEY_MAX + 1);
#include "config/options.def"

enum config_option_id config_option_find(const char *key)
{
	for (uint16_t i = 0; i < OPTION_N; i++)
		if (strcmp(config_options[i].key, key) == 0)
			return (enum config_option_id)i;
	return OPTION_N;
}

const struct config_alias *config_option_find_alias(const char *key)
{
	for (const struct config_alias *a = config_aliases; a->old != nullptr; a++)
		if (strcmp(a->old, key) == 0)
			return a;
	return nullptr;
}

const struct config_obsolete *config_option_find_obsolete(const char *key)
{
	for (const struct config_obsolete *o = config_obsoletes; o->key != nullptr; o++)
		if (strcmp(o->key, key) == 0)
			return o;
	return nullptr;
}

/* '_' and capitals are the usual slips: they cost nothing. */
static char plain(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

/* Edits from a to b: insert, delete, change, or swap of two neighbours. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[3][KEY_MAX + 1] = {}; /* this row of the table at i % 3, and the two before */
	for (size_t j = 0; j <= b_len; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *older = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			const char x = plain(a[i - 1]), y = plain(b[j - 1]);
			now[j] = MIN(MIN(now[j - 1], before[j]) + 1, before[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == plain(b[j - 2]) && y == plain(a[i - 2]))
				now[j] = MIN(now[j], older[j - 2] + 1);
		}
	}
	return row[a_len % 3][b_len];
}

const char *config_option_nearest(const char *key)
{
	const size_t len = strlen(key);
	if (len > KEY_MAX)
		return nullptr;
	const char *best = nullptr;
	size_t least = MAX(len / 3, (size_t)1) + 1;
	for (size_t i = 0; i < OPTION_N; i++) {
		const char *candidate = config_options[i].key;
		const size_t other = strlen(candidate);
		if ((len > other ? len - other : other - len) >= least)
			continue;
		const size_t d = distance(key, len, candidate, other);
		if (d < least) {
			least = d;
			best = candidate;
		}
	}
	return best;
}

bool config_option_is_global(const struct config_option *o)
{
	return o->scope == SCOPE_G;
}

bool config_option_is_vhost(const struct config_option *o)
{
	return o->scope == SCOPE_V || o->scope == SCOPE_U || o->scope == SCOPE_ONLY_U;
}

void *config_option_in_config(const struct config_option *o, struct config *c)
{
	assert(config_option_is_global(o));
	return (char *)c + o->offset;
}

void *config_option_in_vhost(const struct config_option *o, struct vhost *v)
{
	assert(config_option_is_vhost(o));
	return (char *)v + o->offset;
}

const void *config_option_of_config(const struct config_option *o, const struct config *c)
{
	assert(config_option_is_global(o));
	return (const char *)c + o->offset;
}

const void *config_option_of_vhost(const struct config_option *o, const struct vhost *v)
{
	assert(config_option_is_vhost(o));
	return (const char *)v + o->offset;
}

bool config_option_is_secret(const char *key)
{
	static const enum config_option_id secrets[] = { OPTION_key_pin, OPTION_srk_pin,
							 OPTION_camouflage_secret };
	static const char *const hints[] = { "pin", "secret", "pass" };
	const enum config_option_id id = config_option_find(key);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (id == secrets[i])
			return true;
	for (size_t i = 0; id == OPTION_N && i < ARRAY_LEN(hints); i++)
		if (strcasestr(key, hints[i]) != nullptr)
			return true;
	return false;
}
