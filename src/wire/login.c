/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of login that are tables: kinds of clients, cookies; paths are in login_url.c. */
#include "wire/login.h"

#include <string.h>

const char LOGIN_TYPE_XML[] = "text/xml; charset=utf-8";
const char LOGIN_TYPE_HTML[] = "text/html";

void login_req_wipe(struct login_req *r)
{
	explicit_bzero(r, sizeof *r);
}

/* The first that fits decides, so what is special stands before what is general. */
static const struct {
	const char *prefix;
	enum login_client client;
} agents[] = {
	{ "AnyConnect-compatible OpenConnect", LOGIN_CLIENT_OPENCONNECT },
	{ "Open AnyConnect VPN Agent v0.", LOGIN_CLIENT_OPENCONNECT_OLD },
	{ "Open AnyConnect VPN Agent v1.", LOGIN_CLIENT_OPENCONNECT_OLD },
	{ "Open AnyConnect VPN Agent v2.", LOGIN_CLIENT_OPENCONNECT_OLD },
	{ "Open AnyConnect VPN Agent v3.", LOGIN_CLIENT_OPENCONNECT_OLD },
	{ "Open AnyConnect", LOGIN_CLIENT_OPENCONNECT },
	{ "OpenConnect", LOGIN_CLIENT_OPENCONNECT },
	{ "AnyConnect AppleSSLVPN", LOGIN_CLIENT_APPLE },
	{ "Cisco AnyConnect VPN Agent for Apple", LOGIN_CLIENT_APPLE },
	{ "AnyConnect Android", LOGIN_CLIENT_ANDROID },
	{ "Cisco AnyConnect VPN Agent for Android", LOGIN_CLIENT_ANDROID },
	{ "AnyConnect", LOGIN_CLIENT_CISCO },
	{ "Cisco AnyConnect", LOGIN_CLIENT_CISCO },
	{ "Cisco SVC IPPhone", LOGIN_CLIENT_IPPHONE },
	{ "Clavister OneConnect", LOGIN_CLIENT_CLAVISTER },
};

enum login_client login_client_class(struct slice user_agent)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		if (text_has_prefix_nocase(user_agent, agents[i].prefix))
			return agents[i].client;
	return LOGIN_CLIENT_OTHER;
}

enum login_dialect login_dialect_of(enum login_client client, bool aggregate_auth)
{
	if (client == LOGIN_CLIENT_OPENCONNECT_OLD)
		return LOGIN_BARE_OLD;
	return aggregate_auth ? LOGIN_XML : LOGIN_BARE;
}

/* A value that stays one value of one cookie. */
static bool is_cookie_value(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (*c <= 0x20 || *c >= 0x7f || *c == ';' || *c == ',' || *c == '"' || *c == '\\')
			return false;
	return true;
}

/* head, value (nullptr: the line is left out) and tail as one more line. */
static enum err add_cookie(struct login_cookies *c, const char *head, const char *value, const char *tail)
{
	if (value == nullptr)
		return ERR_OK;
	if (!is_cookie_value(value))
		return ERR_SYNTAX;
	assert(c->n < LOGIN_COOKIES_N);
	auto w = writer_of(c->text[c->n], sizeof c->text[c->n]);
	writer_str(&w, head);
	writer_str(&w, value);
	writer_str(&w, tail);
	writer_u8(&w, '\0');
	if (!writer_ok(&w))
		return ERR_RANGE;
	c->line[c->n] = c->text[c->n];
	c->n++;
	return ERR_OK;
}

static const char guarded[] = "; Secure; HttpOnly";
/* goes with a profile only: some releases on iOS wait for it (protocol.md 7.2) */
static const char translation[] = "&lu:/+CSCOT+/translation-table?textdomain%3DAnyConnect%26type%3Dmanifest";

enum err login_cookies_form(struct login_cookies *c, const char *context, uint32_t max_age_s)
{
	char tail[64];
	auto w = writer_of(tail, sizeof tail);
	writer_fmt(&w, "; Max-Age=%u%s", max_age_s, guarded);
	writer_u8(&w, '\0');
	*c = (struct login_cookies){};
	return add_cookie(c, "webvpncontext=", context, tail);
}

enum err login_cookies_done(struct login_cookies *c, const char *context, const char *webvpn,
			    const char *cert_sha1, const struct login_profile *profile)
{
	*c = (struct login_cookies){};
	TRY(add_cookie(c, "webvpncontext=", context, guarded));
	TRY(add_cookie(c, "webvpn=", webvpn, guarded));
	/* away with that of a login before, which may tell of a profile we do not have */
	TRY(add_cookie(c, "webvpnc=", "",
		       "; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly"));
	if (profile == nullptr || cert_sha1 == nullptr)
		return add_cookie(c, "webvpnc=bu:/&p:t&iu:1/&sh:", cert_sha1, "; path=/; Secure; HttpOnly");
	char text[sizeof c->text[0]];
	auto w = writer_of(text, sizeof text);
	writer_fmt(&w, "%s%s&fu:profiles%%2F", cert_sha1, translation);
	text_emit_percent(&w, profile->name);
	writer_fmt(&w, "&fh:%s", profile->sha1);
	writer_u8(&w, '\0');
	if (!writer_ok(&w))
		return ERR_RANGE;
	return add_cookie(c, "webvpnc=bu:/&p:t&iu:1/&sh:", text, "; path=/; Secure; HttpOnly");
}

/* It has to come back with the redirection, or even a form, of another site. */
enum err login_cookies_browser(struct login_cookies *c, const char *secret, bool by_form)
{
	*c = (struct login_cookies){};
	return add_cookie(c, "__Host-ocsso=", secret,
			  by_form ? "; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=None"
				  : "; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax");
}

/* Not HttpOnly: the window of a client may read it by script, and it is good once, for a minute, for one login. */
enum err login_cookies_sso(struct login_cookies *c, const char *name, const char *value)
{
	char head[64];
	auto w = writer_of(head, sizeof head);
	writer_fmt(&w, "%s=", name);
	writer_u8(&w, '\0');
	*c = (struct login_cookies){};
	return writer_ok(&w) ? add_cookie(c, head, value, "; path=/; Secure") : ERR_RANGE;
}

enum err login_cookies_svc(struct login_cookies *c)
{
	*c = (struct login_cookies){};
	TRY(add_cookie(c, "webvpn=", "",
		       "; expires=Thu, 01 Jan 1970 22:00:00 GMT; path=/; Secure; HttpOnly"));
	return add_cookie(c, "webvpnlogin=", "1", "; path=/; Secure; HttpOnly");
}
