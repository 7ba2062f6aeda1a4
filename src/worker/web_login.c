/* SPDX-License-Identifier: GPL-3.0-or-later */
/* web_login - the dialogue of a login: forms, prompts, the end (protocol.md 4, 7) */
#include <string.h>
#include <wolfssl/wolfcrypt/hash.h>

#include "base/encode.h"
#include "wire/sso.h"
#include "worker/authority.h"
#include "worker/web_parts.h"

static const char ask_both[] = "Please enter your username and password.";
static const char failed[] = "Login failed.";
static const char no_browser[] = "This server needs a client that can sign on in a browser.";
static const char restarting[] = "the server is restarting, try again";
constexpr unsigned FAILED_ID = 13; /* as Cisco's servers say it */
constexpr size_t SESSION_ID_LEN = 8; /* bytes of a hash: a name for people, no secret */

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : nullptr;
}

enum err web_encode_id(const ProtobufCBinaryData *id, char out[WEB_ID_TEXT])
{
	size_t n = 0;
	if (id->len != WEB_ID_LEN)
		return ERR_PROTO;
	TRY(encode_to_base64(id->data, id->len, out, WEB_ID_TEXT - 1, &n));
	out[n] = '\0';
	return ERR_OK;
}

/* {{ forms }} */

/* auth_id: of the login under way; nullptr: it has not begun. */
static enum err send_form(struct conn *c, struct login_form *f, const ProtobufCBinaryData *auth_id)
{
	const struct vhost *v = web_vhost(c);
	struct login_group groups[WEB_GROUPS_MAX];
	char context[WEB_ID_TEXT], action[4 * LOGIN_USER_MAX];
	struct login_cookies cookies;
	struct writer to = writer_of(action, sizeof action);
	web_group_emit_action(c, &to);
	if (!writer_ok(&to))
		return ERR_FULL;
	f->action = action;
	/* a later question goes to who was named in the first; the URL of a group leaves no choice, which a client without a
	 * terminal could not make */
	f->groups_n = f->ask_username && !c->web->group_by_url ? web_groups(c, groups) : 0;
	f->groups = groups;
	const char *chosen = c->web->group[0] != '\0' ? c->web->group : v->default_select_group;
	f->selected = chosen != nullptr ? web_group_find(groups, f->groups_n, chosen) : f->groups_n;
	if (auth_id != nullptr) {
		TRY(web_encode_id(auth_id, context));
		f->handle = context;
		TRY(login_cookies_form(&cookies, context, v->cookie_timeout));
	}
	struct writer doc = web_document();
	login_emit_form(&doc, c->web->dialect, f);
	return web_send_xml(c, &doc, auth_id != nullptr ? &cookies : nullptr, false);
}

/* User and password in one form: password managers like it, and no state is needed before the answer. */
static enum err first_form(struct conn *c)
{
	struct login_form f = { .message = ask_both,
				.banner = web_vhost(c)->pre_login_banner,
				.ask_username = true,
				.ask_password = true };
	return send_form(c, &f, nullptr);
}

/* {{ refusals }} */

/* The end of the login.  A client of XML shows the text and gives up, for there is nothing to fill in; others know 401. */
static enum err deny(struct conn *c, const char *text)
{
	STAT_INC(c->w, auth_failed);
	if (c->web->is_bearer)
		return web_ask_bearer(c, true);
	if (c->web->dialect != LOGIN_XML || c->web->is_svc)
		return web_refuse(c, 401, text);
	struct writer doc = web_document();
	login_emit_error(&doc, c->web->dialect, FAILED_ID, text);
	return web_send_xml(c, &doc, nullptr, true);
}

/* {{ certificates }} */

/* Before anything else is asked, unless that is all right already; *done tells whether it was answered. */
static enum err settle_certificate(struct conn *c, const struct login_req *req, bool *done)
{
	const struct vhost *v = web_vhost(c);
	bool required = config_needs_certificate(v), wanted = config_wants_certificate(v);
	bool present = web_client_cert(c).p != nullptr;
	*done = true;
	if (required && tls_peer_state(&c->tls) == TLS_PEER_BAD)
		return deny(c, LOGIN_CERT_FAILURE); /* the client would show the same again */
	switch (login_cert_step(wanted, required, present, c->web->dialect, req)) {
	case LOGIN_CERT_REQUEST: {
		struct writer doc = web_document();
		login_emit_cert_request(&doc, nullptr);
		return web_send_xml(c, &doc, nullptr, true); /* it comes back on a new connection */
	}
	case LOGIN_CERT_REFUSE: return deny(c, LOGIN_CERT_FAILURE);
	case LOGIN_CERT_GO_ON: break;
	}
	*done = false;
	return ERR_OK;
}

/* {{ steps }} */

/* The handle of the login under way: from <opaque>, else from the cookie.  Both are bounded before they are decoded. */
static size_t auth_id_of(const struct conn *c, const struct login_req *req, uint8_t out[WEB_ID_LEN])
{
	size_t n = 0;
	if (req->handle[0] != '\0' &&
	    encode_from_base64(req->handle, strlen(req->handle), out, WEB_ID_LEN, &n) == ERR_OK &&
	    n == WEB_ID_LEN)
		return n;
	return web_cookie(c, "webvpncontext", out) ? WEB_ID_LEN : 0;
}

/* Does it come with a token and nothing else? */
static bool brings_token(const struct conn *c, const struct login_req *req)
{
	return !req->has_username && !req->has_password && web_bearer(c).p != nullptr;
}

static enum err ask_keeper(struct conn *c, const struct login_req *req)
{
	uint8_t auth_id[WEB_ID_LEN];
	size_t n = auth_id_of(c, req, auth_id);
	c->web->is_bearer = brings_token(c, req);
	struct slice token = c->web->by_token ? web_negotiate_token(c) : (struct slice){};
	enum err e = authority_auth(c, req, auth_id, n, token);
	explicit_bzero(auth_id, sizeof auth_id);
	if (e != ERR_OK)
		return web_refuse(c, 503, restarting);
	c->web->ask = CONN_ASK_LOGIN;
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err begin(struct conn *c, const struct login_req *req)
{
	if (brings_token(c, req))
		return ask_keeper(c, req);
	if (config_needs_bearer(web_vhost(c)))
		return web_ask_bearer(c, false);
	bool done = false;
	enum err e = settle_certificate(c, req, &done);
	if (!done)
		e = web_negotiate_begin(c, &done);
	if (done || e != ERR_OK)
		return e;
	if (c->web->by_token)
		return ask_keeper(c, req);
	/* with a certificate the keeper knows who it is, and what is still to be asked; a sign-on needs a reference of his */
	bool can_sso = (req->capabilities & (LOGIN_CAP_SSO_V2 | LOGIN_CAP_SSO_BROWSER)) != 0;
	bool is_sso = config_begins_with_sso(web_vhost(c));
	if (web_client_cert(c).p != nullptr || (is_sso && can_sso && c->web->dialect == LOGIN_XML))
		return ask_keeper(c, req);
	return is_sso && web_vhost(c)->enable_auth.n == 0 ? deny(c, no_browser) : first_form(c);
}

static enum err take(struct conn *c, const struct login_req *req)
{
	web_group_choose(c, req);
	switch (req->type) {
	case LOGIN_INIT: return begin(c, req);
	case LOGIN_LOGOUT: return web_login_out(c, req->session_token);
	case LOGIN_REPLY:
	case LOGIN_FORM:
		if (req->has_username || req->has_password || req->sso_token[0] != '\0' ||
		    req->handle[0] != '\0')
			return ask_keeper(c, req);
		return c->web->is_svc ? deny(c, failed) : begin(c, req);
	}
	return web_refuse(c, 400, nullptr);
}

enum err web_login_post(struct conn *c)
{
	struct login_req req;
	struct slice body = http_body(&c->web->http);
	if (login_parse(&req, (const uint8_t *)body.p, body.n) != ERR_OK)
		return web_refuse(c, 400, nullptr);
	if (req.aggregate && c->web->dialect == LOGIN_BARE)
		c->web->dialect = LOGIN_XML;
	enum err e = take(c, &req);
	login_req_wipe(&req);
	return e;
}

enum err web_login_get(struct conn *c)
{
	static const struct login_req nothing = { .type = LOGIN_INIT };
	bool done = false;
	web_group_choose(c, nullptr);
	if (brings_token(c, &nothing))
		return ask_keeper(c, &nothing);
	if (config_needs_bearer(web_vhost(c)))
		return web_ask_bearer(c, false);
	enum err e = web_negotiate_begin(c, &done);
	if (done || e != ERR_OK)
		return e;
	return c->web->by_token ? ask_keeper(c, &nothing) : first_form(c);
}

enum err web_login_svc(struct conn *c)
{
	struct login_cookies cookies;
	TRY(login_cookies_svc(&cookies));
	return web_send_empty(c, &cookies);
}

/* The session is named by the cookie, or by the token of the XML document: they are equal. */
enum err web_login_out(struct conn *c, const char *token)
{
	uint8_t cookie[WEB_ID_LEN];
	size_t n = 0;
	bool has = web_cookie(c, "webvpn", cookie);
	if (!has)
		has = encode_from_base64(token, strlen(token), cookie, sizeof cookie, &n) == ERR_OK &&
		      n == sizeof cookie;
	if (has)
		authority_logout(c->w, cookie, sizeof cookie);
	explicit_bzero(cookie, sizeof cookie);
	return web_send_empty(c, nullptr);
}

/* {{ answers of the keeper }} */

static enum err name_session(const ProtobufCBinaryData *cookie, char out[2 * SESSION_ID_LEN + 1])
{
	uint8_t hash[WC_SHA256_DIGEST_SIZE];
	size_t n = 0;
	if (wc_Sha256Hash(cookie->data, (word32)cookie->len, hash) != 0)
		return ERR_CRYPTO;
	TRY(encode_to_hex(hash, SESSION_ID_LEN, true, out, 2 * SESSION_ID_LEN, &n));
	out[n] = '\0';
	return ERR_OK;
}

static enum err send_done(struct conn *c, const struct login_done *d, const char *context)
{
	struct login_cookies cookies;
	TRY(login_cookies_done(&cookies, context, d->session_token, d->cert_sha1, d->profile));
	enum err e;
	if (c->web->is_svc) {
		e = web_send_empty(c, &cookies);
	} else {
		struct writer doc = web_document();
		login_emit_complete(&doc, c->web->dialect, d);
		e = web_send_xml(c, &doc, &cookies, false);
		explicit_bzero(doc.start, doc.len);
	}
	explicit_bzero(&cookies, sizeof cookies);
	return e;
}

static enum err send_complete(struct conn *c, const Msg__AuthDone *done)
{
	char context[WEB_ID_TEXT], webvpn[WEB_ID_TEXT], session_id[2 * SESSION_ID_LEN + 1];
	const struct offer *o = web_offer(c);
	const struct login_profile profile = { .name = o->profile_name, .sha1 = o->profile_sha1 };
	TRY(web_encode_id(&done->cookie, webvpn));
	TRY(name_session(&done->cookie, session_id));
	bool has_context = done->auth_id.len > 0;
	if (has_context)
		TRY(web_encode_id(&done->auth_id, context));
	const struct login_done d = { .session_id = session_id,
				      .session_token = webvpn,
				      .message = or_null(done->message),
				      .banner = web_vhost(c)->banner,
				      .cert_sha1 = tls_cert_sha1(&c->tls),
				      .profile = o->profile != nullptr ? &profile : nullptr };
	c->web->may_see = true; /* the downloader may use this connection */
	enum err e = send_done(c, &d, has_context ? context : nullptr);
	explicit_bzero(webvpn, sizeof webvpn);
	return e;
}

/* A browser is to come to us with the reference. */
static enum err ask_browser(struct conn *c, const Msg__AuthDone *done)
{
	char ref[SSO_HEX + 1], login[SSO_URL_MAX], final[SSO_URL_MAX];
	size_t n = 0;
	if (done->sso_ref.len != SSO_ID_LEN)
		return ERR_PROTO;
	TRY(encode_to_hex(done->sso_ref.data, SSO_ID_LEN, false, ref, SSO_HEX, &n));
	ref[n] = '\0';
	struct writer from = writer_of(login, sizeof login), to = writer_of(final, sizeof final);
	writer_fmt(&from, "%s%s?id=%s&acsamlcap=v2", done->sso_base, SSO_PATH_LOGIN, ref);
	writer_u8(&from, '\0');
	writer_fmt(&to, "%s%s", done->sso_base, SSO_PATH_FINAL);
	writer_u8(&to, '\0');
	if (!writer_ok(&from) || !writer_ok(&to))
		return ERR_RANGE;
	const struct login_sso sso = { .login = login,
				       .final = final,
				       .token_cookie = SSO_COOKIE_TOKEN,
				       .error_cookie = SSO_COOKIE_ERROR,
				       .external = done->sso_external };
	struct login_form f = { .message = or_null(done->message),
				.cert_authenticated = done->cert_authenticated,
				.sso = &sso };
	return send_form(c, &f, &done->auth_id);
}

/* An IP phone cannot be asked a second time. */
static enum err ask_more(struct conn *c, const Msg__AuthDone *done)
{
	if (done->retry)
		STAT_INC(c->w, auth_failed);
	if (c->web->is_svc)
		return web_refuse(c, 401, or_null(done->message));
	if (done->ask_certificate && c->web->dialect == LOGIN_XML) {
		struct writer doc = web_document();
		login_emit_cert_request(&doc, nullptr);
		return web_send_xml(c, &doc, nullptr, true);
	}
	if (done->ask_certificate)
		return deny(c, LOGIN_CERT_FAILURE);
	if (done->sso_ref.len > 0)
		return c->web->dialect == LOGIN_XML ? ask_browser(c, done) : deny(c, no_browser);
	struct login_form f = {
		.id = done->is_challenge ? "challenge" : nullptr,
		.message = or_null(done->message),
		.error = done->error[0] != '\0' ? done->error
			 : done->retry          ? failed
						: nullptr,
		.error_id = FAILED_ID,
		.ask_username = done->ask_username,
		.ask_password = done->ask_password,
		.echo = done->echo,
		.cert_authenticated = done->cert_authenticated,
		.password_name = or_null(done->password_name),
		.password_label = or_null(done->password_label),
	};
	return send_form(c, &f, &done->auth_id);
}

static enum err answer(struct conn *c, const Msg__AuthDone *done)
{
	bool is_answered = false;
	enum err e = web_negotiate_answer(c, done, &is_answered);
	if (is_answered || e != ERR_OK)
		return e;
	switch ((enum msgs_verdict)done->verdict) {
	case VERDICT_OK:
		STAT_INC(c->w, auth_ok);
		c->has_proven = true;
		return send_complete(c, done);
	case VERDICT_MORE: return ask_more(c, done);
	case VERDICT_DENIED:
		return deny(c, done->error[0] != '\0'     ? done->error
			       : done->message[0] != '\0' ? done->message
							  : failed);
	}
	return web_refuse(c, 503, restarting);
}

void web_auth_done(struct conn *c, const Msg__AuthDone *done)
{
	web_settle(c, answer(c, done));
}
