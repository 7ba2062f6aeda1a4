/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/oidc_fetch.h"
#include "base/log.h"

static enum err complain(struct oidc_provider *p, const char *url, const char *what)
{
	snprintf(p->error, sizeof p->error, "OpenID provider %.120s: %.160s", url, what);
	return ERR_SYS;
}

static json_t *parse(const char *text)
{
	json_t *v = json_loads(text, JSON_REJECT_DUPLICATES, nullptr);
	if (json_is_object(v))
		return v;
	json_decref(v);
	return nullptr;
}

static bool is_https(const char *url)
{
	return url != nullptr && strncmp(url, "https://", 8) == 0;
}

/* {{ fetching */

/* *doc and *text are replaced on ERR_OK. */
static enum err fetch(struct oidc_provider *p, const char *url, size_t max, json_t **doc, char **text)
{
	char what[64];
	struct oidc_fetch f = { .url = url, .ca_file = oidc_conf_settings(p->conf)->ca_file, .max = max };
	if (oidc_fetch_run(&f) != ERR_OK)
		return complain(p, url, f.error);
	json_t *v = f.status == 200 ? parse(f.body) : nullptr;
	if (v == nullptr) {
		snprintf(what, sizeof what, "answers status %ld", f.status);
		oidc_fetch_fini(&f);
		return complain(p, url, f.status == 200 ? "answers no object of JSON" : what);
	}
	json_decref(*doc);
	free(*text);
	*doc = v;
	*text = TAKE(f.body);
	return ERR_OK;
}

static enum err fetch_discovery(struct oidc_provider *p)
{
	const char *url = oidc_conf_settings(p->conf)->discovery_url;
	TRY(fetch(p, url, OIDC_DISCOVERY_MAX, &p->discovery, &p->discovery_text));
	if (oidc_provider_text(p, "issuer") == nullptr || !is_https(oidc_provider_text(p, "jwks_uri")))
		return complain(p, url, "its document lacks issuer or jwks_uri");
	if (oidc_conf_is_sso(p->conf) && (!is_https(oidc_provider_text(p, "authorization_endpoint")) ||
					  !is_https(oidc_provider_text(p, "token_endpoint"))))
		return complain(p, url, "its document lacks authorization_endpoint or token_endpoint");
	return ERR_OK;
}

static enum err fetch_keys(struct oidc_provider *p)
{
	const char *url = oidc_provider_text(p, "jwks_uri");
	TRY(fetch(p, url, OIDC_KEYS_MAX, &p->keys, &p->keys_text));
	return json_is_array(json_object_get(p->keys, "keys")) ? ERR_OK
							       : complain(p, url, "answers no set of keys");
}

/* One log line a silence, not one a login. */
static enum err fetch_both(struct oidc_provider *p)
{
	struct oidc_provider fresh = { .conf = p->conf };
	enum err e = fetch_discovery(&fresh);
	if (e == ERR_OK)
		e = fetch_keys(&fresh);
	if (e != ERR_OK) {
		snprintf(p->error, sizeof p->error, "%s", fresh.error);
		oidc_provider_fini(&fresh);
		log_err("oidc.unreachable file=\"%s\" why=\"%s\"", oidc_conf_path(p->conf), p->error);
		oidc_conf_note_silent(p->conf, clock_now());
		return e;
	}
	oidc_provider_fini(p);
	*p = fresh;
	return ERR_OK;
}

/* {{ life */

enum err oidc_provider_init(struct oidc_provider *p, const struct oidc_conf *c)
{
	const char *discovery, *keys;
	struct mono now = clock_now();
	*p = (struct oidc_provider){ .conf = c };
	enum oidc_age age = oidc_conf_documents(c, now, &discovery, &keys);
	if (age != OIDC_NONE) {
		p->discovery = parse(discovery);
		p->keys = parse(keys);
	}
	bool has_both = p->discovery != nullptr && p->keys != nullptr;
	if (has_both && age == OIDC_FRESH)
		return ERR_OK;
	/* a silent one is not asked by each login */
	if (oidc_conf_is_silent(c, now))
		return has_both ? ERR_OK
				: complain(p, oidc_conf_settings(c)->discovery_url,
					   "did not answer a moment ago");
	enum err e = fetch_both(p);
	return has_both ? ERR_OK : e;
}

void oidc_provider_fini(struct oidc_provider *p)
{
	json_decref(p->discovery);
	json_decref(p->keys);
	free(p->discovery_text);
	free(p->keys_text);
	p->discovery = p->keys = nullptr;
	p->discovery_text = p->keys_text = nullptr;
}

const char *oidc_provider_text(const struct oidc_provider *p, const char *name)
{
	return json_string_value(json_object_get(p->discovery, name));
}

bool oidc_provider_lists(const struct oidc_provider *p, const char *list, const char *word)
{
	size_t i;
	const json_t *one;
	json_array_foreach(json_object_get(p->discovery, list), i,
			   one) if (json_is_string(one) &&
				    strcmp(json_string_value(one), word) == 0) return true;
	return false;
}

enum err oidc_provider_verify(struct oidc_provider *p, json_t **claims, const char *token,
			      const struct oidc_expect *x, const char **why)
{
	enum err e = oidc_token_verify(claims, token, p->keys, x, why);
	if (e != ERR_NOTFOUND || p->keys_text != nullptr) /* just fetched */
		return e == ERR_NOTFOUND ? ERR_DENIED : e;
	if (!oidc_conf_may_refetch(p->conf, clock_now()))
		return ERR_DENIED;
	log_info("oidc.refetch file=\"%s\" why=\"%s\"", oidc_conf_path(p->conf), *why);
	/* the issuer of x is a text of the document that is replaced */
	char *issuer OWNED(base_freep) = strdup(x->issuer);
	struct oidc_expect own = *x;
	own.issuer = issuer;
	if (issuer == nullptr)
		return ERR_NOMEM;
	TRY(fetch_both(p));
	e = oidc_token_verify(claims, token, p->keys, &own, why);
	return e == ERR_NOTFOUND ? ERR_DENIED : e;
}
