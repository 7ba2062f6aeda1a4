/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/pack.h"

static uint8_t packed[20000], plain[20000];

static void the_order_decides(void **)
{
	static const struct {
		const char *offered, *order;
		enum pack_method m;
	} rows[] = {
		{ "oc-lz4,lzs", nullptr, PACK_LZ4 },
		{ "oc-lz4,lzs", "lzs, lz4", PACK_LZS },
		{ "oc-lz4,lzs", "lzs:lz4", PACK_LZS },
		{ "oc-lz4,lzs", "OC-LZ4:LZS", PACK_LZ4 },
		{ "lzs,deflate", nullptr, PACK_LZS },
		{ "lzs , deflate", "lz4 lzs", PACK_LZS },
		{ "LZS", nullptr, PACK_LZS },
		{ "lzs,deflate", "lz4", PACK_NONE },
		{ "deflate", nullptr, PACK_NONE },
		{ "", nullptr, PACK_NONE },
		{ "lz4", nullptr, PACK_NONE }, /* not its name on the wire */
		{ "lzsx,xlzs,oc-lz", nullptr, PACK_NONE },
		{ "oc-lz4", "", PACK_NONE },
		{ "oc-lz4", "zip", PACK_NONE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(pack_choose(text_slice(rows[i].offered), rows[i].order), rows[i].m);
}

static void names_are_those_of_the_wire(void **)
{
	assert_null(pack_name(PACK_NONE));
	assert_null(pack_name(PACK_N));
	assert_string_equal(pack_name(PACK_LZ4), "oc-lz4");
	assert_string_equal(pack_name(PACK_LZS), "lzs");
}

static void both_methods_bring_a_packet_back(void **)
{
	uint8_t in[1400];
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)(i % 50);
	for (enum pack_method m = PACK_LZ4; m < PACK_N; m++) {
		size_t len, back;
		assert_int_equal(pack_compress(m, in, sizeof in, packed, sizeof in - 1, &len), ERR_OK);
		assert_true(len < 200);
		assert_int_equal(pack_expand(m, packed, len, plain, sizeof in, &back), ERR_OK);
		assert_int_equal(back, sizeof in);
		assert_memory_equal(plain, in, sizeof in);
		/* one byte less of room: nothing, and nothing behind it */
		memset(plain, 0x5a, sizeof plain);
		assert_int_not_equal(pack_expand(m, packed, len, plain, sizeof in - 1, &back), ERR_OK);
		assert_int_equal(plain[sizeof in - 1], 0x5a);
		assert_int_not_equal(pack_expand(m, packed, len - 3, plain, sizeof in, &back), ERR_OK);
	}
}

static void what_cannot_be_packed_is_refused(void **)
{
	uint8_t in[600];
	uint32_t seed = 1;
	size_t len;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	for (enum pack_method m = PACK_LZ4; m < PACK_N; m++) {
		assert_int_equal(pack_compress(m, in, sizeof in, packed, sizeof in - 1, &len), ERR_FULL);
		assert_int_equal(pack_compress(m, in, 0, packed, 100, &len), ERR_RANGE);
		assert_int_equal(pack_compress(m, plain, 16385, packed, sizeof packed, &len), ERR_RANGE);
		assert_int_not_equal(pack_expand(m, in, 0, plain, sizeof plain, &len), ERR_OK);
	}
	assert_int_equal(pack_compress(PACK_NONE, in, sizeof in, packed, sizeof packed, &len),
			 ERR_UNSUPPORTED);
	assert_int_equal(pack_expand(PACK_NONE, in, sizeof in, plain, sizeof plain, &len), ERR_UNSUPPORTED);
	assert_int_equal(pack_expand(PACK_N, in, sizeof in, plain, sizeof plain, &len), ERR_UNSUPPORTED);
}

/* lz4: a length field of 255s promises megabytes. */
static void a_bomb_of_lz4_is_refused(void **)
{
	uint8_t bomb[8192];
	size_t len = 99;
	memset(bomb, 0xff, sizeof bomb);
	bomb[0] = 0x1f;
	bomb[1] = 'a';
	bomb[2] = 1;
	bomb[3] = 0;
	memset(plain, 0x5a, sizeof plain);
	assert_int_equal(pack_expand(PACK_LZ4, bomb, sizeof bomb, plain, 1400, &len), ERR_PROTO);
	for (size_t i = 1400; i < sizeof plain; i++)
		assert_int_equal(plain[i], 0x5a);
	assert_int_equal(len, 99);
}

/* An older packet in the buffer must not come back in a new one. */
static void a_copy_of_what_is_not_there_shows_nothing(void **)
{
	static const uint8_t rows[][12] = {
		{ 0x10, 'a', 0, 0, 0x50, 'v', 'w', 'x', 'y', 'z' },
		{ 0x1f, 'a', 0, 0, 200, 0x50, 'v', 'w', 'x', 'y', 'z' },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = 0;
		memset(plain, '!', sizeof plain);
		enum err e = pack_expand(PACK_LZ4, rows[i], 10 + i, plain, 1400, &len);
		if (e == ERR_OK) /* it is a matter of the library's version */
			assert_null(memchr(plain, '!', len));
		assert_null(memchr(plain, '!', 1400));
		assert_int_equal(plain[1400], '!');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_decides),
		cmocka_unit_test(names_are_those_of_the_wire),
		cmocka_unit_test(both_methods_bring_a_packet_back),
		cmocka_unit_test(what_cannot_be_packed_is_refused),
		cmocka_unit_test(a_copy_of_what_is_not_there_shows_nothing),
		cmocka_unit_test(a_bomb_of_lz4_is_refused),
	};
	return cmocka_run_group_tests_name("pack", tests, nullptr, nullptr);
}
