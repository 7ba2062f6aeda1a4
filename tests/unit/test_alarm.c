/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_alarm - signs of trouble: when they are said, the clock of the wall, the processor of a worker */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alarm.h"
#include "keeper/keeper.h"
#include "worker/load.h"

static struct mono at(uint64_t s)
{
	return clock_add_s((struct mono){ 5 }, s);
}

static void it_is_said_at_once_and_then_seldom(void **)
{
	struct alarm a = {};
	assert_false(alarm_feed(&a, false, 100, at(0)));
	assert_true(alarm_feed(&a, true, 100, at(1)));
	assert_false(alarm_feed(&a, true, 100, at(2)));
	assert_int_equal(a.n, 1);
	/* it flaps: counted, not said */
	assert_false(alarm_feed(&a, false, 100, at(3)));
	assert_false(alarm_feed(&a, true, 100, at(4)));
	assert_int_equal(a.n, 2);
	assert_false(alarm_feed(&a, true, 100, at(100)));
	/* it lasts */
	assert_true(alarm_feed(&a, true, 100, at(101)));
	assert_false(alarm_feed(&a, true, 100, at(102)));
	assert_int_equal(a.n, 2);
	assert_false(alarm_feed(&a, false, 100, at(500)));
	assert_true(alarm_feed(&a, true, 100, at(501)));
}

static void the_clock_of_the_wall_is_set(void **)
{
	struct trouble t = {};
	int64_t by;
	assert_false(trouble_clock(&t, 1'700'000'000, at(100), &by)); /* the first look knows nothing */
	assert_false(trouble_clock(&t, 1'700'000'001, at(101), &by));
	/* seconds are cut, and NTP slews */
	assert_false(trouble_clock(&t, 1'700'000'003, at(102), &by));
	assert_false(trouble_clock(&t, 1'700'000'013, at(102), &by));
	assert_true(trouble_clock(&t, 1'700'003'613, at(102), &by));
	assert_int_equal(by, 3600);
	assert_false(trouble_clock(&t, 1'700'003'614, at(103), &by));
	assert_true(trouble_clock(&t, 1'600'000'000, at(104), &by));
	assert_true(by < -100'000'000);
	/* a second that took long is no jump */
	assert_false(trouble_clock(&t, 1'600'000'900, at(1004), &by));
}

static void a_worker_is_saturated_after_a_while(void **)
{
	struct load l = {};
	bool busy;
	uint64_t cpu = 77'000'000'000; /* whatever it has used before */
	assert_false(load_feed(&l, cpu, at(10), &busy));
	assert_false(busy);
	for (unsigned i = 1; i < LOAD_SECONDS; i++) {
		cpu += 990'000'000;
		assert_false(load_feed(&l, cpu, at(10 + i), &busy));
		assert_true(busy);
	}
	cpu += 1'000'000'000;
	assert_true(load_feed(&l, cpu, at(10 + LOAD_SECONDS), &busy));
	cpu += 1'000'000'000;
	assert_false(load_feed(&l, cpu, at(11 + LOAD_SECONDS), &busy)); /* said already */
	/* a moment of rest, and it begins anew */
	cpu += 900'000'000;
	assert_false(load_feed(&l, cpu, at(12 + LOAD_SECONDS), &busy));
	assert_false(busy);
	assert_int_equal(l.busy_n, 0);
}

static void a_late_look_is_no_load(void **)
{
	struct load l = {};
	bool busy;
	load_feed(&l, 0, at(1), &busy);
	load_feed(&l, 1'000'000'000, at(3), &busy);
	assert_false(busy);
	load_feed(&l, 3'000'000'000, at(5), &busy);
	assert_true(busy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_said_at_once_and_then_seldom),
		cmocka_unit_test(the_clock_of_the_wall_is_set),
		cmocka_unit_test(a_worker_is_saturated_after_a_while),
		cmocka_unit_test(a_late_look_is_no_load),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
