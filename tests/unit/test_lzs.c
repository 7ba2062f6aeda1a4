/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/lzs.h"

static uint8_t packed[32768], plain[32768];

/* {{ vectors, written by hand from the format }} */

/* Bits as text, filled up with zeros to whole bytes. */
static size_t bits(const char *text, uint8_t *out)
{
	size_t n = 0;
	memset(out, 0, 256);
	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		out[n / 8] |= (uint8_t)((*text - '0') << (7 - n % 8));
		n++;
	}
	return (n + 7) / 8;
}

#define END "110000000"
#define A "001100001" /* 0, then 'a' */
#define B "001100010"

static void known_streams_expand(void **)
{
	static const struct {
		const char *stream, *text;
	} rows[] = {
		{ END, "" },
		{ A END, "a" },
		{ A B END, "ab" },
		{ A "11 0000001 00" END, "aaa" },
		{ A "11 0000001 01" END, "aaaa" },
		{ A "11 0000001 10" END, "aaaaa" },
		{ A "11 0000001 1100" END, "aaaaaa" },
		{ A "11 0000001 1110" END, "aaaaaaaa" },
		{ A "11 0000001 1111 0000" END, "aaaaaaaaa" },
		{ A "11 0000001 1111 1110" END, "aaaaaaaaaaaaaaaaaaaaaaa" },
		{ A "11 0000001 1111 1111 0000" END, "aaaaaaaaaaaaaaaaaaaaaaaa" },
		{ A B "11 0000010 10" END, "ababab" },
		{ A B "10 00000000010 10" END, "ababab" }, /* the long form of a short offset */
		{ A END "1010101010101010", "a" },         /* what follows is ignored */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t in[256];
		size_t len = 99;
		size_t n = bits(rows[i].stream, in);
		assert_int_equal(lzs_expand(in, n, plain, sizeof plain, &len), ERR_OK);
		assert_int_equal(len, strlen(rows[i].text));
		assert_memory_equal(plain, rows[i].text, len);
	}
}

static void what_is_written_is_known(void **)
{
	static const struct {
		const char *text, *stream;
	} rows[] = {
		{ "a", A END },
		{ "ab", A B END },
		{ "aaaa", A "11 0000001 01" END },
		{ "abababab", A B "11 0000010 1101" END },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t want[256];
		size_t len, n = bits(rows[i].stream, want);
		assert_int_equal(lzs_compress((const uint8_t *)rows[i].text, strlen(rows[i].text), packed,
					      sizeof packed, &len),
				 ERR_OK);
		assert_int_equal(len, n);
		assert_memory_equal(packed, want, n);
	}
}

/* {{ refusals }} */

static void broken_streams_are_refused(void **)
{
	static const char *const rows[] = {
		"",
		"0",
		A,        /* no end */
		A B "1",
		A "11",
		A "11 0000001",                /* no length */
		A "11 0000001 1111",
		A "11 0000001 1111 1111",
		"11 0000001 00" END,           /* before the beginning */
		A "11 0000010 00" END,
		A "11 1111111 00" END,
		A "10 00000000000 00" END,     /* an offset of 0 */
		A "10 11111111111 00" END,
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t in[256];
		size_t len = 99, n = bits(rows[i], in);
		assert_int_equal(lzs_expand(in, n, plain, sizeof plain, &len), ERR_PROTO);
		assert_int_equal(len, 99);
	}
}

/* A bomb: one byte and a length as long as the packet. It must cost no more than cap, and no byte may be written behind. */
static void a_bomb_is_refused(void **)
{
	uint8_t in[256], bomb[4096];
	size_t len = 99;
	bits(A "11 0000001 1111", in);
	memset(bomb, 0xff, sizeof bomb);
	memcpy(bomb, in, 3);
	bomb[2] |= 0x03;
	for (size_t cap = 0; cap < 3000; cap += 7) {
		memset(plain, 0x5a, sizeof plain);
		assert_int_not_equal(lzs_expand(bomb, sizeof bomb, plain, cap, &len), ERR_OK);
		for (size_t i = cap; i < cap + 64; i++)
			assert_int_equal(plain[i], 0x5a);
	}
	assert_int_equal(len, 99);
}

static void a_literal_too_many_is_refused(void **)
{
	uint8_t in[256];
	size_t len, n = bits(A B A END, in);
	assert_int_equal(lzs_expand(in, n, plain, 3, &len), ERR_OK);
	assert_int_equal(lzs_expand(in, n, plain, 2, &len), ERR_FULL);
	assert_int_equal(lzs_expand(in, n, plain, 0, &len), ERR_FULL);
}

static void lengths_out_of_range_are_refused(void **)
{
	size_t len;
	assert_int_equal(lzs_compress(plain, 0, packed, sizeof packed, &len), ERR_RANGE);
	assert_int_equal(lzs_compress(plain, LZS_INPUT_MAX + 1, packed, sizeof packed, &len), ERR_RANGE);
}

/* {{ round trips }} */

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 16;
}

static void round_trip(const uint8_t *in, size_t n)
{
	size_t len, back;
	assert_int_equal(lzs_compress(in, n, packed, sizeof packed, &len), ERR_OK);
	assert_int_equal(lzs_expand(packed, len, plain, n, &back), ERR_OK);
	assert_int_equal(back, n);
	assert_memory_equal(plain, in, n);
	size_t again;
	assert_int_equal(lzs_compress(in, n, packed, len, &again), ERR_OK);
	assert_int_equal(again, len);
	memset(plain, 0x5a, sizeof plain);
	assert_int_equal(lzs_compress(in, n, plain, len - 1, &again), ERR_FULL);
	assert_int_equal(plain[len - 1], 0x5a);
}

static void all_kinds_of_packets_come_back(void **)
{
	static uint8_t in[LZS_INPUT_MAX];
	uint32_t seed = 7;
	for (unsigned letters = 1; letters <= 256; letters *= 4)
		for (size_t n = 1; n <= sizeof in; n += n < 60 ? 1 : n / 3) {
			for (size_t i = 0; i < n; i++)
				in[i] = (uint8_t)(next(&seed) % letters);
			round_trip(in, n);
		}
}

/* Copies from just within and just outside of the window. */
static void the_window_ends_where_it_must(void **)
{
	static uint8_t in[4200];
	uint32_t seed = 3;
	for (size_t gap = 2030; gap < 2070; gap++) {
		for (size_t i = 0; i < sizeof in; i++)
			in[i] = (uint8_t)next(&seed);
		memcpy(in + gap, in, 40);
		round_trip(in, gap + 40);
	}
}

static void text_becomes_smaller(void **)
{
	static const char line[] =
		"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nAccept: text/html\r\n";
	uint8_t in[1300];
	size_t len;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)line[i % (sizeof line - 1)];
	assert_int_equal(lzs_compress(in, sizeof in, packed, sizeof packed, &len), ERR_OK);
	assert_true(len < 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_streams_expand),
		cmocka_unit_test(what_is_written_is_known),
		cmocka_unit_test(broken_streams_are_refused),
		cmocka_unit_test(a_bomb_is_refused),
		cmocka_unit_test(a_literal_too_many_is_refused),
		cmocka_unit_test(lengths_out_of_range_are_refused),
		cmocka_unit_test(all_kinds_of_packets_come_back),
		cmocka_unit_test(the_window_ends_where_it_must),
		cmocka_unit_test(text_becomes_smaller),
	};
	return cmocka_run_group_tests_name("lzs", tests, nullptr, nullptr);
}
