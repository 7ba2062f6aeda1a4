/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config - the text of an ocserv.conf in, an immutable struct config out
 *
 * The one table of options is options.def: a field here, a default, a parser row, a reload class and a line of the manual.
 * An option of scope G is a member of struct config, one of scope V or U a member of struct vhost; the member has the
 * option's name with '_' for '-'.  vhosts[0] is the default host; the others inherit from it what they do not set.
 *
 * Owner:    config_get/config_put count references; the last put frees.  One thread only.
 * Runs in:  every process; each parses the same text, which the supervisor has checked before.
 */
#pragma once

#include <stdio.h>

#include "base/base.h"

struct strlist {
	char **v;
	size_t n;
};

/* An address with its prefix length; family 0: not set. */
struct prefix {
	uint16_t family; /* AF_INET, AF_INET6 */
	uint8_t len;     /* bits */
	uint8_t addr[16];
};
struct prefixlist {
	struct prefix *v;
	size_t n;
};

/* "plain[passwd=FILE,otp=FILE]": a method and its arguments as written */
struct auth_arg {
	char *key; /* nullptr: the old form without a name, "plain[FILE]" */
	char *value;
};
struct auth_method {
	char *name;
	struct auth_arg *args;
	size_t args_n;
	uint32_t line; /* of the configuration, for messages */
};
struct authlist {
	struct auth_method *v;
	size_t n;
};
/* Value of an argument; nullptr if absent.  key "passwd" of plain also finds the nameless old form. */
const char *config_auth_arg(const struct auth_method *m, const char *key);
/* An argument that is a number, or fallback; what is no number was refused by the parser. */
bool config_auth_flag(const struct auth_method *m, const char *key);
uint32_t config_auth_number(const struct auth_method *m, const char *key, uint32_t fallback);

/* select-group = name[Friendly label] */
struct group_choice {
	char *name;
	char *label; /* equals name if none was given */
};
struct grouplist {
	struct group_choice *v;
	size_t n;
};

enum config_type : uint8_t {
	TYPE_BOOL,      /* bool; true/false/yes/no/1/0 */
	TYPE_U32,       /* uint32_t */
	TYPE_STR,       /* char *, nullptr if unset */
	TYPE_STRLIST,   /* struct strlist; each line adds one */
	TYPE_PREFIX,    /* struct prefix; address, address/len or address/mask */
	TYPE_PREFIXLIST, /* struct prefixlist */
	TYPE_ADDRLIST,   /* struct prefixlist of single addresses */
	TYPE_DOMAINLIST, /* struct strlist; a line may hold several with commas between them */
	TYPE_AUTH,      /* struct authlist */
	TYPE_GROUPS,    /* struct grouplist */
	TYPE_ENUM,      /* uint32_t, from a list of words named in the table */
	TYPE_BYTES,     /* uint64_t; 500M, 10G, 4Gi; 0 if unset */
	TYPE_DATE,      /* int64_t, unix seconds; 0 if unset */
};
enum config_scope : uint8_t {
	SCOPE_G = 1,       /* global only */
	SCOPE_V = 2,       /* also in [vhost:name] */
	SCOPE_U = 4,       /* also in per-user and per-group files */
	SCOPE_ONLY_U = 8,  /* only in those */
};
enum config_reload : uint8_t {
	RELOAD_LIVE,         /* in force at once */
	RELOAD_NEW_SESSIONS, /* for sessions opened from now on */
	RELOAD_RESTART,      /* ignored at reload, with a warning */
};
enum config_state : uint8_t {
	STATE_DONE,
	STATE_PLANNED,    /* known; using it prints one warning */
	STATE_OBSOLETE,   /* accepted for compatibility, without effect; one warning */
	STATE_ALIAS,      /* old spelling of another; one warning */
};

enum config_client_ocsp : uint32_t { CLIENT_OCSP_OFF, CLIENT_OCSP_SOFT, CLIENT_OCSP_HARD };
enum config_rekey : uint32_t { REKEY_SSL, REKEY_NEW_TUNNEL };
enum config_firewall : uint32_t { FIREWALL_NONE, FIREWALL_NFTABLES };
/* traffic-quota-period; the store keeps these numbers */
enum config_period : uint32_t { PERIOD_TOTAL, PERIOD_DAILY, PERIOD_MONTHLY };
/* FIPS_POLICY: the restrictions, on a library that is no validated module */
enum config_fips : uint32_t { FIPS_OFF, FIPS_ON, FIPS_POLICY };
enum config_guard_xdp : uint32_t { GUARD_XDP_AUTO, GUARD_XDP_NATIVE, GUARD_XDP_GENERIC, GUARD_XDP_OFF };

struct vhost {
	char *name; /* lower case; "" for vhosts[0] */
	uint32_t index;
#define OPT_G(field, key, type, ctype, dflt, min, max, reload, state, help)
#define OPT_V(field, key, type, ctype, dflt, min, max, reload, state, help) ctype field;
#define OPT_U(field, key, type, ctype, dflt, min, max, reload, state, help) ctype field;
#define OPT_ONLY_U(field, key, type, ctype, dflt, min, max, reload, state, help) ctype field;
#include "config/options.def"
#undef OPT_G
#undef OPT_V
#undef OPT_U
#undef OPT_ONLY_U
};

struct config {
#define OPT_G(field, key, type, ctype, dflt, min, max, reload, state, help) ctype field;
#define OPT_V(field, key, type, ctype, dflt, min, max, reload, state, help)
#define OPT_U(field, key, type, ctype, dflt, min, max, reload, state, help)
#include "config/options.def"
#undef OPT_G
#undef OPT_V
#undef OPT_U
	struct vhost *vhosts; /* vhosts_n >= 1 */
	size_t vhosts_n;
	uint32_t refs;
};

/* All that was found wrong or worth a warning, in the order of the lines. */
struct config_problem {
	bool is_error;
	uint32_t line; /* 0: of no line */
	char *text;    /* "FILE:LINE: error: …" complete, with the cure */
};
struct config_report {
	struct config_problem *v;
	size_t n;
	size_t errors_n;
};
void config_report_fini(struct config_report *r);

/* The text that the supervisor hands to a child in a memfd; *out is malloc'ed and ends in NUL.  Needs no system call that a sandbox
 * forbids (fstat is a path call in the C library).  ERR_SYS, ERR_NOMEM, ERR_RANGE (larger than 1 MiB). */
enum err config_read_fd(int fd, char **out, size_t *len);

/* Parse the whole text.  file is for messages only.  ERR_CONFIG: the report tells why and *out is not written;
 * warnings may be in the report also on ERR_OK.  Touches no file. */
enum err config_parse(struct config **out, const char *file, const char *text, size_t len,
		      struct config_report *report);
struct config *config_get(struct config *c);
void config_put(struct config *c);
void config_putp(struct config **c);

/* Options of class RELOAD_RESTART that differ: one warning each into report ("… needs a restart; still using the old value"). */
enum err config_diff_restart(const struct config *now, const struct config *next, const char *file,
			     struct config_report *report);
/* Give next, which nobody else has yet, the values of now of all options of class RELOAD_RESTART.  On ERR_NOMEM drop next. */
enum err config_keep_restart(struct config *next, const struct config *now);

/* The vhost whose name equals sni (any case); vhosts[0] for nullptr, "" or an unknown name. */
const struct vhost *config_vhost(const struct config *c, const char *sni);

/* The reference of options as Markdown (docs/options.md) or as a man page (ocserv.conf.5). */
void config_print_markdown(FILE *out);
void config_print_man(FILE *out);

/* The n-th method of a virtual host, counted through auth, then enable-auth, then acct; nullptr: there is none. */
const struct auth_method *config_vhost_method(const struct vhost *v, size_t n);
/* Are the methods of auth and enable-auth the same? */
bool config_same_auth(const struct vhost *a, const struct vhost *b);
/* Is certificate among the methods of auth and enable-auth?  Is it part of every way in? */
bool config_wants_certificate(const struct vhost *v);
bool config_needs_certificate(const struct vhost *v);
/* Is this a method of sign-on in a browser? */
bool config_is_sso(const struct auth_method *m);
/* Is it the first thing that a client is asked for? */
bool config_begins_with_sso(const struct vhost *v);
/* The address of our pages for browsers, without a path; nullptr: there are none. */
constexpr size_t CONFIG_SSO_URL_MAX = 255;
const char *config_sso_url(const struct vhost *v);
/* Is oidc among the methods of auth and enable-auth?  Does every way in begin with it? */
bool config_takes_bearer(const struct vhost *v);
bool config_needs_bearer(const struct vhost *v);
/* Does the method live on tokens of HTTP Negotiate?  Does a virtual host offer such a method, or nothing else? */
bool config_is_token(const struct auth_method *m);
bool config_takes_token(const struct vhost *v);
bool config_needs_token(const struct vhost *v);
/* Does any virtual host authenticate or account by this method? */
bool config_has_method(const struct config *c, const char *name);

/* "192.0.2.1:9443", "[::1]:9443": of metrics-listen.  ERR_SYNTAX or ERR_RANGE. */
enum err config_endpoint_parse(const char *text, struct prefix *addr, uint16_t *port);

/* "192.0.2.0/24", "192.0.2.0/255.255.255.0", "2001:db8::/64", "default" (0.0.0.0/0); without a length: a host.
 * ERR_SYNTAX or ERR_RANGE. */
enum err config_prefix_parse(const char *text, struct prefix *out);
