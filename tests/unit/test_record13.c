/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known answers were made with Python's cryptography 48.0.0 (OpenSSL 4.0.0), not with wolfSSL.  Last comes the other
 * direction: records of wolfSSL's own DTLS 1.3 connection are opened, and ours read by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/record13.h"

#include <wolfssl/ssl.h>

#include "base/encode.h"
#include "wire/dtls.h"
#include "wire/mtu.h"

/* The secret is 00 01 02 .. */
static const struct suite {
	enum record_suite suite;
	size_t secret_len;
} suites[] = {
	{ RECORD_AES128_GCM, 32 },
	{ RECORD_AES256_GCM, 48 },
	{ RECORD_CHACHA20_POLY1305, 32 },
};

static const uint8_t cid[8] = { 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };

/* As we seal them. */
static const struct {
	size_t suite;
	uint16_t epoch;
	uint64_t seq;
	uint8_t type;
	const char *payload;
	size_t len;
	bool has_cid;
	const char *record;
} known[] = {
	{ 0, 3, 0xa7, 23, "\0hello, tunnel", 14, true,
	  "3bc0c1c2c3c4c5c6c76a49271aed7d4c885fdcc1e797d258a9eff7b35791167aa143e4e92906f1bcb009" },
	{ 0, 3, 0x12345678fffe, 23, "\7", 1, false, "2babbf71dfd747111cb3e9aa4fee3751fb2b83ef56" },
	{ 0, 6, 0x0, 21, "", 0, true, "3ac0c1c2c3c4c5c6c727aacedb04d000e6cf8b2a0980c6ce82ea2380" },
	{ 1, 3, 0xa7, 23, "\0hello, tunnel", 14, true,
	  "3bc0c1c2c3c4c5c6c75eeb9bffeb9088c30483124f94d0bbf38d5c6ffbf60480a5c7935b0015cb0d8dc1" },
	{ 1, 3, 0x12345678fffe, 23, "\7", 1, false, "2b0422ede2ffa0a5a656f49025576f9095ab36fb79" },
	{ 1, 6, 0x0, 21, "", 0, true, "3ac0c1c2c3c4c5c6c75bd2dbf5658bc82e430c3ad9d6b04e9398d7be" },
	{ 2, 3, 0xa7, 23, "\0hello, tunnel", 14, true,
	  "3bc0c1c2c3c4c5c6c78430158d7531227c92a5aee5459d043e5d6c0feff8250d0be244690993fe11e0cf" },
	{ 2, 3, 0x12345678fffe, 23, "\7", 1, false, "2b1897a32d761d07e267af30d7e2cb61f4cfeb3865" },
	{ 2, 6, 0x0, 21, "", 0, true, "3ac0c1c2c3c4c5c6c79500bacb06d698cb4e5b18ef9097a408cbf392" },
};

/* Forms that we never send: type 23, epoch 3, number 5, with the id. */
static const struct {
	const char *name;
	size_t suite;
	enum err verdict;
	const char *record;
} forms[] = {
	{ "8 bits of number", 0, ERR_OK, "33c0c1c2c3c4c5c6c7ca238d8d063a3269a246f7727da7ab74f40025b9db5d82" },
	{ "a length", 0, ERR_OK, "3fc0c1c2c3c4c5c6c7b1a70016238d8d063a32ee304f0dea80ecb9cb4b99b8c0bd6ad9" },
	{ "8 bits and a length", 0, ERR_OK,
	  "37c0c1c2c3c4c5c6c7c60016238d8d063a32d899c6ce58d9bd81aa244aee7ae88906" },
	{ "padding", 0, ERR_OK,
	  "3bc0c1c2c3c4c5c6c7fe14238d8d063a3236f89e8e5c1e8e83a63d7045b396c86d4ed18de08322fb263628f3c2ac0cafac44a50446ba94b6d9a42748dcd884c6928299172aba" },
	{ "one zero", 0, ERR_OK, "3fc0c1c2c3c4c5c6c755be0017238d8d063a3236314995a14c9ad2567aae54f54c735fe4" },
	{ "no type", 0, ERR_UNSUPPORTED,
	  "3bc0c1c2c3c4c5c6c7e8ed20fde4685d2536f89e8e5c1e8e83a63d7045b396a5c98e7954ec57bf187ed299f28ed10e" },
	{ "8 bits of number", 1, ERR_OK, "33c0c1c2c3c4c5c6c7735c3cc390b5eea92ec89d2ac7793ff8ece776f074fb37" },
	{ "a length", 1, ERR_OK, "3fc0c1c2c3c4c5c6c7480a00165c3cc390b5ee0e558866b4ad0885194e2241fb4acc7e" },
	{ "8 bits and a length", 1, ERR_OK,
	  "37c0c1c2c3c4c5c6c74f00165c3cc390b5ee3724ec6e3d9f2b18d6c8d33a4ff41348" },
	{ "padding", 1, ERR_OK,
	  "3bc0c1c2c3c4c5c6c718c55c3cc390b5ee460c2dfc165893e39b9e13c34fdba96837f9dae543dd9ac045befb238eba1eb0658de16e1c7b1eb5fdc328c7a3970008494dece96b" },
	{ "one zero", 1, ERR_OK, "3fc0c1c2c3c4c5c6c7d29a00175c3cc390b5ee4682c31de7f742a7bcbfac82d002c373ab" },
	{ "no type", 1, ERR_UNSUPPORTED,
	  "3bc0c1c2c3c4c5c6c73a6e5f4caafed2f9460c2dfc165893e39b9e13c34fdb6859a3e14f2691b620bb242a1122d32f" },
	{ "8 bits of number", 2, ERR_OK, "33c0c1c2c3c4c5c6c7c37fbae008a2c9951722e0a561a363c5290d949eac2081" },
	{ "a length", 2, ERR_OK, "3fc0c1c2c3c4c5c6c7f55c00167fbae008a2c9b48a9f57ec68865b9526b1a0974f4b54" },
	{ "8 bits and a length", 2, ERR_OK,
	  "37c0c1c2c3c4c5c6c70100167fbae008a2c96841025b9df009fb8c7af801412cdfbf" },
	{ "padding", 2, ERR_OK,
	  "3bc0c1c2c3c4c5c6c73b627fbae008a2c972357f0902ae24dbab261ef5887b7888f75395c1ad100bd3782c4a67e8566f6212644261423873a1fee0993b4785bcb74dbcbf5931" },
	{ "one zero", 2, ERR_OK, "3fc0c1c2c3c4c5c6c7794700177fbae008a2c972d8c06af61a6953aa5f7d799560d792b9" },
	{ "no type", 2, ERR_UNSUPPORTED,
	  "3bc0c1c2c3c4c5c6c766357cca8966c5de72357f0902ae24dbab261ef5887b48c133e228cbc41615b3bcf2fbe22478" },
};

static uint8_t buffer[RECORD13_HEAD_MAX + RECORD_PAYLOAD_MAX + 1 + RECORD13_TAIL_MAX];

static void set_up(struct record13_dir *d, size_t i, uint16_t epoch, uint64_t seq, size_t cid_len)
{
	uint8_t secret[48];
	for (size_t b = 0; b < sizeof secret; b++)
		secret[b] = (uint8_t)b;
	assert_int_equal(
		record13_init(d, suites[i].suite, secret, suites[i].secret_len, epoch, seq, cid, cid_len),
		ERR_OK);
}

/* One record in buffer, epoch 3, with the id. */
static size_t seal(size_t i, uint64_t seq, uint8_t type, const void *payload, size_t len)
{
	struct record13_dir d;
	size_t n = 0;
	set_up(&d, i, 3, seq, sizeof cid);
	memcpy(buffer + record13_head_len(&d), payload, len);
	assert_int_equal(record13_seal(&d, type, buffer, len, &n), ERR_OK);
	record13_fini(&d);
	return n;
}

/* In a heap block of exactly that size, so that a sanitizer sees a byte read or written too far. */
static enum err open_copy(struct record13_dir *d, struct replay *r, const uint8_t *record, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), type = 99, *payload = nullptr;
	size_t len = 0;
	memcpy(copy, record, n);
	enum err e = record13_open(d, r, copy, n, &type, &payload, &len);
	if (e != ERR_OK) {
		assert_int_equal(type, 99);
		assert_null(payload);
	}
	if (e == ERR_PROTO || e == ERR_REPLAY || e == ERR_RANGE)
		assert_memory_equal(copy, record, n);
	free(copy);
	return e;
}

static size_t bytes_of(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;
	assert_int_equal(encode_from_hex(hex, strlen(hex), out, cap, &n), ERR_OK);
	return n;
}

static void known_answers(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t record[128], type, *payload;
		size_t sealed = 0, len = 0, n = bytes_of(known[i].record, record, sizeof record);
		struct record13_dir d;
		struct replay r;
		set_up(&d, known[i].suite, known[i].epoch, known[i].seq, known[i].has_cid ? sizeof cid : 0);
		memcpy(buffer + record13_head_len(&d), known[i].payload, known[i].len);
		assert_int_equal(record13_seal(&d, known[i].type, buffer, known[i].len, &sealed), ERR_OK);
		assert_int_equal(sealed, n);
		assert_memory_equal(buffer, record, n);
		replay_init(&r);
		if (known[i].seq > 0)
			assert_int_equal(replay_accept(&r, known[i].seq - 1), ERR_OK);
		assert_int_equal(record13_open(&d, &r, record, n, &type, &payload, &len), ERR_OK);
		assert_int_equal(type, known[i].type);
		assert_int_equal(len, known[i].len);
		assert_ptr_equal(payload, record + record13_head_len(&d));
		assert_memory_equal(payload, known[i].payload, len);
		assert_int_equal(r.top, known[i].seq);
		record13_fini(&d);
	}
}

static void every_form_of_header_and_padding_opens(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint8_t record[128], type = 99, *payload = nullptr;
		size_t len = 0, n = bytes_of(forms[i].record, record, sizeof record);
		struct record13_dir d;
		struct replay r;
		replay_init(&r);
		set_up(&d, forms[i].suite, 3, 0, sizeof cid);
		enum err e = record13_open(&d, &r, record, n, &type, &payload, &len);
		if (e != forms[i].verdict)
			fail_msg("%s, suite %zu: %s", forms[i].name, forms[i].suite, err_text(e));
		if (e == ERR_OK) {
			assert_int_equal(type, 23);
			assert_int_equal(len, 5);
			assert_memory_equal(payload, "\3ping", 5);
		} else {
			assert_int_equal(type, 99);
			assert_null(payload);
		}
		n = bytes_of(forms[i].record, record, sizeof record);
		assert_int_equal(open_copy(&d, &r, record, n),
				 ERR_REPLAY); /* it was authentic all the same */
		record13_fini(&d);
	}
}

static void every_length_comes_back(void **)
{
	static uint8_t payload[RECORD_PAYLOAD_MAX];
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 13);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record13_dir tx, rx;
		struct replay r;
		replay_init(&r);
		set_up(&tx, i, 3, 0, i);
		set_up(&rx, i, 3, 0, i);
		for (size_t len = 0; len <= RECORD_PAYLOAD_MAX; len += len < 300 ? 1 : 2297) {
			uint8_t type, *text;
			size_t n = 0, text_len = 0;
			memcpy(buffer + record13_head_len(&tx), payload, len);
			assert_int_equal(record13_seal(&tx, 23, buffer, len, &n), ERR_OK);
			assert_int_equal(n, len + record13_overhead(i));
			assert_int_equal(record13_open(&rx, &r, buffer, n, &type, &text, &text_len), ERR_OK);
			assert_int_equal(type, 23);
			assert_int_equal(text_len, len);
			assert_memory_equal(text, payload, len);
		}
		record13_fini(&tx);
		record13_fini(&rx);
	}
}

static void sealing_stays_within_its_room(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		for (size_t len = 0; len < 70; len++) {
			struct record13_dir d;
			size_t n = 0;
			set_up(&d, i, 3, 0, len % 9);
			size_t room = record13_head_len(&d) + len + RECORD13_TAIL_MAX;
			uint8_t *block = malloc(room);
			memset(block, 0x11, room);
			assert_int_equal(record13_seal(&d, 23, block, len, &n), ERR_OK);
			assert_int_equal(n, room);
			free(block);
			record13_fini(&d);
		}
	}
}

static void every_changed_bit_is_refused(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record13_dir d;
		size_t n = seal(i, 3000, 23, "\0some packet of the tunnel", 26);
		set_up(&d, i, 3, 0, sizeof cid);
		for (size_t bit = 0; bit < n * 8; bit++) {
			struct replay r, before;
			replay_init(&r);
			assert_int_equal(replay_accept(&r, 2990), ERR_OK);
			before = r;
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum err e = open_copy(&d, &r, buffer, n);
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* the number is masked by what is authenticated: it may look like one that is too old */
			bool may_be_old = e == ERR_REPLAY && bit / 8 >= 9;
			if (e != ERR_AUTH && !(bit / 8 < 9 && e == ERR_PROTO) && !may_be_old)
				fail_msg("%s: bit %zu: %s", d.base.aead->name, bit, err_text(e));
			assert_memory_equal(&r, &before, sizeof r);
		}
		struct replay r;
		replay_init(&r);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
		record13_fini(&d);
	}
}

static void every_cut_and_every_addition_is_refused(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record13_dir d;
		struct replay r;
		size_t n = seal(i, 5, 23, "0123456789", 10);
		set_up(&d, i, 3, 0, sizeof cid);
		replay_init(&r);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(open_copy(&d, &r, buffer, cut),
					 cut < 11 + 17 ? ERR_PROTO : ERR_AUTH);
		assert_int_equal(open_copy(&d, &r, buffer, n + 1), ERR_AUTH);
		assert_int_equal(r.top, 0);
		record13_fini(&d);
	}
}

/* With a length the datagram may hold more than one: record13_next. */
static void a_length_is_held_against_the_datagram(void **)
{
	uint8_t record[128];
	struct record13_dir d;
	struct replay r;
	struct record13_head h;
	size_t n = bytes_of(forms[1].record, record, sizeof record);
	set_up(&d, forms[1].suite, 3, 0, sizeof cid);
	replay_init(&r);
	for (size_t len = 0; len < sizeof record; len++)
		if (len != n)
			assert_int_equal(open_copy(&d, &r, record, len), ERR_PROTO);
	memcpy(record + n, record, sizeof record - n < n ? sizeof record - n : n);
	size_t at = 0;
	assert_int_equal(record13_next(record, 2 * n, &at, sizeof cid, &h), ERR_OK);
	assert_int_equal(at, n);
	assert_int_equal(h.len, n);
	assert_int_equal(h.head_len, 13);
	assert_int_equal(h.number_at, 9);
	assert_int_equal(h.number_len, 2);
	assert_int_equal(h.epoch_low, 3);
	assert_true(h.has_cid);
	assert_ptr_equal(h.cid, record + 1);
	assert_int_equal(record13_next(record, 2 * n, &at, sizeof cid, &h), ERR_OK);
	assert_int_equal(record13_next(record, 2 * n, &at, sizeof cid, &h), ERR_NOTFOUND);
	at = 0;
	assert_int_equal(record13_next(record, n, &at, 0, &h), ERR_PROTO); /* we have no ids */
	assert_int_equal(at, 0);
	for (unsigned first = 0; first < 256; first++) {
		record[0] = (uint8_t)first;
		if ((first & 0xe0) != 0x20)
			assert_int_equal(record13_next(record, n, &at, sizeof cid, &h), ERR_PROTO);
	}
	assert_int_equal(open_copy(&d, &r, record, 0), ERR_PROTO);
	record13_fini(&d);
}

static void a_record_is_accepted_once(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record13_dir d;
		struct replay r;
		set_up(&d, i, 3, 0, sizeof cid);
		replay_init(&r);
		size_t n = seal(i, 0, 23, "a", 1);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_REPLAY);
		n = seal(i, 2000, 23, "b", 1);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
		n = seal(i, 1999, 23, "late", 4);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_REPLAY);
		n = seal(i, 2000 - REPLAY_WINDOW, 23, "too late", 8);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_REPLAY);
		assert_int_equal(d.base.failed_n, 0);
		record13_fini(&d);
	}
}

/* RFC 9147, 4.2.2: half of what two bytes can say may be lost, and the rest comes in another order. */
static void numbers_go_on_beyond_two_bytes(void **)
{
	static const struct {
		uint64_t top, seq;
		enum err verdict;
	} rows[] = {
		{ 0xffff, 0x10000, ERR_OK },
		{ 0xfffe, 0x10005, ERR_OK },
		{ 0x10005, 0xfffe, ERR_OK },
		{ 0xfffff, 0x100000, ERR_OK },
		{ 0x1000, 0x1000 + 0x7fff, ERR_OK },
		{ 0x1000, 0x1001 + 0x8000, ERR_OK },
		{ 0x11000, 0x11002 + 0x8000, ERR_REPLAY }, /* nearer from below: taken for an old one */
		{ 0x20000, 0x20000 - 900, ERR_OK },
		{ 0x20000, 0x20000 - 1024, ERR_REPLAY },
		{ 0x20000, 0x40001, ERR_AUTH },
		{ 0, 0x8001, ERR_OK },
		{ 0, 0x8002, ERR_OK },
		{ (1ull << 48) - 5, (1ull << 48) - 4, ERR_OK },
		{ (1ull << 48) - 2, 3, ERR_PROTO }, /* 2^48 + 3 does not exist */
	};
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct record13_dir d;
			struct replay r;
			set_up(&d, i, 3, 0, sizeof cid);
			replay_init(&r);
			if (rows[k].top > 0)
				assert_int_equal(replay_accept(&r, rows[k].top), ERR_OK);
			size_t n = seal(i, rows[k].seq, 23, "packet", 6);
			enum err e = open_copy(&d, &r, buffer, n);
			if (e != rows[k].verdict)
				fail_msg("suite %zu, row %zu: %s", i, k, err_text(e));
			record13_fini(&d);
		}
	}
}

static void a_forgery_does_not_move_the_window(void **)
{
	struct record13_dir d;
	struct replay r;
	set_up(&d, 0, 3, 0, sizeof cid);
	replay_init(&r);
	size_t n = seal(0, 0x7fff, 23, "forged", 6);
	buffer[n - 1] ^= 1;
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_AUTH);
	assert_int_equal(d.base.failed_n, 1);
	n = seal(0, 1, 23, "good", 4);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
	assert_int_equal(d.base.failed_n, 1);
	record13_fini(&d);
}

static void other_keys_and_suites_open_nothing(void **)
{
	for (size_t from = 0; from < ARRAY_LEN(suites); from++) {
		size_t n = seal(from, 9, 23, "a packet longer than sixteen bytes", 34);
		for (size_t to = 0; to < ARRAY_LEN(suites); to++) {
			struct record13_dir d;
			struct replay r;
			replay_init(&r);
			set_up(&d, to, 3, 0, sizeof cid);
			enum err e = open_copy(&d, &r, buffer, n);
			assert_true(from == to ? e == ERR_OK : e == ERR_AUTH || e == ERR_REPLAY);
			d.base.iv[3] ^= 1;
			replay_init(&r);
			assert_int_not_equal(open_copy(&d, &r, buffer, n), ERR_OK);
			record13_fini(&d);
		}
	}
}

static void records_of_other_epochs_and_ids_are_refused(void **)
{
	struct record13_dir d;
	struct replay r;
	size_t n = seal(0, 9, 23, "packet", 6);
	replay_init(&r);
	for (uint16_t epoch = 0; epoch < 3; epoch++) {
		set_up(&d, 0, epoch, 0, sizeof cid);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_PROTO);
		record13_fini(&d);
	}
	for (size_t cid_len = 0; cid_len < sizeof cid; cid_len++) { /* none, or another length */
		set_up(&d, 0, 3, 0, cid_len);
		enum err e = open_copy(&d, &r, buffer, n);
		assert_true(cid_len == 0 ? e == ERR_PROTO : e == ERR_AUTH || e == ERR_REPLAY);
		record13_fini(&d);
	}
	set_up(&d, 0, 3, 0, sizeof cid);
	for (size_t bit = 8; bit < 72; bit++) {
		buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_PROTO);
		buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buffer[0] &= 0xef; /* no id, says its header */
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_PROTO);
	assert_int_equal(d.base.failed_n, 0);
	record13_fini(&d);
}

static void too_long_a_record_is_refused(void **)
{
	struct record13_dir d;
	struct replay r;
	size_t n = 0;
	replay_init(&r);
	set_up(&d, 0, 3, 7, sizeof cid);
	memset(buffer, 0, sizeof buffer);
	assert_int_equal(record13_seal(&d, 23, buffer, RECORD_PAYLOAD_MAX + 1, &n), ERR_RANGE);
	assert_int_equal(record13_seal(&d, 23, buffer, SIZE_MAX, &n), ERR_RANGE);
	assert_int_equal(d.base.next_seq, 7);
	assert_int_equal(record13_seal(&d, 23, buffer, RECORD_PAYLOAD_MAX, &n), ERR_OK);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
	static uint8_t longer[RECORD_PAYLOAD_MAX + 512];
	memcpy(longer, buffer, n);
	assert_int_equal(open_copy(&d, &r, longer, RECORD_PAYLOAD_MAX + 300), ERR_PROTO);
	record13_fini(&d);
}

static void numbers_end_before_they_repeat(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record13_dir d;
		size_t n = 77;
		set_up(&d, i, 3, RECORD_SEQ_MAX - 2, 0);
		assert_true(record_is_exhausted(&d.base));
		assert_int_equal(record13_seal(&d, 23, buffer, 1, &n), ERR_OK);
		assert_int_equal(record13_seal(&d, 23, buffer, 1, &n), ERR_OK);
		n = 77;
		assert_int_equal(record13_seal(&d, 23, buffer, 1, &n), ERR_RANGE);
		assert_int_equal(record13_seal(&d, 23, buffer, 1, &n), ERR_RANGE);
		assert_int_equal(n, 77);
		assert_int_equal(d.base.next_seq, RECORD_SEQ_MAX);
		record13_fini(&d);
	}
}

static void a_worn_key_says_so(void **)
{
	struct record13_dir d;
	struct replay r;
	replay_init(&r);
	set_up(&d, 0, 3, 0, sizeof cid);
	d.base.blocks_n = d.base.aead->soft_blocks - 1;
	assert_false(record_is_exhausted(&d.base));
	size_t n = 0;
	assert_int_equal(record13_seal(&d, 23, buffer, 1, &n), ERR_OK);
	assert_true(record_is_exhausted(&d.base));
	record13_fini(&d);

	n = seal(2, 1, 23, "x", 1);
	set_up(&d, 2, 3, 0, sizeof cid);
	d.base.failed_n = RECORD_FAILED_MAX - 1;
	buffer[n - 1] ^= 1;
	enum err e = open_copy(&d, &r, buffer, n);
	assert_int_equal(e, ERR_AUTH);
	buffer[n - 1] ^= 1;
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_RANGE);
	record13_fini(&d);
}

static void wrong_secrets_are_refused(void **)
{
	uint8_t secret[64] = {};
	for (unsigned suite = 0; suite < 8; suite++) {
		for (size_t len = 0; len <= sizeof secret; len++) {
			for (size_t cid_len = 0; cid_len < 20; cid_len++) {
				struct record13_dir d = {};
				bool right = suite >= 1 && suite <= 3 && cid_len <= RECORD13_CID_MAX &&
					     len == (suite == RECORD_AES256_GCM ? 48u : 32u);
				uint8_t id[20] = {};
				assert_int_equal(record13_init(&d, (enum record_suite)suite, secret, len, 3,
							       0, id, cid_len),
						 right ? ERR_OK : ERR_RANGE);
				record13_fini(&d);
			}
		}
	}
	struct record13_dir d = {};
	assert_int_equal(record13_init(&d, RECORD_AES128_GCM, secret, 32, 3, RECORD_SEQ_MAX + 1, cid, 0),
			 ERR_RANGE);
	assert_null(d.base.aead);
}

static void the_key_is_wiped(void **)
{
	struct record13_dir d, zero;
	memset(&zero, 0, sizeof zero);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		set_up(&d, i, 3, 0, sizeof cid);
		record13_fini(&d);
		assert_memory_equal(&d, &zero, sizeof d);
		record13_fini(&d);
	}
}

static void sizes_and_numbers_agree_with_the_rest(void **)
{
	assert_int_equal(record13_overhead(8), MTU_RECORD_13);
	assert_int_equal(record13_overhead(0), 20);
	assert_int_equal(RECORD13_HEAD_MAX + RECORD13_TAIL_MAX, MTU_RECORD_13);
	assert_int_equal(record13_suite_of(0x1301), RECORD_AES128_GCM);
	assert_int_equal(record13_suite_of(0x1302), RECORD_AES256_GCM);
	assert_int_equal(record13_suite_of(0x1303), RECORD_CHACHA20_POLY1305);
	assert_int_equal(record13_suite_of(0x1304), RECORD_NONE); /* AES128-CCM */
	assert_int_equal(record13_suite_of(0x00a8), RECORD_NONE);
	assert_int_equal(record13_suite_of(0), RECORD_NONE);
}

/* {{ two wolfSSL ends of a DTLS 1.3 connection with a queue of datagrams each way }} */

struct queue {
	uint8_t datagram[64][2048];
	size_t len[64];
	size_t head, tail;
};

static struct queue to_server, to_client;
static const char *suite_name;

struct secrets {
	uint8_t client[48], server[48];
	size_t len;
};
static struct secrets secrets;

static int push(WOLFSSL *, char *p, int n, void *ctx)
{
	struct queue *q = ctx;
	assert_true(n <= 2048 && q->tail < 64);
	memcpy(q->datagram[q->tail], p, (size_t)n);
	q->len[q->tail++] = (size_t)n;
	return n;
}

static int pull(WOLFSSL *, char *p, int n, void *ctx)
{
	struct queue *q = ctx;
	if (q->head == q->tail)
		return WOLFSSL_CBIO_ERR_WANT_READ;
	size_t len = MIN(q->len[q->head], (size_t)n);
	memcpy(p, q->datagram[q->head++], len);
	return (int)len;
}

static unsigned server_psk(WOLFSSL *, const char *, unsigned char *key, unsigned, const char **suite)
{
	memset(key, 0x42, 32);
	*suite = suite_name;
	return 32;
}

static unsigned client_psk(WOLFSSL *, const char *, char *identity, unsigned, unsigned char *key, unsigned,
			   const char **suite)
{
	memcpy(identity, "psk", 4);
	return server_psk(nullptr, nullptr, key, 32, suite);
}

static int keep(WOLFSSL *, int id, const unsigned char *secret, int len, void *)
{
	if (id == CLIENT_TRAFFIC_SECRET)
		memcpy(secrets.client, secret, (size_t)len);
	if (id == SERVER_TRAFFIC_SECRET)
		memcpy(secrets.server, secret, (size_t)len);
	secrets.len = (size_t)len;
	return 0;
}

static WOLFSSL *make_end(WOLFSSL_CTX *ctx, struct queue *in, struct queue *out)
{
	assert_int_equal(wolfSSL_CTX_set_cipher_list(ctx, suite_name), WOLFSSL_SUCCESS);
	wolfSSL_CTX_SetIORecv(ctx, pull);
	wolfSSL_CTX_SetIOSend(ctx, push);
	wolfSSL_CTX_no_ticket_TLSv13(ctx);
	WOLFSSL *ssl = wolfSSL_new(ctx);
	assert_non_null(ssl);
	wolfSSL_SetIOReadCtx(ssl, in);
	wolfSSL_SetIOWriteCtx(ssl, out);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	return ssl;
}

/* Both directions: what the client says is opened, ours is read by it.  The client has an id too if asked for. */
static void exchange(WOLFSSL *client, enum record_suite suite, size_t client_cid_len, uint64_t first)
{
	struct record13_dir rx, tx;
	struct replay r;
	uint8_t own[8] = "from us";
	replay_init(&r);
	assert_int_equal(record13_init(&rx, suite, secrets.client, secrets.len, 3, 0, cid, sizeof cid),
			 ERR_OK);
	assert_int_equal(
		record13_init(&tx, suite, secrets.server, secrets.len, 3, first, own, client_cid_len),
		ERR_OK);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(wolfSSL_write(client, "\3are you there", 14), 14);
		size_t at = to_server.head++, len = 0, n = 0;
		uint8_t type, *payload;
		assert_int_equal(record13_open(&rx, &r, to_server.datagram[at], to_server.len[at], &type,
					       &payload, &len),
				 ERR_OK);
		assert_int_equal(type, DTLS_TYPE_DATA);
		assert_int_equal(len, 14);
		assert_memory_equal(payload, "\3are you there", 14);
		memcpy(buffer + record13_head_len(&tx), "\4yes", 4);
		assert_int_equal(record13_seal(&tx, DTLS_TYPE_DATA, buffer, 4, &n), ERR_OK);
		push(nullptr, (char *)buffer, (int)n, &to_client);
		char answer[16];
		assert_int_equal(wolfSSL_read(client, answer, sizeof answer), 4);
		assert_memory_equal(answer, "\4yes", 4);
	}
	assert_int_equal(r.top, 19);
	record13_fini(&rx);
	record13_fini(&tx);
}

static void talk(const char *name, enum record_suite suite, size_t client_cid_len)
{
	suite_name = name;
	WOLFSSL_CTX *server_ctx = wolfSSL_CTX_new(wolfDTLSv1_3_server_method());
	WOLFSSL_CTX *client_ctx = wolfSSL_CTX_new(wolfDTLSv1_3_client_method());
	wolfSSL_CTX_set_psk_server_tls13_callback(server_ctx, server_psk);
	wolfSSL_CTX_set_psk_client_tls13_callback(client_ctx, client_psk);
	to_server.head = to_server.tail = to_client.head = to_client.tail = 0;
	WOLFSSL *server = make_end(server_ctx, &to_server, &to_client);
	WOLFSSL *client = make_end(client_ctx, &to_client, &to_server);
	wolfSSL_KeepArrays(server);
	wolfSSL_set_tls13_secret_cb(server, keep, nullptr);
	assert_int_equal(wolfSSL_dtls_cid_use(server), WOLFSSL_SUCCESS);
	assert_int_equal(wolfSSL_dtls_cid_use(client), WOLFSSL_SUCCESS);
	assert_int_equal(wolfSSL_dtls_cid_set(server, (unsigned char *)(uintptr_t)cid, sizeof cid),
			 WOLFSSL_SUCCESS);
	uint8_t own[8] = "from us";
	assert_int_equal(wolfSSL_dtls_cid_set(client, own, (unsigned)client_cid_len), WOLFSSL_SUCCESS);
	int accepted = 0, connected = 0;
	for (unsigned i = 0; i < 20 && (accepted != WOLFSSL_SUCCESS || connected != WOLFSSL_SUCCESS); i++) {
		connected = wolfSSL_connect(client);
		accepted = wolfSSL_accept(server);
	}
	assert_int_equal(accepted, WOLFSSL_SUCCESS);
	assert_int_equal(connected, WOLFSSL_SUCCESS);
	assert_int_equal(record13_suite_of((uint16_t)wolfSSL_get_current_cipher_suite(server)), suite);
	to_server.head = to_server.tail = to_client.head = to_client.tail = 0;
	exchange(client, suite, client_cid_len, 64);
	wolfSSL_free(server);
	wolfSSL_free(client);
	wolfSSL_CTX_free(server_ctx);
	wolfSSL_CTX_free(client_ctx);
}

static void a_dtls_library_understands_us(void **)
{
	assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
	for (size_t cid_len = 0; cid_len <= 8; cid_len += 4) {
		talk("TLS13-AES128-GCM-SHA256", RECORD_AES128_GCM, cid_len);
		talk("TLS13-AES256-GCM-SHA384", RECORD_AES256_GCM, cid_len);
		talk("TLS13-CHACHA20-POLY1305-SHA256", RECORD_CHACHA20_POLY1305, cid_len);
	}
	wolfSSL_Cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(every_form_of_header_and_padding_opens),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(sealing_stays_within_its_room),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(every_cut_and_every_addition_is_refused),
		cmocka_unit_test(a_length_is_held_against_the_datagram),
		cmocka_unit_test(a_record_is_accepted_once),
		cmocka_unit_test(numbers_go_on_beyond_two_bytes),
		cmocka_unit_test(a_forgery_does_not_move_the_window),
		cmocka_unit_test(other_keys_and_suites_open_nothing),
		cmocka_unit_test(records_of_other_epochs_and_ids_are_refused),
		cmocka_unit_test(too_long_a_record_is_refused),
		cmocka_unit_test(numbers_end_before_they_repeat),
		cmocka_unit_test(a_worn_key_says_so),
		cmocka_unit_test(wrong_secrets_are_refused),
		cmocka_unit_test(the_key_is_wiped),
		cmocka_unit_test(sizes_and_numbers_agree_with_the_rest),
		cmocka_unit_test(a_dtls_library_understands_us),
	};
	return cmocka_run_group_tests_name("record13", tests, nullptr, nullptr);
}
