/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web_negotiate - HTTP Negotiate before the forms (RFC 4559; protocol.md 6)
 *
 *	401 Negotiate -> a token -> (401 with a token -> a token)* -> the end of the login, or 401 again, and forms for who does not offer
 *
 * Tokens are bytes to us: the auth process reads them.  The state of a negotiation hangs on the cookie, as that of all logins.
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "worker/web_parts.h"

constexpr size_t TOKEN_MAX = 12'288; /* bytes; the keeper takes no more, and a head has no room for more */

/* One thread; used up before the next request. */
static uint8_t token[TOKEN_MAX];

/* n 0: none that can be read. */
struct slice web_negotiate_token(const struct conn *c)
{
	static const char scheme[] = "Negotiate ";
	struct slice value = text_trim(http_header(&c->web->http, "Authorization"));
	size_t n = 0;
	if (value.p == nullptr || !text_has_prefix_nocase(value, scheme))
		return (struct slice){};
	value.p += sizeof scheme - 1;
	value.n -= sizeof scheme - 1;
	value = text_trim(value);
	if (encode_from_base64(value.p, value.n, token, sizeof token, &n) != ERR_OK)
		return (struct slice){};
	return (struct slice){ .p = (const char *)token, .n = n };
}

static enum err set_token(struct conn *c, const ProtobufCBinaryData *reply)
{
	const size_t cap = ENCODE_BASE64_LEN(reply->len) + 1;
	size_t n = 0;
	char *text = malloc(cap);
	if (text == nullptr)
		return ERR_NOMEM;
	enum err e = encode_to_base64(reply->data, reply->len, text, cap - 1, &n);
	text[e == ERR_OK ? n : 0] = '\0';
	free(c->web->negotiate);
	c->web->negotiate = text;
	return e;
}

/* The connection stays: the client goes on with it. */
static enum err send_401(struct conn *c, const struct login_cookies *cookies)
{
	static const char body[] = "<html></html>\n";
	return web_send(c, &(struct web_page){ .status = 401,
					       .type = LOGIN_TYPE_HTML,
					       .body = body,
					       .len = sizeof body - 1,
					       .cookies = cookies });
}

static enum err offer(struct conn *c)
{
	const ProtobufCBinaryData none = {};
	TRY(set_token(c, &none));
	return send_401(c, nullptr);
}

/* Also without the header where there is nothing but tokens. */
static bool can_negotiate(const struct conn *c)
{
	return text_is_nocase(text_trim(http_header(&c->web->http, "X-Support-HTTP-Auth")), "true") ||
	       config_needs_token(web_vhost(c));
}

enum err web_negotiate_begin(struct conn *c, bool *done)
{
	*done = false;
	if (!config_takes_token(web_vhost(c)))
		return ERR_OK;
	bool has_header = http_header(&c->web->http, "Authorization").p != nullptr;
	c->web->by_token = web_negotiate_token(c).n > 0;
	if (c->web->by_token || (!has_header && !can_negotiate(c)))
		return ERR_OK;
	*done = true;
	return offer(c);
}

enum err web_negotiate_answer(struct conn *c, const Msg__AuthDone *m, bool *done)
{
	char context[WEB_ID_TEXT];
	struct login_cookies cookies;
	bool is_refused = m->verdict == VERDICT_DENIED || (m->verdict == VERDICT_MORE && m->retry);
	*done = false;
	if (!c->web->by_token)
		return ERR_OK;
	c->web->by_token = false;
	if (is_refused) {
		*done = true;
		STAT_INC(c->w, auth_failed);
		return offer(c);
	}
	if (m->token.len > 0)
		TRY(set_token(c, &m->token));
	if (m->verdict != VERDICT_MORE || !m->wants_token)
		return ERR_OK;
	*done = true;
	TRY(web_encode_id(&m->auth_id, context));
	TRY(login_cookies_form(&cookies, context, web_vhost(c)->cookie_timeout));
	return send_401(c, &cookies);
}
