/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/web.h"

#include <stdlib.h>
#include <string.h>

#include "worker/authority.h"
#include "worker/web_parts.h"

static const char restarting[] = "the server is restarting, try again";

void web_forget_body(struct conn *c)
{
	if (c->web->body != nullptr)
		explicit_bzero(c->web->body, c->web->body_cap);
	free(c->web->body);
	c->web->body = nullptr;
	c->web->body_cap = 0;
	free(TAKE(c->web->negotiate)); /* it was sent with the answer */
}

struct slice web_client_cert(const struct conn *c)
{
	const struct tls_peer *p = c->tls.peer;
	bool is_good = tls_peer_state(&c->tls) == TLS_PEER_GOOD;
	return is_good ? (struct slice){ (const char *)p->der, p->der_len } : (struct slice){};
}

struct slice web_bearer(const struct conn *c)
{
	return config_takes_bearer(web_vhost(c)) ? http_bearer(&c->web->http) : (struct slice){};
}

/* {{ profiles }} */

static enum err ask_profile(struct conn *c)
{
	const struct offer *o = web_offer(c);
	uint8_t cookie[WEB_ID_LEN];
	if (o->profile == nullptr)
		return web_refuse(c, 404, nullptr);
	if (!web_cookie(c, "webvpn", cookie))
		return web_refuse(c, 401, nullptr);
	enum err e = authority_check(c, cookie, nullptr);
	explicit_bzero(cookie, sizeof cookie);
	if (e != ERR_OK)
		return web_refuse(c, 503, restarting);
	c->web->ask = CONN_ASK_PROFILE;
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err send_profile(struct conn *c)
{
	const struct offer *o = web_offer(c);
	if (o->profile == nullptr || !login_is_profile(http_path(&c->web->http), o->profile_name))
		return web_refuse(c, 404, nullptr);
	STAT_INC(c->w, profiles_sent);
	return web_send(
		c, &(struct web_page){
			   .status = 200, .type = "text/xml", .body = o->profile, .len = o->profile_len });
}

/* {{ routing }} */

static enum err send_static(struct conn *c, struct slice path)
{
	const struct login_page *p = login_static_page(path);
	if (p == nullptr)
		return web_refuse(c, 404, nullptr);
	return web_send(c, &(struct web_page){
				   .status = 200, .type = p->type, .body = p->body, .len = strlen(p->body) });
}

static enum err get(struct conn *c)
{
	struct slice path = http_path(&c->web->http);
	switch (login_path_of(path)) {
	case LOGIN_PATH_LOGIN: return web_login_get(c);
	case LOGIN_PATH_LOGOUT: return web_login_out(c, "");
	case LOGIN_PATH_PAGE: return send_static(c, path);
	case LOGIN_PATH_PROFILE: return ask_profile(c);
	case LOGIN_PATH_SSO: return web_sso(c);
	case LOGIN_PATH_SVC: return c->web->is_svc ? web_login_svc(c) : web_refuse(c, 404, nullptr);
	case LOGIN_PATH_RESERVED: return web_refuse(c, 404, nullptr);
	case LOGIN_PATH_OTHER: break;
	}
	return web_group_is_path(c, path) ? web_login_get(c) : web_refuse(c, 404, nullptr);
}

/* Any path that is nobody else's is the login: users type https://gateway/group (protocol.md 7.3). */
static enum err post(struct conn *c)
{
	switch (login_path_of(http_path(&c->web->http))) {
	case LOGIN_PATH_LOGIN:
	case LOGIN_PATH_SVC:
	case LOGIN_PATH_OTHER: return web_login_post(c);
	case LOGIN_PATH_LOGOUT:
	case LOGIN_PATH_PAGE:
	case LOGIN_PATH_PROFILE:
	case LOGIN_PATH_SSO:
	case LOGIN_PATH_RESERVED: break;
	}
	return get(c);
}

static enum err route(struct conn *c)
{
	switch (c->web->http.method) {
	case HTTP_GET: return get(c);
	case HTTP_POST: return post(c);
	case HTTP_CONNECT: return web_tunnel_connect(c);
	case HTTP_OTHER: return web_refuse(c, 405, nullptr);
	}
	return web_refuse(c, 400, nullptr);
}

static enum err take_request(struct conn *c)
{
	struct http *h = &c->web->http;
	STAT_INC(c->w, http_requests);
	c->web->requests_n++;
	c->web->by_token = false;
	enum login_client client = login_client_class(http_header(h, "User-Agent"));
	c->web->dialect = login_dialect_of(client, http_header(h, "X-Aggregate-Auth").p != nullptr);
	c->web->is_svc =
		web_vhost(c)->cisco_svc_client_compat && login_path_of(http_path(h)) == LOGIN_PATH_SVC;
	/* a browser that signs on has no secret: the keeper knows its reference, or not */
	bool is_browser = (h->method == HTTP_GET || h->method == HTTP_POST) &&
			  config_sso_url(web_vhost(c)) != nullptr &&
			  login_path_of(http_path(h)) == LOGIN_PATH_SSO;
	return is_browser || web_cover_is_off(c) ? route(c) : web_cover_ask(c);
}

/* {{ answers of the keeper }} */

static enum err go_on(struct conn *c, bool known)
{
	c->state = CONN_REQUEST;
	if (c->web->ask == CONN_ASK_PROFILE)
		return known ? send_profile(c) : web_refuse(c, 401, nullptr);
	c->web->may_see = known;
	return known ? route(c) : web_cover_refuse(c);
}

void web_check_done(struct conn *c, bool known)
{
	c->has_proven |= known;
	web_settle(c, go_on(c, known));
}

void web_unavailable(struct conn *c)
{
	bool is_tunnel = c->web->ask == CONN_ASK_TUNNEL;
	web_settle(c, is_tunnel ? web_tunnel_refuse(c, 503, restarting) : web_refuse(c, 503, restarting));
}

/* {{ input }} */

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
		case HTTP_REFUSED: return web_refuse(c, c->web->http.status, nullptr);
		case HTTP_REQUEST:
			if (len > 0) { /* sent ahead of our answer */
				STAT_INC(c->w, http_refused);
				return ERR_PROTO;
			}
			return take_request(c);
		}
	}
	return ERR_OK;
}
