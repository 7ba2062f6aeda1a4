/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * strap - a key of the client beside its cookie: the two headers of session token re-use and anti-theft protection (protocol.md 22)
 *
 *	announced at login:  X-AnyConnect-STRAP-Pubkey
 *	at each CONNECT:     X-AnyConnect-STRAP-Pubkey, the key from now on, and X-AnyConnect-STRAP-Verify, a signature with the key
 *	                     until now over binding || the announced key as DER
 *
 * Only P-256 is in use, so that all becomes numbers of fixed length here, in the process that faces the network; the keeper, which
 * verifies, reads no ASN.1 of a client.
 *
 * Owner:  the caller.
 * Runs in: the worker.
 * Never:  allocates; verifies anything: a key may be no point of the curve.
 */
#pragma once

#include "wire/http.h"

constexpr size_t STRAP_KEY_LEN = 64;       /* X and Y, 32 bytes each */
constexpr size_t STRAP_SIGNATURE_LEN = 64; /* r and s, 32 bytes each */
constexpr size_t STRAP_DER_LEN = 91;       /* SubjectPublicKeyInfo of an uncompressed point */
constexpr size_t STRAP_BINDING_MAX = 64;   /* a Finished of TLS; the exporter's value has 32 */

struct strap {
	bool has_key;
	bool has_signature;
	uint8_t key[STRAP_KEY_LEN];
	uint8_t signature[STRAP_SIGNATURE_LEN];
};

/* From the headers of a complete request.  Never fails: what cannot be read is as if it had not been sent, and a session that demands
 * it stays closed. */
void strap_parse(struct strap *out, const struct http *h);

/* Base64 of the DER; ERR_SYNTAX for anything but an uncompressed point of P-256 as RFC 5480 writes it. */
enum err strap_parse_key(uint8_t out[STRAP_KEY_LEN], struct slice base64);
/* Base64 of SEQUENCE { INTEGER r, INTEGER s }, strict DER; ERR_SYNTAX. */
enum err strap_parse_signature(uint8_t out[STRAP_SIGNATURE_LEN], struct slice base64);

/* What is signed: the binding of this connection and the new key as DER. */
void strap_emit_signed(struct writer *w, const uint8_t *binding, size_t binding_len,
		       const uint8_t key[STRAP_KEY_LEN]);
