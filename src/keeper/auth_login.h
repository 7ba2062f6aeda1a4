/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth_login - the logins under way: their table, and what is said to those who wait
 *
 * Owner:    struct auth; only auth.c uses it.
 * Runs in:  the loop thread.
 */
#pragma once

#include "keeper/auth.h"
#include "keeper/auth_place.h"

constexpr size_t AUTH_LOGIN_KEY_LEN = 32; /* SHA-256 */

/* For users: whoever is wrong is not told in what; and a back end does not work. */
extern const char auth_text_failed[], auth_text_broken[];

struct auth_login {
	uint8_t key[AUTH_LOGIN_KEY_LEN]; /* of auth_id: see auth.h */
	uint8_t auth_id[AUTH_ID_LEN];
	bool has_strap;
	uint8_t strap_key[SESSION_STRAP_KEY_LEN]; /* announced last */
	uint32_t vhost;
	unsigned tries;         /* that were wrong */
	struct mono begun, until;
	uint64_t serial;        /* of the job under way; 0: none */
	struct mono job_until;
	struct auth_ticket ticket; /* who waits for that job */
	char username[AUTH_NAME_MAX];
	char group[AUTH_NAME_MAX]; /* chosen */
	char given[AUTH_NAME_MAX]; /* group of the methods that said yes; "": none gave any */
	Msg__Facts *facts;         /* of these methods */
	struct auth_token reply;   /* of the method that spoke last */
	struct auth_place at;      /* the method whose turn it is */
	bool is_bound;             /* to this way: it asked or said yes; the others are out */
	bool has_cert;             /* the method certificate said yes */
	uint8_t shows;             /* what the request under way came with: enum auth_shows */
	bool is_denied;            /* a way before this one said no to the same password */
	uint64_t conv;             /* with this method; 0: none */
	uint8_t step;
	struct auth_prompt *prompt; /* to be answered next; nullptr: name and password are */
	struct addr remote;
	struct session_client client; /* ours */
	uint8_t sso_can; /* of the request under way, or one before */
	uint8_t sso_key[AUTH_SSO_KEY_LEN];
	UT_hash_handle hh;
};

/* nullptr: there is none of this auth_id. */
struct auth_login *auth_login_find(struct auth *a, const uint8_t *id, size_t len);
/* The login that the request goes on with, or a new one, for which the one longest untouched may have to go.  nullptr: no memory. */
struct auth_login *auth_login_of(struct auth *a, const struct auth_request *r, struct mono now);
/* Back to the beginning: nothing that was proven counts any more. */
void auth_login_start_over(struct auth *a, struct auth_login *l);
/* Frees l, without a word to anybody. */
void auth_login_drop(struct auth *a, struct auth_login *l);
void auth_login_client_fini(struct session_client *c);

/* Name and password; message: what to say in the form, or nullptr. */
void auth_login_ask(struct auth *a, const struct auth_ticket *t, const struct auth_login *l,
		    const char *message, bool retry);
/* The question of the back end, l->prompt. */
void auth_login_ask_more(struct auth *a, const struct auth_ticket *t, const struct auth_login *l);
/* What was asked last. */
void auth_login_ask_again(struct auth *a, const struct auth_ticket *t, const struct auth_login *l);
void auth_login_deny(struct auth *a, const struct auth_ticket *t, const char *message);
