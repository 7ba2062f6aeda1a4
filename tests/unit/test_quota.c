/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quota: when days and months begin and end */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keeper/quota.h"

constexpr int64_t DAY_S = 86400;
constexpr int64_t JAN_31_2027 = 1'801'353'600, FEB_1_2027 = 1'801'440'000, MARCH_1_2027 = 1'803'859'200;
constexpr int64_t DEC_31_2026 = 1'798'675'200, JAN_1_2027 = 1'798'761'600;

static void periods(void **)
{
	static const struct {
		enum config_period period;
		int64_t now, begin, end;
	} rows[] = {
		{ PERIOD_TOTAL, FEB_1_2027, 0, 0 },
		{ PERIOD_DAILY, JAN_31_2027, JAN_31_2027, FEB_1_2027 },
		{ PERIOD_DAILY, FEB_1_2027 - 1, JAN_31_2027, FEB_1_2027 },
		{ PERIOD_DAILY, FEB_1_2027, FEB_1_2027, FEB_1_2027 + DAY_S },
		{ PERIOD_MONTHLY, JAN_31_2027 + 5, JAN_1_2027, FEB_1_2027 },
		{ PERIOD_MONTHLY, FEB_1_2027 - 1, JAN_1_2027, FEB_1_2027 },
		{ PERIOD_MONTHLY, FEB_1_2027, FEB_1_2027, MARCH_1_2027 },
		{ PERIOD_MONTHLY, DEC_31_2026, JAN_1_2027 - 31 * DAY_S, JAN_1_2027 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(quota_period_begin(rows[i].period, rows[i].now), rows[i].begin);
		assert_int_equal(quota_period_end(rows[i].period, rows[i].now), rows[i].end);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(periods) };
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
