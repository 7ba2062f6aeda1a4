/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/web.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "worker/authority.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr unsigned REQUESTS_MAX = 16; /* on one connection before the tunnel: protocol.md 2.3 */
constexpr size_t ANSWER_MAX = 65536;
constexpr size_t AUTH_ID_LEN = 32;

static uint8_t answer[ANSWER_MAX]; /* one thread; sealed before the next use */

static const struct vhost *vhost_of(const struct conn *c)
{
	return tls_vhost(&c->tls);
}

void web_forget_body(struct conn *c)
{
	if (c->web->body != nullptr)
		explicit_bzero(c->web->body, c->web->body_cap);
	free(c->web->body);
	c->web->body = nullptr;
	c->web->body_cap = 0;
}

/* {{ answering }} */

/* Send what is in w; then the next request, or the end. */
static enum err respond(struct conn *c, const struct writer *w, bool close)
{
	if (!writer_ok(w))
		return ERR_FULL;
	TRY(tls_write(&c->tls, w->start, w->len));
	c->state = CONN_REQUEST;
	http_next(&c->web->http);
	web_forget_body(c);
	if (close) {
		conn_finish(c);
		return ERR_BUSY;
	}
	return ERR_OK;
}

static struct http_extra extra_of(const struct conn *c, const struct login_cookies *cookies)
{
	const struct strlist *lines = &vhost_of(c)->included_http_headers;
	return (struct http_extra){ .cookies = cookies != nullptr ? cookies->line : nullptr,
				    .cookies_n = cookies != nullptr ? cookies->n : 0,
				    .lines = (const char *const *)lines->v,
				    .lines_n = lines->n };
}

/* A page; its document was written at answer + HTTP_HEAD_MAX to leave room for the head. */
static enum err page(struct conn *c, unsigned status, const char *type, const void *body, size_t len,
		     const struct login_cookies *cookies, bool close)
{
	struct writer w = writer_of(answer, sizeof answer);
	struct http_extra extra = extra_of(c, cookies);
	bool last = close || !c->web->http.keep_alive || c->web->requests_n >= REQUESTS_MAX;
	http_emit_head(&w, status, type, len, last, &extra);
	writer_put(&w, body, len);
	return respond(c, &w, last);
}

static enum err refuse(struct conn *c, unsigned status)
{
	static const char text[] = "<html></html>\n";
	if (status >= 400 && status != 404 && status != 401)
		STAT_INC(c->w, http_refused);
	return page(c, status, LOGIN_TYPE_HTML, text, sizeof text - 1, nullptr, status != 404);
}

static uint8_t document[ANSWER_MAX / 2]; /* one thread */

static enum err xml(struct conn *c, const struct writer *doc, const struct login_cookies *cookies)
{
	if (!writer_ok(doc))
		return refuse(c, 503);
	return page(c, 200, LOGIN_TYPE_XML, doc->start, doc->len, cookies, false);
}

/* {{ forms }} */

/* The choices of select-group, default-select-group first as "no particular group". */
static size_t groups_of(const struct vhost *v, struct login_group *out, size_t cap)
{
	size_t n = 0;
	bool has_default = v->default_select_group != nullptr;
	for (size_t i = 0; has_default && i < v->select_group.n; i++)
		if (strcmp(v->select_group.v[i].name, v->default_select_group) == 0)
			has_default = false; /* it is one of the list */
	if (has_default && v->select_group.n > 0)
		out[n++] = (struct login_group){ "", v->default_select_group };
	for (size_t i = 0; i < v->select_group.n && n < cap; i++)
		out[n++] = (struct login_group){ v->select_group.v[i].name, v->select_group.v[i].label };
	return n;
}

static enum err send_form(struct conn *c, struct login_form *f, const uint8_t *auth_id, size_t auth_id_len)
{
	const struct vhost *v = vhost_of(c);
	struct login_group groups[520];
	f->groups_n = groups_of(v, groups, ARRAY_LEN(groups));
	f->groups = groups;
	const char *chosen = c->web->group[0] != '\0' ? c->web->group : v->default_select_group;
	f->selected = f->groups_n;
	for (size_t i = 0; chosen != nullptr && i < f->groups_n; i++)
		if (strcmp(chosen, groups[i].name) == 0 || strcmp(chosen, groups[i].label) == 0)
			f->selected = i;
	char context[ENCODE_BASE64_LEN(AUTH_ID_LEN) + 1] = "";
	struct login_cookies cookies;
	bool has_context = auth_id_len == AUTH_ID_LEN;
	if (has_context) {
		size_t n;
		TRY(encode_to_base64(auth_id, auth_id_len, context, sizeof context - 1, &n));
		context[n] = '\0';
		f->handle = context;
		TRY(login_cookies_form(&cookies, context, v->cookie_timeout));
	}
	struct writer doc = writer_of(document, sizeof document);
	login_emit_form(&doc, c->web->dialect, f);
	return xml(c, &doc, has_context ? &cookies : nullptr);
}

/* User and password in one form: password managers like it, and no state is needed before the answer. */
static enum err first_form(struct conn *c)
{
	struct login_form f = { .message = "Please enter your username and password.",
				.banner = vhost_of(c)->pre_login_banner,
				.ask_username = true,
				.ask_password = true };
	return send_form(c, &f, nullptr, 0);
}

/* {{ the login }} */

/* The handle of the login under way: from <opaque>, else from the cookie. */
static size_t auth_id_of(const struct conn *c, const struct login_req *req, uint8_t out[AUTH_ID_LEN])
{
	size_t n = 0, len = 0;
	char cookie[ENCODE_BASE64_LEN(AUTH_ID_LEN) + 1];
	if (req->handle[0] != '\0' &&
	    encode_from_base64(req->handle, strlen(req->handle), out, AUTH_ID_LEN, &n) == ERR_OK &&
	    n == AUTH_ID_LEN)
		return n;
	if (http_cookie(&c->web->http, "webvpncontext", cookie, sizeof cookie, &len) == ERR_OK &&
	    encode_from_base64(cookie, len, out, AUTH_ID_LEN, &n) == ERR_OK && n == AUTH_ID_LEN)
		return n;
	return 0;
}

/* The session is named by the cookie, or by the token of the XML document: they are equal. */
static enum err logout(struct conn *c, const char *token)
{
	char text[128];
	size_t len = strlen(token), n;
	uint8_t cookie[CONNECT_COOKIE_LEN];
	if (http_cookie(&c->web->http, "webvpn", text, sizeof text, &len) == ERR_OK)
		token = text;
	if (encode_from_base64(token, len, cookie, sizeof cookie, &n) == ERR_OK && n == sizeof cookie)
		authority_logout(c->w, cookie, n);
	explicit_bzero(cookie, sizeof cookie);
	explicit_bzero(text, sizeof text);
	static const char bye[] = "<html></html>\n";
	return page(c, 200, LOGIN_TYPE_HTML, bye, sizeof bye - 1, nullptr, false);
}

static enum err ask_keeper(struct conn *c, const struct login_req *req)
{
	uint8_t auth_id[AUTH_ID_LEN];
	size_t n = auth_id_of(c, req, auth_id);
	if (authority_auth(c, req, auth_id, n) != ERR_OK)
		return refuse(c, 503);
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err take_login(struct conn *c, const struct login_req *req)
{
	if (req->group[0] != '\0')
		snprintf(c->web->group, sizeof c->web->group, "%s", req->group);
	switch (req->type) {
	case LOGIN_INIT: return first_form(c);
	case LOGIN_LOGOUT: return logout(c, req->session_token);
	case LOGIN_REPLY:
	case LOGIN_FORM:
		if (!req->has_username && !req->has_password)
			return first_form(c);
		return ask_keeper(c, req);
	}
	return refuse(c, 400);
}

static enum err post(struct conn *c)
{
	struct login_req req;
	struct slice body = http_body(&c->web->http);
	if (login_parse(&req, (const uint8_t *)body.p, body.n) != ERR_OK)
		return refuse(c, 400);
	enum err e = take_login(c, &req);
	login_req_wipe(&req);
	return e;
}

static enum err send_complete(struct conn *c, const Msg__AuthDone *done)
{
	char context[ENCODE_BASE64_LEN(AUTH_ID_LEN) + 1] = "",
						      webvpn[ENCODE_BASE64_LEN(CONNECT_COOKIE_LEN) + 1];
	size_t n;
	if (done->cookie.len != CONNECT_COOKIE_LEN || done->auth_id.len > AUTH_ID_LEN)
		return ERR_PROTO;
	TRY(encode_to_base64(done->cookie.data, done->cookie.len, webvpn, sizeof webvpn - 1, &n));
	webvpn[n] = '\0';
	TRY(encode_to_base64(done->auth_id.data, done->auth_id.len, context, sizeof context - 1, &n));
	context[n] = '\0';
	const char *sha1 = tls_cert_sha1(&c->tls);
	struct login_cookies cookies;
	TRY(login_cookies_done(&cookies, n > 0 ? context : nullptr, webvpn, sha1));
	struct login_done d = { .session_token = webvpn, .banner = vhost_of(c)->banner, .cert_sha1 = sha1 };
	struct writer doc = writer_of(document, sizeof document);
	login_emit_complete(&doc, c->web->dialect, &d);
	enum err e = xml(c, &doc, &cookies);
	explicit_bzero(webvpn, sizeof webvpn);
	explicit_bzero(&cookies, sizeof cookies);
	explicit_bzero(document, doc.len);
	return e;
}

static enum err answer_auth(struct conn *c, const Msg__AuthDone *done)
{
	switch ((enum msgs_verdict)done->verdict) {
	case VERDICT_OK: STAT_INC(c->w, auth_ok); return send_complete(c, done);
	case VERDICT_MORE: {
		if (done->retry)
			STAT_INC(c->w, auth_failed);
		struct login_form f = {
			.message = done->message[0] != '\0' ? done->message
							    : "Please enter your username and password.",
			.error = done->retry ? "Login failed." : nullptr,
			.error_id = 13,
			.ask_username = done->ask_username,
			.ask_password = done->ask_password,
			.password_label = done->password_label[0] != '\0' ? done->password_label : nullptr,
		};
		return send_form(c, &f, done->auth_id.data, done->auth_id.len);
	}
	case VERDICT_DENIED: STAT_INC(c->w, auth_failed); return refuse(c, 401);
	}
	return refuse(c, 503);
}

void web_auth_done(struct conn *c, const Msg__AuthDone *done)
{
	enum err e = answer_auth(c, done);
	if (e != ERR_OK && e != ERR_BUSY)
		conn_close(c);
	else
		conn_flush(c);
}

/* {{ the tunnel }} */

static enum err refuse_tunnel(struct conn *c, unsigned status, const char *reason)
{
	STAT_INC(c->w, connect_refused);
	struct writer w = writer_of(answer, sizeof answer);
	connect_emit_refusal(&w, status, reason);
	return respond(c, &w, true);
}

static enum err connect_tunnel(struct conn *c)
{
	if (!connect_is_tunnel(http_path(&c->web->http)))
		return refuse_tunnel(c, 404, nullptr);
	connect_parse(&c->web->connect, &c->web->http);
	if (!c->web->connect.has_cookie)
		return refuse_tunnel(c, 401, "no session cookie");
	if (authority_open(c) != ERR_OK)
		return refuse_tunnel(c, 503, "the server is restarting, try again");
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err open_tunnel(struct conn *c, const Msg__OpenDone *done)
{
	if (done->status != 200 || done->session == nullptr)
		return refuse_tunnel(c, done->status, done->reason[0] != '\0' ? done->reason : nullptr);
	struct writer w = writer_of(answer, sizeof answer);
	struct connect_reply reply;
	enum err e = session_open(c, done->session, &c->web->connect, &reply);
	if (e != ERR_OK) {
		authority_give_back(c->w, done->session->sid);
		return refuse_tunnel(c, 503, "no room for another session");
	}
	connect_emit(&w, &reply);
	if (!writer_ok(&w)) {
		log_err("connect.answer_too_long sid=%lu: too many routes or names for one answer of %zu bytes",
			done->session->sid, ANSWER_MAX);
		return ERR_FULL;
	}
	return tls_write(&c->tls, w.start, w.len);
}

void web_open_done(struct conn *c, const Msg__OpenDone *done)
{
	enum err e = open_tunnel(c, done);
	if (c->state == CONN_TUNNEL)
		conn_forget_web(c);
	if (e != ERR_OK && e != ERR_BUSY)
		conn_close(c);
	else
		conn_flush(c);
}

void web_unavailable(struct conn *c)
{
	enum err e = refuse_tunnel(c, 503, "the server is restarting, try again");
	if (e != ERR_OK && e != ERR_BUSY)
		conn_close(c);
	else
		conn_flush(c);
}

/* {{ pages }} */

static bool is_path(struct slice path, const char *text)
{
	return path.n == strlen(text) && memcmp(path.p, text, path.n) == 0;
}

static bool is_login_path(struct slice path)
{
	static const char *const paths[] = {
		"/", "/auth", "/VPN", "/+webvpn+/index.html", "/+CSCOE+/logon.html", "/webvpn.html"
	};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (is_path(path, paths[i]))
			return true;
	return false;
}

static enum err get(struct conn *c)
{
	struct slice path = http_path(&c->web->http);
	if (is_path(path, "/logout"))
		return logout(c, "");
	const struct login_page *p = login_static_page(path);
	if (p != nullptr)
		return page(c, 200, p->type, p->body, strlen(p->body), nullptr, false);
	return is_login_path(path) ? first_form(c) : refuse(c, 404);
}

static enum err request(struct conn *c)
{
	struct http *h = &c->web->http;
	STAT_INC(c->w, http_requests);
	c->web->requests_n++;
	enum login_client client = login_client_class(http_header(h, "User-Agent"));
	c->web->dialect = login_dialect_of(client, http_header(h, "X-Aggregate-Auth").p != nullptr);
	switch (h->method) {
	case HTTP_GET: return get(c);
	case HTTP_POST: return post(c); /* any path: users type https://gateway/group */
	case HTTP_CONNECT: return connect_tunnel(c);
	case HTTP_OTHER: return refuse(c, 405);
	}
	return refuse(c, 400);
}

static enum err make_body(struct conn *c)
{
	size_t cap = http_body_cap(&c->web->http);
	web_forget_body(c);
	c->web->body = malloc(MAX(cap, 1));
	if (c->web->body == nullptr)
		return ERR_NOMEM;
	c->web->body_cap = cap;
	http_give_body(&c->web->http, c->web->body, cap);
	return ERR_OK;
}

enum err web_input(struct conn *c, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t used = 0;
		enum http_event ev = http_feed(&c->web->http, p, len, &used);
		p += used;
		len -= used;
		switch (ev) {
		case HTTP_MORE: return ERR_OK;
		case HTTP_BODY: TRY(make_body(c)); continue;
		case HTTP_REFUSED: return refuse(c, c->web->http.status);
		case HTTP_REQUEST:
			if (len > 0) { /* sent ahead of our answer */
				STAT_INC(c->w, http_refused);
				return ERR_PROTO;
			}
			return request(c);
		}
	}
	return ERR_OK;
}
