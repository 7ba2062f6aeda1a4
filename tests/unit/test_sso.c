/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a browser brings, and a sealed token as its client opens it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "wire/sso.h"

#include <cmocka.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/hmac.h>

#include "base/encode.h"

#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct sso_query query;

static enum err parse(const char *text)
{
	return sso_query_parse(&query, text_slice(text));
}

static void what_a_provider_sends(void **)
{
	assert_int_equal(parse("code=a%2Bb+c%26&state=" HEX "&session_state=x&iss=https%3A%2F%2Fi"), ERR_OK);
	assert_string_equal(query.code, "a+b c&");
	assert_true(query.has_state && !query.has_id);
	assert_int_equal(query.state[31], 0x1f);
	assert_int_equal(parse("error=access_denied&error_description=no&state=" HEX), ERR_OK);
	assert_string_equal(query.error, "access_denied");
	assert_string_equal(query.code, "");
	assert_int_equal(parse("id=" HEX "&acsamlcap=v2"), ERR_OK);
	assert_true(query.has_id);
	assert_int_equal(sso_query_parse(&query, (struct slice){}), ERR_OK);
	assert_true(!query.has_id && !query.has_state);
}

static void what_nobody_sends(void **)
{
	static char large[SSO_CODE_MAX + 16], many[512];
	static const char *const rows[] = {
		"state=",
		"state=00",
		"state=" HEX "00",
		"state=" HEX "&state=" HEX,
		"state=%30" HEX,
		"id=zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"code=a&code=b",
		"code=%",
		"code=%0g",
		"code=a%00b",
		large,
		many
	};
	memset(large, 'a', sizeof large - 1);
	memcpy(large, "code=", 5);
	for (size_t i = 0; i + 1 < sizeof many; i += 2)
		memcpy(many + i, "x&", 2);
	many[sizeof many - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (parse(rows[i]) == ERR_OK)
			fail_msg("taken: %s", rows[i]);
		assert_string_equal(query.code, "");
	}
}

/* {{ the sealed token */

struct part {
	const uint8_t *p;
	size_t len;
};

static void split(const uint8_t *blob, size_t len, struct part out[5])
{
	assert_true(len > 2 && blob[0] == 0 && blob[1] == 1);
	for (size_t at = 2; at < len;) {
		assert_true(at + 4 <= len && blob[at] == 0 && blob[at + 1] >= 1 && blob[at + 1] <= 4);
		struct part *p = &out[blob[at + 1]];
		p->len = (size_t)blob[at + 2] << 8 | blob[at + 3];
		p->p = blob + at + 4;
		at += 4 + p->len;
		assert_true(at <= len);
	}
}

static void open_sealed(const struct part parts[5], ecc_key *own, WC_RNG *rng, char *out)
{
	ecc_key theirs;
	uint8_t z[32], key[32];
	word32 z_len = sizeof z;
	Aes aes;
	assert_int_equal(parts[1].len, 91);
	assert_int_equal(parts[2].len, 12);
	assert_int_equal(parts[4].len, 12);
	assert_int_equal(wc_ecc_init(&theirs), 0);
	assert_int_equal(wc_ecc_import_x963_ex(parts[1].p + 26, 65, &theirs, ECC_SECP256R1), 0);
	assert_int_equal(wc_ecc_set_rng(own, rng), 0);
	assert_int_equal(wc_ecc_shared_secret(own, &theirs, z, &z_len), 0);
	assert_int_equal(
		wc_HKDF(WC_SHA256, z, sizeof z, nullptr, 0, (const byte *)"AC_ECIES", 8, key, sizeof key), 0);
	assert_int_equal(wc_AesInit(&aes, nullptr, INVALID_DEVID), 0);
	assert_int_equal(wc_AesGcmSetKey(&aes, key, sizeof key), 0);
	assert_int_equal(wc_AesGcmDecrypt(&aes, (byte *)out, parts[3].p, (word32)parts[3].len, parts[4].p, 12,
					  parts[2].p, 12, nullptr, 0),
			 0);
	out[parts[3].len] = '\0';
	wc_AesFree(&aes);
	wc_ecc_free(&theirs);
}

static void a_client_opens_its_token(void **)
{
	static const char head[] = "http://localhost:29786/api/sso/", token[] = HEX;
	char url[2048], text[1024], opened[256];
	uint8_t key[SSO_KEY_LEN + 1], blob[512];
	word32 x_len = 32, y_len = 32;
	size_t n = 0;
	struct part parts[5] = {};
	ecc_key own;
	WC_RNG rng;
	assert_int_equal(wc_InitRng(&rng), 0);
	assert_int_equal(wc_ecc_init(&own), 0);
	assert_int_equal(wc_ecc_make_key_ex(&rng, 32, &own, ECC_SECP256R1), 0);
	assert_int_equal(wc_ecc_export_public_raw(&own, key, &x_len, key + 32, &y_len), 0);
	struct writer w = writer_of(url, sizeof url);
	assert_int_equal(sso_emit_local(&w, token, key, "https://gw/end", &rng), ERR_OK);
	writer_u8(&w, '\0');
	assert_memory_equal(url, head, strlen(head));
	char *back = strchr(url, '?');
	assert_string_equal(back, "?return=https%3A%2F%2Fgw%2Fend");
	assert_int_equal(
		text_percent_decode(text, sizeof text,
				    (struct slice){ url + strlen(head), (size_t)(back - url) - strlen(head) },
				    false),
		ERR_OK);
	assert_int_equal(encode_from_base64(text, strlen(text), blob, sizeof blob, &n), ERR_OK);
	split(blob, n, parts);
	open_sealed(parts, &own, &rng, opened);
	assert_string_equal(opened, token);
	wc_ecc_free(&own);
	wc_FreeRng(&rng);
}

static void a_key_off_the_curve_is_refused(void **)
{
	char url[2048];
	uint8_t key[SSO_KEY_LEN];
	WC_RNG rng;
	assert_int_equal(wc_InitRng(&rng), 0);
	for (int fill = 0; fill < 256; fill += 51) {
		struct writer w = writer_of(url, sizeof url);
		memset(key, fill, sizeof key);
		assert_int_equal(sso_emit_local(&w, HEX, key, "https://gw", &rng), ERR_CRYPTO);
		assert_int_equal(w.len, 0);
	}
	wc_FreeRng(&rng);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_provider_sends),
		cmocka_unit_test(what_nobody_sends),
		cmocka_unit_test(a_client_opens_its_token),
		cmocka_unit_test(a_key_off_the_curve_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
