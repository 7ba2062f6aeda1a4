/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authority - what a worker asks the keeper, and what the keeper tells it
 *
 * Questions carry an id; a connection has at most one open question.  When the keeper is gone, connections that wait for it are
 * refused (503) or closed; tunnels go on.
 *
 * Owner:    the worker.
 */
#pragma once

#include "ipc/msgs.h"
#include "wire/login.h"
#include "wire/sso.h"
#include "worker/conn.h"

/* A new channel to the keeper (at start, or after it was restarted). */
enum err authority_connect(struct worker *w, int fd);

/* Sign tls.sign; the answer goes to conn_signed. */
enum err authority_sign(struct conn *c);
/* One step of a login; the answer goes to web_auth_done.  token: of HTTP Negotiate, n 0: none. */
enum err authority_auth(struct conn *c, const struct login_req *req, const uint8_t *auth_id,
			size_t auth_id_len, struct slice token);
/* A browser has come to a page of a sign-on; browser: its cookie, SSO_ID_LEN bytes, or nullptr.  The answer goes to web_sso_done. */
enum err authority_sso(struct conn *c, enum msgs_sso_step step, const struct sso_query *q,
		       const uint8_t *browser);
/* Does the request carry the cookie of a session or of a login under way?  The answer goes to web_check_done.
 * cookie and auth_id: of 32 bytes, or nullptr. */
enum err authority_check(struct conn *c, const uint8_t *cookie, const uint8_t *auth_id);
/* The tunnel of c->web->connect; the answer goes to web_open_done. */
enum err authority_open(struct conn *c);
/* The connection ends: its answer will be ignored. */
void authority_forget(struct conn *c);

void authority_closed(struct worker *w, const struct session *s, enum msgs_cause cause);
/* A session was granted that will not be used. */
void authority_give_back(struct worker *w, uint64_t sid);
void authority_logout(struct worker *w, const uint8_t *cookie, size_t len);
