/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include "keeper/session_strap.h"

/* A client's key, and what it makes with it. */
struct client {
	ecc_key ecc;
	uint8_t key[SESSION_STRAP_KEY_LEN];
	uint8_t signature[SESSION_STRAP_SIGNATURE_LEN];
};

static WC_RNG rng;
static struct client one, two, three;
static const uint8_t digest[SESSION_STRAP_DIGEST_LEN] = { 1, 2, 3 };
static const uint8_t other[SESSION_STRAP_DIGEST_LEN] = { 3, 2, 1 };

static void sign(struct client *c)
{
	uint8_t der[ECC_MAX_SIG_SIZE], r[32] = {}, s[32] = {};
	word32 len = sizeof der, r_len = sizeof r, s_len = sizeof s;
	assert_int_equal(wc_ecc_sign_hash(digest, sizeof digest, der, &len, &rng, &c->ecc), 0);
	assert_int_equal(wc_ecc_sig_to_rs(der, len, r, &r_len, s, &s_len), 0);
	memset(c->signature, 0, sizeof c->signature);
	memcpy(c->signature + 32 - r_len, r, r_len);
	memcpy(c->signature + 64 - s_len, s, s_len);
}

static void make(struct client *c)
{
	word32 x = 32, y = 32;
	assert_int_equal(wc_ecc_init(&c->ecc), 0);
	assert_int_equal(wc_ecc_make_key_ex(&rng, 32, &c->ecc, ECC_SECP256R1), 0);
	assert_int_equal(wc_ecc_export_public_raw(&c->ecc, c->key, &x, c->key + 32, &y), 0);
	assert_true(x == 32 && y == 32);
	sign(c);
}

static int begin(void **)
{
	assert_int_equal(wc_InitRng(&rng), 0);
	make(&one);
	make(&two);
	make(&three);
	return 0;
}

static int end(void **)
{
	wc_ecc_free(&one.ecc);
	wc_ecc_free(&two.ecc);
	wc_ecc_free(&three.ecc);
	wc_FreeRng(&rng);
	return 0;
}

static struct session_strap with_key(const struct client *c)
{
	struct session_strap s = { .has_key = true };
	memcpy(s.key, c->key, sizeof s.key);
	return s;
}

/* Signed by one client, with the key of another from now on. */
static struct session_proof proof(const struct client *signer, const struct client *next)
{
	return (struct session_proof){
		.key = next->key, .signature = signer->signature, .digests = { digest }, .digests_n = 1
	};
}

static void without_a_key_nothing_is_demanded(void **)
{
	const struct session_strap none = {};
	const struct session_proof p = proof(&one, &two);
	assert_int_equal(session_strap_verify(&none, &(struct session_proof){}), ERR_OK);
	assert_int_equal(session_strap_verify(&none, &p), ERR_OK);
}

static void the_key_of_the_login_opens(void **)
{
	const struct session_strap s = with_key(&one);
	struct session_proof p = proof(&one, &two);
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
	p = proof(&one, &one); /* the same key again, as when the login was another process */
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
	p.digests[0] = other;
	p.digests[1] = digest;
	p.digests_n = 2;
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
}

static void a_proof_with_something_missing(void **)
{
	const struct session_strap s = with_key(&one);
	struct session_proof p = proof(&one, &two);
	p.signature = nullptr;
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&one, &two);
	p.key = nullptr;
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&one, &two);
	p.digests_n = 0;
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	assert_int_equal(session_strap_verify(&s, &(struct session_proof){}), ERR_AUTH);
}

static void a_proof_that_is_wrong(void **)
{
	static const uint8_t zero[SESSION_STRAP_SIGNATURE_LEN];
	struct session_strap s = with_key(&one);
	struct session_proof p = proof(&two, &two); /* a thief's own key */
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&one, &two);
	p.digests[0] = other; /* of another connection, or for another key */
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&one, &two);
	p.signature = zero;
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&one, &two);
	s.key[5] ^= 1; /* no point of the curve */
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	memset(s.key, 0, sizeof s.key);
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	memset(s.key, 0xff, sizeof s.key);
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
}

static void keys_follow_each_other(void **)
{
	struct session_strap s = with_key(&one);
	struct session_proof p = proof(&one, &two);
	session_strap_rotate(&s, &p);
	p = proof(&two, &three);
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
	p = proof(&one, &three); /* it did not hear of our yes */
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
	p = proof(&two, &three);
	session_strap_rotate(&s, &p);
	p = proof(&one, &one); /* two behind */
	assert_int_equal(session_strap_verify(&s, &p), ERR_AUTH);
	p = proof(&three, &three);
	session_strap_rotate(&s, &p); /* the same again: the one before stays */
	p = proof(&two, &two);
	assert_int_equal(session_strap_verify(&s, &p), ERR_OK);
}

static void no_key_comes_later(void **)
{
	struct session_strap s = {};
	const struct session_proof p = proof(&one, &two);
	session_strap_rotate(&s, &p);
	assert_false(s.has_key);
	s = with_key(&one);
	session_strap_rotate(&s, &(struct session_proof){});
	assert_true(s.has_key && !s.has_before);
	assert_memory_equal(s.key, one.key, sizeof s.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_key_nothing_is_demanded),
		cmocka_unit_test(the_key_of_the_login_opens),
		cmocka_unit_test(a_proof_with_something_missing),
		cmocka_unit_test(a_proof_that_is_wrong),
		cmocka_unit_test(keys_follow_each_other),
		cmocka_unit_test(no_key_comes_later),
	};
	return cmocka_run_group_tests_name("session_strap", tests, begin, end);
}
