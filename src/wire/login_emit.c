/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/login.h"

static const char prolog[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
static const char form_title[] = "Login";
static const char done_title[] = "SSL VPN Service";
/* no group begins behind this: clients read into a buffer of 64 KB, and an option has at most two names of which each byte may
 * become an entity */
constexpr size_t GROUPS_END = 60 * 1024;

/* <name>text</name>; nothing for nullptr. */
static void emit_element(struct writer *w, const char *name, const char *text)
{
	if (text == nullptr)
		return;
	writer_fmt(w, "<%s>", name);
	text_emit_xml(w, text);
	writer_fmt(w, "</%s>\n", name);
}

static void emit_attribute(struct writer *w, const char *name, const char *text)
{
	writer_fmt(w, " %s=\"", name);
	text_emit_xml(w, text);
	writer_u8(w, '"');
}

/* All before <auth>; type is that of the aggregate dialect. */
static void open_document(struct writer *w, enum login_dialect dialect, const char *type)
{
	writer_str(w, prolog);
	if (dialect != LOGIN_XML)
		return;
	writer_fmt(w, "<config-auth client=\"vpn\" type=\"%s\" aggregate-auth-version=\"2\">\n", type);
	writer_str(w, "<version who=\"sg\">0.1(1)</version>\n");
}

static void close_document(struct writer *w, enum login_dialect dialect)
{
	if (dialect == LOGIN_XML)
		writer_str(w, "</config-auth>\n");
}

static void open_auth(struct writer *w, const char *id, const char *title)
{
	writer_str(w, "<auth");
	emit_attribute(w, "id", id);
	writer_str(w, ">\n");
	emit_element(w, "title", title);
}

static void emit_error(struct writer *w, unsigned id, const char *text)
{
	if (text == nullptr)
		return;
	writer_str(w, "<error");
	if (id != 0)
		writer_fmt(w, " id=\"%u\"", id);
	writer_str(w, " param1=\"\" param2=\"\">");
	text_emit_xml(w, text);
	writer_str(w, "</error>\n");
}

/* The child is our own: clients give the element back as it is. */
static void emit_handle(struct writer *w, const char *handle)
{
	if (handle == nullptr)
		return;
	writer_str(w, "<opaque is-for=\"sg\"><aggauth-handle>");
	text_emit_xml(w, handle);
	writer_str(w, "</aggauth-handle></opaque>\n");
}

static void emit_input(struct writer *w, const char *type, const char *name, const char *label)
{
	writer_fmt(w, "<input type=\"%s\"", type);
	emit_attribute(w, "name", name);
	emit_attribute(w, "label", label);
	writer_str(w, "/>\n");
}

static void emit_option(struct writer *w, const struct login_group *g, bool selected)
{
	writer_str(w, "<option");
	emit_attribute(w, "value", g->name);
	writer_str(w, selected ? " selected=\"true\">" : ">");
	text_emit_xml(w, g->label);
	writer_str(w, "</option>\n");
}

/* The one selected stands first, whatever comes behind it. */
static void emit_groups(struct writer *w, const struct login_form *form)
{
	if (form->groups_n < 2)
		return;
	writer_str(w, "<select name=\"group_list\" label=\"GROUP:\">\n");
	if (form->selected < form->groups_n)
		emit_option(w, &form->groups[form->selected], true);
	for (size_t i = 0; i < form->groups_n && w->len < GROUPS_END; i++)
		if (i != form->selected)
			emit_option(w, &form->groups[i], false);
	writer_str(w, "</select>\n");
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text != nullptr ? text : otherwise;
}

static const char *request_for(const struct login_form *form)
{
	if (form->ask_username && form->ask_password)
		return "Please enter your username and password.";
	return form->ask_username ? "Please enter your username." : "Please enter your password.";
}

/* openconnect 3 tells the step of a password by the name of the form. */
static const char *id_of(enum login_dialect dialect, const struct login_form *form)
{
	if (dialect == LOGIN_BARE_OLD && form->ask_password && !form->ask_username)
		return or_else(form->password_name, "password");
	return or_else(form->id, "main");
}

static void emit_sso(struct writer *w, const struct login_sso *s)
{
	emit_element(w, "sso-v2-login", s->login);
	emit_element(w, "sso-v2-login-final", s->final);
	emit_element(w, "sso-v2-logout", s->final);
	emit_element(w, "sso-v2-logout-final", s->final);
	emit_element(w, "sso-v2-token-cookie-name", s->token_cookie);
	emit_element(w, "sso-v2-error-cookie-name", s->error_cookie);
	if (s->external)
		emit_element(w, "sso-v2-browser-mode", "external");
}

void login_emit_form(struct writer *w, enum login_dialect dialect, const struct login_form *form)
{
	open_document(w, dialect, "auth-request");
	if (dialect == LOGIN_XML) {
		emit_handle(w, form->handle);
		if (form->cert_authenticated)
			writer_str(w, "<cert-authenticated></cert-authenticated>\n");
	}
	open_auth(w, id_of(dialect, form), form_title);
	emit_element(w, "message", or_else(form->message, request_for(form)));
	emit_element(w, "banner", form->banner);
	emit_error(w, form->error_id, form->error);
	if (form->sso != nullptr)
		emit_sso(w, form->sso);
	writer_str(w, "<form method=\"post\"");
	emit_attribute(w, "action", or_else(form->action, "/auth"));
	writer_str(w, ">\n");
	if (form->sso != nullptr)
		writer_str(w, "<input type=\"sso\" name=\"sso-token\"/>\n");
	if (form->ask_username)
		emit_input(w, "text", "username", "Username:");
	if (form->ask_password)
		emit_input(w, form->echo ? "text" : "password", or_else(form->password_name, "password"),
			   or_else(form->password_label, "Password:"));
	emit_groups(w, form);
	writer_str(w, "</form>\n</auth>\n");
	close_document(w, dialect);
}

static void emit_manifest(struct writer *w, const struct login_profile *p)
{
	if (p == nullptr)
		return;
	writer_str(w, "<vpn-profile-manifest>\n<vpn rev=\"1.0\">\n"
		      "<file type=\"profile\" service-type=\"user\">\n<uri>");
	login_emit_profile_uri(w, p->name);
	writer_fmt(w, "</uri>\n<hash type=\"sha1\">%s</hash>\n", p->sha1);
	writer_str(w, "</file>\n</vpn>\n</vpn-profile-manifest>\n");
}

static void emit_config(struct writer *w, const struct login_done *done)
{
	if (done->cert_sha1 == nullptr)
		return;
	writer_str(w, "<config client=\"vpn\" type=\"private\">\n<vpn-base-config>\n");
	emit_element(w, "server-cert-hash", done->cert_sha1);
	writer_str(w, "</vpn-base-config>\n<opaque is-for=\"vpn-client\"></opaque>\n");
	emit_manifest(w, done->profile);
	writer_str(w, "</config>\n");
}

void login_emit_complete(struct writer *w, enum login_dialect dialect, const struct login_done *done)
{
	open_document(w, dialect, "complete");
	if (dialect == LOGIN_XML) {
		emit_element(w, "session-id", or_else(done->session_id, ""));
		emit_element(w, "session-token", done->session_token);
	}
	open_auth(w, "success", done_title);
	emit_element(w, "message", done->message);
	emit_element(w, "banner", done->banner);
	writer_str(w, "</auth>\n");
	if (dialect == LOGIN_XML)
		emit_config(w, done);
	close_document(w, dialect);
}

void login_emit_error(struct writer *w, enum login_dialect dialect, unsigned error_id, const char *text)
{
	open_document(w, dialect, "auth-request");
	open_auth(w, "main", form_title);
	emit_error(w, error_id, text);
	writer_str(w, "</auth>\n");
	close_document(w, dialect);
}

const char LOGIN_CERT_FAILURE[] = "Certificate Validation Failure";

void login_emit_cert_request(struct writer *w, const char *handle)
{
	open_document(w, LOGIN_XML, "auth-request");
	emit_handle(w, handle);
	writer_str(w, "<client-cert-request></client-cert-request>\n");
	close_document(w, LOGIN_XML);
}

enum login_cert_step login_cert_step(bool wanted, bool required, bool present, enum login_dialect dialect,
				     const struct login_req *req)
{
	if (!wanted || present)
		return LOGIN_CERT_GO_ON;
	/* a client that never heard of the request cannot answer it; one that says it has none is asked once only */
	bool can_ask = dialect == LOGIN_XML && req->type == LOGIN_INIT && !req->client_cert_fail;
	if (can_ask && required)
		return LOGIN_CERT_REQUEST;
	return required ? LOGIN_CERT_REFUSE : LOGIN_CERT_GO_ON;
}
