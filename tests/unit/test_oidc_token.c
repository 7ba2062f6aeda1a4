/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a token must be to open the door; keys are made and tokens signed here, by the library that also verifies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cjose/cjose.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/oidc_token.h"

constexpr int64_t NOW = 1'700'000'000;

static cjose_jwk_t *signer;
static json_t *keys;
static const char *why;

static int make_keys(void **)
{
	cjose_err e;
	signer = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &e);
	assert_non_null(signer);
	assert_true(cjose_jwk_set_kid(signer, "one", 3, &e));
	char *text = cjose_jwk_to_json(signer, false, &e);
	json_t *jwk = json_loads(text, 0, nullptr);
	free(text);
	keys = json_pack("{s:[o]}", "keys", jwk);
	assert_non_null(keys);
	return 0;
}

static int free_keys(void **)
{
	json_decref(keys);
	cjose_jwk_release(signer);
	return 0;
}

static char *sign_as(const char *claims, const char *kid)
{
	cjose_err e;
	const char *text = nullptr;
	cjose_header_t *header = cjose_header_new(&e);
	assert_true(cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, &e));
	if (kid != nullptr)
		assert_true(cjose_header_set(header, CJOSE_HDR_KID, kid, &e));
	cjose_jws_t *jws = cjose_jws_sign(signer, header, (const uint8_t *)claims, strlen(claims), &e);
	assert_non_null(jws);
	assert_true(cjose_jws_export(jws, &text, &e));
	char *copy = strdup(text);
	cjose_jws_release(jws);
	cjose_header_release(header);
	return copy;
}

static const struct oidc_expect usual = {
	.issuer = "https://i", .audience = "vpn", .now = NOW, .skew_s = 60
};

static enum err judge(const char *claims, const struct oidc_expect *x)
{
	json_t *out = nullptr;
	char *token = sign_as(claims, "one");
	why = nullptr;
	enum err e = oidc_token_verify(&out, token, keys, x, &why);
	free(token);
	json_decref(out);
	return e;
}

#define GOOD_TIME "\"exp\":1700000300"

static void claims_decide(void **)
{
	static const struct {
		const char *claims;
		const char *why; /* nullptr: good */
	} rows[] = {
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\"," GOOD_TIME "}", nullptr },
		{ "{\"iss\":\"https://i\",\"aud\":[\"vpn\"]," GOOD_TIME "}", nullptr },
		{ "{\"iss\":\"https://i\",\"aud\":[\"a\",\"vpn\"],\"azp\":\"vpn\"," GOOD_TIME "}", nullptr },
		{ "{\"iss\":\"https://i\",\"aud\":[\"a\",\"vpn\"],\"azp\":\"a\"," GOOD_TIME "}",
		  "somebody else" },
		{ "{\"iss\":\"https://i\",\"aud\":[\"a\",\"vpn\"]," GOOD_TIME "}", "somebody else" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn2\"," GOOD_TIME "}", "somebody else" },
		{ "{\"iss\":\"https://i\",\"aud\":{\"vpn\":1}," GOOD_TIME "}", "somebody else" },
		{ "{\"iss\":\"https://i\"," GOOD_TIME "}", "somebody else" },
		{ "{\"iss\":\"https://i/\",\"aud\":\"vpn\"," GOOD_TIME "}", "another issuer" },
		{ "{\"aud\":\"vpn\"," GOOD_TIME "}", "another issuer" },
		{ "{\"iss\":7,\"aud\":\"vpn\"," GOOD_TIME "}", "another issuer" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\"}", "no time of expiry" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"exp\":\"1700000300\"}", "no time of expiry" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"exp\":1e300}", "no time of expiry" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"exp\":-5}", "no time of expiry" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"exp\":1699999940}", "expired" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"exp\":1699999941}", nullptr },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"nbf\":1700000060," GOOD_TIME "}", nullptr },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"nbf\":1700000061," GOOD_TIME "}",
		  "not valid yet" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"nbf\":null," GOOD_TIME "}", "not valid yet" },
		{ "{\"iss\":\"https://i\",\"aud\":\"vpn\",\"iat\":1700000061," GOOD_TIME "}",
		  "in the future" },
		{ "{\"iss\":\"https://i\",\"iss\":\"https://i\",\"aud\":\"vpn\"," GOOD_TIME "}",
		  "no object" },
		{ "[]", "no object" },
		{ "", "no object" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum err e = judge(rows[i].claims, &usual);
		assert_int_equal(e, rows[i].why == nullptr ? ERR_OK : ERR_DENIED);
		if (rows[i].why != nullptr && strstr(why, rows[i].why) == nullptr)
			fail_msg("%s: %s", rows[i].claims, why);
	}
}

static void a_nonce_must_be_that_of_the_login(void **)
{
	struct oidc_expect x = usual;
	x.nonce = "n1";
	assert_int_equal(judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"nonce\":\"n1\"," GOOD_TIME "}", &x),
			 ERR_OK);
	assert_int_equal(judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"nonce\":\"n2\"," GOOD_TIME "}", &x),
			 ERR_DENIED);
	assert_int_equal(judge("{\"iss\":\"https://i\",\"aud\":\"vpn\"," GOOD_TIME "}", &x), ERR_DENIED);
}

static void required_claims_are_required(void **)
{
	struct oidc_expect x = usual;
	json_t *required = json_pack("{s:s,s:b,s:[s,s]}", "tid", "t1", "ok", 1, "amr", "a", "b");
	x.required = required;
	assert_int_equal(
		judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"tid\":\"t1\",\"ok\":true,\"amr\":[\"a\",\"b\"]," GOOD_TIME
		      "}",
		      &x),
		ERR_OK);
	assert_int_equal(
		judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"tid\":[\"t0\",\"t1\"],\"ok\":true,\"amr\":[\"a\",\"b\"]," GOOD_TIME
		      "}",
		      &x),
		ERR_OK);
	assert_int_equal(
		judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"tid\":\"t2\",\"ok\":true,\"amr\":[\"a\",\"b\"]," GOOD_TIME
		      "}",
		      &x),
		ERR_DENIED);
	assert_int_equal(
		judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"tid\":\"t1\",\"ok\":\"true\",\"amr\":[\"a\",\"b\"]," GOOD_TIME
		      "}",
		      &x),
		ERR_DENIED);
	assert_int_equal(
		judge("{\"iss\":\"https://i\",\"aud\":\"vpn\",\"tid\":\"t1\",\"ok\":true,\"amr\":[\"a\"]," GOOD_TIME
		      "}",
		      &x),
		ERR_DENIED);
	json_decref(required);
}

static enum err judge_token(const char *token, const json_t *set)
{
	json_t *out = nullptr;
	enum err e = oidc_token_verify(&out, token, set, &usual, &why);
	json_decref(out);
	return e;
}

#define GOOD_CLAIMS "{\"iss\":\"https://i\",\"aud\":\"vpn\"," GOOD_TIME "}"

static void an_unknown_key_is_told_from_a_wrong_signature(void **)
{
	char *two = sign_as(GOOD_CLAIMS, "two"), *nameless = sign_as(GOOD_CLAIMS, nullptr),
	     *one = sign_as(GOOD_CLAIMS, "one");
	json_t *empty = json_pack("{s:[]}", "keys"), *none = json_object();
	assert_int_equal(judge_token(two, keys), ERR_NOTFOUND);
	assert_int_equal(judge_token(nameless, keys), ERR_OK);
	assert_int_equal(judge_token(one, empty), ERR_NOTFOUND);
	assert_int_equal(judge_token(one, none), ERR_NOTFOUND);
	char *last = strrchr(one, '.') + 5;
	*last = *last == 'A' ? 'B' : 'A';
	assert_int_equal(judge_token(one, keys), ERR_DENIED);
	json_decref(empty);
	json_decref(none);
	free(one);
	free(two);
	free(nameless);
}

/* Of a key that is there, but for another use or algorithm. */
static void a_key_serves_what_it_is_for(void **)
{
	static const char *const changes[][2] = {
		{ "use", "enc" }, { "alg", "ES384" }, { "kty", "RSA" }, { "crv", "P-384" }, { "x", "AAAA" }
	};
	char *one = sign_as(GOOD_CLAIMS, "one");
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		json_t *set = json_deep_copy(keys);
		json_t *key = json_array_get(json_object_get(set, "keys"), 0);
		assert_int_equal(json_object_set_new(key, changes[i][0], json_string(changes[i][1])), 0);
		assert_int_not_equal(judge_token(one, set), ERR_OK);
		json_decref(set);
	}
	free(one);
}

static void garbage_is_refused(void **)
{
	static char large[OIDC_TOKEN_MAX + 2];
	static const char *const rows[] = { "", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30",
					    /* {"alg":"none"}, {"alg":"HS256"}, {"alg":7} */
					    "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
					    "eyJhbGciOjd9.e30.AAAA", large };
	memset(large, 'a', sizeof large - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(judge_token(rows[i], keys), ERR_DENIED);
}

static void names_are_names(void **)
{
	char out[OIDC_NAME_MAX], large[300] = "";
	json_t *c = json_pack("{s:s,s:s,s:i,s:s,s:s%,s:s}", "good", "alice", "empty", "", "number", 7, "line",
			      "a\nb", "zero", "a\0b", (size_t)3, "utf", "J\xc3\xb6rg");
	memset(large, 'x', sizeof large - 1);
	json_object_set_new(c, "large", json_string(large));
	assert_int_equal(oidc_token_name(c, "good", out), ERR_OK);
	assert_string_equal(out, "alice");
	assert_int_equal(oidc_token_name(c, "utf", out), ERR_OK);
	static const char *const bad[] = { "empty", "number", "line", "zero", "large", "absent" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(oidc_token_name(c, bad[i], out), ERR_DENIED);
	json_decref(c);
}

static void groups_are_a_text_or_a_list(void **)
{
	Msg__Facts *f = msg__facts__unpack(nullptr, 0, nullptr);
	json_t *c = json_pack("{s:s,s:[s,i,s,s],s:i}", "one", "staff", "many", "a", 7, "", "b", "number", 7);
	assert_int_equal(oidc_token_groups(c, "one", f), ERR_OK);
	assert_int_equal(oidc_token_groups(c, "many", f), ERR_OK);
	assert_int_equal(oidc_token_groups(c, "number", f), ERR_OK);
	assert_int_equal(oidc_token_groups(c, "absent", f), ERR_OK);
	assert_int_equal(f->n_groups, 3);
	assert_string_equal(f->groups[0], "staff");
	assert_string_equal(f->groups[2], "b");
	json_decref(c);
	msg__facts__free_unpacked(f, nullptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims_decide),
		cmocka_unit_test(a_nonce_must_be_that_of_the_login),
		cmocka_unit_test(required_claims_are_required),
		cmocka_unit_test(an_unknown_key_is_told_from_a_wrong_signature),
		cmocka_unit_test(a_key_serves_what_it_is_for),
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(names_are_names),
		cmocka_unit_test(groups_are_a_text_or_a_list),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
