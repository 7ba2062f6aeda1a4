/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known answers were made with Python's hmac and OpenSSL 3.0's aes-cbc, not with wolfSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cbc.h"

#include "base/encode.h"
#include "wire/dtls.h"
#include "wire/mtu.h"

static const struct {
	uint16_t version;
	size_t key_len;
	uint64_t seq;
	const char *payload;
	size_t len;
	bool shortest; /* padding as we would choose it */
	const char *record;
} known[] = {
	{ DTLS_VERSION_12, 16, 0xa7, "\0hello, tunnel", 14, true,
	  "17fefd00010000000000a70040a0a1a2a3a4a5a6a7a8a9aaabacadaeafe9e353cc7e178c0dfeb45db52a52ae3084d40a"
	  "b7bd940abd4112f1ceb0d67e22515f30906852a1038bbd139fff5a39ed" },
	{ DTLS_VERSION_BAD, 16, 1, "\7", 1, true,
	  "17010000010000000000010030a0a1a2a3a4a5a6a7a8a9aaabacadaeaf632ad0739736c2e0dd223624e0b0d0419c04ea"
	  "6cf78c60025c1755463ac219bc" },
	{ DTLS_VERSION_BAD, 32, 0xfffffffffffe, "\0xxxxxxxxxxxxxxxxxxxxxxxxxx", 27, true,
	  "1701000001fffffffffffe0040a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0ceb7349428dda9625e80ecd38f0a3ead78392"
	  "0b3300e5334a92a3e6bdb3053e10ace3cec369714ab00c04787ea84c24" },
	{ DTLS_VERSION_12, 32, 2, "", 0, true,
	  "17fefd00010000000000020030a0a1a2a3a4a5a6a7a8a9aaabacadaeaf88815a4c0487d58d58493816db7028f0184c7b"
	  "fe7e17e71dde7095050ede0ede" },
	{ DTLS_VERSION_12, 32, 3, "\3ping", 5, false,
	  "17fefd00010000000000030120a0a1a2a3a4a5a6a7a8a9aaabacadaeaf576a967578817910991052acd6fcaceeb1dd14"
	  "a9b34e6904505b0e49e1f7e5f00bf87b46c27b20c7dda3929c0e9fc1f33630043d5cd8c01060a8fe2a783f6998f882e0"
	  "76320b63bd44caea87cc1ad8be3b580d5355724fd568ca90e13875a876e0a7af7bdaf18e0bac95e5e6306605ee10de10"
	  "245debbea3db54ad4872a3ba8b2db7b2fe1d43c43cac76c6ce4febf58365b67e79dd4dc92f95e9e2d5cc15bd965e02b6"
	  "be9c2257d494be360413d996aad3eaba9a0a01f19647c11f983d1bcab71d78a01718986750ee6f9ecf9dcec6137031e3"
	  "6c18245b5e461891a2c927c67bca63b56f90df359fcc03b6cb74870f56b378abd524815c0eb1febe0557e60294173df1"
	  "c21c62f82cb8a3b77b37b8e334" },
	{ DTLS_VERSION_12, 16, 4, "\3ping\3ping", 10, true,
	  "17fefd00010000000000040030a0a1a2a3a4a5a6a7a8a9aaabacadaeaf60d2b474354f601da6a05264ca896263bff3de"
	  "a70784b4cc6e514e4ab56a1223" },
};

static struct cbc_dir rx, tx;
static struct replay window;

static void set_up(uint16_t version, size_t key_len, uint64_t seq)
{
	static uint8_t mac[20], key[32], iv_key[16] = { 9 };
	for (size_t i = 0; i < sizeof mac; i++)
		mac[i] = (uint8_t)(0x20 + i);
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(key_len == 16 ? i : 0x40 + i);
	const struct cbc_keys in = { mac, key, key_len, nullptr }, out = { mac, key, key_len, iv_key };
	assert_int_equal(cbc_init(&rx, &in, version, 1, 0), ERR_OK);
	assert_int_equal(cbc_init(&tx, &out, version, 1, seq), ERR_OK);
	replay_init(&window);
}

static void tear_down(void)
{
	cbc_fini(&rx);
	cbc_fini(&tx);
}

static size_t bytes_of(const char *hex, uint8_t *out, size_t cap)
{
	size_t n;
	assert_int_equal(encode_from_hex(hex, strlen(hex), out, cap, &n), ERR_OK);
	return n;
}

static enum err open_it(uint8_t *record, size_t n, uint8_t **payload, size_t *len)
{
	uint8_t type = 0;
	enum err e = cbc_open(&rx, &window, record, n, &type, payload, len);
	if (e == ERR_OK)
		assert_int_equal(type, record[0]);
	return e;
}

static void known_records_open(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t record[512], *payload;
		size_t len, n = bytes_of(known[i].record, record, sizeof record);
		set_up(known[i].version, known[i].key_len, 0);
		assert_int_equal(open_it(record, n, &payload, &len), ERR_OK);
		assert_int_equal(len, known[i].len);
		assert_memory_equal(payload, known[i].payload, len);
		tear_down();
	}
}

/* Our IV is another one; the rest is the same after decryption, so it opens, and has the same length. */
static void sealed_records_open(void **)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t record[512], buf[512], *payload;
		size_t len, got, n = bytes_of(known[i].record, record, sizeof record);
		set_up(known[i].version, known[i].key_len, known[i].seq);
		memcpy(buf + CBC_HEAD_LEN, known[i].payload, known[i].len);
		assert_int_equal(cbc_seal(&tx, 23, buf, known[i].len, &len), ERR_OK);
		if (known[i].shortest) {
			assert_int_equal(len, n);
			assert_memory_equal(buf, record, 13);
			assert_memory_not_equal(buf + 13, record + 13, CBC_IV_LEN);
		}
		assert_int_equal(open_it(buf, len, &payload, &got), ERR_OK);
		assert_int_equal(got, known[i].len);
		assert_memory_equal(payload, known[i].payload, got);
		tear_down();
	}
}

static void every_length_goes_round(void **)
{
	static uint8_t buf[CBC_HEAD_LEN + CBC_PAYLOAD_MAX + CBC_TAIL_MAX];
	set_up(DTLS_VERSION_12, 32, 0);
	for (size_t len = 0; len <= CBC_PAYLOAD_MAX; len += len < 700 ? 1 : 1111) {
		size_t n, got;
		uint8_t *payload;
		memset(buf, 0xee, sizeof buf);
		assert_int_equal(cbc_seal(&tx, 23, buf, len, &n), ERR_OK);
		assert_true(n <= CBC_HEAD_LEN + len + CBC_TAIL_MAX && n - len <= MTU_RECORD_CBC_SHA1);
		assert_int_equal(open_it(buf, n, &payload, &got), ERR_OK);
		assert_int_equal(got, len);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(payload[i], 0xee);
	}
	size_t n;
	assert_int_equal(cbc_seal(&tx, 23, buf, CBC_PAYLOAD_MAX + 1, &n), ERR_RANGE);
	tear_down();
}

static void ivs_differ(void **)
{
	uint8_t one[128] = {}, two[128] = {};
	size_t n;
	set_up(DTLS_VERSION_12, 16, 0);
	assert_int_equal(cbc_seal(&tx, 23, one, 10, &n), ERR_OK);
	assert_int_equal(cbc_seal(&tx, 23, two, 10, &n), ERR_OK);
	for (size_t i = 13; i < n; i += 16)
		assert_memory_not_equal(one + i, two + i, MIN(16, n - i));
	tear_down();
}

/* Any changed bit is ERR_AUTH, or ERR_PROTO where it is no record of this channel any more; and leaves the window alone. */
static void changed_records_are_refused(void **)
{
	for (size_t k = 0; k < ARRAY_LEN(known); k++) {
		uint8_t record[512], copy[512], *payload;
		size_t len, n = bytes_of(known[k].record, record, sizeof record);
		set_up(known[k].version, known[k].key_len, 0);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			memcpy(copy, record, n);
			copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum err e = open_it(copy, n, &payload, &len);
			assert_true(e == ERR_AUTH || (e == ERR_PROTO && bit < 8 * 13));
		}
		assert_int_equal(open_it(record, n, &payload, &len), ERR_OK);
		tear_down();
	}
}

/* Padding bytes that are not the length, a length beyond the record, a MAC over less: sealed by hand with the right keys. */
static void bad_padding_is_refused(void **)
{
	uint8_t buf[256] = {}, *payload;
	size_t n, len;
	set_up(DTLS_VERSION_12, 16, 0);
	static const uint8_t key[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	for (unsigned last = 0; last < 256; last++) {
		assert_int_equal(cbc_seal(&tx, 23, buf, 20, &n), ERR_OK); /* 8 bytes of padding: 07 */
		Aes aes;
		uint8_t plain[64];
		assert_int_equal(wc_AesInit(&aes, nullptr, INVALID_DEVID), 0);
		assert_int_equal(wc_AesSetKey(&aes, key, 16, buf + 13, AES_DECRYPTION), 0);
		assert_int_equal(wc_AesCbcDecrypt(&aes, plain, buf + CBC_HEAD_LEN, 48), 0);
		assert_int_equal(plain[47], 7);
		plain[47] = (uint8_t)last;
		assert_int_equal(wc_AesSetKey(&aes, key, 16, buf + 13, AES_ENCRYPTION), 0);
		assert_int_equal(wc_AesCbcEncrypt(&aes, buf + CBC_HEAD_LEN, plain, 48), 0);
		wc_AesFree(&aes);
		assert_int_equal(open_it(buf, n, &payload, &len), last == 7 ? ERR_OK : ERR_AUTH);
	}
	assert_int_equal(rx.failed_n, 255);
	tear_down();
}

static void cut_and_foreign_records_are_refused(void **)
{
	uint8_t record[512], copy[512], *payload;
	size_t len, n = bytes_of(known[0].record, record, sizeof record);
	set_up(DTLS_VERSION_12, 16, 0);
	for (size_t cut = 0; cut < n; cut++) {
		memcpy(copy, record, n);
		assert_int_equal(open_it(copy, cut, &payload, &len), ERR_PROTO);
		if (cut >= 13) { /* and the same with a length that fits */
			copy[11] = 0;
			copy[12] = (uint8_t)(cut - 13);
			enum err e = open_it(copy, cut, &payload, &len);
			assert_true(e == ERR_PROTO || e == ERR_AUTH);
		}
	}
	assert_int_equal(open_it(record, n, &payload, &len), ERR_OK);
	bytes_of(known[0].record, record, sizeof record);
	assert_int_equal(open_it(record, n, &payload, &len), ERR_REPLAY);
	tear_down();
	set_up(DTLS_VERSION_BAD, 16, 0); /* the same keys, the other dialect */
	assert_int_equal(open_it(record, n, &payload, &len), ERR_PROTO);
	assert_int_equal(cbc_seal(&rx, 23, copy, 1, &len), ERR_RANGE); /* this direction cannot */
	assert_int_equal(cbc_open(&tx, &window, record, n, copy, &payload, &len), ERR_PROTO);
	tear_down();
	assert_int_equal(open_it(record, n, &payload, &len), ERR_PROTO); /* closed */
}

static void numbers_end(void **)
{
	uint8_t buf[128] = {};
	size_t n;
	const struct cbc_keys k = { buf, buf, 24, nullptr };
	assert_int_equal(cbc_init(&rx, &k, DTLS_VERSION_12, 1, 0), ERR_RANGE);
	set_up(DTLS_VERSION_12, 16, (1ull << 48) - 2);
	assert_true(cbc_is_exhausted(&tx));
	assert_int_equal(cbc_seal(&tx, 23, buf, 1, &n), ERR_OK);
	assert_int_equal(cbc_seal(&tx, 23, buf, 1, &n), ERR_RANGE);
	tear_down();
}

static void fini_wipes(void **)
{
	set_up(DTLS_VERSION_12, 16, 0);
	tear_down();
	static const struct cbc_dir zero;
	assert_memory_equal(&tx, &zero, sizeof zero);
	assert_memory_equal(&rx, &zero, sizeof zero);
	cbc_fini(&tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_records_open),
		cmocka_unit_test(sealed_records_open),
		cmocka_unit_test(every_length_goes_round),
		cmocka_unit_test(ivs_differ),
		cmocka_unit_test(changed_records_are_refused),
		cmocka_unit_test(bad_padding_is_refused),
		cmocka_unit_test(cut_and_foreign_records_are_refused),
		cmocka_unit_test(numbers_end),
		cmocka_unit_test(fini_wipes),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
