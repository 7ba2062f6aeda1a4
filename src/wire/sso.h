/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sso - sign-on in a browser: what the browser brings, and the sealed token for a client that listens itself (protocol.md 5)
 *
 * Owner:  the caller; a query holds secrets: wipe it.
 * Runs in: the worker.
 * Never:  allocates; remembers anything between two calls.
 */
#pragma once

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/random.h>

#include "wire/text.h"

constexpr size_t SSO_ID_LEN = 32;           /* bytes of reference, state, secret of the browser and token */
constexpr size_t SSO_HEX = 2 * SSO_ID_LEN;  /* as text, without an end */
constexpr size_t SSO_CODE_MAX = 2048;
constexpr size_t SSO_ERROR_MAX = 127;
constexpr size_t SSO_SAML_MAX = 48 * 1024; /* base64 of an answer */
constexpr size_t SSO_KEY_LEN = 64;          /* X and Y of a point of P-256 */
constexpr size_t SSO_URL_MAX = 1024;

/* Pages; a query follows the first two. */
extern const char SSO_PATH_LOGIN[];    /* where the client sends the browser */
extern const char SSO_PATH_RETURN[];   /* where the provider sends it back */
extern const char SSO_PATH_FINAL[];    /* where the client finds its token in a cookie */
extern const char SSO_COOKIE_TOKEN[];
extern const char SSO_COOKIE_ERROR[];
extern const char SSO_COOKIE_BROWSER[]; /* of the browser that began */

struct sso_query {
	bool has_id, has_state;
	uint8_t id[SSO_ID_LEN]; /* of the login */
	uint8_t state[SSO_ID_LEN];
	char code[SSO_CODE_MAX + 1]; /* "" if none */
	char error[SSO_ERROR_MAX + 1];
	struct slice saml; /* of a form: the answer, still encoded; into what was parsed */
};

/* A query: id, state, code, error; all else is passed over.  ERR_PROTO: one of them twice; ERR_SYNTAX; ERR_RANGE:
 * too long, or too many. */
enum err sso_query_parse(struct sso_query *out, struct slice query);
/* The body of a form with SAMLResponse and RelayState, which is the state; as sso_query_parse. */
enum err sso_form_parse(struct sso_query *out, struct slice body);
void sso_query_wipe(struct sso_query *q);
/* Hexadecimal text of SSO_ID_LEN bytes, nothing else. */
enum err sso_id_parse(uint8_t out[SSO_ID_LEN], struct slice hex);

/* Where the browser takes the token to a client that listens on its own machine: sealed for the key that the client has shown with its
 * first request, so that only that client can use it.  token: letters and digits.  back: where the client sends the browser then.
 * ERR_CRYPTO: the key is none. */
enum err sso_emit_local(struct writer *w, const char *token, const uint8_t key[SSO_KEY_LEN], const char *back,
			WC_RNG *rng);
