/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/worker.h"

static struct route *new_route(uint64_t sid, uint8_t host, uint8_t ip6_len)
{
	struct route *r = calloc(1, sizeof *r);
	assert_non_null(r);
	uint8_t v4[4] = { 10, 0, 0, host };
	uint8_t v6[16] = { 0xfd, 0, [6] = host, [15] = 9 };
	r->sid = sid;
	r->ip4 = addr_of_ip(v4, 4);
	r->ip6 = addr_of_ip(v6, 16);
	r->ip6_len = ip6_len;
	memset(r->app_id, host, sizeof r->app_id);
	return r;
}

static void a_route_is_found_by_each_key(void **)
{
	struct steer st = {};
	struct route *r = new_route(5, 2, 128);
	steer_add(&st, r);
	uint8_t v4[4] = { 10, 0, 0, 2 }, v6[16] = { 0xfd, 0, [6] = 2, [15] = 9 }, id[STEER_APP_ID];
	memset(id, 2, sizeof id);
	assert_ptr_equal(steer_find_sid(&st, 5), r);
	assert_ptr_equal(steer_find_ip(&st, v4, 4), r);
	assert_ptr_equal(steer_find_ip(&st, v6, 16), r);
	assert_ptr_equal(steer_find_app_id(&st, id), r);
	steer_remove(&st, r);
	assert_null(steer_find_sid(&st, 5));
	assert_null(steer_find_ip(&st, v4, 4));
	assert_null(steer_find_ip(&st, v6, 16));
	assert_null(steer_find_app_id(&st, id));
	free(r);
}

static void a_prefix_catches_all_its_addresses_and_no_other(void **)
{
	struct steer st = {};
	struct route *wide = new_route(1, 1, 56), *host = new_route(2, 2, 128);
	steer_add(&st, wide);
	steer_add(&st, host);
	uint8_t inside[16] = { 0xfd, 0, [6] = 1, [7] = 200, [15] = 77 };
	uint8_t beside[16] = { 0xfd, 0, [6] = 2, [7] = 200, [15] = 77 };
	assert_ptr_equal(steer_find_ip(&st, inside, 16), wide);
	assert_null(steer_find_ip(&st, beside, 16));
	steer_remove(&st, wide);
	steer_remove(&st, host);
	free(wide);
	free(host);
}

static void an_unknown_address_is_nobodys(void **)
{
	struct steer st = {};
	uint8_t v4[4] = { 10, 0, 0, 3 }, id[STEER_APP_ID] = {};
	assert_null(steer_find_ip(&st, v4, 4));
	assert_null(steer_find_app_id(&st, id));
}

static void a_session_without_dtls_is_not_found_by_zeros(void **)
{
	struct steer st = {};
	struct route *r = new_route(5, 2, 128);
	memset(r->app_id, 0, sizeof r->app_id);
	steer_add(&st, r);
	uint8_t id[STEER_APP_ID] = {};
	assert_null(steer_find_app_id(&st, id));
	steer_remove(&st, r);
	free(r);
}

static void announce(struct worker *w, uint64_t sid, unsigned worker, bool gone)
{
	uint8_t v4[4] = { 10, 0, 0, (uint8_t)sid };
	Msg__Route m = MSG__ROUTE__INIT;
	m.sid = sid;
	m.worker = worker;
	m.ipv4 = ipc_bytes(v4, sizeof v4);
	m.gone = gone;
	steer_announced(w, &m);
}

static void announcements_replace_and_end_routes_of_others(void **)
{
	struct worker *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->workers_n = 4;
	announce(w, 1, 2, false);
	assert_int_equal(steer_find_sid(&w->steer, 1)->worker, 2);
	announce(w, 1, 3, false);
	assert_int_equal(steer_find_sid(&w->steer, 1)->worker, 3);
	announce(w, 1, 3, true);
	assert_null(steer_find_sid(&w->steer, 1));
	free(w);
}

static void announcements_of_our_own_or_of_nobody_are_ignored(void **)
{
	struct worker *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->workers_n = 2;
	struct session *someone = (struct session *)(uintptr_t)16;
	struct route *own = new_route(1, 1, 128);
	own->own = someone;
	steer_add(&w->steer, own);
	announce(w, 1, 1, false);
	announce(w, 1, 1, true);
	assert_ptr_equal(steer_find_sid(&w->steer, 1), own);
	announce(w, 2, 0, false); /* says we have it; we do not */
	announce(w, 3, 9, false); /* there is no worker 9 */
	assert_null(steer_find_sid(&w->steer, 2));
	assert_null(steer_find_sid(&w->steer, 3));
	steer_forget_others(&w->steer);
	assert_ptr_equal(steer_find_sid(&w->steer, 1), own);
	steer_remove(&w->steer, own);
	free(own);
	free(w);
}

static void probes_run_out_and_come_back(void **)
{
	struct worker *w = calloc(1, sizeof *w);
	assert_non_null(w);
	unsigned n = 0;
	assert_false(steer_take_probe(w));
	steer_refill(&w->steer);
	while (steer_take_probe(w))
		n++;
	assert_in_range(n, 10, 1000);
	steer_refill(&w->steer);
	assert_true(steer_take_probe(w));
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_is_found_by_each_key),
		cmocka_unit_test(a_prefix_catches_all_its_addresses_and_no_other),
		cmocka_unit_test(an_unknown_address_is_nobodys),
		cmocka_unit_test(a_session_without_dtls_is_not_found_by_zeros),
		cmocka_unit_test(announcements_replace_and_end_routes_of_others),
		cmocka_unit_test(announcements_of_our_own_or_of_nobody_are_ignored),
		cmocka_unit_test(probes_run_out_and_come_back),
	};
	return cmocka_run_group_tests_name("steer", tests, nullptr, nullptr);
}
