/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth - the type of auth, enable-auth and acct: "method" or "method[key=value,key=value]" */
#include "config/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

constexpr size_t METHODS_MAX = 4; /* as in ocserv */
constexpr size_t ARGS_MAX = 16;

/* Every method ocserv has, with what may stand in its brackets. */
static const struct {
	const char *name;
	const char *args; /* with a space after each */
} known[] = {
	{ "plain", "passwd otp totp-window hotp-window " },
	{ "pam", "gid-min service " },
	{ "radius", "config groupconfig nas-identifier group-separator override-interim-updates " },
	{ "ldap", "config " },
	{ "gssapi", "keytab require-local-user-map tgt-freshness-time gid-min " },
	{ "certificate", "" },
	{ "oidc", "config " },
	{ "oidc-sso", "config url browser " },
	{ "saml", "config url browser entity-id " },
};

static bool is_word_of(const char *words, const char *word)
{
	const size_t len = strlen(word);
	for (const char *at = words; len > 0 && *at != '\0'; at = strchr(at, ' ') + 1)
		if (strncmp(at, word, len) == 0 && at[len] == ' ')
			return true;
	return false;
}

static void clear_method(struct auth_method *m)
{
	for (size_t i = 0; i < m->args_n; i++) {
		free(m->args[i].key);
		free(m->args[i].value);
	}
	free(m->args);
	free(m->name);
}

static void clear_auth(void *value)
{
	struct authlist *l = value;
	for (size_t i = 0; i < l->n; i++)
		clear_method(&l->v[i]);
	free(l->v);
	*l = (struct authlist){};
}

/* Takes m on ERR_OK. */
static enum err push(struct authlist *l, const struct auth_method *m)
{
	void *v = l->v;
	TRY(config_value_grow(&v, l->n, sizeof *l->v));
	l->v = v;
	l->v[l->n++] = *m;
	return ERR_OK;
}

static enum err refuse_arg(const struct auth_method *m, const char *args, struct config_why *why)
{
	if (*args == '\0')
		config_why_set(why, "expected %s without brackets", m->name);
	else
		config_why_set(why, "expected %s[name=value] with names among: %s", m->name, args);
	return ERR_SYNTAX;
}

/* One "key=value"; without '=' it is the file of the old form of plain. */
static enum err add_arg(struct auth_method *m, const char *allowed, const char *at, const char *end,
			struct config_why *why)
{
	void *args = m->args;
	TRY(config_value_grow(&args, m->args_n, sizeof *m->args));
	m->args = args;
	struct auth_arg *a = &m->args[m->args_n++];
	*a = (struct auth_arg){};
	const char *equals = memchr(at, '=', (size_t)(end - at));
	if (equals != nullptr)
		TRY(config_value_trimmed(&a->key, at, equals));
	TRY(config_value_trimmed(&a->value, equals != nullptr ? equals + 1 : at, end));
	const bool is_old_form = equals == nullptr && strcmp(m->name, "plain") == 0 && m->args_n == 1;
	if (!is_old_form && (a->key == nullptr || !is_word_of(allowed, a->key)))
		return refuse_arg(m, allowed, why);
	for (size_t i = 0; i + 1 < m->args_n; i++)
		if (m->args[i].key == nullptr || strcmp(m->args[i].key, a->key) == 0 || m->args_n > ARGS_MAX)
			return refuse_arg(m, allowed, why);
	return *a->value == '\0' ? refuse_arg(m, allowed, why) : ERR_OK;
}

static enum err add_args(struct auth_method *m, const char *allowed, const char *at, const char *end,
			 struct config_why *why)
{
	for (;;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		TRY(add_arg(m, allowed, at, comma != nullptr ? comma : end, why));
		if (comma == nullptr)
			return ERR_OK;
		at = comma + 1;
	}
}

static const char *args_of(const char *method)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, method) == 0)
			return known[i].args;
	return nullptr;
}

/* What was made is in m also on failure. */
static enum err split(struct auth_method *m, const char *text, struct config_why *why)
{
	const char *open = strchrnul(text, '['), *end = text + strlen(text);
	TRY(config_value_trimmed(&m->name, text, open));
	const char *allowed = args_of(m->name);
	if (allowed == nullptr) {
		config_why_set(
			why,
			"expected plain[passwd=FILE], pam, radius[config=FILE], ldap[config=FILE], gssapi[keytab=FILE], oidc[config=FILE], oidc-sso[config=FILE,url=https://NAME], saml[config=FILE,url=https://NAME] or certificate");
		return ERR_SYNTAX;
	}
	if (*open == '\0')
		return ERR_OK;
	if (end[-1] != ']') {
		config_why_set(why, "expected %s[name=value,...] with a bracket at the end", m->name);
		return ERR_SYNTAX;
	}
	return add_args(m, allowed, open + 1, end - 1, why);
}

static enum err add_method(struct authlist *l, struct auth_method *m, const char *text,
			   struct config_why *why)
{
	if (l->n == METHODS_MAX) {
		config_why_set(why, "expected at most %zu methods", METHODS_MAX);
		return ERR_RANGE;
	}
	TRY(split(m, text, why));
	return push(l, m);
}

static enum err parse_auth(const struct config_option *, void *value, const char *text,
			   struct config_why *why)
{
	struct auth_method m = {};
	const enum err e = add_method(value, &m, text, why);
	if (e != ERR_OK)
		clear_method(&m);
	return e;
}

static enum err copy_method(struct auth_method *to, const struct auth_method *from)
{
	to->line = from->line;
	TRY(config_value_copy_str(&to->name, from->name));
	if (from->args_n == 0)
		return ERR_OK;
	to->args = calloc(from->args_n, sizeof *to->args);
	if (to->args == nullptr)
		return ERR_NOMEM;
	to->args_n = from->args_n;
	for (size_t i = 0; i < from->args_n; i++) {
		TRY(config_value_copy_str(&to->args[i].key, from->args[i].key));
		TRY(config_value_copy_str(&to->args[i].value, from->args[i].value));
	}
	return ERR_OK;
}

static enum err copy_auth(void *to, const void *from)
{
	const struct authlist *src = from;
	for (size_t i = 0; i < src->n; i++) {
		struct auth_method m = {};
		enum err e = copy_method(&m, &src->v[i]);
		if (e == ERR_OK)
			e = push(to, &m);
		if (e != ERR_OK)
			clear_method(&m);
		TRY(e);
	}
	return ERR_OK;
}

static bool is_same_method(const struct auth_method *a, const struct auth_method *b)
{
	bool same = strcmp(a->name, b->name) == 0 && a->args_n == b->args_n;
	for (size_t i = 0; same && i < a->args_n; i++)
		same = config_value_is_same_str(a->args[i].key, b->args[i].key) &&
		       config_value_is_same_str(a->args[i].value, b->args[i].value);
	return same;
}

static bool is_equal_auth(const void *a, const void *b)
{
	const struct authlist *x = a, *y = b;
	bool same = x->n == y->n;
	for (size_t i = 0; same && i < x->n; i++)
		same = is_same_method(&x->v[i], &y->v[i]);
	return same;
}

const struct config_value_type config_value_auth = { "list of methods", true,          parse_auth,
						     copy_auth,         is_equal_auth, clear_auth };

const char *config_auth_arg(const struct auth_method *m, const char *key)
{
	const bool is_old_form = strcmp(m->name, "plain") == 0 && strcmp(key, "passwd") == 0;
	for (size_t i = 0; i < m->args_n; i++) {
		const char *own = m->args[i].key;
		if (own == nullptr ? is_old_form : strcmp(own, key) == 0)
			return m->args[i].value;
	}
	return nullptr;
}

/* Decimal digits only. */
static enum err parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	char *end;
	errno = 0;
	const unsigned long n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < min || n > max)
		return ERR_RANGE;
	*out = (uint32_t)n;
	return ERR_OK;
}

uint32_t config_auth_number(const struct auth_method *m, const char *key, uint32_t fallback)
{
	const char *text = config_auth_arg(m, key);
	uint32_t n = 0;
	return text != nullptr && parse_number(text, 0, UINT32_MAX, &n) == ERR_OK ? n : fallback;
}

const struct auth_method *config_vhost_method(const struct vhost *v, size_t n)
{
	const struct authlist *const lists[] = { &v->auth, &v->enable_auth, &v->acct };
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (n < lists[i]->n)
			return &lists[i]->v[n];
		n -= lists[i]->n;
	}
	return nullptr;
}

bool config_has_method(const struct config *c, const char *name)
{
	const struct auth_method *m;
	for (size_t i = 0; i < c->vhosts_n; i++)
		for (size_t n = 0; (m = config_vhost_method(&c->vhosts[i], n)) != nullptr; n++)
			if (strcmp(m->name, name) == 0)
				return true;
	return false;
}

static size_t count_methods(const struct authlist *l, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		n += strcmp(l->v[i].name, name) == 0;
	return n;
}

static size_t count_certificates(const struct authlist *l)
{
	return count_methods(l, "certificate");
}

bool config_wants_certificate(const struct vhost *v)
{
	return count_certificates(&v->auth) + count_certificates(&v->enable_auth) > 0;
}

bool config_needs_certificate(const struct vhost *v)
{
	return count_certificates(&v->auth) > 0 && count_certificates(&v->enable_auth) == v->enable_auth.n;
}

bool config_is_token(const struct auth_method *m)
{
	return strcmp(m->name, "gssapi") == 0;
}

bool config_takes_token(const struct vhost *v)
{
	bool takes = v->auth.n > 0 && config_is_token(&v->auth.v[0]);
	for (size_t i = 0; i < v->enable_auth.n; i++)
		takes |= config_is_token(&v->enable_auth.v[i]);
	return takes;
}

bool config_needs_token(const struct vhost *v)
{
	bool needs = v->auth.n > 0 && config_is_token(&v->auth.v[0]);
	for (size_t i = 0; i < v->enable_auth.n; i++)
		needs &= config_is_token(&v->enable_auth.v[i]);
	return needs;
}

bool config_takes_bearer(const struct vhost *v)
{
	return count_methods(&v->auth, "oidc") + count_methods(&v->enable_auth, "oidc") > 0;
}

bool config_needs_bearer(const struct vhost *v)
{
	bool is_first = v->auth.n > 0 && strcmp(v->auth.v[0].name, "oidc") == 0;
	return is_first && count_methods(&v->enable_auth, "oidc") == v->enable_auth.n;
}

bool config_is_sso(const struct auth_method *m)
{
	return strcmp(m->name, "oidc-sso") == 0 || strcmp(m->name, "saml") == 0;
}

const char *config_sso_url(const struct vhost *v)
{
	const struct authlist *const lists[] = { &v->auth, &v->enable_auth };
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (size_t n = 0; n < lists[i]->n; n++)
			if (config_is_sso(&lists[i]->v[n]))
				return config_auth_arg(&lists[i]->v[n], "url");
	return nullptr;
}

bool config_begins_with_sso(const struct vhost *v)
{
	return v->auth.n > 0 && config_is_sso(&v->auth.v[0]);
}

bool config_same_auth(const struct vhost *a, const struct vhost *b)
{
	return is_equal_auth(&a->auth, &b->auth) && is_equal_auth(&a->enable_auth, &b->enable_auth);
}

/* {{ what works }} */

static enum err check_number(const struct auth_method *m, const char *key, uint32_t min, uint32_t max,
			     struct config_why *why)
{
	const char *text = config_auth_arg(m, key);
	uint32_t n;
	if (text == nullptr || parse_number(text, min, max, &n) == ERR_OK)
		return ERR_OK;
	config_why_set(why, "%s: expected a number from %u to %u", key, min, max);
	return ERR_RANGE;
}

static enum err check_plain(const struct auth_method *m, struct config_why *why)
{
	const bool has_otp = config_auth_arg(m, "otp") != nullptr;
	TRY(check_number(m, "totp-window", 0, 20, why));
	TRY(check_number(m, "hotp-window", 0, 1000, why));
	if (!has_otp &&
	    (config_auth_arg(m, "totp-window") != nullptr || config_auth_arg(m, "hotp-window") != nullptr)) {
		config_why_set(why, "a window without otp=FILE; remove it");
		return ERR_SYNTAX;
	}
	if (has_otp || config_auth_arg(m, "passwd") != nullptr)
		return ERR_OK;
	config_why_set(why, "the file of passwords is missing; use plain[passwd=FILE]");
	return ERR_SYNTAX;
}

static enum err check_pam(const struct auth_method *m, struct config_why *why)
{
	const char *service = config_auth_arg(m, "service");
	if (service != nullptr && (strchr(service, '/') != nullptr || service[0] == '.')) {
		config_why_set(why, "service: expected the name of a file in /etc/pam.d");
		return ERR_SYNTAX;
	}
	return check_number(m, "gid-min", 0, INT32_MAX, why);
}

static bool is_bool(const char *text)
{
	static const char *const words[] = { "true", "yes", "1", "false", "no", "0" };
	for (size_t i = 0; text != nullptr && i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return text == nullptr;
}

bool config_auth_flag(const struct auth_method *m, const char *key)
{
	const char *text = config_auth_arg(m, key);
	return text != nullptr &&
	       (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0);
}

static enum err check_radius(const struct auth_method *m, struct config_why *why)
{
	static const char *const flags[] = { "groupconfig", "override-interim-updates" };
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (!is_bool(config_auth_arg(m, flags[i]))) {
			config_why_set(why, "%s: expected true or false", flags[i]);
			return ERR_SYNTAX;
		}
	const char *separator = config_auth_arg(m, "group-separator");
	if (separator != nullptr && strlen(separator) != 1) {
		config_why_set(why, "group-separator: expected one character");
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static enum err check_oidc(const struct auth_method *m, struct config_why *why)
{
	const char *file = config_auth_arg(m, "config");
	if (file != nullptr && file[0] == '/')
		return ERR_OK;
	config_why_set(why, "config: expected the whole path of a file in JSON, as in %s[config=/etc/x.json]",
		       m->name);
	return ERR_SYNTAX;
}

static enum err check_sso(const struct auth_method *m, struct config_why *why)
{
	static const char scheme[] = "https://";
	const char *url = config_auth_arg(m, "url"), *browser = config_auth_arg(m, "browser");
	bool is_known = browser == nullptr || strcmp(browser, "auto") == 0 ||
			strcmp(browser, "embedded") == 0 || strcmp(browser, "external") == 0;
	TRY(check_oidc(m, why));
	if (!is_known) {
		config_why_set(why, "browser: expected auto, embedded or external");
		return ERR_SYNTAX;
	}
	if (url == nullptr || strncmp(url, scheme, strlen(scheme)) != 0 || strlen(url) > CONFIG_SSO_URL_MAX ||
	    url[strlen(scheme)] == '\0' || strpbrk(url + strlen(scheme), "/?#\\ ") != nullptr) {
		config_why_set(
			why,
			"url: expected the address by which browsers reach this server, without a path, as in "
			"url=https://vpn.example.com");
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static enum err check_saml(const struct auth_method *m, struct config_why *why)
{
	const char *id = config_auth_arg(m, "entity-id"), *url = config_auth_arg(m, "url");
	TRY(check_sso(m, why));
	if (id != nullptr &&
	    (id[0] == '\0' || strlen(id) > CONFIG_SSO_URL_MAX || strpbrk(id, " <>&\"'") != nullptr)) {
		config_why_set(
			why,
			"entity-id: expected a URI of up to %zu characters, as in entity-id=urn:example:vpn",
			CONFIG_SSO_URL_MAX);
		return ERR_SYNTAX;
	}
	if (strpbrk(url, "<>&\"'") == nullptr)
		return ERR_OK;
	config_why_set(why, "url: expected https:// and a name");
	return ERR_SYNTAX;
}

static enum err check_ldap(const struct auth_method *m, struct config_why *why)
{
	if (config_auth_arg(m, "config") != nullptr)
		return ERR_OK;
	config_why_set(why, "the file with the directory's servers is missing; use ldap[config=FILE]");
	return ERR_SYNTAX;
}

static enum err check_gssapi(const struct auth_method *m, struct config_why *why)
{
	if (!is_bool(config_auth_arg(m, "require-local-user-map"))) {
		config_why_set(why, "require-local-user-map: expected true or false");
		return ERR_SYNTAX;
	}
	TRY(check_number(m, "tgt-freshness-time", 1, INT32_MAX, why));
	return check_number(m, "gid-min", 0, INT32_MAX, why);
}

static enum err check_nothing(const struct auth_method *, struct config_why *)
{
	return ERR_OK; /* it has no arguments */
}

static const struct {
	const char *name;
	config_method_check *check;
	bool has_auth, has_acct;
} works[] = {
	{ "plain", check_plain, true, false },   { "pam", check_pam, true, true },
	{ "radius", check_radius, true, true },  { "certificate", check_nothing, true, false },
	{ "oidc", check_oidc, true, false },     { "oidc-sso", check_sso, true, false },
	{ "saml", check_saml, true, false },     { "ldap", check_ldap, true, false },
	{ "gssapi", check_gssapi, true, false },
};

enum err config_auth_check(const struct auth_method *m, struct config_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(works); i++)
		if (works[i].has_auth && strcmp(works[i].name, m->name) == 0)
			return works[i].check(m, why);
	config_why_set(why,
		       "method %s is planned, and the server does not run with weaker authentication than "
		       "configured; use plain[passwd=FILE]",
		       m->name);
	return ERR_UNSUPPORTED;
}

enum err config_acct_check(const struct auth_method *m, struct config_why *why)
{
	for (size_t i = 0; i < ARRAY_LEN(works); i++)
		if (works[i].has_acct && strcmp(works[i].name, m->name) == 0)
			return works[i].check(m, why);
	config_why_set(why, "expected radius[config=FILE] or pam");
	return ERR_UNSUPPORTED;
}
