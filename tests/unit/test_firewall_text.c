/* SPDX-License-Identifier: GPL-3.0-or-later */
/* firewall_text: what the keeper may say becomes the commands that are meant; what it may not say is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "supervisor/firewall_text.h"

#define BYTES(...)                                                             \
	{                                                                      \
		.len = sizeof((uint8_t[]){ __VA_ARGS__ }), .data = (uint8_t[]) \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

typedef void writer(FILE *out, const char *table, const Msg__Firewall *m);

static char *text_of(writer *write, const Msg__Firewall *m)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	write(out, "t", m);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void has(writer *write, const Msg__Firewall *m, const char *line)
{
	char *text OWNED(base_freep) = text_of(write, m);
	if (strstr(text, line) == nullptr)
		fail_msg("no '%s' in:\n%s", line, text);
}

static void the_table_is_named_by_the_device(void **)
{
	char name[FIREWALL_TABLE_MAX];
	firewall_text_table(name, "vpns0");
	assert_string_equal(name, "ocserv_modern_vpns0");
	firewall_text_table(name, "a-b.c;\"}0");
	assert_string_equal(name, "ocserv_modern_a_b_c___0");
}

static void a_session_has_its_rules(void **)
{
	ProtobufCBinaryData client[] = { BYTES(32, 10, 0, 0, 5), BYTES(24, 10, 9, 0, 0) };
	ProtobufCBinaryData route[] = { BYTES(8, 10, 0, 0, 0), BYTES(24, 10, 1, 2, 0) };
	Msg__FirewallPort tcp = MSG__FIREWALL_PORT__INIT, *ports[] = { &tcp };
	Msg__Firewall m = MSG__FIREWALL__INIT;
	tcp.protocol = 6;
	tcp.port = 443;
	m.sid = 7;
	m.clients = client;
	m.n_clients = 2;
	m.routes = route;
	m.n_routes = 2;
	m.to_routes = m.to_ports = true;
	m.ports = ports;
	m.n_ports = 1;
	assert_true(firewall_text_is_right(&m));
	has(firewall_text_add, &m, "add element inet t host4 { 10.0.0.5 : jump s_7 }");
	has(firewall_text_add, &m, "add element inet t net4 { 10.9.0.0/24 : jump s_7 }");
	has(firewall_text_add, &m, "s_7 meta l4proto 6 th dport 443 goto p_7");
	has(firewall_text_add, &m, "s_7 ip frag-off & 0x1fff != 0 meta l4proto 6 goto p_7");
	has(firewall_text_add, &m, "s_7 counter name dropped drop");
	has(firewall_text_add, &m,
	    "add set inet t r4_7 { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 10.1.2.0/24 } }");
	has(firewall_text_add, &m, "p_7 ip daddr != @r4_7 counter name dropped drop");
	has(firewall_text_add, &m,
	    "p_7 meta nfproto ipv6 counter name dropped drop"); /* it has no route there */
	has(firewall_text_delete, &m, "delete set inet t r4_7");
	has(firewall_text_delete, &m, "delete element inet t net4 { 10.9.0.0/24 : jump s_7 }");
	m.isolated = true;
	has(firewall_text_add, &m, "s_7 jump isolated");
	m.is_deny = true;
	has(firewall_text_add, &m, "s_7 meta l4proto 6 th dport 443 counter name dropped drop");
	has(firewall_text_add, &m, "s_7 goto p_7");
}

static void what_cannot_be_is_refused(void **)
{
	ProtobufCBinaryData client[] = { BYTES(32, 10, 0, 0, 5) };
	ProtobufCBinaryData wrong[] = { BYTES(33, 10, 0, 0, 5),
					BYTES(32, 10, 0, 0),
					BYTES(32),
					{},
					BYTES(129, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1) };
	Msg__FirewallPort port = MSG__FIREWALL_PORT__INIT, *ports[] = { &port };
	Msg__Firewall m = MSG__FIREWALL__INIT;
	assert_false(firewall_text_is_right(&m)); /* of no client */
	m.clients = client;
	m.n_clients = 1;
	assert_true(firewall_text_is_right(&m));
	m.n_routes = m.n_no_routes = m.n_dns = 0;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		m.routes = m.dns = m.no_routes = &wrong[i];
		m.n_routes = 1;
		assert_false(firewall_text_is_right(&m));
		m.n_routes = 0;
		m.n_dns = 1;
		assert_false(firewall_text_is_right(&m));
		m.n_dns = 0;
	}
	m.ports = ports;
	m.n_ports = 1;
	port = (Msg__FirewallPort)MSG__FIREWALL_PORT__INIT;
	port.protocol = 256;
	assert_false(firewall_text_is_right(&m));
	port.protocol = 6;
	port.port = 65536;
	assert_false(firewall_text_is_right(&m));
	port.protocol = 1; /* ICMP has none */
	port.port = 8;
	assert_false(firewall_text_is_right(&m));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_named_by_the_device),
		cmocka_unit_test(a_session_has_its_rules),
		cmocka_unit_test(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
