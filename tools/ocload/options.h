/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options - the command line
 *
 * Owner:  main; constant once read, all threads look at it.
 */
#pragma once

#include <stdio.h>

#include "base/addr.h"

enum mode : uint8_t {
	MODE_NONE,
	MODE_LOGINS,
	MODE_IDLE,
	MODE_UP,
	MODE_DOWN,
	MODE_ECHO,
	MODE_PEER,
	MODE_FLOOD,
	MODE_N
};

typedef const char *option_text;
typedef bool option_flag;
typedef uint64_t option_number;
typedef double option_real;

struct options {
	enum mode mode;
#define OPTION_TYPE_TEXT option_text
#define OPTION_TYPE_FLAG option_flag
#define OPTION_TYPE_NUMBER option_number
#define OPTION_TYPE_RATE option_number
#define OPTION_TYPE_REAL option_real
#define OPT(name, letter, kind, field, preset, arg, help) OPTION_TYPE_##kind field;
#include "options.def"
#undef OPT
};

const char *options_mode_name(enum mode m);
/* False: the reason was written to standard error.  After --help and --version only that flag is of use. */
bool options_parse(struct options *o, int argc, char **argv);
void options_help(FILE *to);
/* What --dtls-version lets the server choose from. */
bool options_offers_12(const struct options *o);
bool options_offers_13(const struct options *o);

/* Prefix such as 10.1.0.0/16 or a single address. */
struct prefix {
	struct addr base;
	unsigned bits; /* of 128 */
};
enum err options_prefix(struct prefix *out, const char *text);
bool prefix_has(const struct prefix *p, const struct addr *a);
/* The n-th address of it; n is taken modulo what there is. */
struct addr prefix_nth(const struct prefix *p, uint64_t n);
/* How many addresses it has; at most 2^32. */
uint64_t prefix_count(const struct prefix *p);
