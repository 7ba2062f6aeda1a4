/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web_sso - pages for a browser that signs on for a client (protocol.md 5)
 *
 *	login     the client has sent it here: on to the identity provider
 *	callback  it comes from there: on to where the client finds its token
 *	acs       the same with a form of SAML
 *	metadata  what a SAML provider is told of us
 *	final     the end of the visit
 *
 * The browser is nobody we know: no cookie of a session, no connection of the client.  Under camouflage a reference or state that the
 * keeper knows is as good as the secret, and all else sees a plain web server.
 */
#include <string.h>

#include "base/encode.h"
#include "config/saml.h"
#include "wire/sso.h"
#include "worker/authority.h"
#include "worker/web_parts.h"

static const char restarting[] = "the server is restarting, try again";
static const char done_page[] = "<!DOCTYPE html>\n<html><head><title>Signed on</title></head>\n"
				"<body><p>You have signed on. You can close this window.</p></body></html>\n";
static const char failed_page[] =
	"<!DOCTYPE html>\n<html><head><title>Not signed on</title></head>\n"
	"<body><p>The sign-on has failed. Close this window, and begin again in your VPN "
	"client.</p></body></html>\n";
static const char unknown_page[] =
	"<!DOCTYPE html>\n<html><head><title>Not signed on</title></head>\n"
	"<body><p>This sign-on is over, or was not begun in this browser. Close this window, "
	"and begin again in your VPN client.</p></body></html>\n";
static const char broken_page[] =
	"<!DOCTYPE html>\n<html><head><title>Not signed on</title></head>\n"
	"<body><p>Signing on is not possible now; try again later.</p></body></html>\n";

static enum err send_page(struct conn *c, unsigned status, const char *page, const char *location,
			  const struct login_cookies *cookies)
{
	return web_send(c, &(struct web_page){ .status = status,
					       .type = "text/html; charset=utf-8",
					       .body = page,
					       .len = strlen(page),
					       .cookies = cookies,
					       .location = location,
					       .for_browser = true });
}

/* {{ requests }} */

static enum err refuse_bad(struct conn *c)
{
	return web_cover_is_off(c) ? web_refuse(c, 400, nullptr) : web_cover_refuse(c);
}

static enum err parse(struct sso_query *q, const struct conn *c, bool is_form)
{
	if (!is_form)
		return sso_query_parse(q, http_query(&c->web->http));
	if (c->web->http.method != HTTP_POST)
		return ERR_PROTO;
	TRY(sso_form_parse(q, http_body(&c->web->http)));
	return q->has_state && q->saml.p != nullptr ? ERR_OK : ERR_PROTO;
}

static enum err ask(struct conn *c, enum msgs_sso_step step, bool is_form)
{
	struct sso_query q;
	uint8_t browser[SSO_ID_LEN];
	char text[SSO_HEX + 1];
	size_t n = 0;
	if (parse(&q, c, is_form) != ERR_OK)
		return refuse_bad(c);
	bool has_browser = http_cookie(&c->web->http, SSO_COOKIE_BROWSER, text, sizeof text, &n) == ERR_OK &&
			   sso_id_parse(browser, text_slice(text)) == ERR_OK;
	enum err e = authority_sso(c, step, &q, has_browser ? browser : nullptr);
	sso_query_wipe(&q);
	if (e == ERR_RANGE || e == ERR_SYNTAX)
		return refuse_bad(c);
	if (e != ERR_OK)
		return web_refuse(c, 503, restarting);
	c->web->ask = CONN_ASK_SSO;
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err send_metadata(struct conn *c)
{
	static char text[CONFIG_SAML_METADATA_MAX]; /* one thread */
	char entity[CONFIG_SAML_ENTITY_MAX];
	const struct auth_method *m = config_saml(web_vhost(c));
	struct writer w = writer_of(text, sizeof text);
	if (m == nullptr)
		return web_refuse(c, 404, nullptr);
	config_saml_entity(m, entity);
	config_saml_metadata(&w, entity, config_auth_arg(m, "url"));
	if (!writer_ok(&w))
		return web_refuse(c, 500, nullptr);
	return web_send(c, &(struct web_page){ .status = 200,
					       .type = "application/samlmetadata+xml",
					       .body = text,
					       .len = w.len });
}

enum err web_sso(struct conn *c)
{
	struct slice path = http_path(&c->web->http);
	if (config_sso_url(web_vhost(c)) == nullptr)
		return web_refuse(c, 404, nullptr);
	if (text_is(path, SSO_PATH_LOGIN))
		return ask(c, SSO_START, false);
	if (text_is(path, SSO_PATH_RETURN))
		return ask(c, SSO_FINISH, false);
	if (text_is(path, CONFIG_SAML_ACS) && config_saml(web_vhost(c)) != nullptr)
		return ask(c, SSO_FINISH, true);
	if (text_is(path, CONFIG_SAML_METADATA) && web_cover_is_off(c))
		return send_metadata(c);
	if (!text_is(path, SSO_PATH_FINAL) || !web_cover_is_off(c))
		return web_cover_is_off(c) ? web_refuse(c, 404, nullptr) : web_cover_ask(c);
	char error[8];
	size_t n = 0;
	bool is_bad = http_cookie(&c->web->http, SSO_COOKIE_ERROR, error, sizeof error, &n) == ERR_OK;
	return send_page(c, 200, is_bad ? failed_page : done_page, nullptr, nullptr);
}

/* {{ answers of the keeper }} */

static enum err to_hex(ProtobufCBinaryData id, char out[SSO_HEX + 1])
{
	size_t n = 0;
	if (id.len != SSO_ID_LEN)
		return ERR_PROTO;
	TRY(encode_to_hex(id.data, id.len, false, out, SSO_HEX, &n));
	out[n] = '\0';
	return ERR_OK;
}

static enum err go_away(struct conn *c, const Msg__SsoDone *done)
{
	struct login_cookies cookies;
	char browser[SSO_HEX + 1];
	TRY(to_hex(done->browser, browser));
	TRY(login_cookies_browser(&cookies, browser, config_saml(web_vhost(c)) != nullptr));
	return send_page(c, 302, "", done->url, &cookies);
}

/* Where the client looks for its token; its first page was below the same address. */
static enum err final_url(const struct conn *c, char *out, size_t cap)
{
	const char *base = config_sso_url(web_vhost(c));
	struct writer w = writer_of(out, cap);
	writer_fmt(&w, "%s%s", base, SSO_PATH_FINAL);
	writer_u8(&w, '\0');
	return writer_ok(&w) ? ERR_OK : ERR_RANGE;
}

/* In a cookie for the client that has this browser in a window of its own. */
static enum err give_cookie(struct conn *c, const char *token, bool is_good)
{
	struct login_cookies cookies;
	char final[SSO_URL_MAX];
	TRY(final_url(c, final, sizeof final));
	TRY(login_cookies_sso(&cookies, is_good ? SSO_COOKIE_TOKEN : SSO_COOKIE_ERROR, token));
	enum err e = send_page(c, 302, "", final, &cookies);
	explicit_bzero(&cookies, sizeof cookies);
	return e;
}

/* Sealed, to the client that listens on the machine of this browser. */
static enum err give_local(struct conn *c, const char *token, ProtobufCBinaryData key)
{
	char url[2 * SSO_URL_MAX], final[SSO_URL_MAX];
	struct writer w = writer_of(url, sizeof url);
	WC_RNG rng;
	if (key.len != SSO_KEY_LEN || wc_InitRng(&rng) != 0)
		return ERR_CRYPTO;
	enum err e = final_url(c, final, sizeof final);
	if (e == ERR_OK)
		e = sso_emit_local(&w, token, key.data, final, &rng);
	wc_FreeRng(&rng);
	writer_u8(&w, '\0');
	if (e != ERR_OK || !writer_ok(&w))
		return send_page(c, 403, failed_page, nullptr, nullptr);
	return send_page(c, 302, "", url, nullptr);
}

static enum err give_token(struct conn *c, const Msg__SsoDone *done)
{
	char token[SSO_HEX + 1];
	TRY(to_hex(done->token, token));
	STAT_INC(c->w, sso_ok);
	c->web->may_see = true; /* the last page comes on this connection */
	enum err e = done->is_external ? give_local(c, token, done->key) : give_cookie(c, token, true);
	explicit_bzero(token, sizeof token);
	return e;
}

/* To a stranger, who guesses: as for any page that is not there. */
static enum err answer_unknown(struct conn *c)
{
	STAT_INC(c->w, sso_unknown);
	return web_cover_is_off(c) ? send_page(c, 403, unknown_page, nullptr, nullptr) : web_cover_refuse(c);
}

static enum err answer(struct conn *c, const Msg__SsoDone *done)
{
	if (done->status != SSO_UNKNOWN)
		c->web->may_see = true;
	switch ((enum msgs_sso_status)done->status) {
	case SSO_REDIRECT: return go_away(c, done);
	case SSO_PROVEN: return give_token(c, done);
	case SSO_UNKNOWN: return answer_unknown(c);
	case SSO_REFUSED:
		STAT_INC(c->w, sso_refused);
		return done->is_external ? send_page(c, 403, failed_page, nullptr, nullptr)
					 : give_cookie(c, "failed", false);
	case SSO_BROKEN:
		STAT_INC(c->w, sso_refused);
		return done->is_external ? send_page(c, 503, broken_page, nullptr, nullptr)
					 : give_cookie(c, "broken", false);
	}
	return web_refuse(c, 503, restarting);
}

void web_sso_done(struct conn *c, const Msg__SsoDone *done)
{
	web_settle(c, answer(c, done));
}
