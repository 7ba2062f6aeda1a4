/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wire/mtu.h"

static void link_is_the_smallest_known(void **)
{
	static const struct {
		uint32_t configured, base, path, link;
	} rows[] = {
		{ 1500, 1500, 1500, 1500 },
		{ 1500, 1406, 0, 1406 },
		{ 1400, 1500, 1500, 1400 },
		{ 1500, 1500, 1280, 1280 },
		{ 0, 0, 0, MTU_LINK_DEFAULT },
		{ 0, 1300, 0, 1300 },
		{ 9000, 9000, 9000, 9000 },
		{ 16384, 0, 0, 16384 },
		/* too small: held */
		{ 1500, 500, 1500, 800 },
		{ 1500, 1, 1500, 800 },
		{ 500, 0, 0, 800 },
		{ 1500, 1500, 68, 800 },
		{ 1500, 799, 0, 800 },
		{ 1500, 800, 0, 800 },
		/* absurd: as if not said */
		{ 1500, 65535, 1500, 1500 },
		{ 0, 65535, 0, MTU_LINK_DEFAULT },
		{ 65535, 65535, 65535, MTU_LINK_DEFAULT },
		{ 1500, 16385, 0, 1500 },
		{ 1500, UINT32_MAX, 0, 1500 },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, MTU_LINK_DEFAULT },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(mtu_link(rows[i].configured, rows[i].base, rows[i].path), rows[i].link);
}

static void inner_of_known_links(void **)
{
	/* 1500 - 20 - 8 - 37 - 1 */
	assert_int_equal(mtu_inner_dtls(1500, false, MTU_RECORD_GCM), 1434);
	assert_int_equal(mtu_inner_dtls(1500, true, MTU_RECORD_GCM), 1414);
	assert_int_equal(mtu_inner_dtls(1500, false, MTU_RECORD_CHACHA), 1442);
	assert_int_equal(mtu_inner_dtls(1500, true, MTU_RECORD_CHACHA), 1422);
	assert_int_equal(mtu_inner_dtls(1500, false, MTU_RECORD_CBC_SHA1), 1406);
	assert_int_equal(mtu_inner_dtls(800, true, MTU_RECORD_CBC_SHA1), 686);
	/* 1500 - 20 - 32 - 29 - 8 */
	assert_int_equal(mtu_inner_tls(1500, false), 1411);
	assert_int_equal(mtu_inner_tls(1500, true), 1391);
}

static void inner_never_leaves_its_range(void **)
{
	static const uint32_t links[] = { 0,    1,    57,    58,    500,   799,       800,
					  1280, 1500, 16384, 16385, 65535, UINT32_MAX };
	static const uint32_t overheads[] = { 0, 29, 37, 65, 700, 800, 16384, UINT32_MAX - 69, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		for (size_t j = 0; j < ARRAY_LEN(overheads); j++) {
			for (int six = 0; six < 2; six++) {
				uint32_t inner = mtu_inner_dtls(links[i], six != 0, overheads[j]);
				assert_in_range(inner, MTU_INNER_MIN, MTU_LINK_MAX);
				assert_int_equal(mtu_probe_max(links[i], six != 0, overheads[j]), inner);
			}
		}
		assert_in_range(mtu_inner_tls(links[i], true), MTU_INNER_MIN, MTU_LINK_MAX);
	}
}

/* Whatever the client says, what fits inside fits outside. */
static void inner_always_fits_the_link(void **)
{
	for (uint32_t base = 0; base <= 70000; base++) {
		uint32_t link = mtu_link(9000, base, 0);
		assert_in_range(link, MTU_LINK_MIN, MTU_LINK_MAX);
		uint32_t inner = mtu_inner_dtls(link, true, MTU_RECORD_CBC_SHA1);
		assert_true(inner + 40 + 8 + 1 + MTU_RECORD_CBC_SHA1 <= link);
		assert_true(mtu_inner_tls(link, true) + 40 + 32 + 29 + 8 <= link);
	}
}

static void mtu_of_the_client_only_lowers(void **)
{
	assert_int_equal(mtu_inner_agreed(1434, 1390), 1390);
	assert_int_equal(mtu_inner_agreed(1434, 1434), 1434);
	assert_int_equal(mtu_inner_agreed(1434, 1500), 1434);
	assert_int_equal(mtu_inner_agreed(1434, 0), 1434);
	assert_int_equal(mtu_inner_agreed(1434, 500), 1434);
	assert_int_equal(mtu_inner_agreed(1434, 575), 1434);
	assert_int_equal(mtu_inner_agreed(1434, 576), 576);
	assert_int_equal(mtu_inner_agreed(1434, 65535), 1434);
	assert_int_equal(mtu_inner_agreed(1434, UINT32_MAX), 1434);
	assert_int_equal(mtu_inner_agreed(0, 1000), 576);
	assert_int_equal(mtu_inner_agreed(65535, 0), 16384);
}

static void no_ip6_below_its_least_mtu(void **)
{
	assert_false(mtu_allows_ip6(0));
	assert_false(mtu_allows_ip6(1279));
	assert_true(mtu_allows_ip6(1280));
	assert_false(mtu_allows_ip6(mtu_inner_dtls(1280, false, MTU_RECORD_GCM)));
	assert_true(mtu_allows_ip6(mtu_inner_dtls(1400, true, MTU_RECORD_GCM)));
}

static void a_probe_raises_but_never_too_far(void **)
{
	assert_int_equal(mtu_inner_probed(1300, 1400, 1434), 1400);
	assert_int_equal(mtu_inner_probed(1300, 1434, 1434), 1434);
	assert_int_equal(mtu_inner_probed(1300, 1435, 1434), 1434);
	assert_int_equal(mtu_inner_probed(1300, SIZE_MAX, 1434), 1434);
	assert_int_equal(mtu_inner_probed(1300, 1299, 1434), 1300);
	assert_int_equal(mtu_inner_probed(1300, 0, 1434), 1300);
	assert_int_equal(mtu_inner_probed(1300, 1400, 1200), 1200);
	assert_int_equal(mtu_inner_probed(0, 0, 0), 576);
	assert_int_equal(mtu_inner_probed(1300, SIZE_MAX, UINT32_MAX), 16384);
	assert_int_equal(mtu_inner_probed(1300, ((size_t)1 << 32) + 1, 1434), 1434);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_is_the_smallest_known),
		cmocka_unit_test(inner_of_known_links),
		cmocka_unit_test(inner_never_leaves_its_range),
		cmocka_unit_test(inner_always_fits_the_link),
		cmocka_unit_test(mtu_of_the_client_only_lowers),
		cmocka_unit_test(no_ip6_below_its_least_mtu),
		cmocka_unit_test(a_probe_raises_but_never_too_far),
	};
	return cmocka_run_group_tests_name("mtu", tests, nullptr, nullptr);
}
