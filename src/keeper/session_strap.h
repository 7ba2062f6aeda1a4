/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_strap - the key that a client must hold beside its cookie (STRAP, protocol.md 22)
 *
 * The key announced at login, or at the last tunnel, signs the next one.  Clients make a new key for each CONNECT; one that did not
 * hear our answer still signs with the key before, which is therefore good once more: who has it had been proven to be the client.
 *
 * Owner:    struct session.
 * Runs in:  the keeper's loop thread; a verification takes about 0.1 ms, and there may be four.
 * Never:    reads ASN.1 of a client: worker and wire/strap.h have made numbers of it.
 */
#pragma once

#include "base/base.h"

constexpr size_t SESSION_STRAP_KEY_LEN = 64;       /* X and Y of P-256 */
constexpr size_t SESSION_STRAP_SIGNATURE_LEN = 64; /* r and s */
constexpr size_t SESSION_STRAP_DIGEST_LEN = 32;    /* SHA-256 */

constexpr size_t SESSION_STRAP_DIGESTS_MAX = 4;

struct session_strap {
	bool has_key; /* false: nothing is demanded */
	bool has_before;
	uint8_t key[SESSION_STRAP_KEY_LEN];
	uint8_t before[SESSION_STRAP_KEY_LEN];
};

/* What a client brings; nullptr: it does not. */
struct session_proof {
	const uint8_t *key; /* from now on */
	const uint8_t *signature;
	/* Each of a binding of its connection and of key, made by the worker that has the connection: clients differ in what they bind
	 * to, and each binding is good for this connection alone. */
	const uint8_t *digests[SESSION_STRAP_DIGESTS_MAX];
	size_t digests_n;
};

/* Was the signature made with the key of the session, or the one before?  Without a key anything will do.  ERR_AUTH: no. */
enum err session_strap_verify(const struct session_strap *s, const struct session_proof *proof);
/* The proof was good and the tunnel is open: its key is the next to sign. */
void session_strap_rotate(struct session_strap *s, const struct session_proof *proof);
