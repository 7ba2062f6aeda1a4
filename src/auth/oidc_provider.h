/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_provider - the two documents of an OpenID provider: where it is, and with which keys it signs
 *
 * Runs in:  a child of the auth process, which tells the parent what it has fetched.
 * Source:   OpenID Connect Discovery 1.0.
 */
#pragma once

#include "auth/oidc_conf.h"
#include "auth/oidc_token.h"

struct oidc_provider {
	const struct oidc_conf *conf;
	json_t *discovery, *keys;
	char *discovery_text, *keys_text; /* as fetched just now; nullptr: nothing was */
	char error[320];                  /* why not, with another result than ERR_OK */
};

/* What is known, or fetched if that is nothing or old.  ERR_SYS: the provider cannot be used now. */
enum err oidc_provider_init(struct oidc_provider *p, const struct oidc_conf *c);
void oidc_provider_fini(struct oidc_provider *p);

/* A text of the first document; nullptr: it has none. */
const char *oidc_provider_text(const struct oidc_provider *p, const char *name);
/* Is the word in a list of the first document? */
bool oidc_provider_lists(const struct oidc_provider *p, const char *list, const char *word);

/* As oidc_token_verify, with the keys of the provider; they are fetched again if one is unknown.  ERR_SYS: they cannot be had now. */
enum err oidc_provider_verify(struct oidc_provider *p, json_t **claims, const char *token,
			      const struct oidc_expect *x, const char **why);
