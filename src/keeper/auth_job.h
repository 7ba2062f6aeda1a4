/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_job - one answer of a user to be checked, on its way from the loop to a back end and back
 *
 * A conversation with a back end is one job that begins it and one more for each answer to a question.
 *
 * Owner:  whoever holds it: the loop, then the back end, then the loop again; auth_job_free wipes it.
 */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "config/config.h"
#include "ipc/messages.pb-c.h"
#include "keeper/auth_queue.h"

constexpr size_t AUTH_ID_LEN = 32;
constexpr size_t AUTH_NAME_MAX = 256;     /* with the end */
constexpr size_t AUTH_PASSWORD_MAX = 513; /* with the end; crypt() takes 512 */
constexpr size_t AUTH_TEXT_MAX = 1024;    /* with the end; of a back end, for the user */
constexpr size_t AUTH_CERT_MAX = 8192;    /* of a client, DER */
constexpr size_t AUTH_BEARER_MAX = 12 * 1024; /* of a token that the client brings */
constexpr size_t AUTH_SSO_LEN = 32;       /* of each secret of a sign-on */
constexpr size_t AUTH_SSO_KEY_LEN = 64;
constexpr size_t AUTH_TOKEN_MAX = 12'288; /* of HTTP Negotiate; what a head of a request has room for */
constexpr size_t AUTH_LABEL_MAX = 128;    /* with the end */

struct auth_backend;

/* A token of HTTP Negotiate; bytes are malloc'ed, nullptr: none. */
struct auth_token {
	uint8_t *bytes;
	size_t len;
};
/* Copy.  ERR_NOMEM; ERR_RANGE: longer than AUTH_TOKEN_MAX. */
enum err auth_token_set(struct auth_token *t, const uint8_t *bytes, size_t len);
void auth_token_fini(struct auth_token *t);

/* A question to the user. */
struct auth_prompt {
	char message[AUTH_TEXT_MAX]; /* "": none of its own */
	char label[AUTH_LABEL_MAX];  /* of the input; "": "Password:" */
	bool is_challenge;           /* a code of a token is asked for */
	bool wants_token;            /* of HTTP Negotiate: nothing that a form could bring */
	/* the answer is no secret */
	bool echo;
	/* a browser is to sign on (sso.h) */
	bool is_sso, sso_external;
	uint8_t sso_ref[AUTH_SSO_LEN];
	char sso_base[CONFIG_SSO_URL_MAX + 1];
};

/* What the auth process is asked for a browser. */
struct auth_sso {
	uint64_t flow; /* the conversation that it is for */
	uint8_t step;  /* enum msgs_sso_step */
	char state[2 * AUTH_SSO_LEN + 1];
	uint8_t secret[AUTH_SSO_LEN];
	char *code; /* of the provider; nullptr: none */
	char *url;  /* its answer: where the browser is to go; nullptr: none */
};

struct auth_job {
	struct auth_work work; /* run and done are set by the back end */
	struct auth_backend *backend;
	uint8_t auth_id[AUTH_ID_LEN];
	uint64_t serial; /* tells a late answer from the one that is awaited */
	struct mono begun;    /* when it was given to the back end */
	struct mono deadline; /* not worth to be run after this */
	/* which conversation */
	uint32_t vhost, method; /* place of the method: config_vhost_method */
	uint64_t conv;          /* never used again */
	bool is_answer;         /* to its last question; else it begins */
	uint8_t step;           /* the back end's own, 0 at the beginning; comes back with the answer */
	/* what the user said */
	char username[AUTH_NAME_MAX]; /* on ERR_OK: as the back end knows him */
	char group[AUTH_NAME_MAX]; /* chosen; "": none */
	char password[AUTH_PASSWORD_MAX];
	bool is_kept;      /* the password is wanted again if this method says no */
	bool has_password; /* else the back end has to ask for what it wants */
	uint8_t *cert; /* DER that TLS has accepted; nullptr: none */
	size_t cert_len;
	char *bearer; /* token of Authorization: Bearer; nullptr: none */
	uint8_t sso_can; /* enum msgs_sso_can */
	uint8_t sso_key[AUTH_SSO_KEY_LEN];
	struct auth_sso *sso; /* nullptr: a job of a login */
	struct auth_token token; /* of the client */
	struct addr remote;
	char agent[AUTH_LABEL_MAX];
	uint32_t totp_window, hotp_window; /* of the method */
	/* what the back end says */
	bool wants_more; /* prompt is set; result is of no meaning.  A back end that forgets it lets nobody in */
	struct auth_prompt prompt;
	/* ERR_OK; ERR_AUTH: wrong, try again; ERR_BUSY: not run; others: the back end does not work */
	enum err result;
	bool is_over; /* with ERR_AUTH: the login ends, for there is nothing to ask for */
	bool is_final; /* with ERR_AUTH: asking again is of no use */
	bool is_certificate; /* the answer of the user was not looked at */
	bool must_save; /* before ERR_OK counts, the back end's file must be written: the use of a code */
	char given[AUTH_NAME_MAX]; /* group that the back end vouches for; "": it knows none */
	const char *why; /* for the log: static, or why_text */
	char why_text[AUTH_LABEL_MAX];
	char message[AUTH_TEXT_MAX]; /* for the user, with ERR_AUTH and ERR_OK; "": none */
	struct auth_token reply; /* for the client */
	Msg__Facts *facts; /* with ERR_OK; nullptr: none */
};

struct auth_job *auth_job_new(void);
void auth_job_free(struct auth_job *job);
/* The certificate is copied; len 0: none.  ERR_NOMEM. */
enum err auth_job_set_cert(struct auth_job *job, const uint8_t *der, size_t len);
/* nullptr: none.  ERR_NOMEM; ERR_RANGE: too long. */
enum err auth_job_set_bearer(struct auth_job *job, const char *token);
void auth_job_wipe_bearer(struct auth_job *job);
/* A job that asks for a browser; code nullptr: none.  ERR_NOMEM. */
enum err auth_job_set_sso(struct auth_job *job, uint64_t flow, const char *code);
/* Ask the user; message and label are cut to fit. */
void auth_job_ask(struct auth_job *job, uint8_t step, const char *message, const char *label);
