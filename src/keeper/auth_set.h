/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_set - which back end each virtual host uses, in one generation of the configuration
 *
 * Owner:    a generation (edition.h).
 * Runs in:  the loop thread.
 */
#pragma once

#include "config/config.h"
#include "keeper/auth_backend.h"

struct auth_set {
	struct auth_backend **by_vhost; /* of vhosts_n; nullptr: none */
	size_t vhosts_n;
};

/* Where a virtual host's method with a file stands in its list; false if it has none. */
bool auth_set_method(const struct vhost *v, uint32_t *index, const struct auth_backend_kind **kind,
		     const char **file);

/* conf gives loop and functions.  Back ends of before with the same file are shared. */
enum err auth_set_init(struct auth_set *set, const struct config *cfg, const struct auth_set *before,
		       const struct auth_backend_conf *conf);
void auth_set_fini(struct auth_set *set);

struct auth_backend *auth_set_find(const struct auth_set *set, uint32_t vhost);
/* A virtual host that uses it; false if none does any more. */
bool auth_set_vhost_of(const struct auth_set *set, const struct auth_backend *b, uint32_t *vhost);
void auth_set_tick(const struct auth_set *set, struct mono now);
