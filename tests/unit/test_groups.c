/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper/groups.h"

static struct strlist list;

static void read_text(const char *text)
{
	groups_fini(&list);
	assert_int_equal(groups_of_text(&list, text, strlen(text), "file"), ERR_OK);
}

static int forget(void **)
{
	groups_fini(&list);
	return 0;
}

static void each_once_in_order(void **)
{
	read_text("a:staff:$6$x\nb:guests,staff:$6$x\nc:*:$6$x\nd:staff,admins:!$6$x\n");
	assert_int_equal(list.n, 3);
	assert_string_equal(list.v[0], "staff");
	assert_string_equal(list.v[1], "guests");
	assert_string_equal(list.v[2], "admins");
}

static void lines_that_give_none(void **)
{
	static const char *const texts[] = {
		"", "\n\n", "# a:staff:x\n", "a:*:$6$x\n", "no line of ours\n", "a:staff\n"
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		read_text(texts[i]);
		assert_int_equal(list.n, 0);
	}
}

static void more_than_there_is_room_for(void **)
{
	char *text = calloc(1000, 32);
	assert_non_null(text);
	char *at = text;
	for (unsigned i = 0; i < 1000; i++)
		at += snprintf(at, 32, "u%u:group%u:$6$x\n", i, i);
	read_text(text);
	assert_int_equal(list.n, GROUPS_MAX);
	at = text;
	for (unsigned i = 0; i < 60; i++)
		at += snprintf(at, 400, "u%u:%0250u:$6$x\n", i, i);
	read_text(text);
	assert_int_equal(list.n, GROUPS_BYTES_MAX / 250);
	free(text);
}

static void a_copy(void **)
{
	struct strlist copy = {};
	read_text("a:staff,guests:$6$x\n");
	assert_int_equal(groups_copy(&copy, &list), ERR_OK);
	groups_fini(&list);
	assert_int_equal(copy.n, 2);
	assert_string_equal(copy.v[1], "guests");
	groups_fini(&copy);
	assert_int_equal(groups_copy(&copy, &list), ERR_OK);
	assert_int_equal(copy.n, 0);
	groups_fini(&copy);
	assert_int_equal(groups_read(&copy, -1, "nothing"), ERR_SYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_once_in_order, forget),
		cmocka_unit_test_teardown(lines_that_give_none, forget),
		cmocka_unit_test_teardown(more_than_there_is_room_for, forget),
		cmocka_unit_test_teardown(a_copy, forget),
	};
	return cmocka_run_group_tests_name("groups", tests, nullptr, nullptr);
}
