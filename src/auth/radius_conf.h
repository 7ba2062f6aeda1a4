/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_conf - one radiusclient.conf: its servers, and which of them did not answer lately
 *
 * Owner:    struct methods.
 * Runs in:  the auth process; children use their copy of it, and report back who was silent.
 */
#pragma once

#include "auth/radius_file.h"
#include "base/clock.h"

struct radius_conf;

/* Reads the file and its file of secrets.  ERR_CONFIG: problem tells what is wrong. */
enum err radius_conf_new(struct radius_conf **out, const char *path, char *problem, size_t cap);
/* Wipes the secrets. */
void radius_conf_free(struct radius_conf *c);
const char *radius_conf_path(const struct radius_conf *c);
const struct radius_settings *radius_conf_settings(const struct radius_conf *c);

/* Numbers of the servers in the order to be asked; how many. */
unsigned radius_conf_order(const struct radius_conf *c, enum radius_role role, struct mono now,
			   unsigned out[RADIUS_SERVERS_MAX]);
/* Bit n of silent: server n did not answer; it is asked last for a while. */
void radius_conf_note(struct radius_conf *c, enum radius_role role, uint32_t silent, struct mono now);
/* What is known of servers survives a reload, as far as they stand in the same place. */
void radius_conf_inherit(struct radius_conf *to, const struct radius_conf *from);
