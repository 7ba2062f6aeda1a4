/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth - logins under way: what was said so far, how often it was wrong, and what to ask next
 *
 * A virtual host has ways in: all methods of auth, one after the other, and each method of enable-auth alone.  The first
 * answer is tried on each way in turn; a way that asked a question or said yes is the one that counts from there on.
 *
 * A login hangs on a random auth_id that the client carries in a cookie, not on a connection or worker.  The table
 * is bounded: when it is full the login that was longest untouched gives way.
 *
 * The auth_id needs no signature to be unforgeable: it is 256 bits from the kernel, means nothing but "this entry of our table", is
 * bound by the entry to its virtual host and to all that was said so far, and dies with the login.  It is found by its SHA-256, so
 * that no comparison of bytes takes a time that tells of a right beginning.
 *
 * Owner:    the keeper; one struct auth.
 * Runs in:  the loop thread.  Slow work goes through auth_ops.start and comes back by auth_done.
 * Never:    keeps a password: it is copied into the job and nowhere else.
 */
#pragma once

#include "base/addr.h"
#include "config/config.h"
#include "ipc/msgs.h"
#include "ipc/stats.h"
#include "keeper/auth_job.h"
#include "keeper/session.h"

constexpr unsigned AUTH_LOGINS_MAX = 8192;
constexpr unsigned AUTH_TRIES = 3;
constexpr uint32_t AUTH_JOB_S = 60; /* a back end that takes longer has failed */

/* To whom an answer goes. */
struct auth_ticket {
	uint32_t worker;
	uint64_t channel; /* number of the channel: a new worker must not get the old one's answers */
	uint32_t id;      /* of the message */
};

struct auth_request {
	struct auth_ticket ticket;
	const uint8_t *auth_id;
	size_t auth_id_len; /* 0: begin */
	uint32_t vhost;
	const uint8_t *cert; /* DER of the client's certificate, which the worker's TLS has accepted */
	size_t cert_len;     /* 0: it has shown none */
	const uint8_t *token; /* of HTTP Negotiate */
	size_t token_len;     /* 0: none */
	const char *username, *password, *group; /* nullptr: absent; group also "" */
	uint8_t sso_can;        /* enum msgs_sso_can */
	const uint8_t *sso_key; /* AUTH_SSO_KEY_LEN bytes; nullptr: none */
	const char *sso_token;  /* of a sign-on; nullptr: none */
	const char *bearer;  /* token that the client brings; nullptr: none */
	const uint8_t *strap_key; /* SESSION_STRAP_KEY_LEN bytes that the client announces; nullptr: none */
	struct addr remote;
	struct session_client client; /* borrowed */
};

/* All pointers are borrowed for the call. */
struct auth_answer {
	enum msgs_verdict verdict;
	const uint8_t *auth_id; /* AUTH_ID_LEN bytes; MORE and OK */
	const char *message;
	bool ask_username, ask_password, retry;
	bool cert_authenticated; /* MORE: the certificate was good, and more is asked for */
	const struct auth_prompt
		*prompt; /* MORE: a question of a back end; nullptr: name and password are asked for */
	const struct auth_token *token; /* for the client, of HTTP Negotiate; nullptr: none */
	const char *error;                /* what went wrong; nullptr: nothing to say */
	const uint8_t *cookie; /* SESSION_COOKIE_LEN bytes; OK only */
	const char *username, *group;
	uint32_t cookie_timeout_s;
};

/* A login that was refused: a wrong answer, or a back end that does not work. */
struct auth_failure {
	uint32_t vhost;
	const char *username, *group, *why;
	const struct addr *remote;
	const struct session_client *client;
};

struct auth_ops {
	void (*answer)(void *ctx, const struct auth_ticket *t, const struct auth_answer *a);
	/* Give the job to the back end of its method, which owns it on ERR_OK.  ERR_NOTFOUND: there is none; ERR_FULL: too
	 * busy. */
	enum err (*start)(void *ctx, struct auth_job *job, struct mono now);
	/* Nobody waits any more for this conversation; nullptr: nobody wants to know. */
	void (*cancel)(void *ctx, uint32_t vhost, uint32_t method, uint64_t conv);
	enum err (*login)(void *ctx, const struct session_login *in, struct mono now,
			  uint8_t cookie[SESSION_COOKIE_LEN]);
	/* nullptr: nobody wants to know. */
	void (*failed)(void *ctx, const struct auth_failure *f);
	/* A password or code was wrong, from this address; nullptr: nobody wants to know. */
	void (*wrong)(void *ctx, const struct addr *remote);
	/* A method has answered, or was waited for in vain; nullptr: nobody wants to know. */
	void (*answered)(void *ctx, const char *method, struct mono begun, struct mono now);
	void *ctx;
};

constexpr size_t AUTH_METHODS_MAX = 16; /* kinds that there are, and room */

struct auth_stats {
	uint64_t failures, ok;
	uint64_t broken; /* times that a back end did not work */
	struct auth_broken {
		char method[16]; /* "": free */
		uint64_t n;
	} broken_of[AUTH_METHODS_MAX];
	struct auth_use {
		char method[16]; /* "": free */
		uint64_t results[RESULTS_N];
		struct stats_hist times;
	} uses[AUTH_METHODS_MAX];
	uint64_t time_max_ms, time_sum_ms; /* of those that succeeded, from the first request */
};

struct auth_login;

struct auth {
	const struct config *cfg;
	struct auth_ops ops;
	struct auth_login *logins; /* by the hash of auth_id, in order of last use */
	uint64_t last_serial;
	struct auth_stats stats;
};

void auth_init(struct auth *a, const struct config *cfg, struct auth_ops ops);
void auth_fini(struct auth *a);
/* Logins under way of virtual hosts that moved, or whose methods changed, begin anew. */
void auth_set_config(struct auth *a, const struct config *cfg);

/* A number that no job or conversation has had. */
uint64_t auth_next_serial(struct auth *a);

/* One step.  The answer comes through ops.answer, here or later. */
void auth_request(struct auth *a, const struct auth_request *r, struct mono now);

/* A job is back; it is freed. */
void auth_done(struct auth *a, struct auth_job *job, struct mono now);

/* Forget what is too old; answer what waited too long. */
void auth_tick(struct auth *a, struct mono now);

/* Does this auth_id name a login under way? */
bool auth_is_known(struct auth *a, const uint8_t *auth_id, size_t len, struct mono now);

unsigned auth_count(const struct auth *a);
