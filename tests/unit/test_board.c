/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of addresses, and the board that keeper and workers share */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>

#include "guard/board.h"

static struct range range(const char *text)
{
	struct range r;
	assert_int_equal(range_parse(&r, text), ERR_OK);
	return r;
}

/* {{ ranges }} */

static void texts_are_read_and_written(void **)
{
	static const char *const good[] = { "192.0.2.1",        "192.0.2.0/24",  "10.0.0.0/8",
					    "128.0.0.0/1",      "2001:db8::/32", "2001:db8::1",
					    "2001:db8:0:1::/64" };
	char text[RANGE_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct range r = range(good[i]);
		assert_string_equal(range_text(&r, text), good[i]);
	}
	struct range mapped = range("::ffff:192.0.2.1"), plain = range("192.0.2.1");
	assert_true(range_is_same(&mapped, &plain));
}

static void bad_texts_are_refused(void **)
{
	static const struct {
		const char *text;
		enum err e;
	} bad[] = {
		{ "", ERR_SYNTAX },
		{ "x", ERR_SYNTAX },
		{ "192.0.2", ERR_SYNTAX },
		{ "192.0.2.1/", ERR_SYNTAX },
		{ "192.0.2.1/33", ERR_SYNTAX },
		{ "192.0.2.1/-1", ERR_SYNTAX },
		{ "192.0.2.1/+8", ERR_SYNTAX },
		{ "192.0.2.1/ 8", ERR_SYNTAX },
		{ "192.0.2.1/0x8", ERR_SYNTAX },
		{ "192.0.2.1/24", ERR_RANGE },
		{ "0.0.0.0/0", ERR_RANGE },
		{ "::/0", ERR_RANGE },
		{ "2001:db8::/129", ERR_SYNTAX },
		{ "2001:db8::1/64", ERR_RANGE },
		{ "2001:db8::/9999999999", ERR_SYNTAX },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64", ERR_SYNTAX },
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct range r;
		assert_int_equal(range_parse(&r, bad[i].text), bad[i].e);
	}
}

static void families_do_not_cover_each_other(void **)
{
	struct range wide = range("::/8"), v4 = range("192.0.2.1"), net = range("192.0.0.0/16"),
		     one = range("2001:db8::1"), six = range("2001:db8::/32");
	assert_false(range_covers(&wide, &v4));
	assert_true(range_covers(&net, &v4));
	assert_false(range_covers(&v4, &net));
	assert_true(range_covers(&six, &one));
	assert_false(range_covers(&six, &v4));
}

/* {{ the board }} */

static struct board *new_board(struct board_writer *w)
{
	struct board *b = aligned_alloc(64, sizeof *b);
	assert_non_null(b);
	memset(b, 0, sizeof *b);
	assert_int_equal(board_check(b), ERR_PROTO);
	board_format(b, 0x1357'9bdf'0246'8ace);
	assert_int_equal(board_check(b), ERR_OK);
	board_open(w, b, (struct mono){ 1 });
	return b;
}

static void put(struct board_writer *w, const char *text, enum board_kind kind, uint64_t until)
{
	const struct board_entry e = {
		.kind = kind, .range = range(text), .until_ns = until, .since = 77, .score = 5
	};
	assert_int_equal(board_put(w, &e, (struct mono){ 1 }), ERR_OK);
}

static bool finds(const struct board *b, const char *ip, uint64_t now)
{
	struct board_entry e;
	struct range r = range(ip);
	return board_find(b, &r, (struct mono){ now }, &e);
}

static void what_is_put_is_found_until_its_end(void **)
{
	struct board_writer w;
	struct board *b = new_board(&w);
	assert_false(finds(b, "192.0.2.1", 10));
	put(&w, "192.0.2.1", BOARD_BAN, 100);
	put(&w, "2001:db8:1:2::/64", BOARD_BAN, 100);
	put(&w, "10.0.0.0/8", BOARD_BLOCK, BOARD_FOR_EVER);
	struct board_entry e;
	struct range r = range("192.0.2.1");
	assert_true(board_find(b, &r, (struct mono){ 99 }, &e));
	assert_int_equal(e.kind, BOARD_BAN);
	assert_int_equal(e.score, 5);
	assert_int_equal(e.since, 77);
	assert_int_equal(e.until_ns, 100);
	assert_false(finds(b, "192.0.2.1", 100));
	assert_false(finds(b, "192.0.2.2", 10));
	assert_true(finds(b, "2001:db8:1:2:3:4:5:6", 10));
	assert_false(finds(b, "2001:db8:1:3::", 10));
	assert_true(finds(b, "10.200.3.4", UINT64_MAX - 1));
	assert_false(finds(b, "11.0.0.1", 10));
	free(b);
}

static void the_longest_prefix_is_found(void **)
{
	struct board_writer w;
	struct board *b = new_board(&w);
	put(&w, "10.0.0.0/8", BOARD_BLOCK, BOARD_FOR_EVER);
	put(&w, "10.1.0.0/16", BOARD_BLOCK, BOARD_FOR_EVER);
	put(&w, "10.1.2.3", BOARD_BAN, 100);
	struct board_entry e;
	struct range r = range("10.1.2.3");
	assert_true(board_find(b, &r, (struct mono){ 10 }, &e));
	assert_int_equal(e.range.len, 128);
	assert_true(board_find(b, &r, (struct mono){ 200 }, &e));
	assert_int_equal(e.range.len, 112);
	assert_true(board_drop(&w, &e.range));
	assert_false(board_drop(&w, &e.range));
	assert_true(board_find(b, &r, (struct mono){ 200 }, &e));
	assert_int_equal(e.range.len, 104);
	free(b);
}

/* A wide prefix of IPv6 is not asked about IPv4. */
static void families_are_apart(void **)
{
	struct board_writer w;
	struct board *b = new_board(&w);
	put(&w, "::/8", BOARD_BLOCK, BOARD_FOR_EVER);
	put(&w, "0.0.0.0/1", BOARD_BLOCK, BOARD_FOR_EVER);
	assert_true(finds(b, "::2", 10));
	assert_false(finds(b, "192.0.2.1", 10));
	assert_true(finds(b, "9.9.9.9", 10));
	assert_false(finds(b, "2001:db8::1", 10));
	free(b);
}

static void a_new_writer_finds_all(void **)
{
	struct board_writer w;
	struct board *b = new_board(&w);
	put(&w, "192.0.2.1", BOARD_BAN, 100);
	put(&w, "2001:db8::/32", BOARD_BAN, 50);
	put(&w, "192.0.2.1", BOARD_BAN, 200); /* longer */
	board_open(&w, b, (struct mono){ 60 });
	assert_true(finds(b, "192.0.2.1", 150));
	assert_int_equal(w.per_length[128], 1);
	assert_int_equal(w.per_length[32], 0);
	struct range r = range("192.0.2.1");
	assert_true(board_drop(&w, &r));
	assert_int_equal(atomic_load(&b->lengths[2]), 0);
	free(b);
}

static void count_one(void *ctx, const struct board_entry *)
{
	++*(unsigned *)ctx;
}

/* As many as the keeper ever has: all are kept, but for some bans that a bucket has no place for. */
static void it_takes_what_it_is_made_for(void **)
{
	struct board_writer w;
	struct board *b = new_board(&w);
	for (uint32_t i = 0; i < BOARD_BLOCKS_MAX + BOARD_BANS_MAX; i++) {
		const uint32_t ip = htonl(0x0b00'0000 + i * 7);
		struct addr a = addr_of_ip(&ip, 4);
		const struct board_entry e = { .kind = i < BOARD_BLOCKS_MAX ? BOARD_BLOCK : BOARD_BAN,
					       .range = range_of_addr(&a),
					       .until_ns = 1000 + i };
		assert_int_equal(board_put(&w, &e, (struct mono){ 1 }), ERR_OK);
	}
	unsigned n = 0;
	board_each(b, (struct mono){ 1 }, count_one, &n);
	assert_in_range(n, (BOARD_BLOCKS_MAX + BOARD_BANS_MAX) * 97 / 100, BOARD_BLOCKS_MAX + BOARD_BANS_MAX);
	free(b);
}

struct race {
	struct board *b;
	_Atomic bool is_over;
	unsigned torn;
};

/* Two ranges take turns in one place; each has its own score. */
static void *read_always(void *arg)
{
	struct race *r = arg;
	const struct range a = range("192.0.2.1");
	struct board_entry e;
	while (!r->is_over)
		if (board_find(r->b, &a, (struct mono){ 1 }, &e) &&
		    (e.score != 1 || e.since != 1 || e.until_ns != 1000))
			r->torn++;
	return nullptr;
}

static void a_reader_never_sees_a_half(void **)
{
	struct board_writer w;
	struct race r = { .b = new_board(&w) };
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, nullptr, read_always, &r), 0);
	for (unsigned i = 0; i < 300'000; i++) {
		struct board_entry e = { .kind = BOARD_BAN,
					 .range = range(i % 2 == 0 ? "192.0.2.1" : "192.0.2.2"),
					 .until_ns = i % 2 == 0 ? 1000 : 2000,
					 .since = i % 2 == 0 ? 1 : 2,
					 .score = i % 2 == 0 ? 1 : 2 };
		assert_int_equal(board_put(&w, &e, (struct mono){ 1 }), ERR_OK);
		board_drop(&w, &e.range);
	}
	r.is_over = true;
	pthread_join(thread, nullptr);
	assert_int_equal(r.torn, 0);
	free(r.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_and_written),
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(families_do_not_cover_each_other),
		cmocka_unit_test(what_is_put_is_found_until_its_end),
		cmocka_unit_test(the_longest_prefix_is_found),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(a_new_writer_finds_all),
		cmocka_unit_test(it_takes_what_it_is_made_for),
		cmocka_unit_test(a_reader_never_sees_a_half),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
