/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * login - what a client says to log in, and the documents it is answered with (protocol.md 3, 4, 7, 8)
 *
 * Both dialects: XML ("aggregate authentication") and the old one of forms.
 *
 * Owner:  the caller; a login_req holds secrets: wipe it.
 * Runs in: the worker.
 * Never:  allocates (expat does while login_parse runs, at most LOGIN_XML_MEMORY); remembers anything between two calls.
 */
#pragma once

#include "wire/text.h"

constexpr size_t LOGIN_USER_MAX = 255;   /* user, group */
constexpr size_t LOGIN_SECRET_MAX = 511; /* password, one-time code */
constexpr size_t LOGIN_DEVICE_MAX = 127; /* each fact about the device */
constexpr size_t LOGIN_URL_MAX = 511;
constexpr size_t LOGIN_TOKEN_MAX = 127;  /* handle, session token */
constexpr size_t LOGIN_XML_MEMORY = 512 * 1024;

enum login_type : uint8_t { LOGIN_INIT = 1, LOGIN_REPLY, LOGIN_LOGOUT, LOGIN_FORM };

/* auth-method of capabilities */
enum login_capability : uint32_t {
	LOGIN_CAP_MULTIPLE_CERT = 1 << 0,
	LOGIN_CAP_SSO = 1 << 1,
	LOGIN_CAP_SSO_V2 = 1 << 2,
	LOGIN_CAP_SSO_BROWSER = 1 << 3,
};

/* All "" if not told. */
struct login_device {
	char id[LOGIN_DEVICE_MAX + 1]; /* "win", "linux-64" */
	char computer_name[LOGIN_DEVICE_MAX + 1];
	char type[LOGIN_DEVICE_MAX + 1];
	char platform_version[LOGIN_DEVICE_MAX + 1];
	char unique_id[LOGIN_DEVICE_MAX + 1];
};

struct login_req {
	enum login_type type;
	bool has_username;
	bool has_password;  /* also when it is empty */
	bool has_secondary; /* only beside a password; the only secret of a reply is its password whatever its name */
	bool has_group; /* also when it is empty: no particular one */
	bool aggregate; /* the root was <config-auth>: answer in XML whatever the headers say */
	bool client_cert_fail;
	char sso_token[LOGIN_TOKEN_MAX + 1]; /* "" if none */
	uint32_t capabilities; /* enum login_capability */
	char username[LOGIN_USER_MAX + 1];
	char password[LOGIN_SECRET_MAX + 1];
	char secondary[LOGIN_SECRET_MAX + 1];
	char group[LOGIN_USER_MAX + 1]; /* group-select or group_list: name or label; "" if none */
	char group_access[LOGIN_URL_MAX + 1]; /* URL the user typed */
	char handle[LOGIN_TOKEN_MAX + 1]; /* text of <opaque>, as given to login_emit_form */
	char session_token[LOGIN_TOKEN_MAX + 1];
	char version[LOGIN_DEVICE_MAX + 1];
	struct login_device device;
};

/* A body of a POST; XML or form is decided by its first bytes, an empty one is a form without fields.
 * ERR_SYNTAX: malformed; ERR_RANGE: a value too long or the document too greedy; ERR_PROTO: not a document of login. */
enum err login_parse(struct login_req *out, const uint8_t *body, size_t len);
void login_req_wipe(struct login_req *r);

/* Ordered by prefix of User-Agent; chooses the dialect, never a right: the text is easily forged. */
enum login_client : uint8_t {
	LOGIN_CLIENT_OTHER = 1,
	LOGIN_CLIENT_OPENCONNECT,
	LOGIN_CLIENT_OPENCONNECT_OLD, /* version 3 and before */
	LOGIN_CLIENT_CISCO, /* desktop */
	LOGIN_CLIENT_APPLE, /* Cisco on iOS */
	LOGIN_CLIENT_ANDROID, /* Cisco on Android */
	LOGIN_CLIENT_IPPHONE,
	LOGIN_CLIENT_CLAVISTER,
};
enum login_client login_client_class(struct slice user_agent);

enum login_dialect : uint8_t {
	LOGIN_XML = 1, /* root <config-auth> */
	LOGIN_BARE, /* root <auth>: no X-Aggregate-Auth, GET or form */
	LOGIN_BARE_OLD, /* the same, and a form for a password alone is named after its input */
};
enum login_dialect login_dialect_of(enum login_client client, bool aggregate_auth);

struct login_group {
	const char *name;
	const char *label;
};

/* A browser is to sign on (protocol.md 5). */
struct login_sso {
	const char *login; /* where it begins */
	const char *final; /* where it ends */
	const char *token_cookie, *error_cookie;
	bool external; /* it is that of the system */
};

/* A text that is nullptr is left out. */
struct login_form {
	const char *id; /* of <auth>; nullptr: "main".  "challenge": openconnect answers from its token */
	const char *action; /* nullptr: "/auth" */
	const char *message;
	const char *banner; /* pre-login-banner, first form only */
	const char *error;
	unsigned error_id; /* 13: login failed; 0: no number */
	bool ask_username;
	bool ask_password;
	bool echo; /* what is typed for the password may be seen */
	bool cert_authenticated; /* the certificate was accepted; XML only */
	const char *password_name; /* nullptr: "password" */
	const char *password_label; /* nullptr: "Password:" */
	const struct login_group *groups; /* more than one: a choice is shown */
	size_t groups_n;
	size_t selected; /* index of groups, shown first; groups_n: none */
	const char *handle; /* comes back in login_req.handle; XML only */
	const struct login_sso *sso; /* nullptr: no browser is asked for; XML only */
};
void login_emit_form(struct writer *w, enum login_dialect dialect, const struct login_form *form);

/* The profile that a client is to fetch. */
struct login_profile {
	const char *name; /* of the file, without folders */
	const char *sha1; /* of its bytes, 40 upper-case hex digits */
};

struct login_done {
	const char *session_id; /* not secret; nullptr: empty element */
	const char *session_token; /* value of the webvpn cookie */
	const char *message;
	const char *banner;
	const char
		*cert_sha1; /* 40 upper-case hex digits of our leaf certificate; nullptr: no config section */
	const struct login_profile *profile; /* nullptr: none */
};
void login_emit_complete(struct writer *w, enum login_dialect dialect, const struct login_done *done);

/* The end of a login: text is shown and no form follows. */
void login_emit_error(struct writer *w, enum login_dialect dialect, unsigned error_id, const char *text);
/* The text that openconnect rewords to "client certificate missing or incorrect" (protocol.md 4.6). */
extern const char LOGIN_CERT_FAILURE[];

/* "Come back with a certificate"; only LOGIN_XML knows it (protocol.md 4.7). */
void login_emit_cert_request(struct writer *w, const char *handle);
/* What to do about a certificate before anything else is asked. */
enum login_cert_step : uint8_t {
	LOGIN_CERT_GO_ON = 1, /* it is there, or not needed, or could not be had but others methods will do */
	LOGIN_CERT_REQUEST,
	LOGIN_CERT_REFUSE, /* it is needed and was asked for: asking again would go round in circles */
};
enum login_cert_step login_cert_step(bool wanted, bool required, bool present, enum login_dialect dialect,
				     const struct login_req *req);

/* Values of Set-Cookie, for struct http_extra. */
constexpr size_t LOGIN_COOKIES_N = 4;
struct login_cookies {
	char text[LOGIN_COOKIES_N][1024];
	const char *line[LOGIN_COOKIES_N]; /* into text; not to be copied */
	size_t n;
};
/* With a form: webvpncontext with its life. */
enum err login_cookies_form(struct login_cookies *c, const char *context, uint32_t max_age_s);
/* With success: webvpncontext (nullptr: without), webvpn, and webvpnc, whose text is the short one of 7.2 without a profile. */
enum err login_cookies_done(struct login_cookies *c, const char *context, const char *webvpn,
			    const char *cert_sha1, const struct login_profile *profile);
/* For a browser that signs on: what it is known by when it comes back; by_form: with a form that another site has it send. */
enum err login_cookies_browser(struct login_cookies *c, const char *secret, bool by_form);
/* At its end: the token, or that it failed, in the cookie of this name. */
enum err login_cookies_sso(struct login_cookies *c, const char *name, const char *value);
/* At the door of IP phones: away with webvpn, and webvpnlogin (7.4). */
enum err login_cookies_svc(struct login_cookies *c);

/* The small documents that Cisco clients fetch (protocol.md 8); nullptr: not one of them. */
struct login_page {
	const char *path; /* '*' at the end: all that begin so */
	const char *type;
	const char *body;
};
const struct login_page *login_static_page(struct slice path);

/* What a path is for; a POST to LOGIN_PATH_OTHER is a login all the same (protocol.md 7.3). */
enum login_path : uint8_t {
	LOGIN_PATH_LOGIN = 1, /* "/", "/auth" and their likes */
	LOGIN_PATH_LOGOUT,
	LOGIN_PATH_PAGE, /* login_static_page has it */
	LOGIN_PATH_PROFILE, /* below "/profiles/" */
	LOGIN_PATH_SVC, /* of IP phones */
	LOGIN_PATH_SSO, /* of browsers that sign on */
	LOGIN_PATH_RESERVED, /* of Cisco's, with nothing of ours behind it: 404 */
	LOGIN_PATH_OTHER, /* maybe a group */
};
enum login_path login_path_of(struct slice path);

/* Is this the path of the profile?  Percent-encoding is undone, and a ":4443" that some clients add at the end is cut. */
bool login_is_profile(struct slice path, const char *name);
/* "/profiles/NAME", encoded. */
void login_emit_profile_uri(struct writer *w, const char *name);

/* The group that a path names: "/staff", "/staff/".  ERR_NOTFOUND: none; ERR_SYNTAX, ERR_RANGE: no name of a group. */
enum err login_path_group(char out[LOGIN_USER_MAX + 1], struct slice path);
/* The path in a URL, "/" if it has none; p nullptr: no URL. */
struct slice login_url_path(const char *url);

extern const char LOGIN_TYPE_XML[]; /* "text/xml; charset=utf-8" */
extern const char LOGIN_TYPE_HTML[]; /* "text/html" */
