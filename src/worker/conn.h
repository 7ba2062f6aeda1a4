/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conn - one TCP connection: handshake, requests, maybe a tunnel
 *
 * (PROXY ->) HELLO -> HANDSHAKE -> REQUEST -> (ASKED -> REQUEST)... -> ASKED -> TUNNEL, and DRAIN -> DEAD from anywhere.
 *
 * Owner:    the worker; freed by the loop after conn_close, so a caller up the stack may still look at it.
 */
#pragma once

#include <uv.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/table.h"
#include "ipc/ipc.h"
#include "wire/connect.h"
#include "wire/http.h"
#include "wire/strap.h"
#include "worker/tls.h"

struct worker;
struct session;

enum conn_state : uint8_t {
	CONN_PROXY = 1,     /* the header of the PROXY protocol is being read */
	CONN_HELLO,         /* TLS ClientHello: it names the virtual host */
	CONN_HANDSHAKE,     /* TLS */
	CONN_REQUEST,       /* an HTTP request is being read */
	CONN_ASKED,         /* the keeper decides */
	CONN_TUNNEL,        /* session_input gets all */
	CONN_DRAIN,         /* the last bytes go out, then the end */
	CONN_DEAD,
	CONN_N
};

/* What the keeper was asked for. */
enum conn_ask : uint8_t {
	CONN_ASK_LOGIN = 1,
	CONN_ASK_TUNNEL,
	CONN_ASK_COVER,   /* may this client see us? */
	CONN_ASK_SSO,     /* a browser that signs on */
	CONN_ASK_PROFILE, /* may it have the profile? */
};

/* Only before the tunnel. */
struct conn_web {
	struct http http;
	uint8_t *body; /* of the request at hand */
	size_t body_cap;
	struct connect_req connect; /* while ASKED for a tunnel */
	struct strap strap; /* of that request */
	enum conn_ask ask; /* while ASKED */
	enum login_dialect dialect;
	char group[LOGIN_USER_MAX + 1]; /* chosen in the form, or by the URL */
	bool group_by_url;
	bool is_bearer; /* the request at hand was sent to the keeper with a token */
	bool is_svc; /* the request at hand is that of an IP phone */
	bool may_see; /* camouflage: this client knows the secret or has a cookie */
	unsigned requests_n;
	bool by_token;   /* the request at hand came with one of HTTP Negotiate */
	char *negotiate; /* of the answer at hand: see struct http_extra */
};

struct conn {
	struct conn *prev, *next;
	struct worker *w;
	uv_poll_t poll;
	int fd;
	int poll_events;
	enum conn_state state;
	bool closed_handle; /* uv_close was called */
	bool is_counted, has_proven; /* gate.h: a login, a cookie, a tunnel was good */
	bool waits_for_signature; /* nothing is read until the keeper answers */
	struct mono deadline;
	struct addr remote, local;
	struct tls tls;
	struct conn_web *web;
	struct session *session;
	uint32_t asked_id;
	UT_hash_handle by_asked;
};

/* Take the descriptor; remote and local are those of the socket, until a PROXY header tells others.  ERR_FULL or ERR_NOMEM: it is closed. */
enum err conn_new(struct worker *w, int fd, const struct addr *remote, const struct addr *local);
/* No more input; close when the output is gone (or after a few seconds). */
void conn_finish(struct conn *c);
/* Close now.  A session on it must be gone already or is closed with CAUSE_NETWORK. */
void conn_close(struct conn *c);
/* Send what tls_write has put into the output, now or when the socket takes it. */
void conn_flush(struct conn *c);
/* The tunnel is open: the state of the login goes. */
void conn_forget_web(struct conn *c);
/* The keeper has answered a signature. */
void conn_signed(struct conn *c);
/* Seconds pass: auth-timeout, drain. */
void conn_tick(struct conn *c);
