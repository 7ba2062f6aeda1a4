/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_file - the text of a radiusclient.conf and of its file of secrets, the formats that RADIUS clients of Linux share
 *
 * Owner:    struct radius_conf.
 * Never:    opens a file, looks up a name.
 */
#pragma once

#include "auth/wordfile.h"

constexpr size_t RADIUS_SERVERS_MAX = 8; /* of a role */
constexpr size_t RADIUS_SECRET_MAX = 255;
constexpr size_t RADIUS_HOST_MAX = 255;

enum radius_role : uint8_t { RADIUS_AUTH, RADIUS_ACCT };

struct radius_server {
	char host[RADIUS_HOST_MAX + 1]; /* a name or an address */
	uint16_t port;
	char secret[RADIUS_SECRET_MAX + 1]; /* empty: not known yet */
};

struct radius_servers {
	struct radius_server v[RADIUS_SERVERS_MAX];
	size_t n;
};

struct radius_settings {
	struct radius_servers of[2];    /* by role */
	uint32_t timeout_s, tries, dead_s;
	char secrets[256];              /* the file of secrets; empty: none */
	char bind[64];                  /* address to send from; empty: any */
	char nas_identifier[254];
	char nas_ip[64];                /* address; empty: the one that we send from */
	bool needs_signature;           /* answers to logins without Message-Authenticator do not count */
};

/* Defaults, then what the text says; text is cut into words.  ERR_SYNTAX, ERR_RANGE, ERR_FULL, ERR_UNSUPPORTED. */
enum err radius_file_parse(struct radius_settings *s, char *text, struct wordfile_why *why);
/* Lines "server secret" or "name/server secret", for servers that have no secret yet; text is wiped. */
enum err radius_file_secrets(struct radius_settings *s, char *text, struct wordfile_why *why);
/* Every server has a secret, and there is one for logins.  ERR_CONFIG. */
enum err radius_file_check(const struct radius_settings *s, struct wordfile_why *why);
