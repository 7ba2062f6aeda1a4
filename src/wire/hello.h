/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hello - what the first ClientHello of a TLS connection offers, read before the TLS library sees it
 *
 * The library cannot change its context once it has an object, so virtual host and certificate are chosen from the bytes that
 * the object is then given.  Nothing is trusted here: whoever sends a false name gets another public certificate.
 *
 * Owner:  the caller.
 * Never:  allocates; keeps a pointer.
 * Source: RFC 8446 4.1.2, RFC 5246 7.4.1.2, RFC 6066 3.
 */
#pragma once

#include "base/base.h"

constexpr size_t HELLO_MAX = 16384;   /* bytes of the message; records around it come on top */
constexpr size_t HELLO_LIST_MAX = 96; /* entries of a list that are kept; the rest is not looked at */
constexpr size_t HELLO_NAME_MAX = 255;

struct hello_list {
	uint16_t v[HELLO_LIST_MAX];
	size_t n;
};

struct hello {
	char name[HELLO_NAME_MAX +
		  1]; /* SNI in lower case; "" if there is none that could be a host's name */
	bool has_tls13;                /* in supported_versions */
	struct hello_list suites, schemes, groups; /* numbers of IANA, in the client's order */
};

/* p: all bytes from the beginning of the connection; scratch: HELLO_MAX bytes for a message in several records.
 * ERR_SHORT: more bytes may complete it.  ERR_SYNTAX, ERR_RANGE (larger than HELLO_MAX): not a ClientHello that we
 * understand; the library will answer it. */
enum err hello_parse(struct hello *out, const uint8_t *p, size_t len, uint8_t scratch[HELLO_MAX]);

bool hello_has(const struct hello_list *l, uint16_t number);
