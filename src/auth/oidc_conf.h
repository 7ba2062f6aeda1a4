/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_conf - one file in JSON about an OpenID provider, and what was fetched from that provider
 *
 *	{ "openid_configuration_url": "https://idp/.well-known/openid-configuration",
 *	  "user_name_claim": "preferred_username", "required_claims": { "aud": "vpn", "iss": "https://idp" } }
 *
 * The documents of the provider are kept as the bytes that came: only children read them.  Times that all children share are in
 * memory that they share: when keys were asked for, and when the provider was silent.
 *
 * Owner:    struct methods.
 * Runs in:  the auth process; children use their copy of it, and report back what they have fetched.
 */
#pragma once

#include <jansson.h>

#include "base/clock.h"
#include "ipc/messages.pb-c.h"

constexpr size_t OIDC_DISCOVERY_MAX = 16 * 1024; /* bytes */
constexpr size_t OIDC_KEYS_MAX = 32 * 1024;
constexpr uint64_t OIDC_FRESH_S = 3600;      /* then the documents are fetched again */
constexpr uint64_t OIDC_STALE_S = 24 * 3600; /* and this long they are used if that fails */

struct oidc_conf;

struct oidc_settings {
	char *discovery_url;
	char *user_claim;
	char *group_claim;      /* nullptr: groups are not of interest */
	char *ca_file;          /* nullptr: authorities of the system */
	json_t *required;       /* claims that a token must have with these values; nullptr: none */
	uint32_t skew_s;        /* that clocks may differ */
	uint32_t key_refresh_s; /* between two fetches of keys because of tokens that name an unknown one */
	/* browser sign-on only */
	char *client_id;
	char *client_secret; /* nullptr: a public client */
	char *scope;
};

/* is_sso: for sign-on in a browser.  ERR_CONFIG: problem tells what is wrong. */
enum err oidc_conf_new(struct oidc_conf **out, const char *path, bool is_sso, char *problem, size_t cap);
/* Wipes the secret. */
void oidc_conf_free(struct oidc_conf *c);
const char *oidc_conf_path(const struct oidc_conf *c);
bool oidc_conf_is_sso(const struct oidc_conf *c);
const struct oidc_settings *oidc_conf_settings(const struct oidc_conf *c);

/* {{ documents; nullptr: there are none, or they are too old */

enum oidc_age : uint8_t { OIDC_NONE = 1, OIDC_OLD, OIDC_FRESH };
enum oidc_age oidc_conf_documents(const struct oidc_conf *c, struct mono now, const char **discovery,
				  const char **keys);
/* What a child has fetched; copied.  Too long: ignored. */
void oidc_conf_learn(struct oidc_conf *c, const char *discovery, const char *keys, struct mono now);
/* Documents survive a reload, if they come from the same place. */
void oidc_conf_inherit(struct oidc_conf *to, const struct oidc_conf *from);

/* {{ in children, together */

/* May keys be fetched because of a token that names an unknown one?  Strangers can send such tokens. */
bool oidc_conf_may_refetch(const struct oidc_conf *c, struct mono now);
/* Was the provider silent a moment ago? */
bool oidc_conf_is_silent(const struct oidc_conf *c, struct mono now);
void oidc_conf_note_silent(const struct oidc_conf *c, struct mono now);
