/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_life - how a session moves between its states, and what hangs on that: connections, counts, deadlines, leases
 *
 * Used by session.c, session_own.c and session_report.c only.
 */
#pragma once

#include "keeper/session.h"

constexpr uint32_t SESSION_GRACE_S =
	15; /* clients come back a moment late, Cisco's at once after a disconnect */

enum session_event : uint8_t {
	SESSION_EV_NONE,
#define SESSION_EVENT(name) SESSION_EV_##name,
#include "keeper/session.def"
	SESSION_EVENTS_N
};

/* What comes with an event. */
struct session_move {
	struct mono now;
	enum msgs_cause cause;      /* CLOSED, REVOKED */
	struct session_conn *conn;  /* OPENED: the new one */
	const uint8_t *app_id;      /* OPENED */
};

/* All of one user of one virtual host. */
struct session_user {
	struct session *sessions;
	uint32_t open_n, places_n;
	UT_hash_handle hh;
	size_t name_at; /* of the name in key */
	char key[];     /* "virtual host\nname" */
};

/* A new session in state WAITING with a copy of all strings; the caller sets what it knows better.  ERR_NOMEM. */
enum err session_born(struct sessions *a, const struct session_login *in,
		      const uint8_t cookie_hash[SESSION_HASH_LEN], struct mono now, struct session **out);

/* The only one that moves a session.  s may be gone afterwards, except after OPENED.  ERR_PROTO: not in this state. */
enum err session_feed(struct sessions *a, struct session *s, enum session_event ev,
		      const struct session_move *move);

/* session-timeout counts from the login, whichever option it is. */
void session_set_timeout(const struct sessions *a, struct session *s);

/* Whether it counts for the limits may have changed. */
void session_count_place(struct sessions *a, struct session *s);

struct session_conn *session_conn_new(struct sessions *a, struct session *s, uint64_t sid, uint32_t worker,
				      struct mono now);
void session_conn_drop(struct sessions *a, struct session_conn *c);

/* Tell what survives: see struct session_ops. */
void session_put(struct sessions *a, const struct session *s);
void session_begun(struct sessions *a, const struct session *s);
void session_ended(struct sessions *a, const struct session_over *e);

/* Seconds that a cookie lives after a connection that ended so. */
uint32_t session_life_s(const struct sessions *a, const struct session *s, enum msgs_cause cause);
void session_set_deadline(struct sessions *a, struct session *s, struct mono when);

/* Replace the strings that are not empty. */
void session_client_update(struct session_client *to, const struct session_client *from);
