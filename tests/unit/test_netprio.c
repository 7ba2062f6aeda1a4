/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netprio: what net-priority may say */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"
#include "config/netprio.h"

static void is(const char *text, enum netprio_kind kind, uint8_t value)
{
	struct netprio p = { NETPRIO_TOS, 0xee };
	assert_int_equal(netprio_parse(text, &p), ERR_OK);
	assert_int_equal(p.kind, kind);
	assert_int_equal(p.value, value);
}

static void what_it_means(void **)
{
	is(nullptr, NETPRIO_NONE, 0);
	is("0", NETPRIO_PRIORITY, 0);
	is("6", NETPRIO_PRIORITY, 6);
	is("0x20", NETPRIO_TOS, 0x20);
	is("0XB8", NETPRIO_TOS, 0xb8);
	is("0x4", NETPRIO_TOS, 0x04);
	is("0xff", NETPRIO_TOS, 0xfc); /* without ECN */
	is("EF", NETPRIO_TOS, 0xb8);
	is("ef", NETPRIO_TOS, 0xb8);
	is("CS4", NETPRIO_TOS, 0x80);
	is("cs0", NETPRIO_TOS, 0);
	is("AF21", NETPRIO_TOS, 0x48);
	is("AF43", NETPRIO_TOS, 0x98);
	is("VA", NETPRIO_TOS, 0xb0);
	is("LE", NETPRIO_TOS, 0x04);
}

static void what_is_refused(void **)
{
	static const char *const wrong[] = { "",      "7",    "-1",  "00",   "10",  "32",   "0x",
					     "0x123", "0xg1", "x20", "CS8",  "CS",  "CS44", "AF14",
					     "AF51",  "AF2",  "EF ", "0x2 ", " EF", "0x-1", "EFEF" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct netprio p = { NETPRIO_TOS, 0xee };
		assert_int_equal(netprio_parse(wrong[i], &p), ERR_SYNTAX);
		assert_int_equal(p.value, 0xee);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_means),
		cmocka_unit_test(what_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
