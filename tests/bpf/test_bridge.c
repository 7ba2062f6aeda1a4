/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer of the guard's lists, with maps of its own kind: what the kernel would find in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/bridge.h"

constexpr uint32_t ROOM = 64;
constexpr struct mono NEVER = { 0 };

static struct bridge b;
static char lines[4096];

static void keep_line(enum log_level level, const char *text, size_t len)
{
	(void)level;
	size_t at = strlen(lines);
	snprintf(lines + at, sizeof lines - at, "%.*s", (int)len, text);
}

static unsigned lines_with(const char *word)
{
	unsigned n = 0;
	for (const char *at = lines; (at = strstr(at, word)) != nullptr; at++)
		n++;
	return n;
}

static int map_of(uint32_t key_len)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "test", key_len, sizeof(struct guard_entry), ROOM,
				&opts);
	assert_true(fd >= 0);
	return fd;
}

static int open_bridge(void **state)
{
	(void)state;
	lines[0] = '\0';
	log_init("test", LOG_LEVEL_DEBUG, keep_line);
	bridge_init(&b, map_of(sizeof(struct guard_key4)), map_of(sizeof(struct guard_key6)));
	return bridge_protect(&b, nullptr, 0) == ERR_OK ? 0 : -1;
}

static int close_bridge(void **state)
{
	(void)state;
	close(b.list4);
	close(b.list6);
	bridge_fini(&b);
	return 0;
}

static struct prefix prefix(const char *text)
{
	struct prefix p = { 0 };
	if (config_prefix_parse(text, &p) != ERR_OK)
		fail_msg("'%s' is no prefix", text);
	return p;
}

static enum err add(const char *text, struct mono end)
{
	struct prefix p = prefix(text);
	return bridge_add(&b, &p, GUARD_VERDICT_BLOCK, end);
}

static enum err drop(const char *text)
{
	struct prefix p = prefix(text);
	return bridge_remove(&b, &p);
}

static enum err protect(const char *text)
{
	struct prefix p = prefix(text);
	return bridge_protect(&b, &p, 1);
}

/* What the programs would find: a verdict that is in force, or 0. */
static uint32_t verdict(const char *address)
{
	struct guard_entry e;
	struct guard_key4 k4 = { .len = 32 };
	struct guard_key6 k6 = { .len = 128 };
	bool is_v6 = strchr(address, ':') != nullptr;
	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? k6.addr : k4.addr), 1);
	if (bpf_map_lookup_elem(is_v6 ? b.list6 : b.list4, is_v6 ? (void *)&k6 : (void *)&k4, &e) != 0)
		return 0;
	return e.expires_ns == 0 || clock_now().ns < e.expires_ns ? e.verdict : 0;
}

static void what_is_added_is_found_until_it_is_removed(void **state)
{
	(void)state;
	assert_int_equal(add("203.0.113.77/24", NEVER), ERR_OK); /* host bits do not matter */
	assert_int_equal(add("2001:db8:bad::/48", NEVER), ERR_OK);
	assert_int_equal(add("::ffff:192.0.2.9/128", NEVER), ERR_OK);
	assert_int_equal(verdict("203.0.113.1"), GUARD_VERDICT_BLOCK);
	assert_int_equal(verdict("203.0.114.1"), 0);
	assert_int_equal(verdict("2001:db8:bad:1::1"), GUARD_VERDICT_BLOCK);
	assert_int_equal(verdict("192.0.2.9"), GUARD_VERDICT_BLOCK);
	assert_int_equal(bridge_count(&b), 3);
	assert_int_equal(drop("203.0.113.0/24"), ERR_OK);
	assert_int_equal(drop("203.0.113.0/24"), ERR_NOTFOUND);
	assert_int_equal(drop("203.0.113.0/25"), ERR_NOTFOUND);
	assert_int_equal(verdict("203.0.113.1"), 0);
}

static void an_entry_counts_until_its_end_and_then_goes(void **state)
{
	(void)state;
	assert_int_equal(add("192.0.2.1/32", clock_add_ms(clock_now(), 200)), ERR_OK);
	assert_int_equal(add("192.0.2.2/32", clock_add_s(clock_now(), 60)), ERR_OK);
	assert_int_equal(add("192.0.2.3/32", NEVER), ERR_OK);
	assert_int_equal(verdict("192.0.2.1"), GUARD_VERDICT_BLOCK);
	assert_int_equal(bridge_expire(&b, clock_now()), 0);
	usleep(250'000);
	assert_int_equal(verdict("192.0.2.1"), 0); /* before anybody has swept */
	assert_int_equal(bridge_expire(&b, clock_now()), 1);
	assert_int_equal(bridge_count(&b), 2);
	assert_int_equal(verdict("192.0.2.2"), GUARD_VERDICT_BLOCK);
	/* the same address again: longer */
	assert_int_equal(add("192.0.2.2/32", NEVER), ERR_OK);
	assert_int_equal(bridge_expire(&b, clock_add_s(clock_now(), 3600)), 0);
	assert_int_equal(bridge_count(&b), 2);
}

static void what_must_not_be_kept_out_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *prefix;
		enum err answer;
	} rows[] = {
		{ "127.0.0.1/32", ERR_DENIED },
		{ "127.0.0.0/8", ERR_DENIED },
		{ "126.0.0.0/7", ERR_DENIED },
		{ "0.0.0.0/0", ERR_RANGE },
		{ "0.0.0.0/1", ERR_DENIED },
		{ "::1/128", ERR_DENIED },
		{ "::/0", ERR_RANGE },
		{ "::/64", ERR_DENIED },
		{ "::ffff:0.0.0.0/96", ERR_RANGE },
		{ "::ffff:127.0.0.1/128", ERR_DENIED },
		{ "10.5.5.5/32", ERR_DENIED },
		{ "10.5.5.0/24", ERR_DENIED },
		{ "10.5.0.0/16", ERR_OK },
		{ "10.5.6.0/24", ERR_OK },
	};
	assert_int_equal(protect("10.5.5.0/24"), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (add(rows[i].prefix, NEVER) != rows[i].answer)
			fail_msg("%s: not %s", rows[i].prefix, err_text(rows[i].answer));
	assert_int_equal(verdict("10.5.6.1"), GUARD_VERDICT_BLOCK);
	assert_int_equal(verdict("10.5.5.1"), GUARD_VERDICT_ALLOW); /* a hole in the larger block */
	assert_int_equal(drop("10.5.5.0/24"), ERR_NOTFOUND);
	assert_int_equal(b.refused_n, 12);
}

static void protection_lifts_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(add("10.6.6.6/32", NEVER), ERR_OK);
	assert_int_equal(add("10.7.7.7/32", NEVER), ERR_OK);
	assert_int_equal(protect("10.6.0.0/16"), ERR_OK);
	assert_int_equal(verdict("10.6.6.6"), GUARD_VERDICT_ALLOW);
	assert_int_equal(verdict("10.7.7.7"), GUARD_VERDICT_BLOCK);
	assert_int_equal(protect("10.7.0.0/16"), ERR_OK); /* instead */
	assert_int_equal(verdict("10.6.6.6"), 0);
	assert_int_equal(verdict("10.7.7.7"), GUARD_VERDICT_ALLOW);
}

static void what_is_not_named_again_is_swept(void **state)
{
	(void)state;
	assert_int_equal(protect("10.5.5.0/24"), ERR_OK);
	assert_int_equal(add("192.0.2.1/32", NEVER), ERR_OK);
	assert_int_equal(add("192.0.2.2/32", NEVER), ERR_OK);
	assert_int_equal(add("2001:db8::/64", NEVER), ERR_OK);
	bridge_mark(&b);
	assert_int_equal(add("192.0.2.2/32", NEVER), ERR_OK);
	assert_int_equal(add("192.0.2.3/32", NEVER), ERR_OK);
	assert_int_equal(verdict("192.0.2.1"), GUARD_VERDICT_BLOCK); /* until the sweep nothing is open */
	assert_int_equal(bridge_sweep(&b), 2);
	assert_int_equal(verdict("192.0.2.1"), 0);
	assert_int_equal(verdict("192.0.2.2"), GUARD_VERDICT_BLOCK);
	assert_int_equal(verdict("192.0.2.3"), GUARD_VERDICT_BLOCK);
	assert_int_equal(verdict("2001:db8::1"), 0);
	assert_int_equal(verdict("10.5.5.1"), GUARD_VERDICT_ALLOW);
	assert_int_equal(bridge_sweep(&b), 0);
}

static void a_full_map_is_told_once(void **state)
{
	(void)state;
	char text[32];
	unsigned refused = 0;
	for (unsigned i = 0; i < ROOM + 20; i++) {
		snprintf(text, sizeof text, "192.0.2.%u/32", i);
		refused += add(text, NEVER) == ERR_FULL;
	}
	assert_int_equal(refused, 20);
	assert_int_equal(bridge_count(&b), ROOM);
	assert_int_equal(lines_with("guard.map_full"), 1);
	assert_int_equal(drop("192.0.2.0/32"), ERR_OK);
	assert_int_equal(add("198.51.100.1/32", NEVER), ERR_OK);
	assert_int_equal(verdict("198.51.100.1"), GUARD_VERDICT_BLOCK);
}

/* Without a program the copy is kept all the same: it may be asked by others. */
static void without_maps_nothing_fails(void **state)
{
	(void)state;
	struct bridge lone;
	struct prefix p = prefix("192.0.2.1/32");
	bridge_init(&lone, -1, -1);
	assert_int_equal(bridge_protect(&lone, &p, 1), ERR_OK);
	p = prefix("192.0.2.2/32");
	assert_int_equal(bridge_add(&lone, &p, GUARD_VERDICT_BLOCK, NEVER), ERR_OK);
	assert_int_equal(bridge_count(&lone), 2);
	assert_int_equal(bridge_remove(&lone, &p), ERR_OK);
	bridge_fini(&lone);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: eBPF needs root");
		return 77;
	}
#define T(f) cmocka_unit_test_setup_teardown(f, open_bridge, close_bridge)
	const struct CMUnitTest tests[] = {
		T(what_is_added_is_found_until_it_is_removed),
		T(an_entry_counts_until_its_end_and_then_goes),
		T(what_must_not_be_kept_out_is_refused),
		T(protection_lifts_what_is_there),
		T(what_is_not_named_again_is_swept),
		T(a_full_map_is_told_once),
		T(without_maps_nothing_fails),
	};
#undef T
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
