/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of ocload: numbers, packets, answers; tools are programs, so their files are part of this test */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../tools/ocload/hist.c"
#include "../tools/ocload/track.c"

static void hist_percentiles(void **)
{
	static struct hist h, other;
	for (uint64_t i = 1; i <= 1000; i++)
		hist_add(&h, i * 1000);
	assert_in_range(hist_percentile(&h, 0.5), 492'000, 508'000);
	assert_in_range(hist_percentile(&h, 0.99), 974'000, 1'000'000);
	assert_int_equal(hist_percentile(&h, 1), 1'000'000);
	assert_int_equal(hist_mean(&h), 500'500);
	hist_merge(&other, &h);
	assert_int_equal(other.n, 1000);
}

static void hist_ends(void **)
{
	static struct hist h;
	assert_int_equal(hist_percentile(&h, 0.5), 0);
	assert_int_equal(hist_mean(&h), 0);
	hist_add(&h, 0);
	assert_int_equal(hist_percentile(&h, 0.5), 0);
	hist_add(&h, UINT64_MAX / 2); /* beyond the last bucket */
	assert_int_equal(h.max_ns, UINT64_MAX / 2);
}

static void track_counts(void **)
{
	static struct track t;
	track_init(&t);
	assert_int_equal(track_add(&t, 0), TRACK_NEXT);
	assert_int_equal(track_add(&t, 2), TRACK_NEXT);
	assert_int_equal(track_add(&t, 1), TRACK_REORDERED);
	assert_int_equal(track_add(&t, 1), TRACK_TWICE);
	assert_int_equal(track_add(&t, 2), TRACK_TWICE);
	assert_int_equal(track_expected(&t), 3);
}

static void track_window(void **)
{
	static struct track t;
	track_init(&t);
	assert_int_equal(track_add(&t, 0), TRACK_NEXT);
	assert_int_equal(track_add(&t, TRACK_BITS), TRACK_NEXT);
	assert_int_equal(track_add(&t, 0), TRACK_LATE);
	assert_int_equal(track_add(&t, 1), TRACK_REORDERED);
	assert_int_equal(track_add(&t, 10 * TRACK_BITS), TRACK_NEXT);
	assert_int_equal(track_add(&t, 10 * TRACK_BITS - 1), TRACK_REORDERED);
	assert_int_equal(track_add(&t, 9 * TRACK_BITS + 1), TRACK_REORDERED);
	assert_int_equal(track_add(&t, 9 * TRACK_BITS), TRACK_LATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hist_percentiles),
		cmocka_unit_test(hist_ends),
		cmocka_unit_test(track_counts),
		cmocka_unit_test(track_window),
	};
	return cmocka_run_group_tests_name("ocload", tests, nullptr, nullptr);
}
