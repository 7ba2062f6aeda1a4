/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * saml_conf - one file in JSON about a SAML identity provider, and the files that it names
 *
 *	{ "idp_metadata_file": "/etc/ocserv-modern/idp.xml", "group_attribute": "groups" }
 *
 * The provider's metadata is kept as bytes: only children read XML, the one that checks it at a reload among them.
 *
 * Owner:    struct methods.
 * Runs in:  the auth process; children use their copy of it.
 */
#pragma once

#include <jansson.h>

#include "base/base.h"

struct saml_conf;

struct saml_settings {
	char *metadata;        /* of the provider, XML */
	char *user_attribute;  /* nullptr: NameID */
	char *group_attribute; /* nullptr: groups are not of interest */
	char *key, *certificate; /* PEM, that requests are signed with; both nullptr: they are not */
	json_t *required;      /* attributes that must have these values; nullptr: none */
	uint32_t skew_s;       /* that clocks may differ */
};

/* ERR_CONFIG: problem tells what is wrong. */
enum err saml_conf_new(struct saml_conf **out, const char *path, char *problem, size_t cap);
/* Wipes the key. */
void saml_conf_free(struct saml_conf *c);
const char *saml_conf_path(const struct saml_conf *c);
const struct saml_settings *saml_conf_settings(const struct saml_conf *c);
