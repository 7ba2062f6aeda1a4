/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_entry - the entry of a user in an LDAP directory: who he is, his groups, his facts
 *
 * Owner:    directory_login.
 * Runs in:  a child of the auth process; blocks.
 */
#pragma once

#include "auth/directory_link.h"
#include "ipc/messages.pb-c.h"

struct directory_entry {
	char *dn;         /* of the library */
	char name[DIRECTORY_NAME_MAX];  /* as the directory spells it */
	char group
		[DIRECTORY_NAME_MAX]; /* the one he gets unless he chooses: the first of allow-group, or of all; empty: none */
	Msg__Facts *facts;
};

/* ERR_NOTFOUND: nobody; ERR_FULL: more than one; ERR_BUSY, ERR_SYS: see the link's error. */
enum err directory_entry_find(struct directory_entry *e, struct directory_link *l,
			      const struct directory_settings *s, const char *user);
void directory_entry_fini(struct directory_entry *e);
