/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/passwd.h"

#define TEST(module, what) static void module##_##what(void **)

static struct passwd_line only(const char *text, size_t len)
{
	struct passwd_reader r = passwd_reader_of(text, len);
	struct passwd_line line;
	assert_true(passwd_next(&r, &line));
	struct passwd_line more;
	assert_false(passwd_next(&r, &more));
	return line;
}

TEST(passwd, malformed_lines_are_refused)
{
	static const char *const rows[] = {
		"user",
		"user:",
		"user:group",
		"user:group:",
		":group:$6$a$b",
		"user:group:hash:more",
		"us\ter:g:$6$a$b",
		"user:gr\x7foup:$6$a$b",
		"user:g:$6$a b",
		"user:g:$6$\xc3\xa4",
		"user:*:$6$a$b\r",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct passwd_line l = only(rows[i], strlen(rows[i]));
		if (l.kind != PASSWD_BAD)
			fail_msg("accepted: %s", rows[i]);
		assert_non_null(l.problem);
	}
}

TEST(passwd, a_lock_without_a_password_is_no_error)
{
	static const char *const rows[] = { "user:group:!", "user:group:*", "user:group:!!$6$a$b" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct passwd_line l = only(rows[i], strlen(rows[i]));
		assert_int_equal(l.kind, PASSWD_ENTRY);
		assert_true(l.locked);
	}
}

TEST(passwd, nul_and_overlong_are_refused)
{
	static const char nul[] = "us\0er:g:$6$a$b";
	assert_int_equal(only(nul, sizeof nul - 1).kind, PASSWD_BAD);
	static char text[PASSWD_LINE_MAX + 1];
	memset(text, 'g', sizeof text);
	memcpy(text, "user:", 5);
	memcpy(text + sizeof text - 6, ":$6$ab", 6);
	assert_int_equal(only(text, sizeof text).kind, PASSWD_BAD);
	char name[PASSWD_NAME_MAX + 10];
	memset(name, 'u', sizeof name);
	memcpy(name + PASSWD_NAME_MAX, ":*:$6$ab", 8);
	assert_int_equal(only(name, PASSWD_NAME_MAX + 8).kind, PASSWD_ENTRY);
	name[PASSWD_NAME_MAX] = 'u';
	memcpy(name + PASSWD_NAME_MAX + 1, ":*:$6$ab", 8);
	assert_int_equal(only(name, PASSWD_NAME_MAX + 9).kind, PASSWD_BAD);
}

TEST(passwd, lines_are_counted)
{
	static const char text[] = "# comment\n\na:*:$6$x$y\nbad\nb:g1,g2:!$5$x$y";
	static const enum passwd_kind kinds[] = { PASSWD_BLANK, PASSWD_BLANK, PASSWD_ENTRY, PASSWD_BAD,
						  PASSWD_ENTRY };
	struct passwd_reader r = passwd_reader_of(text, sizeof text - 1);
	struct passwd_line l;
	for (uint32_t i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_true(passwd_next(&r, &l));
		assert_int_equal(l.kind, kinds[i]);
		assert_int_equal(l.number, i + 1);
	}
	assert_false(passwd_next(&r, &l));
	assert_true(l.locked);
	assert_true(span_is(l.user, "b"));
	assert_true(span_is(l.hash, "$5$x$y"));
	r = passwd_reader_of(nullptr, 0);
	assert_false(passwd_next(&r, &l));
}

TEST(passwd, short_groups_mean_none)
{
	static const struct {
		const char *groups;
		const char *want[3];
	} rows[] = {
		{ "*", {} },
		{ "x", {} },
		{ "", {} },
		{ ",,", {} },
		{ "ab", { "ab" } },
		{ "*,ab", { "ab" } },
		{ "ab,cd", { "ab", "cd" } },
		{ "ab,,x,cd,", { "ab", "cd" } },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span left = span_of(rows[i].groups, strlen(rows[i].groups)), group;
		for (size_t j = 0; rows[i].want[j] != nullptr; j++) {
			assert_true(passwd_next_group(&left, &group));
			assert_true(span_is(group, rows[i].want[j]));
		}
		assert_false(passwd_next_group(&left, &group));
	}
}

TEST(passwd, names_that_would_break_the_file_are_refused)
{
	static const char *const bad[] = { "", "a:b", "a\nb", "#a", "a\x01" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_non_null(passwd_user_problem(span_of(bad[i], strlen(bad[i]))));
	static const char *const good[] = { "a",          "DOM\\user", "u@example.org", "J\xc3\xbcrgen",
					    "first last", "*" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_null(passwd_user_problem(span_of(good[i], strlen(good[i]))));
	assert_non_null(passwd_groups_problem(span_of("a:b", 3)));
	assert_non_null(passwd_groups_problem(span_of("a\n", 2)));
	assert_null(passwd_groups_problem(span_of("staff,admins", 12)));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwd_malformed_lines_are_refused),
		cmocka_unit_test(passwd_a_lock_without_a_password_is_no_error),
		cmocka_unit_test(passwd_nul_and_overlong_are_refused),
		cmocka_unit_test(passwd_lines_are_counted),
		cmocka_unit_test(passwd_short_groups_mean_none),
		cmocka_unit_test(passwd_names_that_would_break_the_file_are_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
