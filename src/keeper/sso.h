/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sso - sign-on in a browser: the visit of a browser at an identity provider, between two requests of a login
 *
 *	the client asks to log in                 OFFERED    it gets a reference
 *	its browser comes with the reference      STARTING   the auth process makes the address at the provider
 *	                                          AWAY       the browser is there
 *	it comes back with a code                 FINISHING  the auth process asks the provider what that is worth
 *	                                          PROVEN     the browser gets a token, and gives it to the client
 *	the client sends the token                           the login goes on
 *
 * What ties them: the reference leads from the client to its browser, a cookie from there to the same browser, and the token from that
 * browser to the client, where it is good for the login that began and for no other.  Nobody is let in because somebody else has signed
 * on: the token goes with the browser that did, or, sealed for the key of the client's first request, to a client on the machine of
 * that browser.
 *
 * All these are 256 bits from the kernel; reference, state and token are found by their SHA-256 and good once.
 *
 * Owner:    struct keeper.
 * Runs in:  the loop thread.
 * Source:   protocol.md 5; RFC 6749, 10.12; RFC 9700.
 */
#pragma once

#include "ipc/ipc.h"
#include "keeper/auth.h"

constexpr uint32_t SSO_TOKEN_S = 60;   /* the browser gives it to the client at once */
constexpr uint32_t SSO_FLOW_S = 3600;  /* a flow ends with its login; this is for one that was forgotten */
constexpr unsigned SSO_STARTS_MAX = 8; /* times that a browser may begin with one reference */

struct keeper;
struct sso_flow;

struct sso {
	struct sso_flow *by_conv, *by_ref, *by_state;
};

void sso_fini(struct keeper *k);
void sso_tick(struct keeper *k, struct mono now);

/* Functions of the methods (auth_kind.h). */
enum err sso_begin(struct keeper *k, struct auth_job *job, struct mono now);
enum err sso_answer(struct keeper *k, struct auth_job *job, struct mono now);
void sso_cancel(struct keeper *k, uint64_t conv);

/* MSG_SSO: a browser has come to one of our pages. */
void sso_on_browser(struct ipc *ipc, struct ipc_msg *m);
/* What the auth process says; the job is taken. */
void sso_done(struct keeper *k, struct auth_job *job);
