/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_file - the text of a file that ldap[config=FILE] names: servers, how to find a user, what to make of him
 *
 * Named directory_, not ldap_: those names are libldap's.
 *
 * Owner:    struct directory_conf.
 * Never:    opens a file, looks up a name.
 */
#pragma once

#include "auth/wordfile.h"

constexpr size_t DIRECTORY_SERVERS_MAX = 8;
constexpr size_t DIRECTORY_ALLOWED_MAX = 64;
constexpr size_t DIRECTORY_DN_MAX = 1024;  /* with the end */
constexpr size_t DIRECTORY_FILTER_MAX = 1024;
constexpr size_t DIRECTORY_NAME_MAX = 256; /* with the end; of groups, hosts, paths */
constexpr size_t DIRECTORY_ATTRIBUTE_MAX = 128;

enum directory_scheme : uint8_t { DIRECTORY_LDAP, DIRECTORY_LDAPS, DIRECTORY_LDAPI };
enum directory_scope : uint8_t { DIRECTORY_SUB, DIRECTORY_ONE, DIRECTORY_BASE };

/* A user's attribute that becomes a fact. */
enum directory_fact : uint8_t {
	DIRECTORY_IPV4,
	DIRECTORY_IPV6,
	DIRECTORY_ROUTE,
	DIRECTORY_DNS,
	DIRECTORY_SESSION_TIMEOUT,
	DIRECTORY_IDLE_TIMEOUT,
	DIRECTORY_FACT_N
};

struct directory_server {
	enum directory_scheme scheme;
	char host[DIRECTORY_NAME_MAX]; /* as in the URI, with brackets; ldapi: the socket, still encoded */
	uint16_t port;
};

/* Which groups a user is in, and which of them are enough. */
struct directory_groups {
	char attribute[DIRECTORY_ATTRIBUTE_MAX]; /* of the user: names or DNs of groups; empty: none */
	char base[DIRECTORY_DN_MAX];             /* where groups are searched; empty: not */
	char filter[DIRECTORY_FILTER_MAX];
	char name_attribute[DIRECTORY_ATTRIBUTE_MAX];
	char allowed[DIRECTORY_ALLOWED_MAX][DIRECTORY_NAME_MAX];
	size_t allowed_n; /* 0: all */
};

struct directory_settings {
	struct directory_server servers[DIRECTORY_SERVERS_MAX];
	size_t servers_n;
	bool starttls; /* of ldap:// */
	char ca_file[DIRECTORY_NAME_MAX];
	char bind_dn[DIRECTORY_DN_MAX]; /* whom we are while we search; empty: nobody */
	char bind_password[DIRECTORY_NAME_MAX];
	char bind_password_file[DIRECTORY_NAME_MAX];
	char base[DIRECTORY_DN_MAX];
	enum directory_scope scope;
	char filter[DIRECTORY_FILTER_MAX];
	char name_attribute[DIRECTORY_ATTRIBUTE_MAX]; /* the user's name as it counts from there on */
	struct directory_groups groups;
	char facts[DIRECTORY_FACT_N][DIRECTORY_ATTRIBUTE_MAX];
	uint32_t timeout_s, dead_s;
};

/* Defaults, then what the text says; text is cut into words, and wiped.  ERR_SYNTAX, ERR_RANGE, ERR_FULL, ERR_CONFIG. */
enum err directory_file_parse(struct directory_settings *s, char *text, struct wordfile_why *why);
/* The first line of a file of a password; wiped.  ERR_SYNTAX: it is empty. */
enum err directory_file_password(struct directory_settings *s, char *text, struct wordfile_why *why);
