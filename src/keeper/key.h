/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key - a private key of the server and the certificate chain that belongs to it
 *
 * The key lives in memory of vault.h; nothing here gives it out, it only signs.
 *
 * Owner:    a ring of keys (reload.c), one a generation of the configuration.
 * Runs in:  the keeper's loop thread only; a signature takes 0.02 (Ed25519) to 0.9 ms (RSA-2048).
 */
#pragma once

#include "ipc/msgs.h"
#include "keeper/pem.h"

constexpr size_t KEY_SIGNATURE_MAX = 1024; /* RSA-8192 */

struct key;

enum key_problem : uint8_t {
#define KEY_PROBLEM(name, in_key, text) KEY_##name,
#include "keeper/key.def"
#undef KEY_PROBLEM
	KEY_PROBLEM_N
};

/* Decode, and check that the pair belongs together.  *out is written only on KEY_FINE. */
enum key_problem key_new(struct key **out, struct span cert_pem, struct span key_pem);
void key_free(struct key *k);

/* What is wrong and how to cure it, static; and in which of the two files. */
const char *key_problem_text(enum key_problem p);
bool key_problem_is_in_key(enum key_problem p);

enum msgs_key key_type(const struct key *k);
/* CERTIFICATE blocks only, leaf first. */
struct span key_chain(const struct key *k);
/* Unix seconds after which the leaf is not valid; 0: not known. */
int64_t key_not_after(const struct key *k);

/* Make a signature of at most KEY_SIGNATURE_MAX bytes.  hash: enum wc_HashType, for RSA-PSS.  ERR_UNSUPPORTED: this key
 * cannot make this kind; ERR_RANGE: the digest has a wrong length. */
enum err key_sign(struct key *k, enum msgs_sign scheme, uint32_t hash, const uint8_t *digest,
		  size_t digest_len, uint8_t *out, size_t *out_len);
