/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value - what the types of options have in common: parse, copy, compare, free
 *
 * A value is the member of struct config or struct vhost, so it comes here as void *: the row of its option knows the type.
 * Zeroed bytes are a valid, unset value of every type.
 */
#pragma once

#include "config/option.h"

/* Why a value was refused, and what would be accepted: "expected true or false". */
struct config_why {
	char text[256];
};
[[gnu::format(printf, 2, 3)]] void config_why_set(struct config_why *why, const char *fmt, ...);

/* Put the value of text into *value; a list gets one more.  ERR_SYNTAX and ERR_RANGE come with why; ERR_NOMEM. */
enum err config_value_parse(const struct config_option *o, void *value, const char *text,
			    struct config_why *why);
/* *to is unset before. */
enum err config_value_copy(const struct config_option *o, void *to, const void *from);
bool config_value_is_equal(const struct config_option *o, const void *a, const void *b);
/* Unset again. */
void config_value_clear(const struct config_option *o, void *value);
/* May several lines set the option, each adding one? */
bool config_value_is_list(const struct config_option *o);
/* The type in words, for the manual: "number", "list of networks". */
const char *config_value_type_name(const struct config_option *o);

/* What each type brings; the files value_*.c have one table entry each. */
struct config_value_type {
	const char *name;
	bool is_list;
	enum err (*parse)(const struct config_option *o, void *value, const char *text,
			  struct config_why *why);
	enum err (*copy)(void *to, const void *from);
	bool (*is_equal)(const void *a, const void *b);
	void (*clear)(void *value);
};
extern const struct config_value_type config_value_bool;
extern const struct config_value_type config_value_u32;
extern const struct config_value_type config_value_enum;
extern const struct config_value_type config_value_str;
extern const struct config_value_type config_value_strlist;
extern const struct config_value_type config_value_domainlist;
extern const struct config_value_type config_value_prefix;
extern const struct config_value_type config_value_prefixlist;
extern const struct config_value_type config_value_addrlist;
extern const struct config_value_type config_value_auth;
extern const struct config_value_type config_value_groups;
extern const struct config_value_type config_value_bytes;
extern const struct config_value_type config_value_date;

/* Make room for one more: *v has n elements of size each, and afterwards at least n + 1.  ERR_NOMEM. */
enum err config_value_grow(void **v, size_t n, size_t size);
/* nullptr stays nullptr. */
enum err config_value_copy_str(char **to, const char *from);
bool config_value_is_same_str(const char *a, const char *b);
/* len bytes, none of them 0, as a new string; begin need not be a string. */
enum err config_value_copy_bytes(char **to, const char *begin, size_t len);
/* Without white space around; the part of s from begin to end as a new string. */
enum err config_value_trimmed(char **out, const char *begin, const char *end);

/* Drop the bits behind the length: 192.0.2.7/24 means the network 192.0.2.0/24. */
void config_prefix_mask(struct prefix *p);
/* The length that "255.255.255.0" means.  ERR_SYNTAX, ERR_RANGE. */
enum err config_prefix_parse_mask(const char *text, uint8_t *len);
