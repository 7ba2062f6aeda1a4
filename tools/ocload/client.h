/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client - one simulated client: login, tunnel, channel
 *
 *	IDLE -> TCP -> TLS -> LOGIN -> CONNECT -> SHAKE (DTLS only) -> OPEN -> IDLE
 *
 * Owner:  a hand; the storage lives as long as it does.
 * Runs in: the hand's thread.
 */
#pragma once

#include "chan.h"
#include "conn.h"
#include "track.h"
#include "wire/cstp.h"

enum client_state : uint8_t {
	CLIENT_IDLE = 1,
	CLIENT_TCP,
	CLIENT_TLS,
	CLIENT_LOGIN,
	CLIENT_CONNECT,
	CLIENT_SHAKE,
	CLIENT_OPEN,
	CLIENT_N
};

enum fail : uint8_t {
	FAIL_NONE,
#define FAIL(name, word, text) FAIL_##name,
#include "fail.def"
#undef FAIL
	FAIL_N
};
const char *client_fail_word(enum fail f);
const char *client_fail_text(enum fail f);

/* Only while it logs in. */
struct dialog {
	size_t len;
	unsigned rounds;
	char user[128];
	char context[256], cookie[256];
	char text[64 * 1024]; /* what came and is not understood yet */
};

struct client {
	struct hand *hand;
	uint32_t index; /* among all clients of the process */
	enum client_state state;
	bool tried; /* opened or failed, once: not to be started again */
	bool said_bye;
	bool watches_out; /* EPOLLOUT of the TLS socket */
	struct conn conn;
	struct chan *chan;
	struct dialog *dialog;
	struct reply_tunnel tunnel;
	struct mono started, entered, rx_at, tx_at;
	uint8_t *partial; /* the beginning of a CSTP frame */
	size_t partial_len;
	uint64_t *seq; /* next number of each flow */
	struct track *tracks; /* of each flow that is received; nullptr until one is */
	uint32_t next_flow;
	bool wish_granted;
	struct mono asked_at;
	struct mono rebound_at; /* --rebind */
	struct mono retry_at; /* after a failure: not at once */
};

void client_init(struct client *c, struct hand *h, uint32_t index);
/* Closes what is open, frees all. */
void client_fini(struct client *c);

/* Begin to log in. */
void client_start(struct client *c);
/* End it; FAIL_NONE: because we want to. polite: the server is told, by a frame that says the user wants to leave. */
void client_stop(struct client *c, enum fail why, bool polite);

/* Events of the loop. */
void client_tcp_ready(struct client *c, bool in, bool out);
void client_udp_ready(struct client *c);
/* Ten times a second: deadlines, retransmissions, DPD, keepalive. */
void client_tick(struct client *c);

static inline bool client_is_open(const struct client *c)
{
	return c->state == CLIENT_OPEN;
}
static inline bool client_is_busy(const struct client *c)
{
	return c->state > CLIENT_IDLE && c->state < CLIENT_OPEN;
}

/* A frame inside the open tunnel, one record; flushed at once.  Data packets in bulk go by load.c. */
void client_send_frame(struct client *c, enum cstp_type type, const void *payload, size_t len);
/* The channel is TLS, or DTLS is not up. */
static inline bool client_uses_tls(const struct client *c)
{
	return c->chan == nullptr || !c->chan->is_up;
}
/* Ask for EPOLLOUT, or not any more, as the connection needs it. */
void client_watch(struct client *c);
