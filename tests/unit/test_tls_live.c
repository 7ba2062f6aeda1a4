/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the keeper; what the keys do is shown by tests/net/tickets.sh with real clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "worker/tls.h"

static uint8_t names[8][MSGS_TICKET_NAME_LEN], secrets[8][MSGS_TICKET_KEY_LEN];
static Msg__TicketKey each[8];
static Msg__TicketKey *list[8];

static Msg__TicketKeys keys(size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(each); i++) {
		memset(names[i], (int)i + 1, sizeof names[i]);
		memset(secrets[i], (int)i + 101, sizeof secrets[i]);
		msg__ticket_key__init(&each[i]);
		each[i].name = ipc_bytes(names[i], sizeof names[i]);
		each[i].key = ipc_bytes(secrets[i], sizeof secrets[i]);
		list[i] = &each[i];
	}
	Msg__TicketKeys m;
	msg__ticket_keys__init(&m);
	m.n_keys = n;
	m.keys = list;
	return m;
}

static void keys_replace_those_before(void **)
{
	static const uint8_t zeros[MSGS_TICKET_KEY_LEN];
	struct tls_live l = {};
	assert_false(tls_live_has_keys(&l));
	Msg__TicketKeys m = keys(2);
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_OK);
	assert_true(tls_live_has_keys(&l));
	assert_int_equal(l.keys_n, 2);
	assert_int_equal(l.keys[1].key[0], 102);
	assert_memory_equal(secrets[1], zeros, sizeof zeros); /* wiped in the message */
	m = keys(1);
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_OK);
	assert_int_equal(l.keys_n, 1);
	assert_memory_equal(l.keys[1].key, zeros, sizeof zeros); /* the old one is gone */
	tls_live_fini(&l);
	assert_false(tls_live_has_keys(&l));
	assert_memory_equal(l.keys[0].key, zeros, sizeof zeros);
}

static void malformed_keys_change_nothing(void **)
{
	struct tls_live l = {};
	Msg__TicketKeys m = keys(2);
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_OK);
	m = keys(0);
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_PROTO);
	m = keys(5);
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_PROTO);
	m = keys(2);
	each[1].key.len--;
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_PROTO);
	m = keys(2);
	each[0].name.len++;
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_PROTO);
	m = keys(1);
	each[0].key.len = 0;
	assert_int_equal(tls_live_set_keys(&l, &m), ERR_PROTO);
	assert_int_equal(l.keys_n, 2);
	assert_int_equal(l.keys[0].key[5], 101);
	tls_live_fini(&l);
}

static void a_staple_for_each_virtual_host(void **)
{
	static char first[] = "", second[] = "a.test";
	uint8_t bytes[3] = { 1, 2, 3 };
	struct tls_live l = {};
	Msg__Staple m;
	msg__staple__init(&m);
	m.vhost = first;
	m.response = ipc_bytes(bytes, 3);
	assert_int_equal(tls_live_set_staple(&l, &m), ERR_OK);
	m.vhost = second;
	assert_int_equal(tls_live_set_staple(&l, &m), ERR_OK);
	m.response.len = 0; /* it has expired */
	assert_int_equal(tls_live_set_staple(&l, &m), ERR_OK);
	assert_string_equal(l.staples->m->vhost, second);
	assert_int_equal(l.staples->m->response.len, 0);
	assert_int_equal(l.staples->next->m->response.len, 3);
	assert_null(l.staples->next->next);
	tls_live_fini(&l);
	assert_null(l.staples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_replace_those_before),
		cmocka_unit_test(malformed_keys_change_nothing),
		cmocka_unit_test(a_staple_for_each_virtual_host),
	};
	return cmocka_run_group_tests_name("tls_live", tests, nullptr, nullptr);
}
