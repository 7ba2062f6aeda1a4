/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * saml_sso - sign-on in a browser by SAML 2.0: AuthnRequest by redirection, Response by POST
 *
 * Two tasks with the visit of the browser at the provider between them, and no process meanwhile: the identifier of the request follows
 * from the secret of the sign-on, which the keeper has.  lasso makes requests and verifies signatures; what an answer says is read and
 * judged by saml_doc.c.
 *
 * Runs in:  a child of the auth process, which ends after it.
 * Source:   SAML 2.0 profiles 4.1, bindings 3.4 and 3.5.
 */
#pragma once

#include "auth/saml_conf.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"

/* Ends with a BackDone: the address that the browser is to go to, or who the user is. */
void saml_sso(const struct saml_conf *c, const struct auth_method *m, const Msg__BackBegin *begin, int fd);
/* Can lasso work with metadata, key and certificate?  In a child as well. */
bool saml_sso_check(const struct saml_settings *s);
