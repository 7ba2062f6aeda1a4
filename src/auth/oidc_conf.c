/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/oidc_conf.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"

constexpr size_t SECRET_MAX = 512;
constexpr uint32_t SKEW_S = 60, SKEW_MAX_S = 600;
constexpr uint32_t REFRESH_S = 10, REFRESH_MAX_S = 86'400;
constexpr uint64_t REFETCH_BURST = 8;
constexpr uint64_t SILENT_S = 5;
constexpr uint64_t NS = 1'000'000'000;

/* Seen by all children; each only ever moves a time on. */
struct shared {
	_Atomic uint64_t refetch_ns; /* when the last permitted fetch of keys will have been paid for */
	_Atomic uint64_t silent_ns;  /* until when nobody asks */
};

struct oidc_conf {
	char *path;
	bool is_sso;
	struct oidc_settings settings;
	char *discovery, *keys;
	struct mono fetched;
	struct shared *shared;
};

static enum err complain(const struct oidc_conf *c, char *problem, size_t cap, const char *what)
{
	snprintf(problem, cap, "oidc %s: %s", c->path, what);
	return ERR_CONFIG;
}

/* {{ the file */

enum kind : uint8_t { TEXT = 1, URL, NUMBER, CLAIMS };

struct field {
	const char *name;
	enum kind kind;
	bool is_sso; /* of browser sign-on only */
	uint16_t offset;
	uint32_t max; /* NUMBER */
};

static const struct field fields[] = {
#define AT(field) offsetof(struct oidc_settings, field)
	{ "openid_configuration_url", URL, false, AT(discovery_url), 0 },
	{ "user_name_claim", TEXT, false, AT(user_claim), 0 },
	{ "group_claim", TEXT, false, AT(group_claim), 0 },
	{ "required_claims", CLAIMS, false, AT(required), 0 },
	{ "minimum_jwk_refresh_time", NUMBER, false, AT(key_refresh_s), REFRESH_MAX_S },
	{ "clock_skew", NUMBER, false, AT(skew_s), SKEW_MAX_S },
	{ "ca_file", TEXT, false, AT(ca_file), 0 },
	{ "client_id", TEXT, true, AT(client_id), 0 },
	{ "client_secret", TEXT, true, AT(client_secret), 0 },
	{ "client_secret_file", TEXT, true, AT(client_secret), 0 },
	{ "scope", TEXT, true, AT(scope), 0 },
#undef AT
};

static const struct field *find_field(const char *name, bool is_sso)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, name) == 0 && (is_sso || !fields[i].is_sso))
			return &fields[i];
	return nullptr;
}

static enum err take_text(struct oidc_settings *s, const struct field *f, const json_t *v)
{
	char **to = (char **)((char *)s + f->offset);
	const char *text = json_string_value(v);
	if (text == nullptr || *text == '\0' || *to != nullptr)
		return ERR_SYNTAX;
	if (f->kind == URL && strncmp(text, "https://", 8) != 0)
		return ERR_SYNTAX;
	*to = strdup(text);
	return *to != nullptr ? ERR_OK : ERR_NOMEM;
}

static enum err take_field(struct oidc_settings *s, const struct field *f, json_t *v)
{
	switch (f->kind) {
	case TEXT:
	case URL: return take_text(s, f, v);
	case NUMBER:
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > f->max)
			return ERR_RANGE;
		*(uint32_t *)(void *)((char *)s + f->offset) = (uint32_t)json_integer_value(v);
		return ERR_OK;
	case CLAIMS:
		if (!json_is_object(v))
			return ERR_SYNTAX;
		s->required = json_incref(v);
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

static const char *expected(enum kind kind)
{
	switch (kind) {
	case TEXT: return "expected a text, once";
	case URL: return "expected a URL that begins with https://";
	case NUMBER: return "expected a number of seconds in its range";
	case CLAIMS: return "expected an object of claims and their values";
	}
	return "";
}

static enum err take_all(struct oidc_conf *c, json_t *root, char *problem, size_t cap)
{
	const char *name;
	json_t *value;
	char what[256];
	json_object_foreach(root, name, value)
	{
		const struct field *f = find_field(name, c->is_sso);
		if (f != nullptr && take_field(&c->settings, f, value) == ERR_OK)
			continue;
		snprintf(what, sizeof what, "\"%s\": %s", name,
			 f != nullptr ? expected(f->kind) : "there is no such key; remove it");
		return complain(c, problem, cap, what);
	}
	return ERR_OK;
}

/* In place of its text. */
static enum err read_secret(struct oidc_conf *c, char *problem, size_t cap)
{
	char text[SECRET_MAX + 2] = "", *path = TAKE(c->settings.client_secret);
	FILE *f = fopen(path, "re");
	size_t n = f != nullptr ? fread(text, 1, sizeof text - 1, f) : 0;
	if (f != nullptr)
		fclose(f);
	free(path);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		text[--n] = '\0';
	if (n == 0 || n > SECRET_MAX || strlen(text) != n)
		return complain(c, problem, cap,
				"\"client_secret_file\": it must be readable and hold the secret");
	c->settings.client_secret = strdup(text);
	explicit_bzero(text, sizeof text);
	return c->settings.client_secret != nullptr ? ERR_OK : ERR_NOMEM;
}

static enum err set_default(char **to, const char *text)
{
	if (*to == nullptr)
		*to = strdup(text);
	return *to != nullptr ? ERR_OK : ERR_NOMEM;
}

/* A token for anybody else must not open this door, so the audience has to be named. */
static enum err check(struct oidc_conf *c, char *problem, size_t cap)
{
	struct oidc_settings *s = &c->settings;
	if (s->discovery_url == nullptr)
		return complain(c, problem, cap, "\"openid_configuration_url\" is missing");
	if (c->is_sso && s->client_id == nullptr)
		return complain(c, problem, cap, "\"client_id\" is missing");
	if (!c->is_sso && !json_is_string(json_object_get(s->required, "aud")))
		return complain(
			c, problem, cap,
			"\"required_claims\" must name the audience, as in { \"aud\": \"vpn\" }: else a "
			"token for any other service would be good here");
	if (s->ca_file != nullptr && access(s->ca_file, R_OK) != 0)
		return complain(c, problem, cap, "\"ca_file\" cannot be read");
	TRY(set_default(&s->user_claim, "preferred_username"));
	return set_default(&s->scope, "openid profile email");
}

static enum err read_file(struct oidc_conf *c, char *problem, size_t cap)
{
	json_error_t why;
	char what[JSON_ERROR_TEXT_LENGTH + 64];
	json_t *root = json_load_file(c->path, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(root)) {
		json_decref(root);
		snprintf(what, sizeof what, "line %d: %s", why.line, why.text);
		return complain(c, problem, cap, root == nullptr ? what : "expected an object");
	}
	enum err e = take_all(c, root, problem, cap);
	bool by_file = json_object_get(root, "client_secret_file") != nullptr;
	json_decref(root);
	TRY(e);
	if (by_file)
		TRY(read_secret(c, problem, cap));
	return check(c, problem, cap);
}

/* {{ life */

enum err oidc_conf_new(struct oidc_conf **out, const char *path, bool is_sso, char *problem, size_t cap)
{
	struct oidc_conf *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->is_sso = is_sso;
	c->settings.skew_s = SKEW_S;
	c->settings.key_refresh_s = REFRESH_S;
	c->path = strdup(path);
	c->shared =
		mmap(nullptr, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->shared == MAP_FAILED)
		c->shared = nullptr;
	enum err e = c->path == nullptr || c->shared == nullptr ? ERR_NOMEM : read_file(c, problem, cap);
	if (e != ERR_OK) {
		oidc_conf_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void oidc_conf_free(struct oidc_conf *c)
{
	if (c == nullptr)
		return;
	struct oidc_settings *s = &c->settings;
	char *texts[] = { s->discovery_url, s->user_claim, s->group_claim,  s->ca_file,
			  s->client_id,     s->scope,      s->client_secret };
	if (s->client_secret != nullptr)
		explicit_bzero(s->client_secret, strlen(s->client_secret));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	json_decref(s->required);
	if (c->shared != nullptr)
		munmap(c->shared, sizeof *c->shared);
	free(c->discovery);
	free(c->keys);
	free(c->path);
	free(c);
}

const char *oidc_conf_path(const struct oidc_conf *c)
{
	return c->path;
}

bool oidc_conf_is_sso(const struct oidc_conf *c)
{
	return c->is_sso;
}

const struct oidc_settings *oidc_conf_settings(const struct oidc_conf *c)
{
	return &c->settings;
}

/* {{ documents */

enum oidc_age oidc_conf_documents(const struct oidc_conf *c, struct mono now, const char **discovery,
				  const char **keys)
{
	bool is_usable = c->keys != nullptr && !clock_is_past(now, clock_add_s(c->fetched, OIDC_STALE_S));
	*discovery = is_usable ? c->discovery : nullptr;
	*keys = is_usable ? c->keys : nullptr;
	if (!is_usable)
		return OIDC_NONE;
	return clock_is_past(now, clock_add_s(c->fetched, OIDC_FRESH_S)) ? OIDC_OLD : OIDC_FRESH;
}

void oidc_conf_learn(struct oidc_conf *c, const char *discovery, const char *keys, struct mono now)
{
	if (strlen(discovery) > OIDC_DISCOVERY_MAX || strlen(keys) > OIDC_KEYS_MAX)
		return;
	char *d = strdup(discovery), *k = strdup(keys);
	if (d == nullptr || k == nullptr) {
		free(d);
		free(k);
		return;
	}
	if (c->keys == nullptr || strcmp(c->keys, k) != 0)
		log_info("oidc.keys file=\"%s\" bytes=%zu", c->path, strlen(k));
	free(c->discovery);
	free(c->keys);
	c->discovery = d;
	c->keys = k;
	c->fetched = now;
}

void oidc_conf_inherit(struct oidc_conf *to, const struct oidc_conf *from)
{
	if (from->keys == nullptr || strcmp(to->settings.discovery_url, from->settings.discovery_url) != 0)
		return;
	oidc_conf_learn(to, from->discovery, from->keys, from->fetched);
}

/* {{ in children, together */

/* A bucket in one number: how far the fetches that were permitted have run ahead of the clock. */
bool oidc_conf_may_refetch(const struct oidc_conf *c, struct mono now)
{
	const uint64_t each = MAX(c->settings.key_refresh_s, 1u) * NS;
	uint64_t at = atomic_load(&c->shared->refetch_ns), next;
	do {
		next = MAX(at, now.ns) + each;
		if (next - now.ns > REFETCH_BURST * each)
			return false;
	} while (!atomic_compare_exchange_weak(&c->shared->refetch_ns, &at, next));
	return true;
}

bool oidc_conf_is_silent(const struct oidc_conf *c, struct mono now)
{
	return atomic_load(&c->shared->silent_ns) > now.ns;
}

void oidc_conf_note_silent(const struct oidc_conf *c, struct mono now)
{
	atomic_store(&c->shared->silent_ns, now.ns + SILENT_S * NS);
}
