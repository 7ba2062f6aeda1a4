/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/dtls.h"

/* A ClientHello with every field a test may want to bend. */
struct hello {
	uint16_t record_version, epoch, version;
	uint64_t seq;
	uint32_t message_len, offset, fragment_len; /* 0: the right one */
	size_t record_len;                          /* 0: the right one */
	uint8_t message, random, session_id_len, session_id_room, cookie_len, cookie_room;
};

static const struct hello good = {
	.record_version = DTLS_VERSION_10,
	.version = DTLS_VERSION_12,
	.seq = 7,
	.message = 1,
	.random = 0xab,
	.session_id_len = 32,
	.session_id_room = 32,
};

static const uint8_t tail[] = { 0, 4, 0x00, 0xa8, 0x00, 0xa9, 1, 0 };

static size_t emit_hello(const struct hello *h, uint8_t *out, size_t cap)
{
	uint8_t fill[256];
	struct writer w = writer_of(out, cap);
	size_t body = 2 + 32 + 1 + h->session_id_room + 1 + h->cookie_room + sizeof tail;
	writer_u8(&w, DTLS_TYPE_HANDSHAKE);
	writer_u16be(&w, h->record_version);
	writer_u16be(&w, h->epoch);
	writer_u48be(&w, h->seq);
	writer_u16be(&w, (uint16_t)(h->record_len > 0 ? h->record_len : 12 + body));
	writer_u8(&w, h->message);
	writer_u24be(&w, h->message_len > 0 ? h->message_len : (uint32_t)body);
	writer_u16be(&w, 1);
	writer_u24be(&w, h->offset);
	writer_u24be(&w, h->fragment_len > 0 ? h->fragment_len : (uint32_t)body);
	writer_u16be(&w, h->version);
	memset(fill, h->random, sizeof fill);
	writer_put(&w, fill, 32);
	writer_u8(&w, h->session_id_len);
	memset(fill, 0x55, sizeof fill);
	writer_put(&w, fill, h->session_id_room);
	writer_u8(&w, h->cookie_len);
	writer_put(&w, fill, h->cookie_room);
	writer_put(&w, tail, sizeof tail);
	assert_true(writer_ok(&w));
	return w.len;
}

/* In a heap block of exactly that size, so that a sanitizer sees a byte read too far. */
static enum dtls_kind classify(const uint8_t *p, size_t n, struct dtls_peek *peek)
{
	static uint8_t *block;
	free(block);
	block = malloc(n > 0 ? n : 1);
	memcpy(block, p, n);
	enum dtls_kind kind = dtls_classify(block, n, peek);
	struct dtls_peek zero = {};
	if (kind == DTLS_MALFORMED || kind == DTLS_OTHER)
		assert_memory_equal(peek, &zero, sizeof zero);
	free(block);
	block = nullptr;
	return kind;
}

static enum dtls_kind classify_hello(const struct hello *h)
{
	uint8_t p[1024];
	struct dtls_peek peek;
	return classify(p, emit_hello(h, p, sizeof p), &peek);
}

static void a_client_hello_is_found(void **)
{
	uint8_t p[256];
	struct dtls_peek k;
	size_t n = emit_hello(&good, p, sizeof p);
	assert_int_equal(dtls_classify(p, n, &k), DTLS_CLIENT_HELLO);
	assert_int_equal(k.record.type, DTLS_TYPE_HANDSHAKE);
	assert_int_equal(k.record.version, DTLS_VERSION_10);
	assert_int_equal(k.record.epoch, 0);
	assert_int_equal(k.record.seq, 7);
	assert_int_equal(k.record.len, n);
	assert_int_equal(k.hello.client_version, DTLS_VERSION_12);
	assert_int_equal(k.hello.message_seq, 1);
	assert_true(k.hello.is_whole);
	assert_false(k.hello.random_is_zero);
	assert_int_equal(k.hello.session_id_len, 32);
	/* protocol.md 16.3: length at 59, id at 60 */
	assert_int_equal(p[59], 32);
	assert_ptr_equal(k.hello.session_id, p + 60);
	assert_int_equal(k.hello.cookie_len, 0);
}

static void variants_of_a_hello(void **)
{
	uint8_t p[512];
	struct dtls_peek k;
	struct hello h = good;
	h.random = 0;
	h.session_id_len = h.session_id_room = 0;
	h.cookie_len = h.cookie_room = 255;
	h.record_version = h.version = DTLS_VERSION_BAD;
	assert_int_equal(dtls_classify(p, emit_hello(&h, p, sizeof p), &k), DTLS_CLIENT_HELLO);
	assert_true(k.hello.random_is_zero);
	assert_null(k.hello.session_id);
	assert_int_equal(k.hello.session_id_len, 0);
	assert_int_equal(k.hello.cookie_len, 255);
	assert_int_equal(k.hello.client_version, DTLS_VERSION_BAD);
	h = good;
	h.message_len = 1000;
	assert_int_equal(dtls_classify(p, emit_hello(&h, p, sizeof p), &k), DTLS_CLIENT_HELLO);
	assert_false(k.hello.is_whole);
}

static void bent_hellos_are_malformed(void **)
{
	struct hello rows[16], *h = rows;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = good;
	(h++)->offset = 1;
	(h++)->offset = 0xffffff;
	(h++)->message_len = 10; /* less than the fragment */
	(h++)->fragment_len = 0xffffff;
	(h++)->fragment_len = 20; /* ends inside the random, more follows in the record */
	(h++)->fragment_len = 75; /* one less than there is */
	(h++)->session_id_len = 33;
	(h++)->session_id_len = 255;
	(h++)->cookie_len = 255;
	(h++)->cookie_len = 9; /* one more than there is */
	(h++)->version = 0x0303;
	(h++)->version = 0xfefc; /* DTLS 1.3 says 1.2 here */
	(h++)->version = 0;
	(h++)->record_len = 12; /* cut behind the message header */
	(h++)->record_len = 1;
	(h++)->record_len = 2000; /* more than the datagram */
	assert_ptr_equal(h, rows + ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (classify_hello(&rows[i]) != DTLS_MALFORMED)
			fail_msg("row %zu", i);
	struct hello id = good;
	id.session_id_len = id.session_id_room = 33;
	assert_int_equal(classify_hello(&id), DTLS_MALFORMED);
}

static void every_cut_of_a_hello_is_malformed(void **)
{
	uint8_t p[256];
	struct dtls_peek k;
	size_t n = emit_hello(&good, p, sizeof p);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(classify(p, cut, &k), DTLS_MALFORMED);
	/* the record ends early, and says so: the hello inside is cut */
	for (size_t body = 0; body < n - DTLS_HEAD_LEN; body++) {
		p[11] = 0;
		p[12] = (uint8_t)body;
		assert_int_equal(classify(p, DTLS_HEAD_LEN + body, &k), DTLS_MALFORMED);
	}
}

static void only_epoch_0_and_message_1_make_a_hello(void **)
{
	struct hello h = good;
	h.epoch = 1;
	assert_int_equal(classify_hello(&h), DTLS_RECORD);
	for (unsigned m = 0; m < 256; m++) {
		h = good;
		h.message = (uint8_t)m;
		assert_int_equal(classify_hello(&h), m == 1 ? DTLS_CLIENT_HELLO : DTLS_RECORD);
	}
}

/* A record of body_len bytes; returns its length. */
static size_t emit_record(uint8_t *p, uint8_t type, uint16_t version, uint16_t epoch, uint64_t seq,
			  size_t body_len)
{
	struct writer w = writer_of(p, 13);
	writer_u8(&w, type);
	writer_u16be(&w, version);
	writer_u16be(&w, epoch);
	writer_u48be(&w, seq);
	writer_u16be(&w, (uint16_t)body_len);
	memset(p + 13, 1, body_len);
	return 13 + body_len;
}

static void a_record_has_type_version_epoch_seq(void **)
{
	uint8_t p[64];
	struct dtls_peek k;
	size_t n = emit_record(p, DTLS_TYPE_DATA, DTLS_VERSION_12, 0xfffe, 0xfffefdfcfbfa, 40);
	assert_int_equal(dtls_classify(p, n, &k), DTLS_RECORD);
	assert_int_equal(k.record.type, DTLS_TYPE_DATA);
	assert_int_equal(k.record.version, DTLS_VERSION_12);
	assert_int_equal(k.record.epoch, 0xfffe);
	assert_int_equal(k.record.seq, 0xfffefdfcfbfa);
	assert_int_equal(k.record.start, 0);
	assert_int_equal(k.record.len, n);
	assert_int_equal(k.record.body_len, 40);
	assert_null(k.hello.session_id);
}

static void every_first_byte_has_its_kind(void **)
{
	for (unsigned t = 0; t < 256; t++) {
		uint8_t p[64];
		struct dtls_peek k;
		size_t n = emit_record(p, (uint8_t)t, DTLS_VERSION_12, 1, 1, 30);
		enum dtls_kind expect = t >= 20 && t <= 23               ? DTLS_RECORD
					: t == 25 || (t >= 32 && t < 64) ? DTLS_OTHER
									 : DTLS_MALFORMED;
		assert_int_equal(classify(p, n, &k), expect);
		/* of those others not even a length is looked at */
		assert_int_equal(classify(p, 1, &k), expect == DTLS_OTHER ? DTLS_OTHER : DTLS_MALFORMED);
	}
}

static void wrong_versions_are_malformed(void **)
{
	static const uint16_t wrong[] = { 0,      0x0001, 0x0101, 0x0300, 0x0301,
					  0x0303, 0xfefc, 0xfefe, 0xfe00, 0xffff };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		uint8_t p[64];
		struct dtls_peek k;
		assert_int_equal(classify(p, emit_record(p, 23, wrong[i], 1, 1, 30), &k), DTLS_MALFORMED);
	}
}

static void wrong_lengths_are_malformed(void **)
{
	static uint8_t p[13 + 65535];
	struct dtls_peek k;
	assert_int_equal(classify(p, emit_record(p, 23, DTLS_VERSION_12, 1, 1, 0), &k), DTLS_MALFORMED);
	assert_int_equal(classify(p, emit_record(p, 23, DTLS_VERSION_12, 1, 1, 1), &k), DTLS_RECORD);
	assert_int_equal(classify(p, emit_record(p, 23, DTLS_VERSION_12, 1, 1, DTLS_BODY_MAX), &k),
			 DTLS_RECORD);
	assert_int_equal(classify(p, emit_record(p, 23, DTLS_VERSION_12, 1, 1, DTLS_BODY_MAX + 1), &k),
			 DTLS_MALFORMED);
	assert_int_equal(classify(p, emit_record(p, 23, DTLS_VERSION_12, 1, 1, 65535), &k), DTLS_MALFORMED);
	size_t n = emit_record(p, 23, DTLS_VERSION_12, 1, 1, 100);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(classify(p, cut, &k), DTLS_MALFORMED);
}

static void several_records_in_a_datagram(void **)
{
	uint8_t p[512];
	size_t n = emit_record(p, 20, DTLS_VERSION_12, 0, 3, 1);
	n += emit_record(p + n, 22, DTLS_VERSION_12, 1, 0, 40);
	n += emit_record(p + n, 23, DTLS_VERSION_12, 1, 1, 60);
	static const size_t starts[] = { 0, 14, 67 };
	size_t at = 0;
	struct dtls_record k;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		assert_int_equal(dtls_next_record(p, n, &at, &k), ERR_OK);
		assert_int_equal(k.start, starts[i]);
		assert_int_equal(k.type, 20 + (i == 0 ? 0 : i + 1));
	}
	assert_int_equal(at, n);
	assert_int_equal(dtls_next_record(p, n, &at, &k), ERR_NOTFOUND);
	assert_int_equal(at, n);
}

static void a_bad_remainder_ends_the_datagram(void **)
{
	uint8_t p[512];
	size_t first = emit_record(p, 23, DTLS_VERSION_12, 1, 3, 20);
	size_t n = first + emit_record(p + first, 23, DTLS_VERSION_12, 1, 4, 20);
	for (size_t cut = first + 1; cut < n; cut++) {
		size_t at = 0;
		struct dtls_record k, before;
		assert_int_equal(dtls_next_record(p, cut, &at, &k), ERR_OK);
		before = k;
		assert_int_equal(dtls_next_record(p, cut, &at, &k), ERR_PROTO);
		assert_int_equal(at, first);
		assert_memory_equal(&before, &k, sizeof k);
	}
	p[first] = 0x2f;
	size_t at = first;
	struct dtls_record k;
	assert_int_equal(dtls_next_record(p, n, &at, &k), ERR_PROTO);
	p[first] = 25;
	assert_int_equal(dtls_next_record(p, n, &at, &k), ERR_PROTO);
	at = n + 5;
	assert_int_equal(dtls_next_record(p, n, &at, &k), ERR_NOTFOUND);
}

static void an_empty_datagram_is_malformed(void **)
{
	struct dtls_peek k;
	assert_int_equal(dtls_classify(nullptr, 0, &k), DTLS_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_hello_is_found),
		cmocka_unit_test(variants_of_a_hello),
		cmocka_unit_test(bent_hellos_are_malformed),
		cmocka_unit_test(every_cut_of_a_hello_is_malformed),
		cmocka_unit_test(only_epoch_0_and_message_1_make_a_hello),
		cmocka_unit_test(a_record_has_type_version_epoch_seq),
		cmocka_unit_test(every_first_byte_has_its_kind),
		cmocka_unit_test(wrong_versions_are_malformed),
		cmocka_unit_test(wrong_lengths_are_malformed),
		cmocka_unit_test(several_records_in_a_datagram),
		cmocka_unit_test(a_bad_remainder_ends_the_datagram),
		cmocka_unit_test(an_empty_datagram_is_malformed),
	};
	return cmocka_run_group_tests_name("dtls", tests, nullptr, nullptr);
}
