/* SPDX-License-Identifier: GPL-3.0-or-later */
/* radius_server - answers as a RADIUS server makes them, for tests of the client; by md5, not by the code under test */
#pragma once

#include <string.h>

#include "wire/md5.h"
#include "wire/radius.h"

struct served {
	uint8_t b[RADIUS_PACKET_MAX + 64];
	size_t len;
};

static inline void served_begin(struct served *s, uint8_t code, uint8_t id)
{
	*s = (struct served){ .b = { code, id }, .len = RADIUS_HEADER_LEN };
}

static inline void served_add(struct served *s, uint8_t type, const void *p, size_t len)
{
	s->b[s->len++] = type;
	s->b[s->len++] = (uint8_t)(len + 2);
	memcpy(s->b + s->len, p, len);
	s->len += len;
}

/* Length and Response Authenticator; signature: where the value of Message-Authenticator is, 0: nowhere. */
static inline void served_finish(struct served *s, const struct radius_request *r, struct radius_key key,
				 size_t signature)
{
	struct md5 m;
	uint8_t out[MD5_LEN];
	s->b[2] = (uint8_t)(s->len >> 8);
	s->b[3] = (uint8_t)s->len;
	memcpy(s->b + 4, r->b + 4, 16);
	if (signature != 0) {
		memset(s->b + signature, 0, MD5_LEN);
		(void)md5_hmac(key.p, MIN(key.len, MD5_BLOCK), s->b, s->len, nullptr, 0, out);
		memcpy(s->b + signature, out, sizeof out);
	}
	md5_init(&m);
	md5_add(&m, s->b, s->len);
	md5_add(&m, key.p, key.len);
	md5_finish(&m, s->b + 4);
}
