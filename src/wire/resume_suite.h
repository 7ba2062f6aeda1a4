/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resume_suite - the suites of X-DTLS-CipherSuite and X-DTLS12-CipherSuite, and which of them a session gets (protocol.md 16)
 *
 * In a resumption the key exchange of a suite is never executed: its number, bulk cipher and PRF count.
 *
 * Runs in: the worker; pure.
 */
#pragma once

#include "wire/connect.h"
#include "wire/record.h"

enum resume_prf : uint8_t {
	RESUME_PRF_TLS10,
	RESUME_PRF_SHA256,
	RESUME_PRF_SHA384,
};

struct resume_suite {
	const char *name;       /* as the client lists it */
	const char *text;       /* as people read it */
	uint16_t id;
	uint16_t version;       /* DTLS_VERSION_12, DTLS_VERSION_BAD */
	uint8_t rank;           /* higher is better */
	bool is_12;             /* of X-DTLS12-CipherSuite */
	enum resume_prf prf;
	enum record_suite aead; /* RECORD_NONE: AES-CBC with HMAC-SHA1 */
	uint8_t key_len;
};

enum resume_mode : uint8_t {
	RESUME_NO_DTLS,
	RESUME_PSK,  /* PSK-NEGOTIATE: a handshake of its own, not a resumption */
	RESUME_FAKE, /* resumption with the suite */
};

/* What the administrator allows. */
struct resume_rules {
	bool psk;         /* dtls-psk */
	bool resume;      /* dtls-legacy */
	bool prestandard; /* dtls-prestandard: version 0x0100 */
	bool match;       /* match-tls-dtls-ciphers: the suite's cipher is tls, or there is no DTLS */
	enum record_suite tls;
	bool is_denied[RECORD_SUITE_N]; /* this cipher is not permitted; RECORD_NONE: CBC */
};

struct resume_choice {
	enum resume_mode mode;
	const struct resume_suite *suite; /* of RESUME_FAKE, else nullptr */
};

/* In this order: PSK-NEGOTIATE, the best of X-DTLS12-CipherSuite, the best of X-DTLS-CipherSuite. */
struct resume_choice resume_choose(const struct connect_req *r, const struct resume_rules *rules);

/* All of them, for tests. */
extern const struct resume_suite resume_suites[];
extern const size_t resume_suites_n;

/* Bytes that a record of it adds to its payload, at most. */
uint32_t resume_overhead(const struct resume_suite *s);
