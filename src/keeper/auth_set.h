/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_set - which back end with a file each method uses, in one generation of the configuration
 *
 * A method may have two: plain[passwd=FILE,otp=FILE].
 *
 * Owner:    a generation (edition.h).
 * Runs in:  the loop thread.
 */
#pragma once

#include "config/config.h"
#include "keeper/auth_backend.h"

/* A file that a method names. */
struct auth_set_file {
	uint32_t vhost, method; /* config_vhost_method */
	const struct auth_backend_kind *kind;
	const char *file; /* in the configuration */
};
/* The n-th of a configuration; false: there are no more. */
bool auth_set_file(const struct config *cfg, size_t n, struct auth_set_file *out);

struct auth_set_entry {
	uint32_t vhost, method;
	struct auth_backend *backend;
};

struct auth_set {
	struct auth_set_entry *entries;
	size_t entries_n;
};

/* conf gives loop and functions.  Back ends of before with the same file are shared. */
enum err auth_set_init(struct auth_set *set, const struct config *cfg, const struct auth_set *before,
		       const struct auth_backend_conf *conf);
void auth_set_fini(struct auth_set *set);

/* nullptr: the method has no such file. */
struct auth_backend *auth_set_find(const struct auth_set *set, uint32_t vhost, uint32_t method,
				   enum msgs_file file);
/* A place of the configuration that names its file; false if none does any more. */
bool auth_set_place_of(const struct auth_set *set, const struct auth_backend *b, uint32_t *vhost,
		       uint32_t *method);
void auth_set_tick(const struct auth_set *set, struct mono now);
