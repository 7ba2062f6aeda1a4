/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session - who is in: the single authority on cookies, connections and leases
 *
 * A session begins with a login and lives as long as its cookie.  It has at most one live connection; each connection has
 * a number (sid) that is never used again.  The states, and what moves between them, are in session.def.
 *
 *	login -> WAITING -> OPEN <-> WAITING -> (cookie dies) -> gone
 *	                    OPEN -> ENDING (the worker must still close) -> gone
 *
 * Owner:    the keeper; one struct sessions.
 * Runs in:  the loop thread.  Time comes as an argument and effects go through struct session_ops, so that tests need
 *           neither clock nor loop.
 * Never:    stores a cookie: only its SHA-256.
 */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "base/table.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"
#include "ipc/msgs.h"
#include "keeper/lease.h"
#include "keeper/session_strap.h"

constexpr size_t SESSION_COOKIE_LEN = 32;
constexpr size_t SESSION_HASH_LEN = 32;
constexpr size_t SESSION_APP_ID_LEN = 32;
constexpr size_t SESSION_TEXT_MAX = 256; /* longer strings of a client are cut */

enum session_state : uint8_t {
#define SESSION_STATE(name, text) SESSION_##name,
#include "keeper/session.def"
	SESSION_STATES_N
};

struct session_user;
struct session;

/* One connection of a session.  A replaced one stays until its worker has closed it. */
struct session_conn {
	uint64_t sid;
	struct session *session;
	uint32_t worker;
	struct mono since;
	int64_t since_unix;
	UT_hash_handle hh; /* by sid */
};

/* What the client tells of itself; every string is ours, "" if unknown. */
struct session_client {
	char *user_agent, *hostname, *device_type, *device_platform;
};

/* What the store says of a session, until the workers have said what they know (session_load.h). */
struct session_loaded {
	struct prefix ipv4, ipv6; /* to be claimed unless somebody has them */
	bool is_over; /* its last connection, and that is counted */
};

struct session {
	uint8_t cookie_hash[SESSION_HASH_LEN];
	enum session_state state;
	struct session_conn *live; /* of OPEN */
	uint32_t conns_n;          /* connections that point here */
	uint64_t sid;              /* of the live or last connection; 0: never connected */
	uint32_t worker;           /* of that connection */
	struct mono
		deadline; /* WAITING: the cookie dies; OPEN: session-timeout; ENDING: waited long enough */
	struct mono expires; /* session-timeout, counted from the login; ns 0: never */
	uint32_t timeout_s; /* session-timeout as it was at login */
	struct session_user *user;
	struct session *user_next, *user_prev;
	char *group;
	uint32_t vhost;
	struct addr login, remote, local;
	struct session_client client;
	struct mono interim; /* next record of accounting; ns 0: none */
	Msg__Facts *facts; /* what the back end said of the user; nullptr: nothing */
	Msg__UserFiles *texts; /* of his own options, which own is made of; both nullptr: there are none */
	struct vhost *own;
	bool has_cert;         /* a certificate was part of the login */
	struct mono logged_in; /* ns 0: before this keeper */
	uint64_t next_sid;     /* of the connection that is entering */
	bool is_entering;      /* has its place and leases, but is not in yet */
	bool has_place;        /* counts for the limits: connected or entering */
	struct lease ipv4, ipv6;
	struct session_strap strap;
	uint8_t app_id[SESSION_APP_ID_LEN]; /* of the live connection */
	int64_t logged_in_at, connected_at; /* unix */
	uint64_t rx_bytes, tx_bytes; /* of connections that are over */
	struct session_loaded *loaded; /* nullptr: it is settled */
	UT_hash_handle hh; /* by cookie_hash */
};

struct session_stats {
	uint64_t logins, opened, handled, timed_out, timed_out_idle, closed_error;
	uint64_t time_max_s, time_sum_s;
};

/* How a connection was, when it is over. */
struct session_end {
	uint64_t sid;
	int64_t began_at; /* unix */
	uint64_t rx_bytes, tx_bytes, secs;
	enum msgs_cause cause;
};
/* The same, of one that perhaps only the store knows. */
struct session_over {
	uint64_t sid;
	uint32_t worker;
	enum msgs_cause cause;
	uint64_t rx_bytes, tx_bytes;
};

/* What the authority does to the world. */
struct session_ops {
	void (*close)(void *ctx, uint32_t worker, uint64_t sid, enum msgs_cause cause);
	/* The connection came or went; s->sid names it. */
	void (*route)(void *ctx, const struct session *s, bool gone);
	/* A connection began (but for those that a worker reports after a restart), is over; nullptr: nobody wants to know. */
	void (*opened)(void *ctx, struct session *s);
	void (*closed)(void *ctx, const struct session *s, const struct session_end *end);
	/* For what survives (recall.h); nullptr: nothing does.  The session is as it must be found again; its cookie is dead; its
	 * connection s->sid begins, or lives on after a restart; a connection ended. */
	void (*put)(void *ctx, const struct session *s);
	void (*drop)(void *ctx, const struct session *s);
	void (*begun)(void *ctx, const struct session *s);
	void (*ended)(void *ctx, const struct session_over *o);
	void *ctx;
};

struct sessions {
	const struct config *cfg; /* kept by sessions_set_config */
	struct session_ops ops;
	struct leases *leases;
	struct session *by_cookie;
	struct session_conn *by_sid;
	struct session_user *users;
	uint64_t next_sid;
	uint32_t open_n, places_n;
	struct mono next_deadline; /* no session's is earlier */
	struct session_stats stats;
};

/* What a login leaves behind. */
struct session_login {
	uint32_t vhost;
	const char *username, *group;
	struct addr remote;
	struct session_client client; /* borrowed */
	const Msg__Facts *facts; /* of the back end; borrowed; nullptr: none */
	const uint8_t *strap_key; /* SESSION_STRAP_KEY_LEN bytes that the client announced; nullptr: none */
	bool has_cert;
};

/* What a client that asks for its tunnel brings. */
struct session_open {
	const uint8_t *cookie;
	size_t cookie_len;
	uint32_t worker;
	uint32_t vhost; /* that the client has connected to */
	struct addr remote, local;
	struct session_client client; /* borrowed; an empty string keeps what the login said */
	bool want_ipv4, want_ipv6;
	struct session_proof proof;
	int64_t unix_now;
};

/* What a worker tells a new keeper of a session that it has. */
struct session_report {
	const uint8_t *cookie_hash, *app_id;
	struct session_strap strap;
	uint64_t sid;
	uint32_t worker, vhost, timeout_s;
	bool has_cert;
	bool is_over; /* of the store: the connection sid has ended, and is counted */
	const char *username, *group;
	struct addr login, remote, local;
	struct prefix ipv4, ipv6;
	struct session_client client;
	int64_t logged_in_at, connected_at;
	struct mono expires;
	Msg__UserFiles files; /* borrowed; n_texts 0: none */
	const Msg__Facts *facts; /* borrowed; nullptr: none, or of a worker, which does not know them */
};

enum err sessions_init(struct sessions *a, const struct config *cfg, struct session_ops ops);
void sessions_fini(struct sessions *a);

/* The new configuration is in force; sessions follow their virtual host by its name.  cfg must outlive a. */
void sessions_set_config(struct sessions *a, const struct config *cfg);

/* A login succeeded: the cookie is written to cookie. */
enum err session_login(struct sessions *a, const struct session_login *in, struct mono now, int64_t unix_now,
		       uint8_t cookie[SESSION_COOKIE_LEN]);

/* The session whose cookie this is and may still be used; nullptr: there is none. */
struct session *session_usable(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now);

/* The options of this session: of the user, or of the virtual host. */
const struct vhost *session_vhost(const struct sessions *a, const struct session *s);

/* What the files of the user and his group, and his back end, say of him; the texts are copied.  ERR_CONFIG: a text is wrong, which is
 * logged, and nothing has changed; ERR_NOMEM. */
enum err session_set_own(struct sessions *a, struct session *s, const Msg__UserFiles *texts);

/* The two halves of session_admit, for those who must do something between them.
 * 200: there is room and *out has its place and leases, until one of the next two is called or the session ends. */
unsigned session_reserve(struct sessions *a, const struct session_open *in, struct mono now,
			 struct session **out, const char **reason);
/* 200: open on in->worker.  Else it has lost its place again. */
unsigned session_enter(struct sessions *a, struct session *s, const struct session_open *in, struct mono now,
		       const char **reason);
void session_unreserve(struct sessions *a, struct session *s);

/* status 200: *out is the session, open on in->worker; 401 or 503: *reason says why (static). */
unsigned session_admit(struct sessions *a, const struct session_open *in, struct mono now,
		       struct session **out, const char **reason);

/* Does this cookie name a session that may be used? */
bool session_is_usable(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now);

/* A worker says that a connection of its own is over; one it does not have is ignored. */
void session_closed(struct sessions *a, uint32_t worker, uint64_t sid, enum msgs_cause cause,
		    uint64_t rx_bytes, uint64_t tx_bytes, struct mono now);

/* The client logged out: its cookie is dead. */
void session_logout(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now);

/* Which sessions the administrator means.  All that is set must fit; nothing set: none. */
struct session_choice {
	const char *username; /* nullptr or "": any */
	uint64_t sid; /* 0: any */
	const uint8_t *cookie_hash; /* nullptr: any */
};
/* He ends their connections, and with is_final their cookies in any case (else if there are no persistent-cookies).
 * How many: with is_final sessions, else those that were connected. */
uint32_t session_disconnect(struct sessions *a, const struct session_choice *which, bool is_final,
			    struct mono now);

/* ERR_EXISTS: superseded by a newer connection or in conflict with another session; the worker was told to close it. */
enum err session_report(struct sessions *a, const struct session_report *in, struct mono now);

/* The channel to this worker is gone: its connections are, too. */
void sessions_worker_lost(struct sessions *a, uint32_t worker, struct mono now);

/* Do what is due. */
void sessions_tick(struct sessions *a, struct mono now);

const char *session_username(const struct session *s);
struct session *session_find(struct sessions *a, const uint8_t cookie_hash[SESSION_HASH_LEN]);
const char *session_cause_text(enum msgs_cause cause);
const char *session_state_text(enum session_state state);
