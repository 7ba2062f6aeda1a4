/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * priority - what a GnuTLS priority string (option tls-priorities) means for us
 *
 * The base of every keyword but NONE is what the server offers by itself: TLS 1.2 and 1.3, ciphers with authentication
 * (AEAD), key exchange with forward secrecy.  A word can take away from it, and add what is in priority.c's tables: CBC
 * ciphers only if named.  What is never offered (SSL 3.0, TLS 1.0, RC4, static RSA, ...) may be removed without effect;
 * adding it is an error that names the word and the cure.
 *
 * Runs in:  every process at the check of the configuration, and workers when they make their TLS contexts.
 * Never:    allocates.
 * Source:   GnuTLS manual, "Priority strings".
 */
#pragma once

#include "config/value.h"

enum priority_version : uint8_t {
	PRIORITY_TLS12 = 1 << 0,
	PRIORITY_TLS13 = 1 << 1,
	PRIORITY_DTLS12 = 1 << 2,
	PRIORITY_DTLS13 = 1 << 3,
};

enum priority_cipher : uint8_t {
	PRIORITY_AES_128_GCM = 1 << 0,
	PRIORITY_AES_256_GCM = 1 << 1,
	PRIORITY_CHACHA20_POLY1305 = 1 << 2,
	PRIORITY_AES_128_CBC = 1 << 3,
	PRIORITY_AES_256_CBC = 1 << 4,
};

constexpr size_t PRIORITY_SUITES_MAX = 32;
constexpr size_t PRIORITY_GROUPS_MAX = 8;
constexpr size_t PRIORITY_NAMES_MAX = 768; /* bytes of all suites' names with ':' between them */

struct priority {
	uint8_t versions; /* enum priority_version */
	uint8_t ciphers;  /* enum priority_cipher; DTLS uses those with AEAD */
	bool no_tickets;  /* %NO_TICKETS */
	uint16_t groups[PRIORITY_GROUPS_MAX]; /* numbers of IANA, best first */
	size_t groups_n;
	uint16_t suites[PRIORITY_SUITES_MAX]; /* numbers of IANA, best first */
	size_t suites_n;
};

/* text nullptr or "": the default.  ERR_SYNTAX with why (the word and the cure); *out is written only on ERR_OK. */
enum err priority_parse(struct priority *out, const char *text, struct config_why *why);

/* cisco-client-compat: take TLS 1.3 away.  False: nothing would be left. */
bool priority_drop_tls13(struct priority *p);

/* fips: take away what FIPS 140-3 does not approve: ChaCha20, X25519 and its hybrid, MACs of SHA-1.  False: nothing would be left. */
bool priority_keep_approved(struct priority *p);

/* The suites by the library's names; the pre-shared-key suites of DTLS 1.2 ("" if there are none). */
void priority_names(const struct priority *p, char out[PRIORITY_NAMES_MAX]);
void priority_dtls_names(const struct priority *p, char out[PRIORITY_NAMES_MAX]);

/* How a suite of TLS 1.2 signs; false for one that is not in suite.def or is of TLS 1.3. */
bool priority_suite_is_ecdsa(uint16_t suite);
bool priority_suite_is_rsa(uint16_t suite);
bool priority_has_suite(const struct priority *p, uint16_t suite);
