/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * option - the rows of options.def as data, and how a name finds its row
 *
 * Never: allocates, or knows how a value looks.
 */
#pragma once

#include "config/config.h"

enum config_option_id : uint16_t {
#define OPT_G(field, ...) OPTION_##field,
#define OPT_V(field, ...) OPTION_##field,
#define OPT_U(field, ...) OPTION_##field,
#define OPT_ONLY_U(field, ...) OPTION_##field,
#include "config/options.def"
	OPTION_N
};

struct config_option {
	const char *key;
	const char *dflt; /* nullptr: unset */
	const char *help;
	size_t offset; /* in struct config for SCOPE_G, else in struct vhost */
	uint32_t min;
	uint32_t max;
	enum config_type type;
	enum config_scope scope;
	enum config_reload reload;
	enum config_state state;
};

struct config_alias {
	const char *old;
	enum config_option_id id;
	bool is_inverse;
};

struct config_obsolete {
	const char *key;
	const char *advice;
};

struct config_word {
	const char *key; /* of the option; nullptr ends the list */
	const char *word;
	uint32_t value;
};

extern const struct config_option config_options[OPTION_N];
extern const struct config_alias config_aliases[];     /* ends with old == nullptr */
extern const struct config_obsolete config_obsoletes[]; /* ends with key == nullptr */
extern const struct config_word config_words[];        /* ends with key == nullptr */

/* OPTION_N if there is none of that name. */
enum config_option_id config_option_find(const char *key);
/* nullptr if there is none of that name. */
const struct config_alias *config_option_find_alias(const char *key);
const struct config_obsolete *config_option_find_obsolete(const char *key);

/* The key most like this one; nullptr if none is near. */
const char *config_option_nearest(const char *key);

/* Does the option have a member in struct config, in struct vhost? */
bool config_option_is_global(const struct config_option *o);
bool config_option_is_vhost(const struct config_option *o);

/* Where the option's value is; the option must be of that struct. */
void *config_option_in_config(const struct config_option *o, struct config *c);
void *config_option_in_vhost(const struct config_option *o, struct vhost *v);
const void *config_option_of_config(const struct config_option *o, const struct config *c);
const void *config_option_of_vhost(const struct config_option *o, const struct vhost *v);

/* May its value appear in messages?  Not that of a PIN or secret, nor of a misspelt one. */
bool config_option_is_secret(const char *key);
