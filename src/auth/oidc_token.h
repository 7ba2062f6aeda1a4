/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_token - a signed token (JWT): is it authentic, for us, and of now; and who it is about
 *
 * Owner:    the caller.
 * Runs in:  a child of the auth process.
 * Never:    asks anybody; takes a token without a signature, or one that is signed with a secret both sides know (HS*): then a
 *           public key could be used as the secret.
 * Source:   RFC 7515, 7517, 7519, 8725; OpenID Connect Core 1.0, 3.1.3.7.
 */
#pragma once

#include <jansson.h>

#include "ipc/messages.pb-c.h"
#include "base/base.h"

constexpr size_t OIDC_TOKEN_MAX = 12 * 1024; /* bytes */
constexpr size_t OIDC_KEYS_N_MAX = 64;
constexpr size_t OIDC_NAME_MAX = 256; /* with the end */
constexpr size_t OIDC_GROUPS_MAX = 256;

/* What a token must say. */
struct oidc_expect {
	const char *issuer;
	const char *audience;   /* nullptr: required names it */
	const char *nonce;      /* nullptr: none was given */
	const json_t *required; /* claims with their values; nullptr: none */
	int64_t now;            /* unix seconds */
	int64_t skew_s;
};

/* The key set: an object with an array "keys".  *claims: new reference.  ERR_NOTFOUND: signed with a key that is not in the set;
 * ERR_DENIED: not good; *why, static, with both. */
enum err oidc_token_verify(json_t **claims, const char *token, const json_t *keys,
			   const struct oidc_expect *x, const char **why);

/* The text of a claim; ERR_DENIED: it is missing, or nothing that is a name. */
enum err oidc_token_name(const json_t *claims, const char *claim, char out[OIDC_NAME_MAX]);
/* The groups of a claim, a text or an array of texts, behind those that are in f already; names that are none are left out.
 * ERR_NOMEM. */
enum err oidc_token_groups(const json_t *claims, const char *claim, Msg__Facts *f);
