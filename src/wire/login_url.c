/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of login that are about paths: small documents, profiles, groups. */
#include <string.h>

#include "wire/login.h"

static const char empty_html[] = "<html></html>\n";
static const char empty_vpn[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><vpn rev=\"1.0\"></vpn>";
static const char profiles[] = "/profiles/";

/* '*' at the end of a pattern: all that begin so. */
static bool fits(struct slice path, const char *pattern)
{
	size_t n = strlen(pattern);
	if (pattern[n - 1] != '*')
		return text_is(path, pattern);
	return path.n >= n - 1 && memcmp(path.p, pattern, n - 1) == 0;
}

/* The first that fits; the general ones keep a client from giving up the login over a page it does not need. */
static const struct login_page pages[] = {
	{ "/logout", LOGIN_TYPE_HTML, empty_html },
	{ "/VPNManifest.xml", LOGIN_TYPE_XML, empty_vpn },
	{ "/1/VPNManifest.xml", LOGIN_TYPE_XML, empty_vpn },
	{ "/1/binaries/update.txt", "text/plain", "0,0,0000\n" },
	{ "/1/binaries/vpndownloader.sh", "application/x-shellscript", "#!/bin/sh\nexit 0\n" },
	{ "/1/*", LOGIN_TYPE_HTML, empty_html },
	{ "/+CSCOT+/*", LOGIN_TYPE_XML, empty_vpn },
};

const struct login_page *login_static_page(struct slice path)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (fits(path, pages[i].path))
			return &pages[i];
	return nullptr;
}

/* The first that fits; "/1/" and "/+CSCOT+/" are among the pages. */
static const struct {
	const char *pattern;
	enum login_path kind;
} paths[] = {
	{ "/", LOGIN_PATH_LOGIN },
	{ "/auth", LOGIN_PATH_LOGIN },
	{ "/VPN", LOGIN_PATH_LOGIN },
	{ "/+webvpn+/index.html", LOGIN_PATH_LOGIN },
	{ "/+CSCOE+/logon.html", LOGIN_PATH_LOGIN },
	{ "/webvpn.html", LOGIN_PATH_LOGIN },
	{ "/logout", LOGIN_PATH_LOGOUT },
	{ "/svc", LOGIN_PATH_SVC },
	{ "/profiles/*", LOGIN_PATH_PROFILE },
	{ "/CACHE/*", LOGIN_PATH_RESERVED },
	{ "/+CSCOE+/saml/sp/login", LOGIN_PATH_SSO },
	{ "/+CSCOE+/saml_ac_login.html", LOGIN_PATH_SSO },
	{ "/sso/callback", LOGIN_PATH_SSO },
	{ "/+saml/acs", LOGIN_PATH_SSO },
	{ "/+saml/metadata", LOGIN_PATH_SSO },
	{ "/+CSCOE+/*", LOGIN_PATH_RESERVED },
	{ "/+CSCOU+/*", LOGIN_PATH_RESERVED },
	{ "/+CSCOL+/*", LOGIN_PATH_RESERVED },
	{ "/+webvpn+/*", LOGIN_PATH_RESERVED },
};

enum login_path login_path_of(struct slice path)
{
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (fits(path, paths[i].pattern))
			return paths[i].kind;
	return login_static_page(path) != nullptr ? LOGIN_PATH_PAGE : LOGIN_PATH_OTHER;
}

/* openconnect asks for "/profiles/x.xml:4443" on another port than 443. */
static struct slice cut_port(struct slice name)
{
	size_t n = name.n;
	while (n > 0 && name.p[n - 1] >= '0' && name.p[n - 1] <= '9')
		n--;
	if (n > 0 && n < name.n && name.p[n - 1] == ':')
		name.n = n - 1;
	return name;
}

static bool is_name(struct slice encoded, const char *name)
{
	char text[512];
	return text_percent_decode(text, sizeof text, encoded, false) == ERR_OK && strcmp(text, name) == 0;
}

bool login_is_profile(struct slice path, const char *name)
{
	if (!fits(path, "/profiles/*"))
		return false;
	struct slice rest = { .p = path.p + strlen(profiles), .n = path.n - strlen(profiles) };
	return is_name(rest, name) || is_name(cut_port(rest), name);
}

void login_emit_profile_uri(struct writer *w, const char *name)
{
	writer_str(w, profiles);
	text_emit_percent(w, name);
}

enum err login_path_group(char out[LOGIN_USER_MAX + 1], struct slice path)
{
	char name[LOGIN_USER_MAX + 1];
	while (path.n > 0 && path.p[0] == '/')
		path = (struct slice){ .p = path.p + 1, .n = path.n - 1 };
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n == 0)
		return ERR_NOTFOUND;
	if (memchr(path.p, '/', path.n) != nullptr)
		return ERR_SYNTAX;
	TRY(text_percent_decode(name, sizeof name, path, false));
	for (const char *c = name; *c != '\0'; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7f)
			return ERR_SYNTAX;
	memcpy(out, name, strlen(name) + 1);
	return ERR_OK;
}

struct slice login_url_path(const char *url)
{
	auto text = text_slice(url);
	if (!text_has_prefix_nocase(text, "https://"))
		return (struct slice){};
	const char *host = url + strlen("https://");
	size_t host_len = strcspn(host, "/?#");
	if (host[host_len] != '/')
		return text_slice("/");
	const char *path = host + host_len;
	return (struct slice){ .p = path, .n = strcspn(path, "?#") };
}
