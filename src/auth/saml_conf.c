/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/saml_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/profile.h"
#include "auth/saml_sso.h"

constexpr size_t FILE_MAX = 256 * 1024; /* bytes of metadata, key, certificate */
constexpr uint32_t SKEW_S = 60, SKEW_MAX_S = 600;

struct saml_conf {
	char *path;
	struct saml_settings settings;
};

static enum err complain(const struct saml_conf *c, char *problem, size_t cap, const char *what)
{
	snprintf(problem, cap, "saml %s: %s", c->path, what);
	return ERR_CONFIG;
}

/* {{ the file */

enum kind : uint8_t { TEXT = 1, CONTENT, NUMBER, VALUES };

struct field {
	const char *name;
	enum kind kind;
	uint16_t offset;
};

static const struct field fields[] = {
#define AT(field) offsetof(struct saml_settings, field)
	{ "idp_metadata_file", CONTENT, AT(metadata) },
	{ "user_attribute", TEXT, AT(user_attribute) },
	{ "group_attribute", TEXT, AT(group_attribute) },
	{ "request_key_file", CONTENT, AT(key) },
	{ "request_certificate_file", CONTENT, AT(certificate) },
	{ "required_attributes", VALUES, AT(required) },
	{ "clock_skew", NUMBER, AT(skew_s) },
#undef AT
};

static const char *const expected[] = {
	[TEXT] = "expected a text",
	[CONTENT] =
		"expected the name of a file that can be read, is not empty and has up to 256 KiB of text",
	[NUMBER] = "expected seconds, 0 to 600",
	[VALUES] = "expected an object of attributes and the text that each must have",
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return nullptr;
}

static char *read_text(const char *path)
{
	FILE *f = path != nullptr ? fopen(path, "re") : nullptr;
	char *text = f != nullptr ? calloc(1, FILE_MAX + 1) : nullptr;
	size_t n = text != nullptr ? fread(text, 1, FILE_MAX + 1, f) : 0;
	if (f != nullptr)
		fclose(f);
	if (n > 0 && n <= FILE_MAX && strlen(text) == n)
		return text;
	free(text);
	return nullptr;
}

static bool are_texts(json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value) if (!json_is_string(value)) return false;
	return json_is_object(object);
}

static bool take(struct saml_settings *s, const struct field *f, json_t *v)
{
	void *to = (char *)s + f->offset;
	const char *text = json_string_value(v);
	switch (f->kind) {
	case TEXT:
		*(char **)to = text != nullptr && *text != '\0' ? strdup(text) : nullptr;
		return *(char **)to != nullptr;
	case CONTENT: *(char **)to = read_text(text); return *(char **)to != nullptr;
	case NUMBER:
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > SKEW_MAX_S)
			return false;
		s->skew_s = (uint32_t)json_integer_value(v);
		return true;
	case VALUES:
		if (are_texts(v))
			s->required = json_incref(v);
		return s->required != nullptr;
	}
	return false;
}

static enum err take_all(struct saml_conf *c, json_t *root, char *problem, size_t cap)
{
	const char *name;
	json_t *value;
	char what[256];
	json_object_foreach(root, name, value)
	{
		const struct field *f = find_field(name);
		if (f != nullptr && take(&c->settings, f, value))
			continue;
		snprintf(what, sizeof what, "\"%.64s\": %s", name,
			 f != nullptr ? expected[f->kind] : "there is no such key; remove it");
		return complain(c, problem, cap, what);
	}
	return ERR_OK;
}

/* XML and keys of others are read in a child. */
static bool is_usable(const struct saml_settings *s)
{
	int status = 1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(profile_enter_network() == ERR_OK && saml_sso_check(s) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static enum err read_file(struct saml_conf *c, char *problem, size_t cap)
{
	const struct saml_settings *s = &c->settings;
	json_error_t why;
	char what[JSON_ERROR_TEXT_LENGTH + 64];
	json_t *root = json_load_file(c->path, JSON_REJECT_DUPLICATES, &why);
	if (!json_is_object(root)) {
		json_decref(root);
		snprintf(what, sizeof what, "line %d: %s", why.line, why.text);
		return complain(c, problem, cap, root == nullptr ? what : "expected an object");
	}
	enum err e = take_all(c, root, problem, cap);
	json_decref(root);
	TRY(e);
	if (s->metadata == nullptr)
		return complain(c, problem, cap, "\"idp_metadata_file\" is missing");
	if ((s->key != nullptr) != (s->certificate != nullptr))
		return complain(c, problem, cap,
				"\"request_key_file\" and \"request_certificate_file\" belong together");
	if (!is_usable(s))
		return complain(
			c, problem, cap,
			"\"idp_metadata_file\" must be the SAML 2.0 metadata of one identity provider with its "
			"signing key and the redirect binding, and key and certificate, if any, PEM");
	return ERR_OK;
}

/* {{ life */

enum err saml_conf_new(struct saml_conf **out, const char *path, char *problem, size_t cap)
{
	struct saml_conf *c = calloc(1, sizeof *c);
	if (c == nullptr)
		return ERR_NOMEM;
	c->settings.skew_s = SKEW_S;
	c->path = strdup(path);
	enum err e = c->path == nullptr ? ERR_NOMEM : read_file(c, problem, cap);
	if (e != ERR_OK) {
		saml_conf_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void saml_conf_free(struct saml_conf *c)
{
	if (c == nullptr)
		return;
	struct saml_settings *s = &c->settings;
	if (s->key != nullptr)
		explicit_bzero(s->key, strlen(s->key));
	char *const texts[] = { s->metadata, s->user_attribute, s->group_attribute, s->key, s->certificate };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	json_decref(s->required);
	free(c->path);
	free(c);
}

const char *saml_conf_path(const struct saml_conf *c)
{
	return c->path;
}

const struct saml_settings *saml_conf_settings(const struct saml_conf *c)
{
	return &c->settings;
}
