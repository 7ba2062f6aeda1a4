/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_conf - one file of ldap[config=FILE]: its servers, and which of them did not answer lately
 *
 * Owner:    struct methods.
 * Runs in:  the auth process; children use their copy of it, and report back who was silent.
 */
#pragma once

#include "auth/directory_file.h"
#include "base/clock.h"

constexpr uint32_t DIRECTORY_PATIENCE_S =
	50; /* with all servers; less than a conversation's deadline, task.h */

struct directory_conf;

/* Reads the file and its file of the password.  ERR_CONFIG: problem tells what is wrong. */
enum err directory_conf_new(struct directory_conf **out, const char *path, char *problem, size_t cap);
/* Wipes the password. */
void directory_conf_free(struct directory_conf *c);
const char *directory_conf_path(const struct directory_conf *c);
const struct directory_settings *directory_conf_settings(const struct directory_conf *c);

/* Numbers of the servers in the order to be asked; how many. */
unsigned directory_conf_order(const struct directory_conf *c, struct mono now,
			      unsigned out[DIRECTORY_SERVERS_MAX]);
/* Bit n of silent: server n did not work; it is asked last for a while. */
void directory_conf_note(struct directory_conf *c, uint32_t silent, struct mono now);
/* What is known of servers survives a reload. */
void directory_conf_inherit(struct directory_conf *to, const struct directory_conf *from);
