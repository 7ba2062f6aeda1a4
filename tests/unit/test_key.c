/* SPDX-License-Identifier: GPL-3.0-or-later */
/* key and pem: pairs of all kinds made by openssl; wrong pairs, encrypted keys and rubbish are refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/key.h"

static char dir[] = "/tmp/test_key.XXXXXX";

static char *slurp(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	char *text = calloc(1, 65536);
	assert_non_null(text);
	size_t n = fread(text, 1, 65535, f);
	fclose(f);
	assert_true(n > 0);
	return text;
}

static struct span span_of_text(const char *t)
{
	return span_of(t, strlen(t));
}

static enum key_problem load(struct key **out, const char *cert, const char *key)
{
	char *c = slurp(cert), *k = slurp(key);
	enum key_problem p = key_new(out, span_of_text(c), span_of_text(k));
	free(c);
	free(k);
	return p;
}

static int make_files(void **)
{
	char cmd[4096];
	if (mkdtemp(dir) == nullptr)
		return -1;
	snprintf(cmd, sizeof cmd,
		 "set -e; cd %s; exec 2>/dev/null >/dev/null\n"
		 "c() { openssl req -new -x509 -key $1.key -subj /CN=$1 -days ${2:-30} -out $1.crt; }\n"
		 "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key; c rsa\n"
		 "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out weak.key; c weak\n"
		 "for b in 256 384 521; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-$b"
		 " -out ec$b.key; c ec$b; done\n"
		 "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key; c other\n"
		 "openssl genpkey -algorithm ED25519 -out ed.key; c ed\n"
		 "openssl ecparam -name prime256v1 -genkey -out sec1.key; c sec1\n"
		 "openssl rsa -in rsa.key -traditional -out rsa1.key\n"
		 "openssl pkey -in rsa.key -aes128 -passout pass:x -out locked.key\n"
		 "openssl rsa -in rsa.key -traditional -aes128 -passout pass:x -out locked1.key\n"
		 "cat rsa.crt ec256.crt rsa.key >bundle.pem\n",
		 dir);
	return system(cmd) == 0 ? 0 : -1;
}

static int remove_files(void **)
{
	char cmd[64];
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd) == 0 ? 0 : -1;
}

static void every_kind_is_loaded(void **)
{
	static const struct {
		const char *cert, *key;
		enum msgs_key type;
	} rows[] = {
		{ "rsa.crt", "rsa.key", KEY_RSA },       { "rsa.crt", "rsa1.key", KEY_RSA },
		{ "bundle.pem", "bundle.pem", KEY_RSA }, { "ec256.crt", "ec256.key", KEY_ECDSA },
		{ "ec384.crt", "ec384.key", KEY_ECDSA }, { "ec521.crt", "ec521.key", KEY_ECDSA },
		{ "sec1.crt", "sec1.key", KEY_ECDSA },   { "ed.crt", "ed.key", KEY_ED25519 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k = nullptr;
		enum key_problem p = load(&k, rows[i].cert, rows[i].key);
		if (p != KEY_FINE)
			fail_msg("%s: %s", rows[i].key, key_problem_text(p));
		assert_int_equal(key_type(k), rows[i].type);
		int64_t left = key_not_after(k) - (int64_t)time(nullptr);
		assert_true(left > 29 * 86400 && left <= 30 * 86400 + 60);
		key_free(k);
	}
}

static void wrong_pairs_are_refused(void **)
{
	static const struct {
		const char *cert, *key;
		enum key_problem problem;
	} rows[] = {
		{ "ec256.crt", "other.key", KEY_MISMATCH },  { "ec256.crt", "ec384.key", KEY_MISMATCH },
		{ "rsa.crt", "ec256.key", KEY_MISMATCH },    { "ed.crt", "rsa.key", KEY_MISMATCH },
		{ "weak.crt", "weak.key", KEY_WEAK },        { "rsa.crt", "locked.key", KEY_ENCRYPTED },
		{ "rsa.crt", "locked1.key", KEY_ENCRYPTED }, { "rsa.crt", "rsa.crt", KEY_NOT_PEM },
		{ "rsa.key", "rsa.key", KEY_CERT_NOT_PEM },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k = nullptr;
		enum key_problem p = load(&k, rows[i].cert, rows[i].key);
		if (p != rows[i].problem)
			fail_msg("%s %s: %s", rows[i].cert, rows[i].key, key_problem_text(p));
		assert_null(k);
	}
}

static void rubbish_is_refused(void **)
{
	static const struct {
		const char *cert, *key;
		enum key_problem problem;
	} rows[] = {
		{ "", "", KEY_CERT_NOT_PEM },
		{ "-----BEGIN CERTIFICATE-----", "", KEY_CERT_NOT_PEM },
		{ "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "", KEY_CERT_BAD },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "", KEY_CERT_BAD },
		{ "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "", KEY_CERT_BAD },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END OTHER-----\n", "", KEY_CERT_NOT_PEM },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k = nullptr;
		assert_int_equal(key_new(&k, span_of_text(rows[i].cert), span_of_text(rows[i].key)),
				 rows[i].problem);
	}
	char *cert = slurp("rsa.crt");
	struct key *k = nullptr;
	static const char bad_key[] = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
	assert_int_equal(key_new(&k, span_of_text(cert), span_of_text(bad_key)), KEY_BAD);
	free(cert);
}

static void the_chain_has_no_key(void **)
{
	struct key *k = nullptr;
	assert_int_equal(load(&k, "bundle.pem", "bundle.pem"), KEY_FINE);
	struct span chain = key_chain(k);
	assert_null(memmem(chain.p, chain.len, "PRIVATE", 7));
	struct pem_block block;
	size_t n = 0;
	while (pem_next(&chain, &block)) {
		assert_true(span_is(block.label, "CERTIFICATE"));
		n++;
	}
	assert_int_equal(n, 2);
	key_free(k);
}

static const uint8_t digest[64] = { 1, 2, 3 };

static void only_fitting_schemes_sign(void **)
{
	uint8_t out[KEY_SIGNATURE_MAX];
	size_t len = 0;
	struct key *ec = nullptr, *rsa = nullptr;
	assert_int_equal(load(&ec, "ec256.crt", "ec256.key"), KEY_FINE);
	assert_int_equal(load(&rsa, "rsa.crt", "rsa.key"), KEY_FINE);
	assert_int_equal(key_sign(ec, SIGN_ECDSA, 0, digest, 32, out, &len), ERR_OK);
	assert_true(len > 60 && len <= 72);
	assert_int_equal(key_sign(ec, SIGN_RSA_PSS, WC_HASH_TYPE_SHA256, digest, 32, out, &len),
			 ERR_UNSUPPORTED);
	assert_int_equal(key_sign(ec, SIGN_ED25519, 0, digest, 32, out, &len), ERR_UNSUPPORTED);
	assert_int_equal(key_sign(ec, (enum msgs_sign)99, 0, digest, 32, out, &len), ERR_UNSUPPORTED);
	assert_int_equal(key_sign(ec, SIGN_ECDSA, 0, digest, 4, out, &len), ERR_RANGE);
	assert_int_equal(key_sign(rsa, SIGN_RSA_PSS, WC_HASH_TYPE_SHA256, digest, 31, out, &len), ERR_RANGE);
	assert_int_equal(key_sign(rsa, SIGN_RSA_PSS, WC_HASH_TYPE_MD5, digest, 16, out, &len),
			 ERR_UNSUPPORTED);
	assert_int_equal(key_sign(rsa, SIGN_RSA_PKCS1, 0, digest, 51, out, &len), ERR_OK);
	assert_int_equal(len, 256);
	assert_int_equal(key_sign(rsa, SIGN_RSA_PKCS1, 0, out, 300, out, &len), ERR_CRYPTO);
	key_free(ec);
	key_free(rsa);
}

static void signatures_verify(void **)
{
	uint8_t out[KEY_SIGNATURE_MAX], spki[1024], der[4096];
	size_t len = 0;
	struct key *k = nullptr;
	word32 spki_len = sizeof spki, at = 0;
	assert_int_equal(load(&k, "rsa.crt", "rsa.key"), KEY_FINE);
	assert_int_equal(key_sign(k, SIGN_RSA_PSS, WC_HASH_TYPE_SHA384, digest, 48, out, &len), ERR_OK);
	int n = wc_CertPemToDer((const byte *)key_chain(k).p, (int)key_chain(k).len, der, sizeof der,
				CERT_TYPE);
	assert_true(n > 0);
	assert_int_equal(wc_GetSubjectPubKeyInfoDerFromCert(der, (word32)n, spki, &spki_len), 0);
	RsaKey rsa;
	assert_int_equal(wc_InitRsaKey(&rsa, nullptr), 0);
	assert_int_equal(wc_RsaPublicKeyDecode(spki, &at, &rsa, spki_len), 0);
	byte plain[512];
	assert_true(wc_RsaPSS_VerifyCheck(out, (word32)len, plain, sizeof plain, digest, 48,
					  WC_HASH_TYPE_SHA384, WC_MGF1SHA384, &rsa) > 0);
	wc_FreeRsaKey(&rsa);
	key_free(k);
}

int main(void)
{
	if (system("openssl version >/dev/null 2>&1") != 0)
		return 77;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_loaded),      cmocka_unit_test(wrong_pairs_are_refused),
		cmocka_unit_test(rubbish_is_refused),        cmocka_unit_test(the_chain_has_no_key),
		cmocka_unit_test(only_fitting_schemes_sign), cmocka_unit_test(signatures_verify),
	};
	return cmocka_run_group_tests_name("key", tests, make_files, remove_files);
}
