/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ask - what a client says: the requests of a login and CONNECT, as openconnect does it
 *
 * Never:  allocates.
 */
#pragma once

#include "base/buf.h"
#include "reply.h"

struct ask {
	const char *host; /* of the Host header, with the port if it is not 443 */
	const char *user, *password;
	const char *context, *cookie; /* webvpncontext, webvpn; "" if there is none */
	uint32_t base_mtu;
	bool wants_dtls, offers_12, offers_13;
	uint8_t dtls_secret[48]; /* not used for keys with PSK-NEGOTIATE, but servers want to see one */
};

void ask_init(struct writer *w, const struct ask *a);
/* form: the one to be answered. */
void ask_reply(struct writer *w, const struct ask *a, const struct reply_form *form);
void ask_connect(struct writer *w, const struct ask *a);
