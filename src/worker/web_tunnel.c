/* SPDX-License-Identifier: GPL-3.0-or-later */
/* web_tunnel - CONNECT: the cookie to the keeper, the whole configuration to the client */
#include <string.h>

#include "base/log.h"
#include "worker/authority.h"
#include "worker/session.h"
#include "worker/web_parts.h"

constexpr size_t ANSWER_MAX = 65536;

static uint8_t answer[ANSWER_MAX]; /* one thread; sealed before the next use */

enum err web_tunnel_refuse(struct conn *c, unsigned status, const char *reason)
{
	STAT_INC(c->w, connect_refused);
	struct writer w = writer_of(answer, sizeof answer);
	connect_emit_refusal(&w, status, reason);
	return web_respond(c, &w, true);
}

enum err web_tunnel_connect(struct conn *c)
{
	if (!connect_is_tunnel(http_path(&c->web->http)))
		return web_tunnel_refuse(c, 404, nullptr);
	connect_parse(&c->web->connect, &c->web->http);
	strap_parse(&c->web->strap, &c->web->http);
	if (!c->web->connect.has_cookie)
		return web_tunnel_refuse(c, 401, "no session cookie");
	if (authority_open(c) != ERR_OK)
		return web_tunnel_refuse(c, 503, "the server is restarting, try again");
	c->web->ask = CONN_ASK_TUNNEL;
	c->state = CONN_ASKED;
	return ERR_OK;
}

static enum err open_tunnel(struct conn *c, const Msg__OpenDone *done)
{
	if (done->status != 200 || done->session == nullptr)
		return web_tunnel_refuse(c, done->status, done->reason[0] != '\0' ? done->reason : nullptr);
	c->has_proven = true;
	struct writer w = writer_of(answer, sizeof answer);
	struct connect_reply reply;
	enum err e = session_open(c, done->session, &c->web->connect, &reply);
	if (e != ERR_OK) {
		authority_give_back(c->w, done->session->sid);
		return web_tunnel_refuse(c, 503, "no room for another session");
	}
	connect_emit(&w, &reply);
	if (!writer_ok(&w)) {
		log_err("connect.answer_too_long sid=%lu: too many routes or names for one answer of %zu bytes",
			done->session->sid, ANSWER_MAX);
		return ERR_FULL;
	}
	return tls_write(&c->tls, w.start, w.len);
}

void web_open_done(struct conn *c, const Msg__OpenDone *done)
{
	enum err e = open_tunnel(c, done);
	if (c->state == CONN_TUNNEL)
		conn_forget_web(c);
	web_settle(c, e);
}
