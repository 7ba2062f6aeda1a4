/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known answers were made with Python's cryptography 48.0.0 (OpenSSL 4.0.0), not with wolfSSL.  Last comes the other
 * direction: records of wolfSSL's own DTLS connection are opened, and ours read by it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/record.h"

#include <wolfssl/ssl.h>

#include "base/encode.h"
#include "wire/dtls.h"
#include "wire/mtu.h"

/* key 00 01 .. 0f or 40 41 .. 5f, salt ca fe ba be or iv a0 a1 .. ab */
static const struct suite {
	enum record_suite suite;
	size_t key_len, iv_len;
	uint8_t key0, iv[12];
} suites[] = {
	{ RECORD_AES128_GCM, 16, 4, 0x00, { 0xca, 0xfe, 0xba, 0xbe } },
	{ RECORD_AES256_GCM, 32, 4, 0x40, { 0xca, 0xfe, 0xba, 0xbe } },
	{ RECORD_CHACHA20_POLY1305,
	  32,
	  12,
	  0x40,
	  { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab } },
};

static const struct {
	size_t suite;
	uint8_t type;
	uint16_t epoch;
	uint64_t seq;
	const char *payload;
	size_t len;
	bool own_explicit; /* a nonce that we would not choose: opened, not compared */
	const char *record;
} known[] = {
	{ 0, 23, 1, 0xa7, "\0hello, tunnel", 14, false,
	  "17fefd00010000000000a7002600010000000000a743abc03c4010f30fb148de0ef5ed3282e7a54ff3d464f1374b743811cd52" },
	{ 0, 23, 0xffff, 0xfffffffffffe, "\7", 1, false,
	  "17fefdfffffffffffffffe0019fffffffffffffffe305c76bb8e480a5556db8d8c5d772c20ef" },
	{ 0, 21, 2, 0, "", 0, false,
	  "15fefd000200000000000000180002000000000000349a28513d32776036799437fdb0bb9e" },
	{ 0, 23, 1, 5, "\3ping", 5, true,
	  "17fefd0001000000000005001df0e1d2c3b4a59687db46a877c06e64571522846586b64779f84cc0929c" },
	{ 1, 23, 1, 0xa7, "\0hello, tunnel", 14, false,
	  "17fefd00010000000000a7002600010000000000a705900d3a100e4425c861854b4c26c1b79e6420c86a08ee84e89de36137b6" },
	{ 1, 23, 0xffff, 0xfffffffffffe, "\7", 1, false,
	  "17fefdfffffffffffffffe0019fffffffffffffffe83eb9d87313a80bee6cf3dfe7833a63939" },
	{ 1, 21, 2, 0, "", 0, false,
	  "15fefd0002000000000000001800020000000000003225ec2c7fb9fc01697742c50d5d7832" },
	{ 1, 23, 1, 5, "\3ping", 5, true,
	  "17fefd0001000000000005001df0e1d2c3b4a596874ab609f427ace239efa1b7122692ca9f9bad5cd4c2" },
	{ 2, 23, 1, 0xa7, "\0hello, tunnel", 14, false,
	  "17fefd00010000000000a7001eaeffd47294592c720f9932e905fbfcd6e2297289f7de620ae31ca7b6305b" },
	{ 2, 23, 0xffff, 0xfffffffffffe, "\7", 1, false,
	  "17fefdfffffffffffffffe00115d821435a41f5d28836f62f103f80cb990" },
	{ 2, 21, 2, 0, "", 0, false, "15fefd000200000000000000108264921f3da2fb96270273cf7faa9953" },
};

/* The tags of 1400 bytes (i * 7 + i / 256), type 23, epoch 1, seq 123456789abc */
static const char *const big_tags[] = {
	"640a892748ac424dea06d3a1b35ed107",
	"d9c00115085c7bb1c69970d04e3d8ac1",
	"0837f19874a14d290f4f64a4f59a397a",
};

static uint8_t buffer[RECORD_HEAD_MAX + RECORD_PAYLOAD_MAX + 1 + RECORD_TAIL_MAX];

static void set_up(struct record_dir *d, size_t i, uint16_t epoch, uint64_t seq)
{
	uint8_t key[32];
	for (size_t b = 0; b < sizeof key; b++)
		key[b] = (uint8_t)(suites[i].key0 + b);
	assert_int_equal(record_init(d, suites[i].suite, key, suites[i].key_len, suites[i].iv,
				     suites[i].iv_len, epoch, seq),
			 ERR_OK);
}

/* One record in buffer, epoch 1. */
static size_t seal(size_t i, uint64_t seq, uint8_t type, const void *payload, size_t len)
{
	struct record_dir d;
	size_t n = 0;
	set_up(&d, i, 1, seq);
	memcpy(buffer + record_head_len(&d), payload, len);
	assert_int_equal(record_seal(&d, type, buffer, len, &n), ERR_OK);
	record_fini(&d);
	return n;
}

/* In a heap block of exactly that size, so that a sanitizer sees a byte read or written too far. */
static enum err open_copy(struct record_dir *d, struct replay *r, const uint8_t *record, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), type = 99, *payload = nullptr;
	size_t len = 0;
	memcpy(copy, record, n);
	enum err e = record_open(d, r, copy, n, &type, &payload, &len);
	if (e != ERR_OK) {
		assert_int_equal(type, 99);
		assert_null(payload);
	}
	if (e == ERR_PROTO || e == ERR_REPLAY || e == ERR_RANGE)
		assert_memory_equal(copy, record, n);
	free(copy);
	return e;
}

static void known_answers(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t record[128], type, *payload;
		size_t n = 0, sealed = 0, len = 0;
		struct record_dir d;
		struct replay r;
		assert_int_equal(
			encode_from_hex(known[i].record, strlen(known[i].record), record, sizeof record, &n),
			ERR_OK);
		set_up(&d, known[i].suite, known[i].epoch, known[i].seq);
		memcpy(buffer + record_head_len(&d), known[i].payload, known[i].len);
		assert_int_equal(record_seal(&d, known[i].type, buffer, known[i].len, &sealed), ERR_OK);
		assert_int_equal(sealed, n);
		if (!known[i].own_explicit)
			assert_memory_equal(buffer, record, n);
		replay_init(&r);
		assert_int_equal(record_open(&d, &r, record, n, &type, &payload, &len), ERR_OK);
		assert_int_equal(type, known[i].type);
		assert_int_equal(len, known[i].len);
		assert_ptr_equal(payload, record + record_head_len(&d));
		assert_memory_equal(payload, known[i].payload, len);
		record_fini(&d);
	}
}

static void known_tag_of_a_full_packet(void **)
{
	uint8_t payload[1400], tag[16];
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		size_t len = 0, n = seal(i, 0x123456789abc, 23, payload, sizeof payload);
		assert_int_equal(encode_from_hex(big_tags[i], 32, tag, sizeof tag, &len), ERR_OK);
		assert_memory_equal(buffer + n - 16, tag, 16);
	}
}

static void every_length_comes_back(void **)
{
	static uint8_t payload[RECORD_PAYLOAD_MAX];
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 13);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record_dir tx, rx;
		struct replay r;
		replay_init(&r);
		set_up(&tx, i, 1, 0);
		set_up(&rx, i, 1, 0);
		for (size_t len = 0; len <= RECORD_PAYLOAD_MAX; len += len < 300 ? 1 : 2297) {
			uint8_t type, *text;
			size_t n = 0, text_len = 0;
			memcpy(buffer + record_head_len(&tx), payload, len);
			assert_int_equal(record_seal(&tx, 23, buffer, len, &n), ERR_OK);
			assert_int_equal(n, len + record_overhead(suites[i].suite));
			assert_int_equal(record_open(&rx, &r, buffer, n, &type, &text, &text_len), ERR_OK);
			assert_int_equal(text_len, len);
			assert_memory_equal(text, payload, len);
		}
		record_fini(&tx);
		record_fini(&rx);
	}
}

static void sealing_stays_within_its_room(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		for (size_t len = 0; len < 70; len++) {
			struct record_dir d;
			size_t n = 0;
			set_up(&d, i, 1, 0);
			size_t room = record_head_len(&d) + len + RECORD_TAIL_MAX;
			uint8_t *block = malloc(room);
			memset(block, 0x11, room);
			assert_int_equal(record_seal(&d, 23, block, len, &n), ERR_OK);
			assert_int_equal(n, room);
			free(block);
			record_fini(&d);
		}
	}
}

/* Epoch, seq and length are header fields that also decide what happens before the tag: any refusal will do. */
static void every_changed_bit_is_refused(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record_dir d;
		size_t n = seal(i, 3000, 23, "\0some packet of the tunnel", 26);
		set_up(&d, i, 1, 0);
		for (size_t bit = 0; bit < n * 8; bit++) {
			struct replay r, before;
			replay_init(&r);
			before = r;
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum err e = open_copy(&d, &r, buffer, n);
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			bool is_framing = bit / 8 < 5 || bit / 8 == 11 || bit / 8 == 12;
			if (e != ERR_AUTH && !(is_framing && e == ERR_PROTO))
				fail_msg("%s: bit %zu: %s", d.aead->name, bit, err_text(e));
			assert_memory_equal(&r, &before, sizeof r);
		}
		struct replay r;
		replay_init(&r);
		assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
		record_fini(&d);
	}
}

static void every_cut_and_every_addition_is_refused(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record_dir d;
		struct replay r;
		size_t n = seal(i, 5, 23, "0123456789", 10);
		set_up(&d, i, 1, 0);
		replay_init(&r);
		for (size_t cut = 0; cut < n; cut++) {
			assert_int_equal(open_copy(&d, &r, buffer, cut), ERR_PROTO);
			/* and with a length field that agrees */
			if (cut < 13)
				continue;
			uint8_t high = buffer[11], low = buffer[12];
			buffer[11] = 0;
			buffer[12] = (uint8_t)(cut - 13);
			assert_int_not_equal(open_copy(&d, &r, buffer, cut), ERR_OK);
			buffer[11] = high;
			buffer[12] = low;
		}
		assert_int_equal(open_copy(&d, &r, buffer, n + 1), ERR_PROTO);
		buffer[12]++;
		assert_int_equal(open_copy(&d, &r, buffer, n + 1), ERR_AUTH);
		record_fini(&d);
	}
}

static void a_record_is_accepted_once(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record_dir d;
		struct replay r;
		set_up(&d, i, 1, 0);
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
		assert_int_equal(d.failed_n, 0);
		record_fini(&d);
	}
}

static void a_forgery_does_not_move_the_window(void **)
{
	struct record_dir d;
	struct replay r;
	set_up(&d, 0, 1, 0);
	replay_init(&r);
	size_t n = seal(0, 0xffffffffff, 23, "forged", 6);
	buffer[n - 1] ^= 1;
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_AUTH);
	assert_int_equal(d.failed_n, 1);
	n = seal(0, 1, 23, "good", 4);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
	assert_int_equal(d.failed_n, 1);
	record_fini(&d);
}

static void other_keys_and_suites_open_nothing(void **)
{
	for (size_t from = 0; from < ARRAY_LEN(suites); from++) {
		size_t n = seal(from, 9, 23, "a packet longer than sixteen bytes", 34);
		for (size_t to = 0; to < ARRAY_LEN(suites); to++) {
			struct record_dir d;
			struct replay r;
			replay_init(&r);
			set_up(&d, to, 1, 0);
			assert_int_equal(open_copy(&d, &r, buffer, n), from == to ? ERR_OK : ERR_AUTH);
			d.iv[3] ^= 1;
			replay_init(&r);
			assert_int_equal(open_copy(&d, &r, buffer, n), ERR_AUTH);
			record_fini(&d);
		}
	}
}

static void records_of_other_epochs_and_kinds_are_refused(void **)
{
	struct record_dir d;
	struct replay r;
	size_t n = seal(0, 9, 23, "packet", 6);
	replay_init(&r);
	set_up(&d, 0, 2, 0);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_PROTO);
	set_up(&d, 0, 0, 0);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_PROTO);
	set_up(&d, 0, 1, 0);
	for (unsigned type = 0; type < 256; type++) {
		if (type == 23)
			continue;
		buffer[0] = (uint8_t)type;
		assert_int_equal(open_copy(&d, &r, buffer, n),
				 type >= 20 && type <= 22 ? ERR_AUTH : ERR_PROTO);
	}
	assert_int_equal(d.failed_n, 3);
	record_fini(&d);
}

static void too_long_a_record_is_refused(void **)
{
	struct record_dir d;
	struct replay r;
	size_t n = 0;
	replay_init(&r);
	set_up(&d, 0, 1, 7);
	memset(buffer, 0, sizeof buffer);
	assert_int_equal(record_seal(&d, 23, buffer, RECORD_PAYLOAD_MAX + 1, &n), ERR_RANGE);
	assert_int_equal(record_seal(&d, 23, buffer, SIZE_MAX, &n), ERR_RANGE);
	assert_int_equal(d.next_seq, 7);
	assert_int_equal(record_seal(&d, 23, buffer, RECORD_PAYLOAD_MAX, &n), ERR_OK);
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_OK);
	buffer[12]++;
	assert_int_equal(open_copy(&d, &r, buffer, n + 1), ERR_PROTO);
	record_fini(&d);
}

static void numbers_end_before_they_repeat(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		struct record_dir d;
		size_t n = 77;
		set_up(&d, i, 1, RECORD_SEQ_MAX - 2);
		assert_true(record_is_exhausted(&d));
		assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_OK);
		assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_OK);
		n = 77;
		assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_RANGE);
		assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_RANGE);
		assert_int_equal(n, 77);
		assert_int_equal(d.next_seq, RECORD_SEQ_MAX);
		record_fini(&d);
	}
}

static void a_worn_key_says_so(void **)
{
	struct record_dir d;
	struct replay r;
	replay_init(&r);
	set_up(&d, 0, 1, 0);
	assert_false(record_is_exhausted(&d));
	d.blocks_n = d.aead->soft_blocks - 1;
	assert_false(record_is_exhausted(&d));
	size_t n = 0;
	assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_OK);
	assert_true(record_is_exhausted(&d));
	assert_int_equal(record_seal(&d, 23, buffer, 1, &n), ERR_OK);
	record_fini(&d);

	n = seal(2, 1, 23, "x", 1);
	set_up(&d, 2, 1, 0);
	d.blocks_n = 1ull << 60;
	assert_false(record_is_exhausted(&d));
	d.failed_n = RECORD_FAILED_MAX / 2;
	assert_true(record_is_exhausted(&d));
	d.failed_n = RECORD_FAILED_MAX - 1;
	buffer[n - 1] ^= 1;
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_AUTH);
	buffer[n - 1] ^= 1;
	assert_int_equal(open_copy(&d, &r, buffer, n), ERR_RANGE);
	record_fini(&d);
}

static void wrong_keys_are_refused(void **)
{
	uint8_t key[64] = {}, iv[16] = {};
	for (unsigned suite = 0; suite < 256; suite++) {
		const struct record_aead *a = record_aead_of((enum record_suite)suite);
		assert_int_equal(a != nullptr, suite >= 1 && suite <= 3);
		for (size_t key_len = 0; key_len <= 40; key_len++) {
			for (size_t iv_len = 0; iv_len <= 16; iv_len++) {
				struct record_dir d = {};
				bool right = a != nullptr && a->key_len == key_len && a->iv_len == iv_len;
				assert_int_equal(record_init(&d, (enum record_suite)suite, key, key_len, iv,
							     iv_len, 1, 0),
						 right ? ERR_OK : ERR_RANGE);
				record_fini(&d);
			}
		}
	}
	struct record_dir d = {};
	assert_int_equal(record_init(&d, RECORD_AES128_GCM, key, 16, iv, 4, 1, RECORD_SEQ_MAX + 1),
			 ERR_RANGE);
	assert_null(d.aead);
}

static void the_key_is_wiped(void **)
{
	struct record_dir d, zero;
	memset(&zero, 0, sizeof zero);
	for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
		set_up(&d, i, 1, 0);
		record_fini(&d);
		assert_memory_equal(&d, &zero, sizeof d);
		record_fini(&d);
	}
}

static void sizes_and_numbers_agree_with_the_rest(void **)
{
	assert_int_equal(record_overhead(RECORD_AES128_GCM), MTU_RECORD_GCM);
	assert_int_equal(record_overhead(RECORD_AES256_GCM), MTU_RECORD_GCM);
	assert_int_equal(record_overhead(RECORD_CHACHA20_POLY1305), MTU_RECORD_CHACHA);
	assert_int_equal(record_overhead(RECORD_NONE), 0);
	assert_int_equal(RECORD_HEAD_MAX + RECORD_TAIL_MAX, MTU_RECORD_GCM);
	assert_int_equal(record_suite_of(0x00a8), RECORD_AES128_GCM);
	assert_int_equal(record_suite_of(0xc030), RECORD_AES256_GCM);
	assert_int_equal(record_suite_of(0xccab), RECORD_CHACHA20_POLY1305);
	assert_int_equal(record_suite_of(0x0035), RECORD_NONE);
	assert_int_equal(record_suite_of(0xc0a4), RECORD_NONE); /* PSK-AES128-CCM */
	assert_int_equal(record_suite_of(0), RECORD_NONE);
}

/* Two wolfSSL ends of a DTLS 1.2 PSK connection with a queue of datagrams each way. */
struct queue {
	uint8_t datagram[32][2048];
	size_t len[32];
	size_t head, tail;
};

static struct queue to_server, to_client;

static int push(WOLFSSL *, char *p, int n, void *ctx)
{
	struct queue *q = ctx;
	assert_true(n <= 2048 && q->tail < 32);
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

static unsigned server_psk(WOLFSSL *, const char *, unsigned char *key, unsigned)
{
	memset(key, 0x42, 32);
	return 32;
}

static unsigned client_psk(WOLFSSL *, const char *, char *identity, unsigned, unsigned char *key, unsigned)
{
	memcpy(identity, "psk", 4);
	return server_psk(nullptr, nullptr, key, 0);
}

static WOLFSSL *make_end(WOLFSSL_CTX *ctx, struct queue *in, struct queue *out, const char *suite)
{
	assert_int_equal(wolfSSL_CTX_set_cipher_list(ctx, suite), WOLFSSL_SUCCESS);
	wolfSSL_CTX_SetIORecv(ctx, pull);
	wolfSSL_CTX_SetIOSend(ctx, push);
	WOLFSSL *ssl = wolfSSL_new(ctx);
	assert_non_null(ssl);
	wolfSSL_SetIOReadCtx(ssl, in);
	wolfSSL_SetIOWriteCtx(ssl, out);
	wolfSSL_dtls_set_using_nonblock(ssl, 1);
	return ssl;
}

/* The numbers of the last record the library sealed: ours must be higher. */
static uint64_t last_seq(const struct queue *q)
{
	uint64_t seq = 0;
	for (size_t i = 0; i < q->tail; i++) {
		struct dtls_record k;
		for (size_t at = 0; dtls_next_record(q->datagram[i], q->len[i], &at, &k) == ERR_OK;)
			seq = k.epoch == 1 ? MAX(seq, k.seq) : seq;
	}
	return seq;
}

static void talk(const char *suite, enum record_suite expect)
{
	WOLFSSL_CTX *server_ctx = wolfSSL_CTX_new(wolfDTLSv1_2_server_method());
	WOLFSSL_CTX *client_ctx = wolfSSL_CTX_new(wolfDTLSv1_2_client_method());
	wolfSSL_CTX_set_psk_server_callback(server_ctx, server_psk);
	wolfSSL_CTX_set_psk_client_callback(client_ctx, client_psk);
	WOLFSSL *server = make_end(server_ctx, &to_server, &to_client, suite);
	WOLFSSL *client = make_end(client_ctx, &to_client, &to_server, suite);
	to_server.head = to_server.tail = to_client.head = to_client.tail = 0;
	int accepted = 0, connected = 0;
	for (unsigned i = 0; i < 20 && (accepted != WOLFSSL_SUCCESS || connected != WOLFSSL_SUCCESS); i++) {
		connected = wolfSSL_connect(client);
		accepted = wolfSSL_accept(server);
	}
	assert_int_equal(accepted, WOLFSSL_SUCCESS);
	assert_int_equal(connected, WOLFSSL_SUCCESS);

	uint16_t id = (uint16_t)wolfSSL_get_current_cipher_suite(server);
	assert_int_equal(record_suite_of(id), expect);
	struct record_dir rx, tx;
	struct replay r;
	replay_init(&r);
	size_t key_len = (size_t)wolfSSL_GetKeySize(server), iv_len = record_aead_of(expect)->iv_len;
	assert_int_equal(record_init(&rx, expect, wolfSSL_GetClientWriteKey(server), key_len,
				     wolfSSL_GetClientWriteIV(server), iv_len, 1, 0),
			 ERR_OK);
	assert_int_equal(record_init(&tx, expect, wolfSSL_GetServerWriteKey(server), key_len,
				     wolfSSL_GetServerWriteIV(server), iv_len, 1, last_seq(&to_client) + 1),
			 ERR_OK);

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(wolfSSL_write(client, "\3are you there", 14), 14);
		size_t at = to_server.head++, len = 0, n = 0;
		uint8_t type, *payload;
		assert_int_equal(record_open(&rx, &r, to_server.datagram[at], to_server.len[at], &type,
					     &payload, &len),
				 ERR_OK);
		assert_int_equal(type, DTLS_TYPE_DATA);
		assert_int_equal(len, 14);
		assert_memory_equal(payload, "\3are you there", 14);
		memcpy(buffer + record_head_len(&tx), "\4yes", 4);
		assert_int_equal(record_seal(&tx, DTLS_TYPE_DATA, buffer, 4, &n), ERR_OK);
		push(nullptr, (char *)buffer, (int)n, &to_client);
		char answer[16];
		assert_int_equal(wolfSSL_read(client, answer, sizeof answer), 4);
		assert_memory_equal(answer, "\4yes", 4);
	}
	record_fini(&rx);
	record_fini(&tx);
	wolfSSL_free(server);
	wolfSSL_free(client);
	wolfSSL_CTX_free(server_ctx);
	wolfSSL_CTX_free(client_ctx);
}

static void a_dtls_library_understands_us(void **)
{
	assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
	talk("PSK-AES128-GCM-SHA256", RECORD_AES128_GCM);
	talk("PSK-AES256-GCM-SHA384", RECORD_AES256_GCM);
	talk("PSK-CHACHA20-POLY1305", RECORD_CHACHA20_POLY1305);
	wolfSSL_Cleanup();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(known_tag_of_a_full_packet),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(sealing_stays_within_its_room),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(every_cut_and_every_addition_is_refused),
		cmocka_unit_test(a_record_is_accepted_once),
		cmocka_unit_test(a_forgery_does_not_move_the_window),
		cmocka_unit_test(other_keys_and_suites_open_nothing),
		cmocka_unit_test(records_of_other_epochs_and_kinds_are_refused),
		cmocka_unit_test(too_long_a_record_is_refused),
		cmocka_unit_test(numbers_end_before_they_repeat),
		cmocka_unit_test(a_worn_key_says_so),
		cmocka_unit_test(wrong_keys_are_refused),
		cmocka_unit_test(the_key_is_wiped),
		cmocka_unit_test(sizes_and_numbers_agree_with_the_rest),
		cmocka_unit_test(a_dtls_library_understands_us),
	};
	return cmocka_run_group_tests_name("record", tests, nullptr, nullptr);
}
