/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * offers - what a generation of the configuration offers to clients beside its text: profiles and the groups of a back end
 *
 * Owner:    a generation, of the worker.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"

/* Of one virtual host. */
struct offer {
	uint8_t *profile; /* nullptr: none */
	size_t profile_len;
	const char *profile_name; /* without folders; in the configuration */
	char profile_sha1[41];
	char **groups; /* known to the authentication method */
	size_t groups_n;
};

struct offers {
	struct offer *v; /* of cfg->vhosts_n; nullptr: nothing was taken yet */
	size_t n;
};

/* The profiles that m names, from a descriptor that the call does not close.  ERR_PROTO, ERR_SYS, ERR_NOMEM, ERR_CRYPTO. */
enum err offers_take_profiles(struct offers *o, const struct config *cfg, const Msg__Config *m, int fd);
/* The groups that the keeper found.  ERR_PROTO: of no virtual host. */
enum err offers_take_groups(struct offers *o, const struct config *cfg, const Msg__Certs *certs);
void offers_fini(struct offers *o);

/* Never nullptr: a virtual host that offers nothing has an empty one. */
const struct offer *offers_of(const struct offers *o, uint32_t vhost);
