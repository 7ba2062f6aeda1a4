/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/value.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct config_value_type *const types[] = {
	[TYPE_BOOL] = &config_value_bool,         [TYPE_U32] = &config_value_u32,
	[TYPE_STR] = &config_value_str,           [TYPE_STRLIST] = &config_value_strlist,
	[TYPE_PREFIX] = &config_value_prefix,     [TYPE_PREFIXLIST] = &config_value_prefixlist,
	[TYPE_ADDRLIST] = &config_value_addrlist, [TYPE_DOMAINLIST] = &config_value_domainlist,
	[TYPE_AUTH] = &config_value_auth,         [TYPE_GROUPS] = &config_value_groups,
	[TYPE_ENUM] = &config_value_enum,         [TYPE_BYTES] = &config_value_bytes,
	[TYPE_DATE] = &config_value_date,
};

void config_why_set(struct config_why *why, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
}

enum err config_value_parse(const struct config_option *o, void *value, const char *text,
			    struct config_why *why)
{
	return types[o->type]->parse(o, value, text, why);
}

enum err config_value_copy(const struct config_option *o, void *to, const void *from)
{
	return types[o->type]->copy(to, from);
}

bool config_value_is_equal(const struct config_option *o, const void *a, const void *b)
{
	return types[o->type]->is_equal(a, b);
}

void config_value_clear(const struct config_option *o, void *value)
{
	types[o->type]->clear(value);
}

bool config_value_is_list(const struct config_option *o)
{
	return types[o->type]->is_list;
}

const char *config_value_type_name(const struct config_option *o)
{
	return types[o->type]->name;
}

enum err config_value_grow(void **v, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return ERR_OK; /* a power of two is full, others are not */
	void *more = reallocarray(*v, n == 0 ? 1 : 2 * n, size);
	if (more == nullptr)
		return ERR_NOMEM;
	*v = more;
	return ERR_OK;
}

enum err config_value_copy_str(char **to, const char *from)
{
	*to = nullptr;
	if (from == nullptr)
		return ERR_OK;
	*to = strdup(from);
	return *to == nullptr ? ERR_NOMEM : ERR_OK;
}

bool config_value_is_same_str(const char *a, const char *b)
{
	return a == nullptr || b == nullptr ? a == b : strcmp(a, b) == 0;
}

enum err config_value_copy_bytes(char **to, const char *begin, size_t len)
{
	char *copy = malloc(len + 1);
	if (copy == nullptr)
		return ERR_NOMEM;
	memcpy(copy, begin, len);
	copy[len] = '\0';
	*to = copy;
	return ERR_OK;
}

enum err config_value_trimmed(char **out, const char *begin, const char *end)
{
	while (begin < end && isspace((unsigned char)*begin))
		begin++;
	while (begin < end && isspace((unsigned char)end[-1]))
		end--;
	return config_value_copy_bytes(out, begin, (size_t)(end - begin));
}
