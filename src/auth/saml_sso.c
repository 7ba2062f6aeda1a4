/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/saml_sso.h"

#include <lasso/lasso.h>
#include <lasso/xml/saml-2.0/samlp2_authn_request.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/oidc_sso.h"
#include "auth/saml_doc.h"
#include "auth/task.h"
#include "base/buf.h"
#include "base/encode.h"
#include "config/saml.h"
#include "ipc/msgs.h"

constexpr size_t SECRET_LEN = 32;
constexpr size_t ANSWER_MAX = 64 * 1024; /* as base64 */

struct visit {
	const struct saml_settings *s;
	const Msg__BackBegin *b;
	int fd;
	char entity[CONFIG_SAML_ENTITY_MAX], acs[CONFIG_SAML_ENTITY_MAX];
	char request_id[OIDC_SSO_TEXT + 1];
	LassoServer *server;
	LassoLogin *login;
};

/* {{ the answer for the keeper */

static void tell(const struct visit *v, enum msgs_back result, const char *why)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	done.conv = v->b->conv;
	done.result = result;
	done.why = (char *)(uintptr_t)why;
	task_tell(v->fd, &done.base);
}

static void tell_broken(const struct visit *v, const char *what, int code)
{
	char why[256];
	snprintf(why, sizeof why, "%s: %.180s", what, lasso_strerror(code));
	tell(v, BACK_BROKEN, why);
}

static bool has_group(const Msg__Facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (strcmp(f->groups[i], name) == 0)
			return true;
	return false;
}

static void admit(const struct visit *v, char *user, Msg__Facts *facts)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	if (v->b->group[0] != '\0' && !has_group(facts, v->b->group)) {
		tell(v, BACK_DENIED, "user is not in the chosen group");
		return;
	}
	done.conv = v->b->conv;
	done.result = BACK_OK;
	done.username = user;
	done.facts = facts;
	if (v->b->group[0] != '\0')
		done.group = v->b->group;
	else if (facts->n_groups > 0)
		done.group = facts->groups[0];
	task_tell(v->fd, &done.base);
}

/* {{ lasso */

/* What strangers send is not to fill the log; what is wrong is told by codes. */
static void be_silent(const gchar *, GLogLevelFlags, const gchar *, gpointer)
{
}

/* nullptr: with these settings it cannot work. */
static LassoServer *make_server(const struct saml_settings *s, const char *entity, const char *base)
{
	char metadata[CONFIG_SAML_METADATA_MAX];
	g_log_set_default_handler(be_silent, nullptr);
	struct writer w = writer_of(metadata, sizeof metadata);
	config_saml_metadata(&w, entity, base);
	writer_u8(&w, '\0');
	if (!writer_ok(&w) || lasso_init() != 0)
		return nullptr;
	LassoServer *server = lasso_server_new_from_buffers(metadata, s->key, nullptr, s->certificate);
	if (server == nullptr)
		return nullptr;
	server->signature_method = LASSO_SIGNATURE_METHOD_RSA_SHA256;
	if (lasso_server_add_provider_from_buffer(server, LASSO_PROVIDER_ROLE_IDP, s->metadata, nullptr,
						  nullptr) == 0)
		return server;
	g_object_unref(server);
	return nullptr;
}

/* The request to the only provider; 0, or what lasso says. */
static int make_request(LassoLogin *login, const struct saml_settings *s, const char *id, const char *acs,
			const char *state)
{
	LassoProfile *p = LASSO_PROFILE(login);
	lasso_profile_set_signature_hint(p, s->key != nullptr ? LASSO_PROFILE_SIGNATURE_HINT_FORCE
							      : LASSO_PROFILE_SIGNATURE_HINT_FORBID);
	int code = lasso_login_init_authn_request(login, nullptr, LASSO_HTTP_METHOD_REDIRECT);
	if (code != 0)
		return code;
	LassoSamlp2AuthnRequest *r = LASSO_SAMLP2_AUTHN_REQUEST(p->request);
	g_free(r->parent.ID);
	r->parent.ID = g_strdup(id);
	g_free(r->ProtocolBinding);
	r->ProtocolBinding = g_strdup(LASSO_SAML2_METADATA_BINDING_POST);
	g_free(r->AssertionConsumerServiceURL);
	r->AssertionConsumerServiceURL = g_strdup(acs);
	if (r->NameIDPolicy != nullptr)
		r->NameIDPolicy->AllowCreate = TRUE;
	g_free(p->msg_relayState);
	p->msg_relayState = g_strdup(state);
	return lasso_login_build_authn_request_msg(login);
}

bool saml_sso_check(const struct saml_settings *s)
{
	LassoServer *server = make_server(s, "https://check.example/", "https://check.example");
	if (server == nullptr || g_hash_table_size(server->providers) != 1)
		return false;
	LassoLogin *login = lasso_login_new(server);
	return login != nullptr &&
	       make_request(login, s, "_check", "https://check.example" CONFIG_SAML_ACS, "state") == 0;
}

/* {{ to the provider, and back */

static void begin(struct visit *v)
{
	Msg__BackDone done = MSG__BACK_DONE__INIT;
	int code = make_request(v->login, v->s, v->request_id, v->acs, v->b->sso_state);
	if (code != 0) {
		tell_broken(v, "no request to the identity provider", code);
		return;
	}
	done.conv = v->b->conv;
	done.result = BACK_SSO;
	done.sso_url = LASSO_PROFILE(v->login)->msg_url;
	task_tell(v->fd, &done.base);
}

/* Browsers send it with the ends of lines that the provider made. */
static enum err decode(const char *text, char base64[ANSWER_MAX], char xml[ANSWER_MAX], size_t *len)
{
	size_t n = 0;
	for (; *text != '\0' && n < ANSWER_MAX - 1; text++)
		if (strchr(" \t\r\n", *text) == nullptr)
			base64[n++] = *text;
	base64[n] = '\0';
	return *text != '\0' ? ERR_RANGE : encode_from_base64(base64, n, xml, ANSWER_MAX - 1, len);
}

static const char *judge_required(const struct visit *v, const xmlDoc *doc)
{
	const char *name;
	json_t *value;
	json_object_foreach(v->s->required, name, value) if (
		!saml_doc_has(
			doc, name,
			json_string_value(
				value))) return "a required attribute has not the value that it must have";
	return nullptr;
}

/* Signature first: nothing else of it may be believed before. */
static const char *judge(struct visit *v, const xmlDoc *doc, char *base64)
{
	static char why[256];
	LassoProfile *p = LASSO_PROFILE(v->login);
	GList *ids = g_hash_table_get_keys(v->server->providers);
	const struct saml_expect x = { .idp = ids != nullptr ? ids->data : "",
				       .entity = v->entity,
				       .acs = v->acs,
				       .request_id = v->request_id,
				       .now = time(nullptr),
				       .skew_s = v->s->skew_s };
	/* each signature that is there is verified, and one must be; FORCE would want both the response and the assertion signed */
	lasso_profile_set_signature_verify_hint(p, LASSO_PROFILE_SIGNATURE_VERIFY_HINT_MAYBE);
	int code = lasso_login_process_authn_response_msg(v->login, base64);
	if (code != 0) {
		snprintf(why, sizeof why, "the answer is not good: %.200s", lasso_strerror(code));
		return why;
	}
	const char *no = saml_doc_judge(doc, &x);
	return no != nullptr ? no : judge_required(v, doc);
}

static void take_user(const struct visit *v, const xmlDoc *doc)
{
	char user[SAML_NAME_MAX];
	Msg__Facts facts = MSG__FACTS__INIT;
	const char *attribute = v->s->group_attribute;
	if (saml_doc_name(doc, v->s->user_attribute, user) != ERR_OK)
		tell(v, BACK_DENIED, "the assertion has no name of the user where it is looked for");
	else if (attribute != nullptr && saml_doc_groups(doc, attribute, &facts) != ERR_OK)
		tell(v, BACK_BROKEN, err_text(ERR_NOMEM));
	else
		admit(v, user, &facts);
}

static void finish(struct visit *v)
{
	static char base64[ANSWER_MAX], xml[ANSWER_MAX];
	const char *why = "the answer is not base64";
	xmlDoc *doc = nullptr;
	size_t len = 0;
	enum err e = decode(v->b->sso_code, base64, xml, &len);
	if (e == ERR_OK)
		e = saml_doc_open(&doc, xml, len, &why);
	if (e == ERR_OK)
		why = judge(v, doc, base64);
	if (e != ERR_OK || why != nullptr)
		tell(v, BACK_DENIED, why);
	else
		take_user(v, doc);
	xmlFreeDoc(doc);
}

void saml_sso(const struct saml_conf *c, const struct auth_method *m, const Msg__BackBegin *b, int fd)
{
	struct visit v = { .s = saml_conf_settings(c), .b = b, .fd = fd, .request_id = "_" };
	const char *base = config_auth_arg(m, "url");
	config_saml_entity(m, v.entity);
	snprintf(v.acs, sizeof v.acs, "%s%s", base, CONFIG_SAML_ACS);
	v.server = make_server(v.s, v.entity, base);
	v.login = v.server != nullptr ? lasso_login_new(v.server) : nullptr;
	if (v.login == nullptr || b->sso_secret.len != SECRET_LEN ||
	    oidc_sso_derive(b->sso_secret.data, "saml-request", v.request_id + 1) != ERR_OK)
		tell(&v, BACK_BROKEN, "lasso cannot work with the metadata, key or certificate");
	else if (b->sso_step == SSO_START)
		begin(&v);
	else
		finish(&v);
}
