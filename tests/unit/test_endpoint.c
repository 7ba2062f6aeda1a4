/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_endpoint - addresses with a port, as of metrics-listen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "config/config.h"

static void both_families(void **)
{
	struct prefix a;
	uint16_t port;
	assert_int_equal(config_endpoint_parse("192.0.2.1:9443", &a, &port), ERR_OK);
	assert_int_equal(a.family, AF_INET);
	assert_int_equal(a.addr[0], 192);
	assert_int_equal(port, 9443);
	assert_int_equal(config_endpoint_parse("[::1]:65535", &a, &port), ERR_OK);
	assert_int_equal(a.family, AF_INET6);
	assert_int_equal(a.addr[15], 1);
	assert_int_equal(port, 65535);
	assert_int_equal(config_endpoint_parse("0.0.0.0:1", &a, &port), ERR_OK);
}

static void what_is_refused(void **)
{
	static const char *const texts[] = {
		"",
		"9443",
		"192.0.2.1",
		"192.0.2.1:",
		"192.0.2.1:x",
		"192.0.2.1:1x",
		"192.0.2.1:0",
		"192.0.2.1:65536",
		"192.0.2.1: 1",
		"192.0.2.1:-1",
		"192.0.2.0/24:1",
		"::1:9443",
		"[::1]",
		"[::1]9443",
		"[::1:9443",
		"[192.0.2.1]:1",
		"default:1",
		"host:9443",
		"[]:1",
		":1",
	};
	struct prefix a;
	uint16_t port;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (config_endpoint_parse(texts[i], &a, &port) == ERR_OK)
			fail_msg("'%s' was taken", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(what_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
