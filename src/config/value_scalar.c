/* SPDX-License-Identifier: GPL-3.0-or-later */
/* value_scalar - the types of one value: bool, u32, enum, str */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/value.h"

static void clear_nothing(void *)
{
}

/* --- bool */

static enum err parse_bool(const struct config_option *, void *value, const char *text,
			   struct config_why *why)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "false", false }, { "yes", true },
		{ "no", false },  { "1", true },      { "0", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		*(bool *)value = words[i].value;
		return ERR_OK;
	}
	config_why_set(why, "expected true or false (or yes, no, 1, 0)");
	return ERR_SYNTAX;
}

static enum err copy_bool(void *to, const void *from)
{
	*(bool *)to = *(const bool *)from;
	return ERR_OK;
}

static bool is_equal_bool(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

const struct config_value_type config_value_bool = { "true or false", false,         parse_bool,
						     copy_bool,       is_equal_bool, clear_nothing };

/* --- u32 */

static bool read_u32(const char *text, uint64_t *out)
{
	uint64_t v = 0;
	if (*text == '\0')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		v = MIN(v * 10 + (uint64_t)(*text - '0'), (uint64_t)UINT32_MAX + 1);
	*out = v;
	return *text == '\0';
}

static void say_range(const struct config_option *o, uint64_t dflt, struct config_why *why)
{
	if (dflt < o->min)
		config_why_set(why, "expected a whole number from %u to %u, or %u", o->min, o->max,
			       (unsigned)dflt);
	else
		config_why_set(why, "expected a whole number from %u to %u", o->min, o->max);
}

static enum err parse_u32(const struct config_option *o, void *value, const char *text,
			  struct config_why *why)
{
	uint64_t v = 0, dflt = o->min;
	if (o->dflt != nullptr)
		(void)read_u32(o->dflt, &dflt);
	const bool is_number = read_u32(text, &v);
	if (is_number && (v == dflt || (v >= o->min && v <= o->max))) {
		*(uint32_t *)value = (uint32_t)v;
		return ERR_OK;
	}
	say_range(o, dflt, why);
	return is_number ? ERR_RANGE : ERR_SYNTAX;
}

static enum err copy_u32(void *to, const void *from)
{
	*(uint32_t *)to = *(const uint32_t *)from;
	return ERR_OK;
}

static bool is_equal_u32(const void *a, const void *b)
{
	return *(const uint32_t *)a == *(const uint32_t *)b;
}

const struct config_value_type config_value_u32 = { "number", false,        parse_u32,
						    copy_u32, is_equal_u32, clear_nothing };

/* --- enum */

static void say_words(const struct config_option *o, struct config_why *why)
{
	size_t len = (size_t)snprintf(why->text, sizeof why->text, "expected one of");
	for (const struct config_word *w = config_words; w->key != nullptr; w++)
		if (strcmp(w->key, o->key) == 0 && len < sizeof why->text)
			len += (size_t)snprintf(why->text + len, sizeof why->text - len, " %s", w->word);
}

static enum err parse_enum(const struct config_option *o, void *value, const char *text,
			   struct config_why *why)
{
	for (const struct config_word *w = config_words; w->key != nullptr; w++) {
		if (strcmp(w->key, o->key) != 0 || strcmp(w->word, text) != 0)
			continue;
		*(uint32_t *)value = w->value;
		return ERR_OK;
	}
	say_words(o, why);
	return ERR_SYNTAX;
}

const struct config_value_type config_value_enum = { "word",   false,        parse_enum,
						     copy_u32, is_equal_u32, clear_nothing };

/* --- str */

static void clear_str(void *value)
{
	free(*(char **)value);
	*(char **)value = nullptr;
}

static enum err parse_str(const struct config_option *o, void *value, const char *text,
			  struct config_why *why)
{
	if (*text == '\0' && o->dflt != nullptr && o->max == 0) {
		config_why_set(why, "expected a text; without the line it is %s", o->dflt);
		return ERR_SYNTAX;
	}
	char *copy = nullptr;
	if (*text != '\0') /* empty: as if it were not set */
		TRY(config_value_copy_str(&copy, text));
	clear_str(value);
	*(char **)value = copy;
	return ERR_OK;
}

static enum err copy_str(void *to, const void *from)
{
	return config_value_copy_str(to, *(char *const *)from);
}

static bool is_equal_str(const void *a, const void *b)
{
	return config_value_is_same_str(*(char *const *)a, *(char *const *)b);
}

const struct config_value_type config_value_str = { "text",   false,        parse_str,
						    copy_str, is_equal_str, clear_str };
