/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * radius_ask - one question to RADIUS servers over UDP, with tries and fail-over
 *
 * Each server is asked from a socket of its own, with a port, identifier and authenticator that nobody can guess.  What
 * comes there and is not a verified answer is dropped, and the wait goes on: nobody ends a login by throwing datagrams.
 *
 * Runs in:  a child of the auth process; blocks.
 */
#pragma once

#include "auth/radius_conf.h"
#include "wire/radius.h"

constexpr uint32_t RADIUS_PATIENCE_S = 50; /* with all servers; less than a conversation's deadline, task.h */

struct radius_ask {
	const struct radius_conf *conf;
	enum radius_role role;
	uint32_t silent; /* out: a bit for each server that did not answer */
	int only; /* the server that asked the question before, and has it answered; -1: any.  Out: who answered */
	/* Add the attributes of the question; the key hides passwords. */
	void (*fill)(void *ctx, struct radius_request *r, struct radius_key key);
	void *ctx;
	struct radius_answer answer; /* out: in bytes */
	uint8_t bytes[RADIUS_PACKET_MAX];
	char error[160]; /* out, if there is none */
};

/* The first verified answer.  ERR_RANGE: the question does not fit into a packet; ERR_BUSY: nobody answers, error says more. */
enum err radius_ask(struct radius_ask *x);
