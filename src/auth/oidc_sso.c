/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_sso.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/oidc_answer.h"
#include "auth/oidc_fetch.h"
#include "base/buf.h"
#include "base/encode.h"

constexpr size_t URL_MAX = 4096;
constexpr size_t FORM_MAX = 16 * 1024;
constexpr size_t ANSWER_MAX = 64 * 1024;
constexpr size_t SECRET_LEN = 32;
static const char callback[] = "/sso/callback";

/* {{ secrets */

static enum err to_base64url(const uint8_t bytes[SECRET_LEN], char out[OIDC_SSO_TEXT])
{
	char text[ENCODE_BASE64_LEN(SECRET_LEN)];
	size_t n = 0;
	TRY(encode_to_base64(bytes, SECRET_LEN, text, sizeof text, &n));
	memcpy(out, text, OIDC_SSO_TEXT - 1); /* without its one '=' */
	out[OIDC_SSO_TEXT - 1] = '\0';
	for (char *c = out; *c != '\0'; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return ERR_OK;
}

enum err oidc_sso_derive(const uint8_t secret[SECRET_LEN], const char *what, char out[OIDC_SSO_TEXT])
{
	uint8_t bytes[SECRET_LEN];
	unsigned len = 0;
	if (HMAC(EVP_sha256(), secret, SECRET_LEN, (const uint8_t *)what, strlen(what), bytes, &len) ==
		    nullptr ||
	    len != sizeof bytes)
		return ERR_CRYPTO;
	enum err e = to_base64url(bytes, out);
	explicit_bzero(bytes, sizeof bytes);
	return e;
}

enum err oidc_sso_challenge(const char *verifier, char out[OIDC_SSO_TEXT])
{
	uint8_t bytes[SECRET_LEN];
	unsigned len = 0;
	if (EVP_Digest(verifier, strlen(verifier), bytes, &len, EVP_sha256(), nullptr) != 1 ||
	    len != sizeof bytes)
		return ERR_CRYPTO;
	return to_base64url(bytes, out);
}

/* {{ texts of forms */

/* "name=value", encoded, with '&' before it unless it is the first. */
static void put_field(struct writer *w, const char *name, const char *value)
{
	char *text = curl_easy_escape(nullptr, value, (int)strlen(value));
	if (text == nullptr) {
		w->failed = true;
		return;
	}
	char last = w->len > 0 ? (char)w->start[w->len - 1] : '?';
	writer_fmt(w, "%s%s=", last == '?' || last == '&' ? "" : "&", name);
	writer_str(w, text);
	explicit_bzero(text, strlen(text));
	curl_free(text);
}

static void put_return(struct writer *w, const struct auth_method *m)
{
	char url[1024];
	int n = snprintf(url, sizeof url, "%s%s", config_auth_arg(m, "url"), callback);
	if (n < 0 || (size_t)n >= sizeof url)
		w->failed = true;
	else
		put_field(w, "redirect_uri", url);
}

/* {{ to the provider */

static enum err emit_url(struct writer *w, const struct oidc_provider *p, const struct auth_method *m,
			 const Msg__BackBegin *b)
{
	const struct oidc_settings *s = oidc_conf_settings(p->conf);
	const char *endpoint = oidc_provider_text(p, "authorization_endpoint");
	char nonce[OIDC_SSO_TEXT], verifier[OIDC_SSO_TEXT], challenge[OIDC_SSO_TEXT];
	TRY(oidc_sso_derive(b->sso_secret.data, "nonce", nonce));
	TRY(oidc_sso_derive(b->sso_secret.data, "verifier", verifier));
	TRY(oidc_sso_challenge(verifier, challenge));
	writer_str(w, endpoint);
	if (strchr(endpoint, '?') == nullptr)
		writer_str(w, "?");
	put_field(w, "response_type", "code");
	put_field(w, "client_id", s->client_id);
	put_return(w, m);
	put_field(w, "scope", s->scope);
	put_field(w, "state", b->sso_state);
	put_field(w, "nonce", nonce);
	put_field(w, "code_challenge", challenge);
	put_field(w, "code_challenge_method", "S256");
	writer_u8(w, '\0');
	return writer_ok(w) ? ERR_OK : ERR_RANGE;
}

static void begin(const struct oidc_provider *p, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	static char url[URL_MAX];
	struct writer w = writer_of(url, sizeof url);
	enum err e = emit_url(&w, p, m, b);
	if (e == ERR_OK)
		oidc_answer_redirect(p, b, url, fd);
	else
		oidc_answer_tell(p, b, BACK_BROKEN, err_text(e), fd);
}

/* {{ back from it */

/* RFC 6749, 2.3.1: encoded before they become user and password. */
static char *encoded(const char *text)
{
	return curl_easy_escape(nullptr, text, (int)strlen(text));
}

static enum err emit_form(struct writer *w, const struct oidc_provider *p, const struct auth_method *m,
			  const Msg__BackBegin *b, bool with_secret)
{
	const struct oidc_settings *s = oidc_conf_settings(p->conf);
	char verifier[OIDC_SSO_TEXT];
	TRY(oidc_sso_derive(b->sso_secret.data, "verifier", verifier));
	put_field(w, "grant_type", "authorization_code");
	put_field(w, "code", b->sso_code);
	put_return(w, m);
	put_field(w, "client_id", s->client_id);
	put_field(w, "code_verifier", verifier);
	if (with_secret)
		put_field(w, "client_secret", s->client_secret);
	writer_u8(w, '\0');
	explicit_bzero(verifier, sizeof verifier);
	return writer_ok(w) ? ERR_OK : ERR_RANGE;
}

/* Basic is what every provider must know; the form only if it says that it knows nothing else. */
static bool wants_secret_in_form(const struct oidc_provider *p)
{
	static const char list[] = "token_endpoint_auth_methods_supported";
	return !oidc_provider_lists(p, list, "client_secret_basic") &&
	       oidc_provider_lists(p, list, "client_secret_post");
}

/* The answer is in f on ERR_OK. */
static enum err exchange(struct oidc_fetch *f, const struct oidc_provider *p, const struct auth_method *m,
			 const Msg__BackBegin *b)
{
	static char form[FORM_MAX];
	const struct oidc_settings *s = oidc_conf_settings(p->conf);
	bool has_secret = s->client_secret != nullptr, in_form = has_secret && wants_secret_in_form(p);
	struct writer w = writer_of(form, sizeof form);
	*f = (struct oidc_fetch){ .url = oidc_provider_text(p, "token_endpoint"),
				  .ca_file = s->ca_file,
				  .form = form,
				  .max = ANSWER_MAX };
	TRY(emit_form(&w, p, m, b, in_form));
	char *user = nullptr, *password = nullptr;
	if (has_secret && !in_form) {
		f->user = user = encoded(s->client_id);
		f->password = password = encoded(s->client_secret);
		if (user == nullptr || password == nullptr)
			return ERR_NOMEM;
	}
	enum err e = oidc_fetch_run(f);
	explicit_bzero(form, sizeof form);
	if (password != nullptr)
		explicit_bzero(password, strlen(password));
	curl_free(user);
	curl_free(password);
	return e;
}

static void judge(struct oidc_provider *p, const Msg__BackBegin *b, const char *token, int fd)
{
	const struct oidc_settings *s = oidc_conf_settings(p->conf);
	const char *own = json_string_value(json_object_get(s->required, "iss")), *why = "no token";
	char nonce[OIDC_SSO_TEXT];
	json_t *claims = nullptr;
	enum err e = oidc_sso_derive(b->sso_secret.data, "nonce", nonce);
	const struct oidc_expect x = { .issuer = own != nullptr ? own : oidc_provider_text(p, "issuer"),
				       .audience = s->client_id,
				       .nonce = nonce,
				       .required = s->required,
				       .now = time(nullptr),
				       .skew_s = s->skew_s };
	if (e == ERR_OK)
		e = oidc_provider_verify(p, &claims, token, &x, &why);
	oidc_answer_claims(p, b, e, claims, why, fd);
	json_decref(claims);
}

/* A refusal in the words of the provider (RFC 6749, 5.2): of the code, or of us? */
static void tell_refusal(const struct oidc_provider *p, const Msg__BackBegin *b, long status,
			 const json_t *answer, int fd)
{
	char why[192];
	const char *error = json_string_value(json_object_get(answer, "error"));
	bool is_code = error != nullptr && strcmp(error, "invalid_grant") == 0;
	snprintf(why, sizeof why, "the token endpoint answers status %ld%s%.64s", status,
		 error != nullptr ? ": " : "", error != nullptr ? error : "");
	oidc_answer_tell(p, b, is_code ? BACK_DENIED : BACK_BROKEN, why, fd);
}

static void finish(struct oidc_provider *p, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct oidc_fetch f;
	char why[320];
	enum err e = exchange(&f, p, m, b);
	if (e != ERR_OK) {
		snprintf(why, sizeof why, "the token endpoint: %s",
			 f.error[0] != '\0' ? f.error : err_text(e));
		oidc_answer_tell(p, b, BACK_BROKEN, why, fd);
		return;
	}
	json_t *answer = json_loads(f.body, JSON_REJECT_DUPLICATES, nullptr);
	const char *token = json_string_value(json_object_get(answer, "id_token"));
	if (f.status == 200 && token != nullptr)
		judge(p, b, token, fd);
	else
		tell_refusal(p, b, f.status, answer, fd);
	json_decref(answer);
	oidc_fetch_fini(&f);
}

void oidc_sso(const struct oidc_conf *c, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct oidc_provider p;
	if (oidc_provider_init(&p, c) != ERR_OK || b->sso_secret.len != SECRET_LEN)
		oidc_answer_tell(&p, b, BACK_BROKEN, p.error, fd);
	else if (b->sso_step == SSO_START)
		begin(&p, m, b, fd);
	else
		finish(&p, m, b, fd);
	oidc_provider_fini(&p);
}
