/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known answers were made with Python's hmac and hashlib from RFC 5246 and 2246; the live test is tests/net/dtls_cisco.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/resume.h"

#include "base/encode.h"
#include "wire/dtls.h"

static uint8_t master[48], client_random[32], server_random[32], id[32], cookie[20];
static uint8_t datagram[1024];
static size_t datagram_len;

static const struct {
	const char *name;
	bool is_12;
	const char *finished, *due, *keys; /* keys: the block as RFC 5246, 6.3 cuts it, without unused IVs */
} known[] = {
	{ "AES128-GCM-SHA256", true, "1400000c000200000000000cccdde809fb43f126bea264b8",
	  "715846b6b9205f09174b092d",
	  "3e96635bdaf4d473812f7e46f39ac1b2b8c450c56e832c93e18e3c0b3f2e9bbe9059271193983b45" },
	{ "ECDHE-RSA-AES256-GCM-SHA384", true, "1400000c000200000000000c2454540c7c0912957fe8e9d7",
	  "74c96d42d059cc495dbf2270",
	  "3bd6b45bd6953118bd088300fdb12ef7e009b33817019668f75a6e9f34e4367e97bcdf65bac09d0833dd73ddddcb3287"
	  "10a543f0bb414a159d2766b27fc8793c4353334f70780afe" },
	{ "AES128-SHA", false, "1400000c000300000000000cbd9bdb1968de9d2ac4120c91", "c42acc71c7c0235f78656e11",
	  "df69fb6de05728330f240450eed52b7c5d8b03e86681ad712eef1e094556ee871f3570000320a2284ae4e8c66f558c4a"
	  "990248f60c6fa676dd51bb55d52beaf434d492c83d123d6d" },
	{ "AES256-SHA", true, "1400000c000200000000000c0d3adc87468dd508d2d810f5", "2ecf086886ceee1c01cf836a",
	  "3e96635bdaf4d473812f7e46f39ac1b2b8c450c56e832c93e18e3c0b3f2e9bbe9059271193983b458875b308fbfc9b2b"
	  "6f5eec954f987b430e28b1754e7b6f83a501fdc9c330b24f283e3b5229b66b383f5f88e3c772b5be9893aca5201c7ddd"
	  "e33128fc6e9815df" },
};

static const struct resume_suite *suite_of(const char *name, bool is_12)
{
	for (size_t i = 0; i < resume_suites_n; i++)
		if (resume_suites[i].is_12 == is_12 && strcmp(resume_suites[i].name, name) == 0)
			return &resume_suites[i];
	fail();
	return nullptr;
}

static void fill(uint8_t *p, size_t n, unsigned step, unsigned first)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(step * i + first);
}

/* What a hello may say; the rest is as it should be. */
struct hello {
	uint16_t record_version, version, suite, signal;
	uint16_t message_seq;
	uint8_t id_len, cookie_len, compression;
	const char *extensions; /* hex, with the length of all; nullptr: none */
};

static struct hello hello_for(const struct resume_suite *s)
{
	return (struct hello){ .record_version =
				       s->version == DTLS_VERSION_BAD ? DTLS_VERSION_BAD : DTLS_VERSION_10,
			       .version = s->version,
			       .suite = s->id,
			       .signal = 0x00ff,
			       .message_seq = 1,
			       .id_len = 32,
			       .cookie_len = 20 };
}

static void make(const struct hello *h)
{
	uint8_t body[512], ext[128];
	struct writer b = writer_of(body, sizeof body);
	writer_u16be(&b, h->version);
	writer_put(&b, client_random, 32);
	writer_u8(&b, h->id_len);
	writer_put(&b, id, h->id_len);
	writer_u8(&b, h->cookie_len);
	writer_put(&b, cookie, h->cookie_len);
	writer_u16be(&b, 4);
	writer_u16be(&b, h->suite);
	writer_u16be(&b, h->signal);
	writer_u8(&b, 1);
	writer_u8(&b, h->compression);
	size_t n = 0;
	if (h->extensions != nullptr)
		assert_int_equal(encode_from_hex(h->extensions, strlen(h->extensions), ext, sizeof ext, &n),
				 ERR_OK);
	writer_put(&b, ext, n);
	struct writer w = writer_of(datagram, sizeof datagram);
	writer_u8(&w, 22);
	writer_u16be(&w, h->record_version);
	writer_u16be(&w, 0);
	writer_u48be(&w, 7);
	writer_u16be(&w, (uint16_t)(12 + b.len));
	writer_u8(&w, 1);
	writer_u24be(&w, (uint32_t)b.len);
	writer_u16be(&w, h->message_seq);
	writer_u24be(&w, 0);
	writer_u24be(&w, (uint32_t)b.len);
	writer_put(&w, body, b.len);
	assert_true(writer_ok(&b) && writer_ok(&w));
	datagram_len = w.len;
}

static enum err parse(const struct resume_suite *s, struct resume_hello *out)
{
	return resume_parse(datagram, datagram_len, s, out);
}

static enum err refused(const struct resume_suite *s, const struct hello *h)
{
	struct resume_hello out;
	static const struct resume_hello nothing;
	make(h);
	enum err e = parse(s, &out);
	if (e != ERR_OK)
		assert_memory_equal(&out, &nothing, sizeof out);
	return e;
}

static void hex_is(const void *p, size_t n, const char *want)
{
	char text[512] = {};
	size_t len;
	assert_int_equal(encode_to_hex(p, n, false, text, sizeof text, &len), ERR_OK);
	assert_string_equal(text, want);
}

static void keys_are(const struct resume_suite *s, const struct resume_keys *k, const char *want)
{
	uint8_t all[2 * (20 + 32 + 4)];
	size_t mac = s->aead == RECORD_NONE ? 20 : 0, iv = mac > 0 ? 0 : 4;
	struct writer w = writer_of(all, sizeof all);
	writer_put(&w, k->client_mac, mac);
	writer_put(&w, k->server_mac, mac);
	writer_put(&w, k->client_key, s->key_len);
	writer_put(&w, k->server_key, s->key_len);
	writer_put(&w, k->client_iv, iv);
	writer_put(&w, k->server_iv, iv);
	assert_true(writer_ok(&w));
	hex_is(all, w.len, want);
}

static void known_handshakes(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct resume_suite *s = suite_of(known[i].name, known[i].is_12);
		struct hello h = hello_for(s);
		struct resume_hello parsed;
		struct resume r;
		struct resume_keys keys;
		make(&h);
		assert_int_equal(parse(s, &parsed), ERR_OK);
		assert_int_equal(parsed.record_seq, 7);
		assert_int_equal(parsed.cookie_len, 20);
		assert_memory_equal(parsed.id, id, 32);
		assert_int_equal(resume_begin(&r, s, master, server_random, &parsed, &keys), ERR_OK);
		hex_is(r.finished, sizeof r.finished, known[i].finished);
		hex_is(r.due, sizeof r.due, known[i].due);
		keys_are(s, &keys, known[i].keys);
	}
}

static void flight_has_two_records(void **)
{
	for (size_t i = 0; i < resume_suites_n; i++) {
		const struct resume_suite *s = &resume_suites[i];
		bool old = s->version == DTLS_VERSION_BAD;
		struct hello h = hello_for(s);
		struct resume_hello parsed;
		struct resume r;
		struct resume_keys keys;
		uint8_t out[256];
		make(&h);
		assert_int_equal(parse(s, &parsed), ERR_OK);
		assert_int_equal(resume_begin(&r, s, master, server_random, &parsed, &keys), ERR_OK);
		for (uint64_t again = 0; again < 2; again++) {
			struct writer w = writer_of(out, sizeof out);
			struct dtls_record first, second;
			size_t at = 0;
			resume_emit_hello(&r, &w);
			assert_true(writer_ok(&w));
			assert_int_equal(dtls_next_record(out, w.len, &at, &first), ERR_OK);
			assert_int_equal(dtls_next_record(out, w.len, &at, &second), ERR_OK);
			assert_int_equal(at, w.len);
			assert_true(first.type == 22 && second.type == 20 && first.epoch == 0 &&
				    second.epoch == 0);
			assert_true(first.version == s->version && second.version == s->version);
			assert_true(first.seq == 7 + 2 * again && second.seq == first.seq + 1);
			assert_int_equal(second.body_len, old ? 3 : 1);
			assert_memory_equal(out + second.start + 13, "\1\0\2", second.body_len);
			assert_memory_equal(out + 13 + 12 + 2, server_random, 32);
			assert_memory_equal(out + 13 + 12 + 2 + 33, id, 32);
			assert_int_equal(first.body_len,
					 12 + 70 + (old ? 0 : 7)); /* extensions: renegotiation_info */
		}
	}
}

static void silent_client_hears_no_extension(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true);
	struct hello h = hello_for(s);
	h.signal = 0x002f;
	struct resume_hello parsed;
	struct resume r;
	struct resume_keys keys;
	make(&h);
	assert_int_equal(parse(s, &parsed), ERR_OK);
	assert_false(parsed.secure_renegotiation);
	assert_int_equal(resume_begin(&r, s, master, server_random, &parsed, &keys), ERR_OK);
	assert_int_equal(r.hello_len, 12 + 70);
	h.extensions = "0009"
		       "ff01000100"
		       "00170000"; /* renegotiation_info says the same as the signal; the other is ignored */
	make(&h);
	assert_int_equal(parse(s, &parsed), ERR_OK);
	assert_true(parsed.secure_renegotiation);
}

static void verify_request(void **)
{
	for (int old = 0; old < 2; old++) {
		const struct resume_suite *s =
			old ? suite_of("AES128-SHA", false) : suite_of("AES128-SHA", true);
		struct hello h = hello_for(s);
		struct resume_hello parsed;
		uint8_t out[128];
		make(&h);
		assert_int_equal(parse(s, &parsed), ERR_OK);
		struct writer w = writer_of(out, sizeof out);
		resume_emit_verify(&w, s, &parsed, cookie);
		hex_is(out, w.len,
		       old ? "16010000000000000000070023"
			     "030000170000000000000017"
			     "0100"
			     "14"
			     "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3"
			   : "16feff00000000000000070023"
			     "030000170000000000000017"
			     "feff"
			     "14"
			     "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3");
	}
}

static void foreign_hellos_are_refused(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true),
				  *old = suite_of("AES128-SHA", false);
	struct hello h = hello_for(s);
	assert_int_equal(refused(s, &h), ERR_OK);
	h.record_version = DTLS_VERSION_12;
	assert_int_equal(refused(s, &h), ERR_OK);
	h.record_version = DTLS_VERSION_BAD;
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h = hello_for(s);
	h.version = DTLS_VERSION_10;
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h.version = DTLS_VERSION_BAD;
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h = hello_for(s);
	h.suite = 0x009d; /* another than agreed */
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h = hello_for(s);
	h.compression = 1;
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h = hello_for(s);
	h.id_len = 31;
	assert_int_equal(refused(s, &h), ERR_PROTO);
	h.id_len = 0;
	assert_int_equal(refused(s, &h), ERR_PROTO);
	h = hello_for(old);
	assert_int_equal(refused(old, &h), ERR_OK);
	assert_int_equal(refused(s, &h), ERR_UNSUPPORTED);
	h.record_version = DTLS_VERSION_10;
	assert_int_equal(refused(old, &h), ERR_UNSUPPORTED);
}

static void bad_extensions_are_refused(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true);
	static const char *const bad[] = {
		"00",
		"0001",
		"00010000000000",
		"0005ff01000101", /* renegotiation_info of a renegotiation */
		"0006ff0100020000",
		"0004ff010001",
		"000400170001", /* longer than the list */
		"0005ff0100010000", /* bytes behind the list */
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct hello h = hello_for(s);
		h.extensions = bad[i];
		assert_int_equal(refused(s, &h), ERR_PROTO);
	}
}

static void cut_hellos_are_refused(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true);
	struct hello h = hello_for(s);
	struct resume_hello out;
	make(&h);
	size_t whole = datagram_len;
	for (size_t cut = 0; cut < whole; cut++)
		assert_int_not_equal(resume_parse(datagram, cut, s, &out), ERR_OK);
	for (size_t cut = 14; cut < whole;
	     cut++) { /* with a record length that fits, and with all lengths fitting */
		datagram[11] = 0;
		datagram[12] = (uint8_t)(cut - 13);
		assert_int_not_equal(resume_parse(datagram, cut, s, &out), ERR_OK);
		if (cut < 25)
			continue;
		datagram[13 + 3] = datagram[13 + 11] = (uint8_t)(cut - 25);
		assert_int_not_equal(resume_parse(datagram, cut, s, &out), ERR_OK);
	}
}

static void each_header_byte_counts(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true);
	struct hello h = hello_for(s);
	struct resume_hello out;
	static const size_t places[] = { 0, 3, 4, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24 };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		make(&h);
		datagram[places[i]] ^= 0x01;
		assert_int_not_equal(parse(s, &out), ERR_OK);
	}
}

static void finished_must_be_the_one_due(void **)
{
	const struct resume_suite *s = suite_of("AES128-GCM-SHA256", true);
	struct hello h = hello_for(s);
	struct resume_hello parsed;
	struct resume r;
	struct resume_keys keys;
	make(&h);
	assert_int_equal(parse(s, &parsed), ERR_OK);
	assert_int_equal(resume_begin(&r, s, master, server_random, &parsed, &keys), ERR_OK);
	uint8_t m[25] = { 20, 0, 0, 12, 0, 2, 0, 0, 0, 0, 0, 12 };
	memcpy(m + 12, r.due, 12);
	assert_int_equal(resume_check_finished(&r, m, 24), ERR_OK);
	assert_int_equal(resume_check_finished(&r, m, 25), ERR_AUTH);
	for (size_t n = 0; n < 24; n++)
		assert_int_equal(resume_check_finished(&r, m, n), ERR_AUTH);
	for (size_t i = 0; i < 24; i++) {
		m[i] ^= 0x10;
		/* the message number alone means nothing */
		assert_int_equal(resume_check_finished(&r, m, 24), i == 4 || i == 5 ? ERR_OK : ERR_AUTH);
		m[i] ^= 0x10;
	}
	assert_int_equal(resume_check_finished(&r, r.finished, sizeof r.finished),
			 ERR_AUTH); /* ours, sent back */
}

static int set_up(void **)
{
	fill(master, sizeof master, 7, 3);
	fill(client_random, sizeof client_random, 5, 1);
	fill(server_random, sizeof server_random, 11, 2);
	fill(id, sizeof id, 13, 9);
	fill(cookie, sizeof cookie, 1, 0xc0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_handshakes),
		cmocka_unit_test(flight_has_two_records),
		cmocka_unit_test(silent_client_hears_no_extension),
		cmocka_unit_test(verify_request),
		cmocka_unit_test(foreign_hellos_are_refused),
		cmocka_unit_test(bad_extensions_are_refused),
		cmocka_unit_test(cut_hellos_are_refused),
		cmocka_unit_test(each_header_byte_counts),
		cmocka_unit_test(finished_must_be_the_one_due),
	};
	return cmocka_run_group_tests(tests, set_up, nullptr);
}
