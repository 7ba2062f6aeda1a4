/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session - an open tunnel: one TLS connection, maybe a DTLS channel beside it, inner addresses, timers
 *
 * Owner:    the worker that has the TLS connection.  The keeper is the authority on who is in; a session here is one connection
 *           of it.  It ends with its TLS connection.
 */
#pragma once

#include "config/config.h"
#include "ipc/ipc.h"
#include "wire/connect.h"
#include "wire/cstp.h"
#include "wire/pack.h"
#include "wire/resume.h"
#include "worker/acl.h"
#include "worker/bucket.h"
#include "worker/conn.h"
#include "worker/dtls.h"
#include "worker/dtls_resume.h"
#include "worker/quota.h"
#include "worker/worker.h"

struct session_timers {
	struct mono opened;
	struct mono rx_tcp, rx_udp; /* last valid bytes from the client */
	struct mono tx_tcp, tx_udp; /* last bytes to it */
	struct mono data;           /* last inner packet that is not ICMP or IGMP */
	struct mono probed;         /* last DPD request of ours, over TLS */
	struct mono probed_udp;     /* last one over DTLS */
	struct mono hello;          /* last DTLS handshake begun */
	struct mono expires;        /* session-timeout; ns 0: never */
	struct mono rekey;          /* next KeyUpdate; ns 0: never */
	uint32_t dpd_s, keepalive_s, idle_s, switch_s;
};

struct session {
	struct session *prev, *next;
	struct worker *w;
	struct conn *conn;
	struct config *config;
	const struct vhost *vhost; /* own, or of config */
	struct vhost *own;         /* with the options of the user; nullptr: he has none */
	struct acl *acl;           /* nullptr: no restrictions */
	struct bucket rx_limit, tx_limit;
	struct quota quota;
	struct route route; /* sid, inner addresses, app id */
	uint8_t server_ip4[4], server_ip6[16];
	Msg__Session *facts;  /* for a new keeper and for logs */
	uint8_t psk[32];
	uint8_t master[RESUME_MASTER_LEN]; /* of RESUME_FAKE: each new channel of this session needs it */
	struct resume_choice dtls;
	bool wants_dtls, wants_dtls13; /* the second: only that, with this key */
	bool dead;            /* closed; the memory goes with the connection */
	bool udp_active;      /* packets to the client go over DTLS */
	bool compresses;      /* one of the channels does */
	enum pack_method pack_tls, pack_udp;
	uint8_t tos;          /* of datagrams to it: net-priority; 0: as they are */
	uint32_t run;         /* of udp_out, the last it has put a datagram into */
	uint16_t mtu, mtu_most, link; /* inner now, inner at most, outer */
	struct session_timers t;
	struct dtls_chan *chan;
	struct dtls_hs *hs;
	struct dtls_resume *resume;        /* a handshake by resumption */
	uint64_t hellos_seen[DTLS_HELLOS]; /* of accepted hellos, to know replays */
	uint32_t hellos_n;
	struct stats_session *slot;
	uint8_t *partial;     /* begin of a CSTP frame that is not whole yet */
	size_t partial_len;
};

/* The keeper granted it: fills reply for the client; facts are copied.  ERR_FULL: no counter slot; ERR_NOMEM. */
enum err session_open(struct conn *c, const Msg__Session *facts, const struct connect_req *req,
		      struct connect_reply *reply);

/* Whether a tunnel for this request would be wide enough for IPv6. */
bool session_has_room_for_ip6(const struct conn *c, const struct vhost *v, const struct connect_req *req);

/* End it: tells client and keeper as the cause demands, frees. */
void session_close(struct session *s, enum msgs_cause cause);

/* Plaintext of the TLS connection arrived. */
void session_input(struct session *s, const uint8_t *p, size_t len);

/* One CSTP frame over TLS.  frame has CSTP_HEAD_LEN bytes of room before payload.  ERR_FULL: the client reads too slowly. */
enum err session_send_tls(struct session *s, enum cstp_type type, uint8_t *payload, size_t len);
void session_send_tls_small(struct session *s, enum cstp_type type, const void *payload, size_t len);

/* A UDP packet of this size was too large for the path. */
void session_path_shrunk(struct session *s, size_t datagram_len);
/* Valid bytes came over UDP: send there from now on. */
void session_udp_alive(struct session *s);

void session_tick(struct session *s);
/* Tell a new keeper of all sessions. */
void session_report_all(struct worker *w);
