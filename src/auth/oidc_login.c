/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_login.h"

#include <string.h>
#include <time.h>

#include "auth/oidc_answer.h"

/* The name of the issuer of a provider with many tenants is a pattern, which only the configuration can fill in. */
static const char *issuer_of(const struct oidc_provider *p)
{
	const char *own = json_string_value(json_object_get(oidc_conf_settings(p->conf)->required, "iss"));
	return own != nullptr ? own : oidc_provider_text(p, "issuer");
}

void oidc_login_bearer(const struct oidc_conf *c, const Msg__BackBegin *b, int fd)
{
	const struct oidc_settings *s = oidc_conf_settings(c);
	struct oidc_provider p;
	json_t *claims = nullptr;
	const char *why = "no token";
	if (oidc_provider_init(&p, c) != ERR_OK) {
		oidc_answer_tell(&p, b, BACK_BROKEN, p.error, fd);
		return;
	}
	const struct oidc_expect x = {
		.issuer = issuer_of(&p), .required = s->required, .now = time(nullptr), .skew_s = s->skew_s
	};
	enum err e = oidc_provider_verify(&p, &claims, b->bearer, &x, &why);
	oidc_answer_claims(&p, b, e, claims, why, fd);
	json_decref(claims);
	oidc_provider_fini(&p);
}
