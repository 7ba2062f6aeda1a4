/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_answer - how a login by OpenID Connect ends, told to the keeper
 *
 * Runs in:  a child of the auth process.
 */
#pragma once

#include "auth/oidc_provider.h"
#include "ipc/msgs.h"

/* A refusal; why: for the log. */
void oidc_answer_tell(const struct oidc_provider *p, const Msg__BackBegin *b, enum msgs_back result,
		      const char *why, int fd);
/* With what oidc_provider_verify has said: the user and his groups, or why not. */
void oidc_answer_claims(const struct oidc_provider *p, const Msg__BackBegin *b, enum err e,
			const json_t *claims, const char *why, int fd);
/* The browser is to go to this address. */
void oidc_answer_redirect(const struct oidc_provider *p, const Msg__BackBegin *b, const char *url, int fd);
