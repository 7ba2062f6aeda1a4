/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_login - logins by OpenID Connect: a token that the client brings, and sign-on in a browser
 *
 * A sign-on is two tasks with a visit of the browser at the provider between them.  Neither is kept waiting: what both need follows from
 * the secret of the sign-on, which the keeper has (nonce, verifier of PKCE).
 *
 * Runs in:  a child of the auth process, which ends after it.
 * Source:   OpenID Connect Core 1.0, 3.1; RFC 6749, 6750, 7636.
 */
#pragma once

#include "auth/oidc_conf.h"
#include "config/config.h"

/* Ends with a BackDone that is no question. */
void oidc_login_bearer(const struct oidc_conf *c, const Msg__BackBegin *begin, int fd);
