/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reply - answers of a VPN server: HTTP, and the login document in it
 *
 * Reads no more than a load generator must: what is asked, and whether it is over.  Results point into the caller's bytes.
 *
 * Never:  allocates.
 */
#pragma once

#include "base/addr.h"
#include "wire/text.h"

struct reply {
	unsigned status;
	struct slice head; /* behind the status line */
	struct slice body;
	size_t len; /* of all: where the next one begins */
};

/* ERR_SHORT: more is needed.  has_body false: an answer to CONNECT, a tunnel follows the head. */
enum err reply_parse(struct reply *out, const char *p, size_t n, bool has_body);
/* Value of the first header of that name from *at on, in any case; p nullptr if there is none.  *at begins at 0. */
struct slice reply_header_next(const struct reply *r, const char *name, size_t *at);
struct slice reply_header(const struct reply *r, const char *name);
/* Decimal value of a header; 0 if there is none. */
uint32_t reply_header_number(const struct reply *r, const char *name, uint32_t max);
/* Value of a cookie that the answer sets, not empty; p nullptr if there is none. */
struct slice reply_cookie(const struct reply *r, const char *name);

struct reply_form {
	bool is_done; /* logged in */
	bool has_form;
	bool has_error; /* the login before was refused */
	bool asks_user;
	bool asks_password;
	bool asks_secondary;
	struct slice opaque; /* the whole element, to be sent back */
	struct slice action; /* path; p nullptr: as before */
	struct slice token; /* session-token */
};
void reply_read_form(struct reply_form *out, struct slice body);

/* What the answer to CONNECT says. */
struct reply_tunnel {
	struct addr ip4, ip6;
	struct addr gateway4; /* first address of the network of ip4 */
	uint16_t mtu;
	uint16_t dpd_s, keepalive_s;
	uint16_t dtls_port; /* 0: no DTLS with a pre-shared key */
	bool dtls13; /* and that is DTLS 1.3 */
	uint8_t app_id[32];
	uint8_t app_id_len;
};
enum err reply_read_tunnel(struct reply_tunnel *out, const struct reply *r);
