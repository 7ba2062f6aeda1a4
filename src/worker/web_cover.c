/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web_cover - camouflage: who neither knows the secret nor has a cookie of ours sees a plain web server (protocol.md 20)
 *
 * Every request of such a stranger makes the same way through the keeper, whether it has a cookie or not, so that the time of the
 * answer does not tell that some cookies are of interest here.
 */
#include <string.h>

#include "base/secret.h"
#include "worker/authority.h"
#include "worker/web_parts.h"

bool web_cover_is_off(struct conn *c)
{
	const struct vhost *v = web_vhost(c);
	struct slice query = http_query(&c->web->http);
	if (!v->camouflage || c->web->may_see)
		return true;
	/* the length of the secret is no secret; an empty one never comes through the check of the configuration */
	c->web->may_see = query.p != nullptr && v->camouflage_secret != nullptr &&
			  query.n == strlen(v->camouflage_secret) &&
			  secret_is_equal_bytes(query.p, v->camouflage_secret, query.n);
	return c->web->may_see;
}

enum err web_cover_ask(struct conn *c)
{
	uint8_t cookie[WEB_ID_LEN] = {}, context[WEB_ID_LEN] = {};
	bool has_cookie = web_cookie(c, "webvpn", cookie);
	bool has_context = web_cookie(c, "webvpncontext", context);
	enum err e = authority_check(c, has_cookie ? cookie : nullptr, has_context ? context : nullptr);
	explicit_bzero(cookie, sizeof cookie);
	explicit_bzero(context, sizeof context);
	if (e != ERR_OK)
		return web_refuse(c, 503, nullptr);
	c->web->ask = CONN_ASK_COVER;
	c->state = CONN_ASKED;
	return ERR_OK;
}

enum err web_cover_refuse(struct conn *c)
{
	static const char not_found[] =
		"<html>\n<head><title>404 Not Found</title></head>\n<body><h1>Not Found</h1></body>\n</html>\n";
	static const char unauthorized[] =
		"<html>\n<head><title>401 Unauthorized</title></head>\n<body><h1>Unauthorized</h1></body>\n</html>\n";
	const char *realm = web_vhost(c)->camouflage_realm;
	STAT_INC(c->w, camouflaged);
	enum http_method method = c->web->http.method;
	if (method == HTTP_CONNECT || method == HTTP_OTHER)
		return web_refuse(c, 405, nullptr);
	return web_send(c, &(struct web_page){ .status = realm != nullptr ? 401 : 404,
					       .type = LOGIN_TYPE_HTML,
					       .body = realm != nullptr ? unauthorized : not_found,
					       .len = strlen(realm != nullptr ? unauthorized : not_found),
					       .realm = realm,
					       .anonymous = true });
}
