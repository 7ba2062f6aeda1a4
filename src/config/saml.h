/* SPDX-License-Identifier: GPL-3.0-or-later */
/* saml - what this server is for a SAML identity provider: addresses and metadata; for the worker and the auth process */
#pragma once

#include "base/buf.h"
#include "config/config.h"

#define CONFIG_SAML_ACS "/+saml/acs" /* answers of the provider, by POST */
#define CONFIG_SAML_METADATA "/+saml/metadata" /* for who sets up the provider */
constexpr size_t CONFIG_SAML_ENTITY_MAX = 512; /* with the end */
constexpr size_t CONFIG_SAML_METADATA_MAX = 4096;

/* The first such method of the virtual host; nullptr: none. */
const struct auth_method *config_saml(const struct vhost *v);
/* Our entity identifier, in the method's argument or the address of the metadata. */
void config_saml_entity(const struct auth_method *m, char out[CONFIG_SAML_ENTITY_MAX]);
/* base: https://NAME.  Both have nothing in them that XML would mind (config/auth.c checks it). */
void config_saml_metadata(struct writer *w, const char *entity, const char *base);
