/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hello13 - what a ClientHello of DTLS 1.3 says about itself: whose key it wants, which suites it has
 *
 * Its session id is empty (RFC 9147, 5.3), so the session is named by the identity of the pre-shared key.  Nothing here is
 * authenticated: a result may choose a session to try, never move one.
 *
 * Runs in: the worker; pure, results point into the caller's datagram.
 * Source:  RFC 8446, 4.1.2 and 4.2.11; RFC 9147, 5.3; the choice of the identity is ours (protocol.md 16.2).
 */
#pragma once

#include "base/base.h"

constexpr uint16_t HELLO13_VERSION = 0xfefc;
constexpr size_t HELLO13_APP_ID_LEN = 32;

struct hello13 {
	bool has_aes128;   /* TLS_AES_128_GCM_SHA256 */
	bool has_chacha20; /* TLS_CHACHA20_POLY1305_SHA256 */
	uint8_t app_id[HELLO13_APP_ID_LEN];
};

/*
 * p: a datagram whose first record is a ClientHello, as dtls_classify says.  ERR_PROTO: damaged, or only a fragment;
 * ERR_UNSUPPORTED: it does not offer DTLS 1.3 with exactly one key, whose identity is an App-ID in hexadecimal digits.
 */
enum err hello13_parse(const uint8_t *p, size_t n, struct hello13 *out);
