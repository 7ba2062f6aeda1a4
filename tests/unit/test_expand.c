/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/expand.h"

static void names_are_put_in(void **)
{
	static const struct {
		const char *text, *user, *group, *want;
		enum expand_as as;
	} rows[] = {
		{ "X-User: %{U}", "alice", "staff", "X-User: alice", EXPAND_TEXT },
		{ "%{U}/%{G}/%{U}", "alice", "staff", "alice/staff/alice", EXPAND_TEXT },
		{ "%{G}", "alice", nullptr, "", EXPAND_TEXT },
		{ "%{X} %U %{U %", "alice", "staff", "%{X} %U %{U %", EXPAND_TEXT },
		{ "X: %{U}", "a\r\nX-Evil: 1", "", "X: a??X-Evil: 1", EXPAND_TEXT },
		{ "X: %{U}", "%{G}", "staff", "X: %{G}", EXPAND_TEXT }, /* once only */
		{ "X: %{U}", "j\xc3\xbcrg", "", "X: j??rg", EXPAND_TEXT },
		{ "http://p/%{U}.pac?g=%{G}", "a/../b", "x&y=z", "http://p/a%2F..%2Fb.pac?g=x%26y%3Dz",
		  EXPAND_URL },
		{ "http://p/%{U}", "j\xc3\xbcrg\r\n", "", "http://p/j%C3%BCrg%0D%0A", EXPAND_URL },
		{ "http://p/%{U}", "A-z_0.~", "", "http://p/A-z_0.~", EXPAND_URL },
	};
	char out[64];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			expand(out, sizeof out, rows[i].text, rows[i].user, rows[i].group, rows[i].as),
			ERR_OK);
		assert_string_equal(out, rows[i].want);
	}
}

static void what_does_not_fit_is_refused(void **)
{
	char out[9] = "????????";
	assert_int_equal(expand(out, sizeof out, "X: %{U}", "alice", "", EXPAND_TEXT), ERR_OK);
	assert_int_equal(expand(out, sizeof out, "X: %{U}", "alice1", "", EXPAND_TEXT), ERR_RANGE);
	assert_string_equal(out, "");
	assert_int_equal(expand(out, sizeof out, "X: %{U}", "///", "", EXPAND_URL), ERR_RANGE);
}

static void most_lines_need_nothing(void **)
{
	assert_true(expand_is_needed("a%{U}"));
	assert_true(expand_is_needed("a%{G}b"));
	assert_false(expand_is_needed("a%{u} %U"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_put_in),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(most_lines_need_nothing),
	};
	return cmocka_run_group_tests_name("expand", tests, nullptr, nullptr);
}
