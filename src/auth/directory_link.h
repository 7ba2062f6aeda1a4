/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * directory_link - a connection to one LDAP server, and what is asked over it
 *
 * The library has time limits of its own, but not for all that can hang (handshakes of TLS, half an answer).  So a timer of the
 * process shuts the socket down when the server's time is over, whatever the library does then.
 *
 * Owner:    directory_login; one at a time in a process, because of the timer.
 * Runs in:  a child of the auth process; blocks.
 */
#pragma once

#include <ldap.h>

#include "auth/directory_file.h"
#include "base/clock.h"

struct directory_link {
	LDAP *ld;
	struct mono deadline; /* of all that is asked */
	char error[256]; /* why ERR_BUSY or ERR_SYS */
};

/* What a server said to a bind or to a new password. */
struct directory_reply {
	int code;        /* LDAP_SUCCESS, ... */
	int policy;      /* PP_noError, PP_accountLocked, ... */
	int expires_s;   /* until the password expires; -1: not said */
	int graces_n;    /* logins that are left with an expired one; -1: not said */
	char text[160];  /* the server's own words, printable */
};

/* Connect, and TLS as configured.  ERR_BUSY: it does not work, error says why. */
enum err directory_link_open(struct directory_link *l, const struct directory_settings *s,
			     const struct directory_server *to, uint32_t timeout_s);
/* Also one that could not be opened. */
void directory_link_close(struct directory_link *l);

/* Become dn; both empty: nobody.  ERR_OK: the server has answered, see out; ERR_BUSY: it has not. */
enum err directory_link_bind(struct directory_link *l, const char *dn, const char *password,
			     struct directory_reply *out);
/* A new password for whom we are.  As above. */
enum err directory_link_change(struct directory_link *l, const char *dn, const char *old, const char *new,
			       struct directory_reply *out);

struct directory_search {
	const char *base, *filter;
	enum directory_scope scope;
	const char **attributes; /* of their values; up to a nullptr */
	int limit;               /* of entries */
};
/* ERR_OK: the caller frees *out with ldap_msgfree; ERR_NOTFOUND: the base does not exist; ERR_FULL: more than the limit;
 * ERR_BUSY, ERR_SYS: see error. */
enum err directory_link_search(struct directory_link *l, const struct directory_search *x, LDAPMessage **out);
/* More time, after a user was asked. */
void directory_link_extend(struct directory_link *l, uint32_t timeout_s);
