/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/replay.h"

#define FRESH(r, seq)                                                \
	do {                                                         \
		assert_int_equal(replay_check((r), (seq)), ERR_OK);  \
		assert_int_equal(replay_accept((r), (seq)), ERR_OK); \
	} while (0)
#define REFUSED(r, seq)                                                  \
	do {                                                             \
		struct replay before_ = *(r);                            \
		assert_int_equal(replay_check((r), (seq)), ERR_REPLAY);  \
		assert_int_equal(replay_accept((r), (seq)), ERR_REPLAY); \
		assert_memory_equal(&before_, (r), sizeof before_);      \
	} while (0)

static const uint64_t top48 = (1ull << 48) - 1;

static void zero_is_a_number_like_any_other(void **)
{
	struct replay r;
	replay_init(&r);
	FRESH(&r, 0);
	REFUSED(&r, 0);
	FRESH(&r, 1);
	REFUSED(&r, 0);
}

static void first_number_may_be_any(void **)
{
	struct replay r;
	replay_init(&r);
	FRESH(&r, top48);
	REFUSED(&r, top48);
	REFUSED(&r, 0);
	REFUSED(&r, top48 - REPLAY_WINDOW);
	FRESH(&r, top48 - REPLAY_WINDOW + 1);
}

static void check_records_nothing(void **)
{
	struct replay r, before;
	replay_init(&r);
	before = r;
	assert_int_equal(replay_check(&r, 5000), ERR_OK);
	assert_int_equal(replay_check(&r, 5000), ERR_OK);
	assert_memory_equal(&r, &before, sizeof r);
	FRESH(&r, 4);
}

static void the_edge_of_the_window(void **)
{
	struct replay r;
	replay_init(&r);
	FRESH(&r, REPLAY_WINDOW);
	REFUSED(&r, 0);
	FRESH(&r, 1);
	REFUSED(&r, 1);
	FRESH(&r, REPLAY_WINDOW + 1);
	REFUSED(&r, 1);
	FRESH(&r, 2);
}

static void order_backwards(void **)
{
	struct replay r;
	replay_init(&r);
	for (uint64_t seq = REPLAY_WINDOW; seq > 0; seq--)
		FRESH(&r, seq);
	for (uint64_t seq = 0; seq <= REPLAY_WINDOW; seq++)
		REFUSED(&r, seq);
}

static void a_jump_forgets_the_old_only(void **)
{
	static const uint64_t jumps[] = { 1,   63,  64,   65,   127,  128,  959,
					  960, 961, 1023, 1024, 1025, 2048, 1ull << 40 };
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct replay r;
		replay_init(&r);
		for (uint64_t seq = 5000; seq <= 6000; seq++)
			FRESH(&r, seq);
		FRESH(&r, 6000 + jumps[i]);
		for (uint64_t seq = 5000; seq <= 6000; seq++)
			REFUSED(&r, seq);
		for (uint64_t seq = 6001; seq < 6000 + MIN(jumps[i], 3000); seq++)
			if (seq > r.top - REPLAY_WINDOW)
				FRESH(&r, seq);
			else
				REFUSED(&r, seq);
	}
}

static void far_too_old_is_refused(void **)
{
	struct replay r;
	replay_init(&r);
	FRESH(&r, 1ull << 32);
	for (unsigned i = 0; i < 32; i++)
		REFUSED(&r, (uint64_t)1 << i);
	REFUSED(&r, (1ull << 32) - 1024);
	REFUSED(&r, (1ull << 32) - 2048);
}

static void the_last_numbers_do_not_wrap(void **)
{
	struct replay r;
	replay_init(&r);
	FRESH(&r, UINT64_MAX - 1);
	FRESH(&r, UINT64_MAX);
	REFUSED(&r, UINT64_MAX);
	REFUSED(&r, UINT64_MAX - 1);
	REFUSED(&r, 0);
	REFUSED(&r, 1);
	FRESH(&r, UINT64_MAX - 2);
}

/* Against the plain definition: seen, or not within the window below the highest. */
static void random_walk_agrees_with_a_list(void **)
{
	constexpr size_t SPAN = 20000;
	bool *seen = calloc(SPAN, 1);
	struct replay r;
	replay_init(&r);
	uint64_t top = 0;
	bool any = false;
	uint32_t x = 12345;
	for (unsigned i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		uint64_t base = (uint64_t)i * (SPAN - 3000) / 200000;
		uint64_t seq = base + (x >> 16) % ((x >> 8 & 31) == 0 ? 2900 : 1100);
		bool fresh = (!any || seq + REPLAY_WINDOW > top) && !seen[seq];
		assert_int_equal(replay_accept(&r, seq), fresh ? ERR_OK : ERR_REPLAY);
		if (!fresh)
			continue;
		seen[seq] = any = true;
		top = MAX(top, seq);
	}
	free(seen);
}

static void init_forgets_all(void **)
{
	struct replay r;
	memset(&r, 0xff, sizeof r);
	replay_init(&r);
	FRESH(&r, 3);
	REFUSED(&r, 3);
	replay_init(&r);
	FRESH(&r, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_is_a_number_like_any_other),
		cmocka_unit_test(first_number_may_be_any),
		cmocka_unit_test(check_records_nothing),
		cmocka_unit_test(the_edge_of_the_window),
		cmocka_unit_test(order_backwards),
		cmocka_unit_test(a_jump_forgets_the_old_only),
		cmocka_unit_test(far_too_old_is_refused),
		cmocka_unit_test(the_last_numbers_do_not_wrap),
		cmocka_unit_test(random_walk_agrees_with_a_list),
		cmocka_unit_test(init_forgets_all),
	};
	return cmocka_run_group_tests_name("replay", tests, nullptr, nullptr);
}
