/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/authproc.h"
#include "auth/negotiate.h"
#include "auth/pamtalk.h"

static const char radius_default[] = "/etc/radcli/radiusclient.conf";

static const char *radius_path(const struct auth_method *m)
{
	const char *path = config_auth_arg(m, "config");
	return path != nullptr ? path : radius_default;
}

struct radius_conf *methods_radius(const struct methods *e, const struct auth_method *m)
{
	if (strcmp(m->name, "radius") != 0)
		return nullptr;
	for (size_t i = 0; i < e->radius_n; i++)
		if (strcmp(radius_conf_path(e->radius[i]), radius_path(m)) == 0)
			return e->radius[i];
	return nullptr;
}

static enum err add_radius(struct methods *e, const struct auth_method *m, char *problem, size_t cap)
{
	struct radius_conf *c;
	if (methods_radius(e, m) != nullptr)
		return ERR_OK;
	struct radius_conf **grown = reallocarray(e->radius, e->radius_n + 1, sizeof(struct radius_conf *));
	if (grown == nullptr)
		return ERR_NOMEM;
	e->radius = grown;
	TRY(radius_conf_new(&c, radius_path(m), problem, cap));
	grown[e->radius_n++] = c;
	return ERR_OK;
}

/* {{ oidc */

static bool is_oidc(const struct auth_method *m, bool *is_sso)
{
	*is_sso = strcmp(m->name, "oidc-sso") == 0;
	return *is_sso || strcmp(m->name, "oidc") == 0;
}

struct oidc_conf *methods_oidc(const struct methods *e, const struct auth_method *m)
{
	bool is_sso;
	const char *path = config_auth_arg(m, "config");
	if (!is_oidc(m, &is_sso) || path == nullptr)
		return nullptr;
	for (size_t i = 0; i < e->oidc_n; i++)
		if (oidc_conf_is_sso(e->oidc[i]) == is_sso && strcmp(oidc_conf_path(e->oidc[i]), path) == 0)
			return e->oidc[i];
	return nullptr;
}

static enum err add_oidc(struct methods *e, const struct auth_method *m, bool is_sso, char *problem,
			 size_t cap)
{
	struct oidc_conf *c;
	if (methods_oidc(e, m) != nullptr)
		return ERR_OK;
	struct oidc_conf **grown = reallocarray(e->oidc, e->oidc_n + 1, sizeof(struct oidc_conf *));
	if (grown == nullptr)
		return ERR_NOMEM;
	e->oidc = grown;
	TRY(oidc_conf_new(&c, config_auth_arg(m, "config"), is_sso, problem, cap));
	grown[e->oidc_n++] = c;
	return ERR_OK;
}

/* {{ saml */

struct saml_conf *methods_saml(const struct methods *e, const struct auth_method *m)
{
	const char *path = strcmp(m->name, "saml") == 0 ? config_auth_arg(m, "config") : nullptr;
	for (size_t i = 0; path != nullptr && i < e->saml_n; i++)
		if (strcmp(saml_conf_path(e->saml[i]), path) == 0)
			return e->saml[i];
	return nullptr;
}

static enum err add_saml(struct methods *e, const struct auth_method *m, char *problem, size_t cap)
{
	struct saml_conf *c;
	if (methods_saml(e, m) != nullptr)
		return ERR_OK;
	struct saml_conf **grown = reallocarray(e->saml, e->saml_n + 1, sizeof(struct saml_conf *));
	if (grown == nullptr)
		return ERR_NOMEM;
	e->saml = grown;
	TRY(saml_conf_new(&c, config_auth_arg(m, "config"), problem, cap));
	grown[e->saml_n++] = c;
	return ERR_OK;
}

/* {{ ldap */

struct directory_conf *methods_directory(const struct methods *e, const struct auth_method *m)
{
	const char *path = strcmp(m->name, "ldap") == 0 ? config_auth_arg(m, "config") : nullptr;
	for (size_t i = 0; path != nullptr && i < e->directories_n; i++)
		if (strcmp(directory_conf_path(e->directories[i]), path) == 0)
			return e->directories[i];
	return nullptr;
}

static enum err add_directory(struct methods *e, const struct auth_method *m, char *problem, size_t cap)
{
	struct directory_conf *c;
	if (methods_directory(e, m) != nullptr)
		return ERR_OK;
	struct directory_conf **grown =
		reallocarray(e->directories, e->directories_n + 1, sizeof(struct directory_conf *));
	if (grown == nullptr)
		return ERR_NOMEM;
	e->directories = grown;
	TRY(directory_conf_new(&c, config_auth_arg(m, "config"), problem, cap));
	grown[e->directories_n++] = c;
	return ERR_OK;
}

/* {{ all */

static enum err add_method(struct methods *e, const struct auth_method *m, char *problem, size_t cap)
{
	if (strcmp(m->name, "radius") == 0)
		return add_radius(e, m, problem, cap);
	bool is_sso;
	if (is_oidc(m, &is_sso))
		return add_oidc(e, m, is_sso, problem, cap);
	if (strcmp(m->name, "saml") == 0)
		return add_saml(e, m, problem, cap);
	if (strcmp(m->name, "ldap") == 0)
		return add_directory(e, m, problem, cap);
	if (strcmp(m->name, "gssapi") == 0)
		return negotiate_check(m, problem, cap);
	if (strcmp(m->name, "pam") == 0 && !pamtalk_has_service(pamtalk_service(m))) {
		snprintf(problem, cap,
			 "pam: there is no /etc/pam.d/%s; write one, or name another with pam[service=NAME]",
			 pamtalk_service(m));
		return ERR_CONFIG;
	}
	return ERR_OK;
}

enum err methods_init(struct methods *out, uint32_t number, struct config *cfg, char *problem, size_t cap)
{
	struct methods e = { .number = number, .cfg = config_get(cfg) };
	enum err r = ERR_OK;
	const struct auth_method *m;
	for (size_t v = 0; v < cfg->vhosts_n && r == ERR_OK; v++)
		for (size_t i = 0; r == ERR_OK && (m = config_vhost_method(&cfg->vhosts[v], i)) != nullptr;
		     i++)
			r = add_method(&e, m, problem, cap);
	if (r == ERR_OK)
		*out = e;
	else
		methods_fini(&e);
	return r;
}

void methods_fini(struct methods *e)
{
	for (size_t i = 0; i < e->radius_n; i++)
		radius_conf_free(e->radius[i]);
	free(e->radius);
	for (size_t i = 0; i < e->oidc_n; i++)
		oidc_conf_free(e->oidc[i]);
	free(e->oidc);
	for (size_t i = 0; i < e->saml_n; i++)
		saml_conf_free(e->saml[i]);
	free(e->saml);
	for (size_t i = 0; i < e->directories_n; i++)
		directory_conf_free(e->directories[i]);
	free(e->directories);
	config_putp(&e->cfg);
	*e = (struct methods){};
}

/* Servers that were silent a moment ago are so still; documents that were fetched are good still. */
void methods_inherit(struct methods *to, const struct methods *from)
{
	for (size_t i = 0; i < to->radius_n; i++)
		for (size_t j = 0; j < from->radius_n; j++)
			if (strcmp(radius_conf_path(to->radius[i]), radius_conf_path(from->radius[j])) == 0)
				radius_conf_inherit(to->radius[i], from->radius[j]);
	for (size_t i = 0; i < to->oidc_n; i++)
		for (size_t j = 0; j < from->oidc_n; j++)
			if (oidc_conf_is_sso(to->oidc[i]) == oidc_conf_is_sso(from->oidc[j]))
				oidc_conf_inherit(to->oidc[i], from->oidc[j]);
	for (size_t i = 0; i < to->directories_n; i++)
		for (size_t j = 0; j < from->directories_n; j++)
			if (strcmp(directory_conf_path(to->directories[i]),
				   directory_conf_path(from->directories[j])) == 0)
				directory_conf_inherit(to->directories[i], from->directories[j]);
}
