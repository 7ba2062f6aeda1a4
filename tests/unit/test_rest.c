/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "worker/rest.h"

/* n turns of so many packets, gap_ns from packet to packet; the answer of the last. */
static uint32_t turns(struct rest *r, unsigned n, uint32_t packets, uint64_t gap_ns)
{
	uint32_t ns = 0;
	for (unsigned i = 0; i < n; i++) {
		r->packets = packets;
		ns = rest_turn(r, r->last_ns + packets * gap_ns);
	}
	return ns;
}

static void lone_packet_is_never_delayed(void **)
{
	struct rest r = { .last_ns = 5 };
	assert_int_equal(turns(&r, 1, 1, 10), 0);
	struct rest fresh = {};
	assert_int_equal(turns(&fresh, 1, 1, 1'000'000'000), 0);
}

static void slow_stream_is_never_delayed(void **)
{
	struct rest r = { .last_ns = 5 };
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(turns(&r, 1, 1, REST_NS / REST_PACKETS + 1000), 0);
}

static void fast_packets_one_by_one_are_gathered(void **)
{
	struct rest r = { .last_ns = 5 };
	assert_int_equal(turns(&r, 100, 1, REST_NS / REST_PACKETS / 2), REST_NS);
	/* and go on to be, while they come together a few at a time */
	assert_int_equal(turns(&r, 100, 6, REST_NS / 6), REST_NS);
}

static void batches_need_no_rest(void **)
{
	struct rest r = { .last_ns = 5 };
	assert_int_equal(turns(&r, 100, 32, 1000), 0);
}

static void rest_ends_with_the_stream(void **)
{
	struct rest r = { .last_ns = 5 };
	assert_int_equal(turns(&r, 100, 1, 5000), REST_NS);
	/* a few packets after a pause, and it is quiet again */
	turns(&r, 8, 1, 1'000'000'000);
	assert_int_equal(turns(&r, 1, 1, 1'000'000'000), 0);
	assert_int_equal(turns(&r, 1, 1, 5000), 0);
}

static void turns_without_packets_change_nothing(void **)
{
	struct rest r = { .last_ns = 5 };
	turns(&r, 100, 1, 5000);
	const struct rest before = r;
	assert_int_equal(rest_turn(&r, r.last_ns + 1'000'000'000), 0);
	assert_memory_equal(&r, &before, sizeof r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lone_packet_is_never_delayed),
		cmocka_unit_test(slow_stream_is_never_delayed),
		cmocka_unit_test(fast_packets_one_by_one_are_gathered),
		cmocka_unit_test(batches_need_no_rest),
		cmocka_unit_test(rest_ends_with_the_stream),
		cmocka_unit_test(turns_without_packets_change_nothing),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
