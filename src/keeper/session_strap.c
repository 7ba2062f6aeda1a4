/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/session_strap.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include <string.h>

constexpr size_t HALF = 32; /* of a key or signature */

static bool verify_with(ecc_key *ecc, const uint8_t *key, const struct session_proof *proof)
{
	uint8_t der[ECC_MAX_SIG_SIZE];
	word32 der_len = sizeof der;
	/* an invalid point would let a signature be made up */
	bool ok = wc_ecc_import_unsigned(ecc, key, key + HALF, nullptr, ECC_SECP256R1) == 0 &&
		  wc_ecc_check_key(ecc) == 0 &&
		  wc_ecc_rs_raw_to_sig(proof->signature, HALF, proof->signature + HALF, HALF, der,
				       &der_len) == 0;
	for (size_t i = 0; ok && i < proof->digests_n; i++) {
		int good = 0;
		if (wc_ecc_verify_hash(der, der_len, proof->digests[i], SESSION_STRAP_DIGEST_LEN, &good,
				       ecc) == 0 &&
		    good == 1)
			return true;
	}
	return false;
}

static bool is_signed_by(const uint8_t *key, const struct session_proof *proof)
{
	ecc_key ecc;
	if (wc_ecc_init(&ecc) != 0)
		return false;
	bool ok = verify_with(&ecc, key, proof);
	wc_ecc_free(&ecc);
	return ok;
}

enum err session_strap_verify(const struct session_strap *s, const struct session_proof *proof)
{
	if (!s->has_key)
		return ERR_OK;
	if (proof->key == nullptr || proof->signature == nullptr)
		return ERR_AUTH;
	bool ok = is_signed_by(s->key, proof) || (s->has_before && is_signed_by(s->before, proof));
	return ok ? ERR_OK : ERR_AUTH;
}

void session_strap_rotate(struct session_strap *s, const struct session_proof *proof)
{
	if (!s->has_key || proof->key == nullptr || memcmp(s->key, proof->key, sizeof s->key) == 0)
		return;
	memcpy(s->before, s->key, sizeof s->before);
	memcpy(s->key, proof->key, sizeof s->key);
	s->has_before = true;
}
