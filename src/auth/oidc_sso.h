/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_sso - sign-on in a browser by OpenID Connect: authorization code with PKCE
 *
 * Two tasks with the visit of the browser at the provider between them, and no process meanwhile: nonce and verifier follow from the
 * secret of the sign-on, which the keeper has.
 *
 * Runs in:  a child of the auth process, which ends after it.
 * Source:   OpenID Connect Core 1.0, 3.1; RFC 6749, 7636, 9207.
 */
#pragma once

#include "auth/oidc_conf.h"
#include "config/config.h"

/* Ends with a BackDone: the address that the browser is to go to, or who the user is. */
void oidc_sso(const struct oidc_conf *c, const struct auth_method *m, const Msg__BackBegin *begin, int fd);

constexpr size_t OIDC_SSO_TEXT = 44; /* base64url of 32 bytes, with its end */

/* One secret of a sign-on from its first one, by HMAC-SHA256; what: its name.  ERR_CRYPTO. */
enum err oidc_sso_derive(const uint8_t secret[32], const char *what, char out[OIDC_SSO_TEXT]);
/* What the provider is told of the verifier (S256). */
enum err oidc_sso_challenge(const char *verifier, char out[OIDC_SSO_TEXT]);
