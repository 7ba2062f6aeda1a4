/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static const uint8_t digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void numbers_are_big_endian(void **)
{
	struct reader r = reader_of(digits, sizeof digits);
	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16be(&r), 0x0203);
	assert_int_equal(reader_u24be(&r), 0x040506);
	assert_int_equal(reader_u32be(&r), 0x0708090a);
	assert_int_equal(reader_u48be(&r), 0x0b0c0d0e0f10);
	assert_true(reader_ok(&r));
	assert_int_equal(r.left, 0);
}

/* Each getter, with every number of bytes that is too small. */
static void short_input_gives_zero_and_fails(void **)
{
	for (size_t n = 0; n < 6; n++) {
		struct reader r = reader_of(digits, n);
		assert_int_equal(reader_u48be(&r), 0);
		assert_false(reader_ok(&r));
		r = reader_of(digits, MIN(n, 3));
		assert_int_equal(reader_u32be(&r), 0);
		assert_false(reader_ok(&r));
		r = reader_of(digits, MIN(n, 2));
		assert_int_equal(reader_u24be(&r), 0);
		assert_false(reader_ok(&r));
		r = reader_of(digits, MIN(n, 1));
		assert_int_equal(reader_u16be(&r), 0);
		assert_false(reader_ok(&r));
	}
	struct reader r = reader_of(digits, 0);
	assert_int_equal(reader_u8(&r), 0);
	assert_false(reader_ok(&r));
}

static void failure_of_a_reader_sticks(void **)
{
	struct reader r = reader_of(digits, 4);
	assert_null(reader_take(&r, 5));
	assert_int_equal(r.left, 4);
	assert_null(reader_take(&r, 1));
	assert_int_equal(reader_u8(&r), 0);
	assert_false(reader_ok(&r));
}

static void length_near_size_max_is_refused(void **)
{
	struct reader r = reader_of(digits, 4);
	assert_null(reader_take(&r, SIZE_MAX));
	r = reader_of(digits, 4);
	reader_u8(&r);
	assert_null(reader_take(&r, SIZE_MAX - 1));
	uint8_t out[8];
	struct writer w = writer_of(out, sizeof out);
	writer_u8(&w, 1);
	writer_put(&w, digits, SIZE_MAX);
	assert_false(writer_ok(&w));
	assert_int_equal(w.len, 1);
}

static void take_gives_the_slice(void **)
{
	struct reader r = reader_of(digits, sizeof digits);
	assert_ptr_equal(reader_take(&r, 3), digits);
	assert_ptr_equal(reader_take(&r, 0), digits + 3);
	assert_ptr_equal(reader_take(&r, 13), digits + 3);
	assert_non_null(reader_take(&r, 0));
	assert_true(reader_ok(&r));
}

static void failed_copy_zeroes_its_target(void **)
{
	uint8_t out[5];
	memset(out, 0xaa, sizeof out);
	struct reader r = reader_of(digits, 4);
	reader_copy(&r, out, sizeof out);
	assert_false(reader_ok(&r));
	assert_memory_equal(out, "\0\0\0\0\0", 5);
	r = reader_of(digits, 4);
	reader_copy(&r, out, 4);
	assert_memory_equal(out, "\1\2\3\4", 5);
}

static void written_numbers_read_back(void **)
{
	uint8_t out[16];
	struct writer w = writer_of(out, sizeof out);
	writer_u8(&w, 0x01);
	writer_u16be(&w, 0x0203);
	writer_u24be(&w, 0x040506);
	writer_u32be(&w, 0x0708090a);
	writer_u48be(&w, 0x0b0c0d0e0f10);
	assert_true(writer_ok(&w));
	assert_int_equal(w.len, 16);
	assert_memory_equal(out, digits, 16);
}

/* Each putter into every room that is too small: nothing written, and it sticks. */
static void full_writer_writes_nothing(void **)
{
	for (size_t cap = 0; cap < 6; cap++) {
		uint8_t out[8];
		memset(out, 0xaa, sizeof out);
		struct writer w = writer_of(out, cap);
		writer_u48be(&w, 1);
		assert_false(writer_ok(&w));
		writer_u8(&w, 1);
		writer_put(&w, digits, 0);
		writer_str(&w, "");
		writer_fmt(&w, "%d", 1);
		assert_false(writer_ok(&w));
		assert_int_equal(w.len, 0);
		for (size_t i = 0; i < sizeof out; i++)
			assert_int_equal(out[i], 0xaa);
	}
}

static void text_may_not_pass_the_end(void **)
{
	uint8_t out[8];
	memset(out, 0xaa, sizeof out);
	struct writer w = writer_of(out, 6);
	writer_str(&w, "abc");
	writer_fmt(&w, "%s", "long text");
	assert_false(writer_ok(&w));
	assert_int_equal(w.len, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(out[6], 0xaa);
	w = writer_of(out, 6);
	writer_str(&w, "abcdefg");
	assert_false(writer_ok(&w));
	assert_int_equal(out[6], 0xaa);
}

static void text_is_written_without_its_end(void **)
{
	uint8_t out[16];
	struct writer w = writer_of(out, sizeof out);
	writer_str(&w, "mtu=");
	writer_fmt(&w, "%u", 1400u);
	writer_put(&w, ";", 1);
	assert_true(writer_ok(&w));
	assert_int_equal(w.len, 9);
	assert_memory_equal(out, "mtu=1400;", 9);
}

static void empty_buffers_hold_nothing(void **)
{
	struct reader r = reader_of(nullptr, 0);
	assert_int_equal(reader_u8(&r), 0);
	assert_false(reader_ok(&r));
	struct writer w = writer_of(nullptr, 0);
	writer_u8(&w, 1);
	assert_false(writer_ok(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(short_input_gives_zero_and_fails),
		cmocka_unit_test(failure_of_a_reader_sticks),
		cmocka_unit_test(length_near_size_max_is_refused),
		cmocka_unit_test(take_gives_the_slice),
		cmocka_unit_test(failed_copy_zeroes_its_target),
		cmocka_unit_test(written_numbers_read_back),
		cmocka_unit_test(full_writer_writes_nothing),
		cmocka_unit_test(text_may_not_pass_the_end),
		cmocka_unit_test(text_is_written_without_its_end),
		cmocka_unit_test(empty_buffers_hold_nothing),
	};
	return cmocka_run_group_tests_name("buf", tests, nullptr, nullptr);
}
