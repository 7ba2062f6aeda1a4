/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * oidc_fetch - one document over HTTPS, with all that a bad server can do bounded
 *
 * The certificate is verified, no redirection is followed, nothing but TLS 1.2 and newer is spoken.
 *
 * Runs in:  a child of the auth process.
 */
#pragma once

#include "base/base.h"

constexpr long OIDC_FETCH_MS = 10'000; /* connecting and all */

struct oidc_fetch {
	const char *url;
	const char *ca_file;    /* nullptr: authorities of the system */
	const char *form;       /* to be posted; nullptr: the document is got */
	const char *user;       /* of HTTP Basic; nullptr: none */
	const char *password;
	size_t max;             /* bytes of the answer */
	/* the answer */
	long status;
	char *body; /* malloc'ed, text; never nullptr after ERR_OK */
	size_t len;
	char error[256]; /* with another result */
};

/* ERR_OK: an answer came, whatever its status; ERR_SYS: none, or none that fits. */
enum err oidc_fetch_run(struct oidc_fetch *f);
/* Wipes the answer. */
void oidc_fetch_fini(struct oidc_fetch *f);
