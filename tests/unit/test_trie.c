/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tries of prefixes, against a search through all of them; and the lines of geofilter */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard/filter.h"
#include "guard/geo.h"

static struct range range(const char *text)
{
	struct range r;
	assert_int_equal(range_parse(&r, text), ERR_OK);
	return r;
}

struct piece {
	void *p;
	size_t len;
};

static struct piece finish(struct trie_maker *m)
{
	struct piece t;
	assert_int_equal(trie_finish(m, &t.p, &t.len), ERR_OK);
	assert_int_equal(trie_check(t.p, t.len), ERR_OK);
	return t;
}

static struct piece of_lines(const char *text)
{
	struct geo g;
	assert_int_equal(geo_begin(&g), ERR_OK);
	assert_int_equal(geo_read(&g, "t", text, strlen(text)), ERR_OK);
	struct piece t = finish(&g.trie);
	geo_end(&g);
	return t;
}

static void judged(const struct piece *t, const char *ip, enum trie_verdict verdict, unsigned len)
{
	struct range r = range(ip);
	struct trie_result found = trie_find(t->p, &r);
	assert_int_equal(found.verdict, verdict);
	if (verdict != TRIE_NONE)
		assert_int_equal(found.len, len);
}

static void the_longest_prefix_decides(void **)
{
	struct piece t = of_lines("block 10.0.0.0/8\nallow 10.1.0.0/16\nblock 10.1.2.0/24\nallow 10.1.2.3\n"
				  "block 2001:db8::/32\nallow 2001:db8:1::/48\n");
	judged(&t, "10.9.9.9", TRIE_BLOCK, 104);
	judged(&t, "10.1.9.9", TRIE_ALLOW, 112);
	judged(&t, "10.1.2.9", TRIE_BLOCK, 120);
	judged(&t, "10.1.2.3", TRIE_ALLOW, 128);
	judged(&t, "11.0.0.0", TRIE_NONE, 0);
	judged(&t, "2001:db8:2::1", TRIE_BLOCK, 32);
	judged(&t, "2001:db8:1::1", TRIE_ALLOW, 48);
	judged(&t, "2001:db9::1", TRIE_NONE, 0);
	free(t.p);
}

static void allow_wins_on_the_same_prefix(void **)
{
	struct piece a = of_lines("block 10.0.0.0/8\nallow 10.0.0.0/8\n"),
		     b = of_lines("allow 10.0.0.0/8\nblock 10.0.0.0/8\n");
	judged(&a, "10.0.0.1", TRIE_ALLOW, 104);
	judged(&b, "10.0.0.1", TRIE_ALLOW, 104);
	assert_int_equal(trie_count(a.p), 1);
	free(a.p);
	free(b.p);
}

/* A line about a network beats a country, however long its prefix is. */
static void lines_come_before_countries(void **)
{
	struct trie_maker m;
	struct range wide = range("10.0.0.0/8"), narrow = range("10.1.1.0/24"), other = range("11.0.0.0/8");
	assert_int_equal(trie_begin(&m), ERR_OK);
	assert_int_equal(trie_add(&m, &wide, TRIE_BLOCK), ERR_OK);
	assert_int_equal(trie_add(&m, &narrow, TRIE_COUNTRY_ALLOW), ERR_OK);
	assert_int_equal(trie_add(&m, &other, TRIE_COUNTRY_BLOCK), ERR_OK);
	struct piece t = finish(&m);
	judged(&t, "10.1.1.1", TRIE_BLOCK, 104);
	judged(&t, "11.1.1.1", TRIE_COUNTRY_BLOCK, 104);
	assert_true(trie_wants_country(t.p));
	free(t.p);
}

static void families_are_apart(void **)
{
	struct piece t = of_lines("block ::/1\nblock 0.0.0.0/1\n");
	judged(&t, "2001:db8::1", TRIE_BLOCK, 1);
	judged(&t, "9.0.0.1", TRIE_BLOCK, 97);
	judged(&t, "200.0.0.1", TRIE_NONE, 0);
	judged(&t, "::ffff:200.0.0.1", TRIE_NONE, 0);
	judged(&t, "::ffff:9.0.0.1", TRIE_BLOCK, 97);
	judged(&t, "a000::1", TRIE_NONE, 0);
	free(t.p);
}

static void without_a_trie_nothing_is_found(void **)
{
	struct range r = range("10.0.0.1");
	struct filter f;
	assert_int_equal(trie_find(nullptr, &r).verdict, TRIE_NONE);
	assert_false(trie_wants_country(nullptr));
	assert_int_equal(filter_map(&f, -1, 0), ERR_OK);
	assert_int_equal(filter_map(&f, -1, 100), ERR_SYS);
	filter_unmap(&f);
}

static uint64_t chance(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 16;
}

/* Few networks, many lengths, so that prefixes lie inside each other. */
static struct range some_range(uint64_t *seed, bool v4)
{
	struct range r = { .len = RANGE_FULL };
	if (v4)
		r.lo = 0xffff'0000'0000 | (chance(seed) & 0x0303'ffff);
	else {
		r.hi = 0x2001'0db8'0000'0000 | (chance(seed) & 0x0003'0000'0003);
		r.lo = chance(seed) & 0xff;
	}
	return r;
}

static void any_set_is_as_a_search_through_all(void **)
{
	constexpr size_t N = 400;
	static struct range prefixes[N];
	static enum trie_verdict verdicts[N];
	uint64_t seed = 7;
	for (unsigned round = 0; round < 30; round++) {
		struct trie_maker m;
		assert_int_equal(trie_begin(&m), ERR_OK);
		for (size_t i = 0; i < N; i++) {
			bool v4 = chance(&seed) % 2 == 0;
			struct range r = some_range(&seed, v4);
			uint8_t least = v4 ? 97 : 1;
			prefixes[i] = range_cut(&r, (uint8_t)(least + chance(&seed) % (129u - least)));
			verdicts[i] = chance(&seed) % 2 == 0 ? TRIE_ALLOW : TRIE_BLOCK;
			assert_int_equal(trie_add(&m, &prefixes[i], verdicts[i]), ERR_OK);
		}
		struct piece t = finish(&m);
		for (unsigned i = 0; i < 2000; i++) {
			struct range a = some_range(&seed, i % 2 == 0);
			struct trie_result want = {}, got = trie_find(t.p, &a);
			for (size_t j = 0; j < N; j++)
				if (range_covers(&prefixes[j], &a) &&
				    (want.verdict == TRIE_NONE || prefixes[j].len > want.len ||
				     (prefixes[j].len == want.len && verdicts[j] < want.verdict)))
					want = (struct trie_result){ verdicts[j], prefixes[j].len };
			assert_int_equal(got.verdict, want.verdict);
			assert_int_equal(got.len, want.len);
		}
		free(t.p);
	}
}

static void a_damaged_piece_is_refused(void **)
{
	struct piece t = of_lines("block 10.0.0.0/8\nallow 10.1.0.0/16\n");
	uint8_t *p = t.p;
	assert_int_equal(trie_check(p, t.len - 1), ERR_PROTO);
	assert_int_equal(trie_check(p, 10), ERR_PROTO);
	struct trie_node *nodes = (struct trie_node *)(void *)(p + t.len) - 1;
	uint32_t before = nodes->child[0];
	nodes->child[0] = 1; /* a circle */
	assert_int_equal(trie_check(p, t.len), ERR_PROTO);
	nodes->child[0] = 1000;
	assert_int_equal(trie_check(p, t.len), ERR_PROTO);
	nodes->child[0] = before;
	assert_int_equal(trie_check(p, t.len), ERR_OK);
	p[0] ^= 1;
	assert_int_equal(trie_check(p, t.len), ERR_PROTO);
	free(p);
}

/* {{ lines }} */

static void lines_are_read(void **)
{
	static const char text[] =
		"# all words\n\n  allow = 192.0.2.0/24 \t 192.0.2.1 # why\r\nblock: 10.0.0.0/8 ; so\nallow-country AT ch\n"
		"block-country XX\ncountry-prefixes at  /etc/list of at.txt  \ncountry-database db.mmdb";
	struct geo g;
	assert_int_equal(geo_begin(&g), ERR_OK);
	assert_int_equal(geo_read(&g, "t", text, sizeof text - 1), ERR_OK);
	assert_int_equal(g.trie.prefixes_n, 3);
	assert_int_equal(g.verdicts[geo_country("AT", 2)], TRIE_COUNTRY_ALLOW);
	assert_int_equal(g.verdicts[geo_country("CH", 2)], TRIE_COUNTRY_ALLOW);
	assert_int_equal(g.verdicts[geo_country("xx", 2)], TRIE_COUNTRY_BLOCK);
	assert_int_equal(g.files_n, 1);
	assert_string_equal(g.files[0].path, "/etc/list of at.txt");
	assert_int_equal(g.files[0].line, 7);
	assert_string_equal(g.database, "db.mmdb");
	geo_end(&g);
}

static void bad_lines_are_named(void **)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "allow 1.2.3.4\nblok 1.2.3.4\n", "t:2: 'blok' is no word" },
		{ "allow\n", "t:1: an address or network is missing" },
		{ "allow 1.2.3\n", "t:1: '1.2.3' is no address" },
		{ "block 1.2.3.4/24\n", "t:1: '1.2.3.4/24' is not the beginning" },
		{ "block 0.0.0.0/0\n",
		  "t:1: '0.0.0.0/0' is not the beginning of a network, or is everything" },
		{ "block ::/0\n", "everything" },
		{ "block 127.0.0.0/8\n", "cannot be blocked" },
		{ "block ::1\n", "cannot be blocked" },
		{ "allow-country\n", "is no country" },
		{ "allow-country AUT\n", "'AUT' is no country" },
		{ "allow-country A1\n", "'A1' is no country" },
		{ "allow-country AT\nblock-country AT\n", "t:2: 'AT' is allowed and blocked" },
		{ "country-prefixes AT\n", "name of a file is missing" },
		{ "country-prefixes x y\n", "'x' is no country" },
		{ "country-database a\ncountry-database b\n", "line 1 names a database already" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct geo g;
		assert_int_equal(geo_begin(&g), ERR_OK);
		assert_int_equal(geo_read(&g, "t", rows[i].text, strlen(rows[i].text)), ERR_CONFIG);
		if (strstr(g.why, rows[i].why) == nullptr)
			fail_msg("'%s' is not in '%s'", rows[i].why, g.why);
		geo_end(&g);
	}
}

static void lists_have_one_prefix_a_line(void **)
{
	static const char good[] = "1.0.0.0/24\n# x\n 2a00::/12\r\n", bad[] = "1.0.0.0/24 1.0.1.0/24\n",
			  zero[] = "1.0.0.0\0\n";
	struct geo g;
	assert_int_equal(geo_begin(&g), ERR_OK);
	assert_int_equal(geo_read_prefixes(&g, "t", good, sizeof good - 1, TRIE_COUNTRY_BLOCK), ERR_OK);
	assert_int_equal(g.trie.prefixes_n, 2);
	assert_int_equal(geo_read_prefixes(&g, "t", bad, sizeof bad - 1, TRIE_COUNTRY_BLOCK), ERR_CONFIG);
	assert_int_equal(geo_read_prefixes(&g, "t", zero, sizeof zero - 1, TRIE_COUNTRY_BLOCK), ERR_CONFIG);
	geo_end(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_decides),
		cmocka_unit_test(allow_wins_on_the_same_prefix),
		cmocka_unit_test(lines_come_before_countries),
		cmocka_unit_test(families_are_apart),
		cmocka_unit_test(without_a_trie_nothing_is_found),
		cmocka_unit_test(any_set_is_as_a_search_through_all),
		cmocka_unit_test(a_damaged_piece_is_refused),
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(lists_have_one_prefix_a_line),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
