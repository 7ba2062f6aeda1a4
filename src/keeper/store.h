/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store - what survives: sessions and accounting records, outside of the process
 *
 * The loop says what changed and goes on; a thread writes what has gathered as one transaction (store_sqlite.h).  Each change has a
 * number; store_done tells how far the thread is.  What is done survives the end of every process of ours; the loss of power
 * costs the last STORE_SYNC_MS at most.
 *
 * When writing fails the store is DEGRADED: one line in the log, sessions are in memory only, records of accounting wait (as many
 * as STORE_RECORDS_MAX).  The thread tries again all STORE_RETRY_MS; when it works again the owner is asked for all (events.resync).
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread but for the writer, which sees nothing but the queue and the database.
 * Never:    sees a cookie, a password or a key of TLS: the owner names a session by the hash of its cookie.
 */
#pragma once

#include "base/base.h"

struct store;

constexpr size_t STORE_HASH_LEN = 32;
constexpr uint32_t STORE_SYNC_MS = 1000, STORE_RETRY_MS = 5000;
constexpr unsigned STORE_RECORDS_MAX = 4096;  /* that wait while the store is degraded */
constexpr unsigned STORE_QUEUE_MAX = 1 << 20; /* changes that wait for a slow disk */
constexpr size_t STORE_TEXT_MAX = 256;        /* longer strings are cut */

enum store_state : uint8_t {
	STORE_OFF = 1,  /* there is none: memory only */
	STORE_GOOD,
	STORE_DEGRADED, /* writing fails */
	STORE_RESYNC,   /* it works again, and the owner is asked for all */
};

/* One connection, at its begin. */
struct store_opened {
	uint64_t sid;
	uint32_t worker;
	char username[STORE_TEXT_MAX + 1], vhost[STORE_TEXT_MAX + 1], group[STORE_TEXT_MAX + 1],
		agent[STORE_TEXT_MAX + 1];
	char remote[64], ipv4[64], ipv6[64]; /* as text; "" if there is none */
	int64_t logged_in_at, connected_at;  /* unix */
};
/* And at its end.  worker: a record of another worker's connection is left alone. */
struct store_closed {
	uint64_t sid;
	uint32_t worker;
	const char *cause;            /* static text */
	uint64_t rx_bytes, tx_bytes;  /* from and to the client */
	int64_t ended_at;             /* unix */
};

/* What a user has used of his quota, and what the quota was. */
struct store_quota {
	char vhost[STORE_TEXT_MAX + 1], username[STORE_TEXT_MAX + 1];
	uint64_t used, most; /* bytes */
	uint32_t period;     /* enum config_period */
	int64_t since;       /* unix; begin of the period that used is of */
};

/* Who is shut out: a ban, or a block of the administrator. */
struct store_shut {
	char range[64];   /* as text: "192.0.2.1", "2001:db8::/64" */
	uint8_t kind;     /* the owner's */
	uint32_t score;
	int64_t since, until; /* unix; until 0: for ever */
};

struct store_stats {
	enum store_state state;
	uint64_t written;      /* changes */
	uint64_t commits;
	uint64_t errors;       /* transactions that failed */
	uint64_t lost_records; /* of accounting */
};

/* What was there at store_open. */
struct store_facts {
	int64_t alive_at;    /* unix; when the last owner was known to live; 0: never */
	uint64_t last_sid;   /* no connection has had a higher number */
	bool was_damaged;    /* what was there could not be read and was put aside */
};

struct store_events {
	/* Changes are done, or never will be: look at store_done. */
	void (*done)(void *ctx);
	/* Say all again, between store_hold and store_release. */
	void (*resync)(void *ctx);
	void *ctx;
};

/* One session as it was put.  body is borrowed. */
typedef void store_row(void *ctx, const uint8_t hash[STORE_HASH_LEN], const uint8_t *body, size_t len);

typedef void store_quota_row(void *ctx, const struct store_quota *q);
typedef void store_shut_row(void *ctx, const struct store_shut *s);

/*
 * Open, check and bring up to date the database in the working directory, which is this process's and nobody else's.  To be called before
 * the sandbox is closed: afterwards no file is opened any more.  A damaged one is renamed (….damaged-TIME) and a new one begun.
 * What fails is logged with its cure: ERR_BUSY: another server has it; ERR_UNSUPPORTED: made by a newer version; ERR_SYS.
 */
enum err store_open(struct store **out);
const struct store_facts *store_facts(const struct store *st);
/* All sessions, in any order. */
enum err store_load(struct store *st, store_row *each, void *ctx);
enum err store_load_quotas(struct store *st, store_quota_row *each, void *ctx);
/* All that is shut out, in any order. */
enum err store_load_shut(struct store *st, store_shut_row *each, void *ctx);
/* The writer begins its work; events come in the loop of the caller (a uv_loop_t). */
enum err store_start(struct store *st, void *loop, const struct store_events *events);
/* Writes what waits, and ends.  nullptr is fine. */
void store_close(struct store *st);

/* {{ changes: each returns its number, 0 if it is not going to be written }} */

uint64_t store_put(struct store *st, const uint8_t hash[STORE_HASH_LEN], const void *body, size_t len);
uint64_t store_drop(struct store *st, const uint8_t hash[STORE_HASH_LEN]);
uint64_t store_append(struct store *st, const struct store_opened *o);
uint64_t store_finish(struct store *st, const struct store_closed *c);
uint64_t store_put_quota(struct store *st, const struct store_quota *q);
/* The owner lives, at this time. */
uint64_t store_alive(struct store *st, int64_t unix_now);
/* Records below this number that have no end get one: nobody has these connections.  Ended when the last owner was last alive. */
uint64_t store_abandon(struct store *st, uint64_t sid_below);

/* Who is shut out; of a range that is there already: changed. */
uint64_t store_shut(struct store *st, const struct store_shut *s);
uint64_t store_free(struct store *st, const char *range);

/* Between the two nothing is written; what was put before is forgotten (but not records).  One transaction takes all. */
void store_hold(struct store *st);
void store_release(struct store *st);

/* All changes up to this number are written, or have been given up. */
uint64_t store_done(struct store *st);
/* Wait until all is written; ERR_TIMEOUT.  For tests. */
enum err store_flush(struct store *st, uint32_t ms);
void store_stats(struct store *st, struct store_stats *out);
