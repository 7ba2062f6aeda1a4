/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * web_parts - what the files web_*.c need of each other
 *
 * Every function that answers returns ERR_OK (go on), ERR_BUSY (the last answer is on its way) or what ends the connection.
 *
 * Owner:  web*.c, nobody else.
 */
#pragma once

#include "worker/web.h"
#include "worker/worker.h"

constexpr size_t WEB_ID_LEN = 32; /* of a cookie, and of the handle of a login */
constexpr size_t WEB_ID_TEXT = 45; /* in base64, with the end */

const struct vhost *web_vhost(const struct conn *c);
const struct offer *web_offer(const struct conn *c);

/* {{ web_page.c }} */

struct web_page {
	unsigned status;
	const char *type;
	const void *body; /* may lie in web_document's bytes */
	size_t len;
	const struct login_cookies *cookies; /* nullptr: none */
	const char *reason; /* X-Reason; nullptr: none */
	const char *realm; /* asks for a password as web servers do; nullptr: no */
	const char *challenge; /* value of WWW-Authenticate; nullptr: none */
	const char *location; /* nullptr: none */
	bool for_browser; /* not to be kept, nor its address told */
	bool anonymous; /* nothing of us, nor the configured lines, which a refusal to a stranger has no need of */
	bool close;
};
enum err web_send(struct conn *c, const struct web_page *page);
/* What is in w, as it is; then the next request, or the end. */
enum err web_respond(struct conn *c, const struct writer *w, bool close);
/* A document of XML that was begun by web_document; one that does not fit is answered with 503. */
struct writer web_document(void);
enum err web_send_xml(struct conn *c, const struct writer *doc, const struct login_cookies *cookies,
		      bool close);
/* An empty page. */
enum err web_send_empty(struct conn *c, const struct login_cookies *cookies);
/* reason: nullptr for none.  A connection survives 404 and nothing else. */
enum err web_refuse(struct conn *c, unsigned status, const char *reason);
/* 401: come back with a token; on this connection. */
enum err web_ask_bearer(struct conn *c, bool is_wrong);
/* After an answer that was not made while input was read. */
void web_settle(struct conn *c, enum err e);

/* The cookie of this name, base64 of 32 bytes, percent-encoded or not; false: absent or not one of ours. */
bool web_cookie(const struct conn *c, const char *name, uint8_t out[WEB_ID_LEN]);

/* {{ web_cover.c }} */

/* May this client see us, by what it has shown until now and the query of this request? */
bool web_cover_is_off(struct conn *c);
/* Ask the keeper for its cookies. */
enum err web_cover_ask(struct conn *c);
/* As a plain web server would. */
enum err web_cover_refuse(struct conn *c);

/* {{ web_group.c }} */

/* All groups that are offered; how many.  The texts live as long as the generation. */
constexpr size_t WEB_GROUPS_MAX = 512;
size_t web_groups(const struct conn *c, struct login_group out[WEB_GROUPS_MAX]);
/* Which of them has this name or label; groups_n: none. */
size_t web_group_find(const struct login_group *groups, size_t groups_n, const char *chosen);
/* Remember the choice of this request: its form first, then its URL. */
void web_group_choose(struct conn *c, const struct login_req *req);
/* Is this the path of a group that is offered? */
bool web_group_is_path(const struct conn *c, struct slice path);
/* Where the form is to be sent: it leads to the same group and, under camouflage, past the cover, also on a new connection. */
void web_group_emit_action(const struct conn *c, struct writer *w);

/* {{ web_negotiate.c }} */

/* Before a form: done if the answer is that a token is wanted; else c->web->by_token tells whether there is one. */
enum err web_negotiate_begin(struct conn *c, bool *done);
/* The token of this request; it lies here until the next one.  n 0: none. */
struct slice web_negotiate_token(const struct conn *c);
/* What the keeper said of a token; done if that was answered, else the login goes on, or ends, as with forms. */
enum err web_negotiate_answer(struct conn *c, const Msg__AuthDone *m, bool *done);

/* {{ web_login.c }} */

/* As base64 with an end.  ERR_PROTO: it is no id. */
enum err web_encode_id(const ProtobufCBinaryData *id, char out[WEB_ID_TEXT]);

enum err web_login_get(struct conn *c);
enum err web_login_post(struct conn *c);
enum err web_login_svc(struct conn *c);
/* token: of the document; "" if the cookie alone names the session. */
enum err web_login_out(struct conn *c, const char *token);

/* {{ web_sso.c }} */

enum err web_sso(struct conn *c);

/* {{ web_tunnel.c }} */

enum err web_tunnel_connect(struct conn *c);
enum err web_tunnel_refuse(struct conn *c, unsigned status, const char *reason);
