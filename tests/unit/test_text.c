/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/text.h"

static void words_are_taken_off_one_by_one(void **)
{
	auto list = text_slice(" a ;; b=1");
	static const char *const words[] = { "a", "", "b=1" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_true(text_is(text_next_word(&list, ';'), words[i]));
	assert_null(text_next_word(&list, ';').p);
	assert_null(text_next_word(&list, ';').p);
}

static void a_list_has_whole_words_only(void **)
{
	auto list = text_slice("IPv6, ipv4");
	assert_true(text_list_has(list, ',', "IPv4"));
	assert_true(text_list_has(list, ',', "IPv6"));
	assert_false(text_list_has(list, ',', "IPv"));
	assert_false(text_list_has(list, ';', "IPv4"));
	assert_false(text_list_has((struct slice){}, ',', "IPv4"));
}

static void numbers(void **)
{
	static const struct {
		const char *text;
		uint64_t max;
		enum err err;
		uint64_t value;
	} rows[] = {
		{ "0", 0, ERR_OK, 0 },
		{ "16384", 16384, ERR_OK, 16384 },
		{ "000000000000000000000000000007", 9, ERR_OK, 7 },
		{ "18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX },
		{ "", 9, ERR_SYNTAX, 0 },
		{ "-1", 9, ERR_SYNTAX, 0 },
		{ "+1", 9, ERR_SYNTAX, 0 },
		{ " 1", 9, ERR_SYNTAX, 0 },
		{ "1 ", 9, ERR_SYNTAX, 0 },
		{ "0x1", 9, ERR_SYNTAX, 0 },
		{ "1a", 9, ERR_SYNTAX, 0 },
		{ "99999999999999999999999999x", 9, ERR_SYNTAX, 0 },
		{ "1", 0, ERR_RANGE, 0 },
		{ "10", 9, ERR_RANGE, 0 },
		{ "16385", 16384, ERR_RANGE, 0 },
		{ "18446744073709551616", UINT64_MAX, ERR_RANGE, 0 },
		{ "99999999999999999999999999", UINT64_MAX, ERR_RANGE, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 77;
		assert_int_equal(text_number(&v, text_slice(rows[i].text), rows[i].max), rows[i].err);
		assert_int_equal(v, rows[i].err == ERR_OK ? rows[i].value : 77);
	}
}

static void percent_decoding(void **)
{
	static const struct {
		const char *text;
		bool plus;
		enum err err;
		const char *out;
	} rows[] = {
		{ "", true, ERR_OK, "" },
		{ "a%2bb+c%20d", true, ERR_OK, "a+b c d" },
		{ "a+b%3D", false, ERR_OK, "a+b=" },
		{ "%c3%A4", true, ERR_OK, "\xc3\xa4" },
		{ "1234567", true, ERR_OK, "1234567" },
		{ "12345678", true, ERR_RANGE, nullptr },
		{ "%", true, ERR_SYNTAX, nullptr },
		{ "%4", true, ERR_SYNTAX, nullptr },
		{ "a%4g", true, ERR_SYNTAX, nullptr },
		{ "a%g4", true, ERR_SYNTAX, nullptr },
		{ "a%%41", true, ERR_SYNTAX, nullptr },
		{ "a%00b", true, ERR_SYNTAX, nullptr },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[8];
		assert_int_equal(text_percent_decode(out, sizeof out, text_slice(rows[i].text), rows[i].plus),
				 rows[i].err);
		if (rows[i].err == ERR_OK)
			assert_string_equal(out, rows[i].out);
	}
	char out[8];
	assert_int_equal(text_percent_decode(out, sizeof out, (struct slice){ "a\0b", 3 }, true), ERR_SYNTAX);
}

static void copies_keep_their_bounds(void **)
{
	char out[4];
	assert_int_equal(text_copy(out, sizeof out, text_slice("abc")), ERR_OK);
	assert_string_equal(out, "abc");
	assert_int_equal(text_copy(out, sizeof out, text_slice("abcd")), ERR_RANGE);
	assert_int_equal(text_copy(out, sizeof out, (struct slice){ "a\0b", 3 }), ERR_SYNTAX);
	assert_int_equal(text_copy(out, sizeof out, (struct slice){}), ERR_OK);
	assert_string_equal(out, "");
	text_copy_ascii(out, sizeof out, text_slice("a\x1b\xff\x7f"));
	assert_string_equal(out, "a??");
}

static const char *emitted(void (*emit)(struct writer *, const char *), const char *text)
{
	static char out[256];
	auto w = writer_of(out, sizeof out);
	emit(&w, text);
	writer_u8(&w, 0);
	assert_true(writer_ok(&w));
	return out;
}

static void xml_is_escaped(void **)
{
	static const struct {
		const char *text, *out;
	} rows[] = {
		{ "<a href=\"x\">'&'</a>", "&lt;a href=&quot;x&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;" },
		{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91\n\t",
		  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x91\n\t" },
		{ "]]>", "]]&gt;" },
		{ "\x01\x1b\r", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a\xff<", "a\xef\xbf\xbd&lt;" },
		{ "\xc3", "\xef\xbf\xbd" },                               /* cut */
		{ "\xe2\x82<", "\xef\xbf\xbd\xef\xbf\xbd&lt;" }, /* cut: the '<' must survive as such */
		{ "\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd" }, /* overlong '<' */
		{ "\xe0\x80\xbc", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x80\x80\xbc", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* U+FFFF is not XML */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(emitted(text_emit_xml, rows[i].text), rows[i].out);
}

static void a_header_value_stays_on_its_line(void **)
{
	assert_string_equal(emitted(text_emit_line, "Hello\r\nX-Evil: 1\t\x7f"), "Hello  X-Evil: 1 ?");
	assert_string_equal(emitted(text_emit_line, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac"), "gr?? ?");
}

static void a_header_line_with_a_line_end_is_refused(void **)
{
	static const char *const bad[] = { "A: b\r\nC: d", "A: b\n",   "A: b\r", "A: \x01",
					   "A: \x7f",      "no colon", ": x",    "" };
	char out[64];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto w = writer_of(out, sizeof out);
		text_emit_header(&w, bad[i]);
		assert_false(writer_ok(&w));
	}
	assert_string_equal(emitted(text_emit_header, "X-A: b\tc \xc3\xbc"), "X-A: b\tc \xc3\xbc\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_taken_off_one_by_one),
		cmocka_unit_test(a_list_has_whole_words_only),
		cmocka_unit_test(numbers),
		cmocka_unit_test(percent_decoding),
		cmocka_unit_test(copies_keep_their_bounds),
		cmocka_unit_test(xml_is_escaped),
		cmocka_unit_test(a_header_value_stays_on_its_line),
		cmocka_unit_test(a_header_line_with_a_line_end_is_refused),
	};
	return cmocka_run_group_tests_name("text", tests, nullptr, nullptr);
}
