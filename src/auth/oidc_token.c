/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_token.h"

#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

constexpr size_t RSA_BITS_MIN = 2048;

/* What a key may sign with. */
static const struct {
	const char *alg;
	cjose_jwk_kty_t kty;
	const char *curve; /* of EC */
} algorithms[] = {
	{ "RS256", CJOSE_JWK_KTY_RSA, nullptr }, { "RS384", CJOSE_JWK_KTY_RSA, nullptr },
	{ "RS512", CJOSE_JWK_KTY_RSA, nullptr }, { "PS256", CJOSE_JWK_KTY_RSA, nullptr },
	{ "PS384", CJOSE_JWK_KTY_RSA, nullptr }, { "PS512", CJOSE_JWK_KTY_RSA, nullptr },
	{ "ES256", CJOSE_JWK_KTY_EC, "P-256" },  { "ES384", CJOSE_JWK_KTY_EC, "P-384" },
	{ "ES512", CJOSE_JWK_KTY_EC, "P-521" },
};

static size_t find_algorithm(const char *alg)
{
	size_t i = 0;
	while (i < ARRAY_LEN(algorithms) && (alg == nullptr || strcmp(algorithms[i].alg, alg) != 0))
		i++;
	return i;
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_text_or_absent(const json_t *object, const char *name, const char *text)
{
	const json_t *v = json_object_get(object, name);
	return v == nullptr || (json_is_string(v) && strcmp(json_string_value(v), text) == 0);
}

/* {{ signature */

/* May this key have signed it?  kid nullptr: the token names none. */
static bool fits(const json_t *key, const char *kid, size_t algorithm)
{
	const char *kty = text_of(key, "kty"), *own = text_of(key, "kid"),
		   *curve = algorithms[algorithm].curve;
	const char *wanted = algorithms[algorithm].kty == CJOSE_JWK_KTY_RSA ? "RSA" : "EC";
	if (kty == nullptr || strcmp(kty, wanted) != 0)
		return false;
	if (kid != nullptr && (own == nullptr || strcmp(own, kid) != 0))
		return false;
	if (curve != nullptr && (text_of(key, "crv") == nullptr || strcmp(text_of(key, "crv"), curve) != 0))
		return false;
	return is_text_or_absent(key, "use", "sig") &&
	       is_text_or_absent(key, "alg", algorithms[algorithm].alg);
}

/* A key set may have keys that cjose cannot read: they have signed nothing, then. */
static bool has_signed(cjose_jws_t *jws, const json_t *key, size_t algorithm)
{
	cjose_err e;
	char *text = json_dumps(key, JSON_COMPACT);
	cjose_jwk_t *jwk = text != nullptr ? cjose_jwk_import(text, strlen(text), &e) : nullptr;
	bool ok = jwk != nullptr && cjose_jwk_get_kty(jwk, &e) == algorithms[algorithm].kty;
	if (ok && algorithms[algorithm].kty == CJOSE_JWK_KTY_RSA)
		ok = cjose_jwk_get_keysize(jwk, &e) >= RSA_BITS_MIN;
	ok = ok && cjose_jws_verify(jws, jwk, &e);
	if (jwk != nullptr)
		cjose_jwk_release(jwk);
	free(text);
	return ok;
}

static enum err find_key(cjose_jws_t *jws, const json_t *keys, const char *kid, size_t algorithm,
			 const char **why)
{
	const json_t *all = json_object_get(keys, "keys");
	size_t n = MIN(json_array_size(all), OIDC_KEYS_N_MAX);
	bool is_known = false;
	for (size_t i = 0; i < n; i++) {
		const json_t *key = json_array_get(all, i);
		if (!fits(key, kid, algorithm))
			continue;
		is_known = true;
		if (has_signed(jws, key, algorithm))
			return ERR_OK;
	}
	*why = is_known ? "its signature is wrong"
			: "it is signed with a key that the provider does not publish";
	/* without the name of a key, a new one may have signed it */
	return is_known && kid != nullptr ? ERR_DENIED : ERR_NOTFOUND;
}

/* ERR_OK: authentic. */
static enum err judge_signature(cjose_jws_t *jws, const json_t *keys, const char **why)
{
	json_t *header = (json_t *)cjose_jws_get_protected(jws); /* cjose's header is jansson's object */
	const char *kid = text_of(header, "kid");
	size_t algorithm = find_algorithm(text_of(header, "alg"));
	if (algorithm == ARRAY_LEN(algorithms)) {
		*why = "its algorithm is not permitted";
		return ERR_DENIED;
	}
	if (json_object_get(header, "crit") != nullptr) {
		*why = "it has a critical header";
		return ERR_DENIED;
	}
	return find_key(jws, keys, kid, algorithm, why);
}

static json_t *claims_of(cjose_jws_t *jws)
{
	cjose_err e;
	uint8_t *bytes = nullptr;
	size_t len = 0;
	json_t *claims = nullptr;
	if (cjose_jws_get_plaintext(jws, &bytes, &len, &e))
		claims = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, nullptr);
	if (json_is_object(claims))
		return claims;
	json_decref(claims);
	return nullptr;
}

/* {{ claims */

/* Is it that, or a list with it? */
static bool is_or_has(const json_t *v, const json_t *want)
{
	size_t i;
	const json_t *one;
	if (!json_is_array(v) || json_is_array(want))
		return json_equal(v, want) != 0;
	json_array_foreach(v, i, one) if (json_equal(one, want) != 0) return true;
	return false;
}

static bool has_required(const json_t *claims, const json_t *required)
{
	const char *name;
	const json_t *want;
	json_object_foreach((json_t *)(uintptr_t)required, name,
			    want) if (!is_or_has(json_object_get(claims, name), want)) return false;
	return true;
}

static bool has_audience(const json_t *claims, const char *audience)
{
	json_t *want = json_string(audience);
	const json_t *aud = json_object_get(claims, "aud");
	bool ok = want != nullptr && is_or_has(aud, want);
	json_decref(want);
	/* one of several: it must have been given to us */
	const char *party = text_of(claims, "azp");
	bool is_shared = json_is_array(aud) && json_array_size(aud) > 1;
	if (party == nullptr)
		return ok && !is_shared;
	return ok && strcmp(party, audience) == 0;
}

/* Seconds; fractions are cut.  False: no such time. */
static bool read_time(const json_t *claims, const char *name, int64_t *out)
{
	const json_t *v = json_object_get(claims, name);
	if (!json_is_number(v))
		return false;
	double secs = json_number_value(v);
	if (!(secs >= 0 && secs < 1e12))
		return false;
	*out = (int64_t)secs;
	return true;
}

static const char *judge_time(const json_t *claims, const struct oidc_expect *x)
{
	int64_t t;
	if (!read_time(claims, "exp", &t))
		return "it has no time of expiry";
	if (t + x->skew_s <= x->now)
		return "it has expired";
	if (json_object_get(claims, "nbf") != nullptr &&
	    (!read_time(claims, "nbf", &t) || t - x->skew_s > x->now))
		return "it is not valid yet";
	if (json_object_get(claims, "iat") != nullptr &&
	    (!read_time(claims, "iat", &t) || t - x->skew_s > x->now))
		return "it was issued in the future";
	return nullptr;
}

static const char *judge_claims(const json_t *claims, const struct oidc_expect *x)
{
	const char *issuer = text_of(claims, "iss"), *nonce = text_of(claims, "nonce");
	if (issuer == nullptr || strcmp(issuer, x->issuer) != 0)
		return "it is of another issuer";
	if (x->audience != nullptr && !has_audience(claims, x->audience))
		return "it is for somebody else";
	if (x->required != nullptr && !has_required(claims, x->required))
		return "a required claim is missing or has another value";
	if (x->nonce != nullptr && (nonce == nullptr || strcmp(nonce, x->nonce) != 0))
		return "it belongs to another login";
	return judge_time(claims, x);
}

enum err oidc_token_verify(json_t **out, const char *token, const json_t *keys, const struct oidc_expect *x,
			   const char **why)
{
	cjose_err e;
	size_t len = strlen(token);
	cjose_jws_t *jws = len <= OIDC_TOKEN_MAX ? cjose_jws_import(token, len, &e) : nullptr;
	*why = "it is no signed token";
	if (jws == nullptr)
		return ERR_DENIED;
	enum err result = judge_signature(jws, keys, why);
	json_t *claims = result == ERR_OK ? claims_of(jws) : nullptr;
	cjose_jws_release(jws);
	if (result != ERR_OK)
		return result;
	*why = claims != nullptr ? judge_claims(claims, x) : "its claims are no object";
	if (*why != nullptr) {
		json_decref(claims);
		return ERR_DENIED;
	}
	*out = claims;
	return ERR_OK;
}

/* {{ what it says of the user */

static bool is_name(const char *text)
{
	size_t len = text != nullptr ? strlen(text) : 0;
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return len > 0 && len < OIDC_NAME_MAX;
}

enum err oidc_token_name(const json_t *claims, const char *claim, char out[OIDC_NAME_MAX])
{
	const json_t *v = json_object_get(claims, claim);
	const char *text = json_string_value(v);
	if (!is_name(text) || json_string_length(v) != strlen(text))
		return ERR_DENIED;
	memcpy(out, text, strlen(text) + 1);
	return ERR_OK;
}

static enum err add_group(Msg__Facts *f, const json_t *v)
{
	if (!is_name(json_string_value(v)) || f->n_groups >= OIDC_GROUPS_MAX)
		return ERR_OK;
	char **grown = reallocarray(f->groups, f->n_groups + 1, sizeof(char *));
	if (grown == nullptr)
		return ERR_NOMEM;
	f->groups = grown;
	grown[f->n_groups] = strdup(json_string_value(v));
	if (grown[f->n_groups] == nullptr)
		return ERR_NOMEM;
	f->n_groups++;
	return ERR_OK;
}

enum err oidc_token_groups(const json_t *claims, const char *claim, Msg__Facts *f)
{
	const json_t *v = json_object_get(claims, claim), *one;
	size_t i;
	if (!json_is_array(v))
		return add_group(f, v);
	json_array_foreach(v, i, one) TRY(add_group(f, one));
	return ERR_OK;
}
