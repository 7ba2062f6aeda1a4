/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web - the requests before a tunnel: login documents, small pages, CONNECT
 *
 *	web.c        what comes in, and where it goes
 *	web_page.c   answers
 *	web_cover.c  camouflage
 *	web_login.c  the dialogue of a login
 *	web_group.c  groups: by list, by URL
 *	web_sso.c    pages for browsers that sign on
 *	web_tunnel.c CONNECT
 *
 * Owner:    the connection's struct conn_web.
 * Source:   protocol.md 2 to 11, 20, 22.
 */
#pragma once

#include "ipc/ipc.h"
#include "worker/conn.h"

/* Plaintext of a connection without a tunnel.  ERR_OK or ERR_BUSY: go on; else close. */
enum err web_input(struct conn *c, const uint8_t *p, size_t len);
/* Answers of the keeper; the connection is in CONN_ASKED. */
void web_auth_done(struct conn *c, const Msg__AuthDone *done);
void web_sso_done(struct conn *c, const Msg__SsoDone *done);
void web_open_done(struct conn *c, const Msg__OpenDone *done);
void web_check_done(struct conn *c, bool known);
/* The keeper is gone: 503. */
void web_unavailable(struct conn *c);
/* DER of the certificate that the client has shown and TLS has verified; p nullptr: none. */
struct slice web_client_cert(const struct conn *c);
/* The bearer token that this request brings, if its virtual host takes any; p nullptr: none. */
struct slice web_bearer(const struct conn *c);
/* Wipe and free the body of the request: it may hold a password. */
void web_forget_body(struct conn *c);
