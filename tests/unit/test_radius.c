/* SPDX-License-Identifier: GPL-3.0-or-later */
/* radius: the examples of RFC 2865, 7, and all that is not from the server */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/encode.h"
#include "radius_server.h"
#include "wire/radius.h"

#define TEST(module, what) static void module##_##what(void **)

static const struct radius_key key = { (const uint8_t *)"xyzzy5461", 9 };

static size_t hex(const char *text, uint8_t *out, size_t cap)
{
	size_t n;
	assert_int_equal(encode_from_hex(text, strlen(text), out, cap, &n), ERR_OK);
	return n;
}

/* A request with the authenticator of an example. */
static void request(struct radius_request *r, enum radius_code code, uint8_t id, const char *authenticator)
{
	uint8_t random[RADIUS_AUTHENTICATOR_LEN] = {};
	hex(authenticator, random, sizeof random);
	radius_begin(r, code, id, random);
}

static const char first[] = "0f403f9473978057bd83d5cb98f4227a";

/* {{ requests }} */

TEST(radius, hides_passwords_as_in_the_rfc)
{
	static const struct {
		const char *authenticator, *password, *hidden;
	} rows[] = {
		{ first, "arctangent", "0dbe708d93d413ce3196e43f782a0aee" },
		{ "f3a47a1f6a6d76710b947ab93041a039", "challenge", "33657573778289b570885e15084825c5" },
		{ "b122556d428a13d0d6253807c457ecf0", "99101462", "692c1f205fc081b919b95195f561a581" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct radius_request r;
		uint8_t want[16];
		hex(rows[i].hidden, want, sizeof want);
		request(&r, RADIUS_ACCESS_REQUEST, 0, rows[i].authenticator);
		radius_add_password(&r, key, rows[i].password);
		assert_int_equal(radius_finish(&r, key), ERR_OK);
		assert_int_equal(r.len, RADIUS_HEADER_LEN + 18 + 18);
		assert_int_equal(r.b[38], RADIUS_USER_PASSWORD);
		assert_int_equal(r.b[39], 18);
		assert_memory_equal(r.b + 40, want, sizeof want);
	}
}

/* The first example, but for our Message-Authenticator, which is before all else. */
TEST(radius, makes_an_access_request)
{
	struct radius_request r;
	uint8_t want[64], mac[MD5_LEN], copy[128];
	size_t n = hex("01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110060600000002", want,
		       sizeof want);
	request(&r, RADIUS_ACCESS_REQUEST, 7, first);
	radius_add_text(&r, RADIUS_USER_NAME, "nemo");
	radius_add_password(&r, key, "arctangent");
	radius_add(&r, RADIUS_NAS_IP_ADDRESS, "\xc0\xa8\x01\x10", 4);
	radius_add_number(&r, RADIUS_SERVICE_TYPE, 2);
	radius_add_text(&r, RADIUS_NAS_IDENTIFIER, "");
	assert_int_equal(radius_finish(&r, key), ERR_OK);
	assert_int_equal(r.len, 20 + 18 + n);
	assert_memory_equal(r.b, ((uint8_t[]){ 1, 7, 0, (uint8_t)r.len }), 4);
	assert_memory_equal(r.b + 20, "\x50\x12", 2);
	assert_memory_equal(r.b + 38, want, n);
	memcpy(copy, r.b, r.len);
	memset(copy + 22, 0, 16);
	assert_int_equal(md5_hmac(key.p, key.len, copy, r.len, nullptr, 0, mac), ERR_OK);
	assert_memory_equal(r.b + 22, mac, sizeof mac);
}

TEST(radius, makes_an_accounting_request)
{
	struct radius_request r;
	struct md5 m;
	uint8_t want[MD5_LEN], copy[64];
	request(&r, RADIUS_ACCOUNTING_REQUEST, 9, first);
	radius_add_number(&r, RADIUS_ACCT_STATUS_TYPE, 1);
	assert_int_equal(radius_finish(&r, key), ERR_OK);
	assert_int_equal(r.len, 26);
	memcpy(copy, r.b, r.len);
	memset(copy + 4, 0, 16);
	md5_init(&m);
	md5_add(&m, copy, r.len);
	md5_add(&m, key.p, key.len);
	md5_finish(&m, want);
	assert_memory_equal(r.b + 4, want, sizeof want);
}

/* RFC 2104, 2: a long key is taken by its hash. */
TEST(radius, signs_with_a_long_secret)
{
	static const uint8_t bytes[100] = "long";
	struct radius_request r;
	struct md5 m;
	uint8_t hash[MD5_LEN], mac[MD5_LEN], copy[64];
	request(&r, RADIUS_ACCESS_REQUEST, 9, first);
	assert_int_equal(radius_finish(&r, (struct radius_key){ bytes, sizeof bytes }), ERR_OK);
	md5_init(&m);
	md5_add(&m, bytes, sizeof bytes);
	md5_finish(&m, hash);
	memcpy(copy, r.b, r.len);
	memset(copy + 22, 0, 16);
	assert_int_equal(md5_hmac(hash, sizeof hash, copy, r.len, nullptr, 0, mac), ERR_OK);
	assert_memory_equal(r.b + 22, mac, sizeof mac);
}

TEST(radius, refuses_what_does_not_fit)
{
	struct radius_request r;
	char text[300];
	memset(text, 'x', sizeof text);
	static const struct {
		size_t len;
		enum err want;
		size_t grown;
	} passwords[] = { { 0, ERR_OK, 18 },
			  { 16, ERR_OK, 18 },
			  { 17, ERR_OK, 34 },
			  { 128, ERR_OK, 130 },
			  { 129, ERR_RANGE, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
		char password[200] = "";
		memset(password, 'x', passwords[i].len);
		request(&r, RADIUS_ACCESS_REQUEST, 0, first);
		size_t before = r.len;
		radius_add_password(&r, key, password);
		assert_int_equal(r.len - before, passwords[i].grown);
		assert_int_equal(radius_finish(&r, key), passwords[i].want);
	}
	request(&r, RADIUS_ACCESS_REQUEST, 0, first);
	radius_add(&r, RADIUS_USER_NAME, text, 253);
	assert_int_equal(radius_finish(&r, key), ERR_OK);
	radius_add(&r, RADIUS_USER_NAME, text, 254);
	radius_add(&r, RADIUS_USER_NAME, text, 1); /* the failure sticks */
	assert_int_equal(radius_finish(&r, key), ERR_RANGE);
	request(&r, RADIUS_ACCESS_REQUEST, 0, first);
	for (size_t i = 0; i < 15; i++)
		radius_add(&r, RADIUS_CLASS, text, 253);
	assert_int_equal(radius_finish(&r, key), ERR_OK);
	radius_add(&r, RADIUS_CLASS, text, 253);
	assert_int_equal(radius_finish(&r, key), ERR_RANGE);
	radius_wipe(&r);
	assert_int_equal(r.len, 0);
}

/* {{ answers }} */

static const struct {
	const char *authenticator;
	uint8_t id;
	enum radius_code code;
	size_t attributes_n;
	const char *bytes;
} answers[] = {
	{ first, 0, RADIUS_ACCESS_ACCEPT, 3,
	  "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103" },
	{ "2aee86f08d0d55969ca5978e0d3367a2", 1, RADIUS_ACCESS_ACCEPT, 6,
	  "0201003815efbc7dab26cfa3dc34d9c03c8601a40606000000020706000000010806fffffffe"
	  "0a06000000020d06000000010c06000005dc" },
	{ "f3a47a1f6a6d76710b947ab93041a039", 2, RADIUS_ACCESS_CHALLENGE, 2,
	  "0b02004e36f3c8764ae8c71157403c0c71ff9c4512304368616c6c656e67652033323736393433302e2020456e"
	  "74657220726573706f6e73652061742070726f6d70742e180a3332373639343330" },
	{ "b122556d428a13d0d6253807c457ecf0", 3, RADIUS_ACCESS_REJECT, 0,
	  "03030014a42f4fca45916c4e09c8340f9e746aa0" },
};

/* They are older than Message-Authenticator: good only where none is wanted. */
TEST(radius, reads_the_answers_of_the_rfc)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct radius_request r;
		struct radius_answer a;
		struct radius_attribute at;
		uint8_t b[128];
		size_t len = hex(answers[i].bytes, b, sizeof b), n = 0;
		request(&r, RADIUS_ACCESS_REQUEST, answers[i].id, answers[i].authenticator);
		assert_int_equal(radius_read(b, len, &r, key, true, &a), RADIUS_UNSIGNED);
		assert_int_equal(a.len, 0);
		assert_int_equal(radius_read(b, len, &r, key, false, &a), RADIUS_GOOD);
		assert_int_equal(a.code, answers[i].code);
		for (size_t where = 0; radius_next(&a, &where, &at);)
			n++;
		assert_int_equal(n, answers[i].attributes_n);
		assert_int_equal(radius_find(&a, RADIUS_STATE, &at),
				 answers[i].code == RADIUS_ACCESS_CHALLENGE);
		if (at.len > 0)
			assert_memory_equal(at.value, "32769430", at.len);
		/* no bit may change, no byte may be missing */
		for (size_t bit = 0; bit < len * 8; bit++) {
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_not_equal(radius_read(b, len, &r, key, false, &a), RADIUS_GOOD);
			b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(radius_read(b, cut, &r, key, false, &a), RADIUS_MALFORMED);
		/* nor for another question, or with another secret */
		r.b[4] ^= 1;
		assert_int_equal(radius_read(b, len, &r, key, false, &a), RADIUS_FORGED);
		r.b[4] ^= 1;
		assert_int_equal(radius_read(b, len, &r,
					     (struct radius_key){ (const uint8_t *)"xyzzy546", 8 }, false,
					     &a),
				 RADIUS_FORGED);
	}
}

static void served_signed(struct served *s, uint8_t code, const struct radius_request *r)
{
	static const uint8_t zero[MD5_LEN];
	served_begin(s, code, r->b[1]);
	served_add(s, RADIUS_MESSAGE_AUTHENTICATOR, zero, sizeof zero);
	served_add(s, RADIUS_REPLY_MESSAGE, "hello", 5);
	served_finish(s, r, key, 22);
}

TEST(radius, wants_the_message_authenticator)
{
	struct radius_request r;
	struct radius_answer a;
	struct served s;
	uint8_t keep[16];
	request(&r, RADIUS_ACCESS_REQUEST, 5, first);
	served_signed(&s, RADIUS_ACCESS_ACCEPT, &r);
	assert_int_equal(radius_read(s.b, s.len, &r, key, true, &a), RADIUS_GOOD);
	assert_int_equal(a.code, RADIUS_ACCESS_ACCEPT);
	for (size_t bit = 0; bit < s.len * 8; bit++) {
		s.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_not_equal(radius_read(s.b, s.len, &r, key, true, &a), RADIUS_GOOD);
		assert_int_not_equal(radius_read(s.b, s.len, &r, key, false, &a), RADIUS_GOOD);
		s.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	/* a wrong one counts even where none is wanted, and with a right Response Authenticator */
	s.b[22] ^= 1;
	served_finish(&s, &r, key, 0);
	assert_int_equal(radius_read(s.b, s.len, &r, key, false, &a), RADIUS_FORGED);
	/* a right one does not heal the other: what radcli 1.2.11 takes */
	served_signed(&s, RADIUS_ACCESS_ACCEPT, &r);
	memcpy(keep, s.b + 4, sizeof keep);
	memset(s.b + 4, 0, 16);
	assert_int_equal(radius_read(s.b, s.len, &r, key, true, &a), RADIUS_FORGED);
	/* what follows the length is padding, and is not read */
	memcpy(s.b + 4, keep, sizeof keep);
	s.b[s.len] = 1;
	assert_int_equal(radius_read(s.b, s.len + 3, &r, key, true, &a), RADIUS_GOOD);
	assert_int_equal(a.len, s.len - RADIUS_HEADER_LEN);
}

/* With authenticators that are right: only the lengths are not. */
TEST(radius, refuses_wrong_lengths)
{
	static const struct {
		const char *attributes; /* hex */
		enum radius_verdict want;
	} rows[] = {
		{ "", RADIUS_GOOD },
		{ "0102", RADIUS_GOOD },
		{ "01", RADIUS_MALFORMED },
		{ "0100", RADIUS_MALFORMED },
		{ "0101", RADIUS_MALFORMED },
		{ "0103", RADIUS_MALFORMED },
		{ "01ff", RADIUS_MALFORMED },
		{ "010461", RADIUS_MALFORMED },
		{ "01036101", RADIUS_MALFORMED },
		{ "5002", RADIUS_MALFORMED },
		{ "5011000000000000000000000000000000", RADIUS_MALFORMED },
		{ "501300000000000000000000000000000000aa", RADIUS_MALFORMED },
		{ "501200000000000000000000000000000000", RADIUS_FORGED },
		{ "501200000000000000000000000000000000501200000000000000000000000000000000",
		  RADIUS_MALFORMED },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct radius_request r;
		struct radius_answer a;
		struct served s;
		request(&r, RADIUS_ACCESS_REQUEST, 5, first);
		served_begin(&s, RADIUS_ACCESS_ACCEPT, 5);
		s.len += hex(rows[i].attributes, s.b + s.len, 64);
		served_finish(&s, &r, key, 0);
		enum radius_verdict got = radius_read(s.b, s.len, &r, key, false, &a);
		if (got != rows[i].want)
			fail_msg("%s: %d", rows[i].attributes, got);
	}
}

TEST(radius, refuses_a_length_that_lies)
{
	static const uint16_t said[] = { 0, 1, 19, 46, 4096, 4097, 65'535 };
	struct radius_request r;
	struct radius_answer a;
	struct served s;
	request(&r, RADIUS_ACCESS_REQUEST, 5, first);
	served_signed(&s, RADIUS_ACCESS_ACCEPT, &r);
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		s.b[2] = (uint8_t)(said[i] >> 8);
		s.b[3] = (uint8_t)said[i];
		assert_int_equal(radius_read(s.b, 45, &r, key, true, &a), RADIUS_MALFORMED);
	}
	static uint8_t big[5000] = { RADIUS_ACCESS_ACCEPT, 5, 0x10, 0x01 };
	assert_int_equal(radius_read(big, sizeof big, &r, key, true, &a), RADIUS_MALFORMED);
}

/* Signed rightly, but not an answer to this. */
TEST(radius, refuses_strange_answers)
{
	static const struct {
		uint8_t request, answer, id_off;
		enum radius_verdict want;
	} rows[] = {
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCESS_ACCEPT, 0, RADIUS_GOOD },
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCESS_REJECT, 0, RADIUS_GOOD },
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCESS_CHALLENGE, 0, RADIUS_GOOD },
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCESS_ACCEPT, 1, RADIUS_STRANGE },
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCESS_REQUEST, 0, RADIUS_STRANGE },
		{ RADIUS_ACCESS_REQUEST, RADIUS_ACCOUNTING_RESPONSE, 0, RADIUS_STRANGE },
		{ RADIUS_ACCESS_REQUEST, 0, 0, RADIUS_STRANGE },
		{ RADIUS_ACCESS_REQUEST, 40, 0, RADIUS_STRANGE },
		{ RADIUS_ACCOUNTING_REQUEST, RADIUS_ACCOUNTING_RESPONSE, 0, RADIUS_GOOD },
		{ RADIUS_ACCOUNTING_REQUEST, RADIUS_ACCESS_ACCEPT, 0, RADIUS_STRANGE },
		{ RADIUS_ACCOUNTING_REQUEST, RADIUS_ACCOUNTING_REQUEST, 0, RADIUS_STRANGE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct radius_request r;
		struct radius_answer a;
		struct served s;
		request(&r, rows[i].request, 5, first);
		assert_int_equal(radius_finish(&r, key), ERR_OK);
		served_signed(&s, rows[i].answer, &r);
		s.b[1] = (uint8_t)(s.b[1] + rows[i].id_off);
		served_finish(&s, &r, key, 22);
		enum radius_verdict got = radius_read(s.b, s.len, &r, key, true, &a);
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
	}
}

/* An answer of accounting lets nobody in: its Response Authenticator is enough, but must be right. */
TEST(radius, reads_answers_of_accounting)
{
	struct radius_request r;
	struct radius_answer a;
	struct served s;
	request(&r, RADIUS_ACCOUNTING_REQUEST, 5, first);
	assert_int_equal(radius_finish(&r, key), ERR_OK);
	served_begin(&s, RADIUS_ACCOUNTING_RESPONSE, 5);
	served_finish(&s, &r, key, 0);
	assert_int_equal(radius_read(s.b, s.len, &r, key, true, &a), RADIUS_GOOD);
	memset(s.b + 4, 0, 16);
	assert_int_equal(radius_read(s.b, s.len, &r, key, true, &a), RADIUS_FORGED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(radius_hides_passwords_as_in_the_rfc),
		cmocka_unit_test(radius_makes_an_access_request),
		cmocka_unit_test(radius_makes_an_accounting_request),
		cmocka_unit_test(radius_signs_with_a_long_secret),
		cmocka_unit_test(radius_refuses_what_does_not_fit),
		cmocka_unit_test(radius_reads_the_answers_of_the_rfc),
		cmocka_unit_test(radius_wants_the_message_authenticator),
		cmocka_unit_test(radius_refuses_wrong_lengths),
		cmocka_unit_test(radius_refuses_a_length_that_lies),
		cmocka_unit_test(radius_refuses_strange_answers),
		cmocka_unit_test(radius_reads_answers_of_accounting),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
