/* SPDX-License-Identifier: GPL-3.0-or-later */
/* auth_plain: hashes, locks, groups, a file that changes, and the cost of a user who does not exist */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <crypt.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "keeper/auth_cost.h"
#include "keeper/auth_plain.h"

#define TEST(module, what) static void module##_##what(void **)

static struct {
	unsigned errors, warnings;
	uint32_t line;
} told;

static void complain(void *, bool is_error, const char *, uint32_t line, const char *)
{
	*(is_error ? &told.errors : &told.warnings) += 1;
	told.line = line;
}

static void drop(struct auth_plain **p)
{
	auth_plain_free(*p);
}

static const char *hash_of(const char *password, const char *salt)
{
	static struct crypt_data data;
	return crypt_rn(password, salt, &data, sizeof data);
}

static struct auth_plain *load(const char *text)
{
	struct auth_plain *p;
	memset(&told, 0, sizeof told);
	assert_int_equal(auth_plain_new(&p, "file"), ERR_OK);
	assert_int_equal(auth_plain_load_text(p, text, strlen(text), complain, nullptr), ERR_OK);
	return p;
}

static enum err try_group(struct auth_plain *p, const char *user, const char *password, const char *group,
			  const char *want)
{
	struct auth_job *job = auth_job_new();
	assert_non_null(job);
	snprintf(job->username, sizeof job->username, "%s", user);
	snprintf(job->password, sizeof job->password, "%s", password);
	snprintf(job->group, sizeof job->group, "%s", group);
	auth_plain_verify(p, job);
	enum err e = job->result;
	if (e == ERR_OK)
		assert_string_equal(job->given, want);
	auth_job_free(job);
	return e;
}

static enum err try(struct auth_plain *p, const char *user, const char *password)
{
	return try_group(p, user, password, "", "");
}

TEST(auth_plain, wrong_unknown_locked_and_empty_are_refused)
{
	char text[1024];
	snprintf(text, sizeof text, "alice:*:%s\n", hash_of("right", "$5$rounds=1000$abc"));
	snprintf(text + strlen(text), 512, "locked:*:!%s\n", hash_of("right", "$5$rounds=1000$abc"));
	strcat(text, "star:*:*\nnothing:*:!\nodd:*:$99$what$ever\n");
	struct auth_plain *p OWNED(drop) = load(text);
	assert_int_equal(auth_plain_users(p), 5);
	assert_int_equal(told.errors, 0);
	assert_int_equal(told.warnings, 1);
	assert_int_equal(told.line, 5);
	assert_int_equal(try(p, "alice", "right"), ERR_OK);
	static const char *const rows[][2] = {
		{ "alice", "wrong" },
		{ "alice", "" },
		{ "alice", "right " },
		{ "Alice", "right" },
		{ "bob", "right" },
		{ "", "right" },
		{ "alice:*", "right" },
		{ "locked", "right" },
		{ "star", "" },
		{ "star", "*" },
		{ "nothing", "" },
		{ "odd", "right" },
		{ "odd", "$99$what$ever" },
		{ "alic", "right" },
		{ "alice\n", "right" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (try(p, rows[i][0], rows[i][1]) != ERR_AUTH)
			fail_msg("accepted: %s %s", rows[i][0], rows[i][1]);
}

TEST(auth_plain, every_scheme_of_the_libc_works)
{
	static const char *const salts[] = { "$1$abc",          "$5$abc", "$6$abc",
					     "$y$j75$abcdefgh", "ab",     "$2b$04$abcdefghijklmnopqrstuu" };
	for (size_t i = 0; i < ARRAY_LEN(salts); i++) {
		const char *hash = hash_of("right", salts[i]);
		if (hash == nullptr || hash[0] == '*')
			continue; /* this libc does not have it */
		char text[512];
		snprintf(text, sizeof text, "u:*:%s", hash);
		struct auth_plain *p OWNED(drop) = load(text);
		assert_int_equal(told.errors + told.warnings, 0);
		assert_int_equal(try(p, "u", "right"), ERR_OK);
		assert_int_equal(try(p, "u", "wrong"), ERR_AUTH);
	}
}

TEST(auth_plain, groups)
{
	char text[1024] = "";
	const char *hash = hash_of("x", "$5$rounds=1000$abc");
	snprintf(text, sizeof text, "none:*:%s\none:staff:%s\ntwo:staff,admins:%s\n", hash, hash, hash);
	struct auth_plain *p OWNED(drop) = load(text);
	assert_int_equal(try_group(p, "none", "x", "", ""), ERR_OK);
	assert_int_equal(try_group(p, "none", "x", "staff", ""), ERR_AUTH);
	assert_int_equal(try_group(p, "none", "x", "*", ""), ERR_AUTH);
	assert_int_equal(try_group(p, "one", "x", "", "staff"), ERR_OK);
	assert_int_equal(try_group(p, "two", "x", "", "staff"), ERR_OK);
	assert_int_equal(try_group(p, "two", "x", "admins", "admins"), ERR_OK);
	assert_int_equal(try_group(p, "two", "x", "admin", ""), ERR_AUTH);
	assert_int_equal(try_group(p, "two", "x", "staff,admins", ""), ERR_AUTH);
	assert_int_equal(try_group(p, "two", "y", "admins", ""), ERR_AUTH);
}

TEST(auth_plain, malformed_lines_are_told_and_skipped)
{
	char text[1024];
	const char *hash = hash_of("x", "$5$rounds=1000$abc");
	snprintf(text, sizeof text, "# c\n\nbad\na:*:%s\na:*:other\nb:*:%s:more\n", hash, hash);
	struct auth_plain *p OWNED(drop) = load(text);
	assert_int_equal(told.errors, 2);
	assert_int_equal(told.warnings, 1); /* listed before */
	assert_int_equal(auth_plain_users(p), 1);
	assert_int_equal(try(p, "a", "x"), ERR_OK);
	assert_int_equal(try(p, "b", "x"), ERR_AUTH);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static enum err reload(struct auth_plain *p, const char *path)
{
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	enum err e = auth_plain_load(p, fd, complain, nullptr);
	close(fd);
	return e;
}

TEST(auth_plain, a_changed_file_is_read_again_and_an_unreadable_one_is_not)
{
	char dir[] = "/tmp/test_auth_plain.XXXXXX", path[64], text[256];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/pw", dir);
	struct auth_plain *p OWNED(drop) = load("");
	assert_int_equal(try(p, "u", "one"), ERR_AUTH);
	snprintf(text, sizeof text, "u:*:%s\n", hash_of("one", "$5$rounds=1000$abc"));
	write_file(path, text);
	assert_int_equal(reload(p, path), ERR_OK);
	assert_int_equal(try(p, "u", "one"), ERR_OK);
	snprintf(text, sizeof text, "u:*:%s\n", hash_of("two", "$5$rounds=1000$abc")); /* same size */
	unlink(path);
	write_file(path, text);
	assert_int_equal(reload(p, path), ERR_OK);
	assert_int_equal(try(p, "u", "one"), ERR_AUTH);
	assert_int_equal(try(p, "u", "two"), ERR_OK);
	assert_int_not_equal(reload(p, dir), ERR_OK); /* not a file: the old content stays */
	assert_int_equal(try(p, "u", "two"), ERR_OK);
	unlink(path);
	rmdir(dir);
}

static uint64_t cost_ns(struct auth_plain *p, const char *user)
{
	uint64_t best = UINT64_MAX;
	for (int i = 0; i < 5; i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
		assert_int_equal(try(p, user, "wrong"), ERR_AUTH);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
		uint64_t ns = (uint64_t)((b.tv_sec - a.tv_sec) * 1'000'000'000 + b.tv_nsec - a.tv_nsec);
		best = MIN(best, ns);
	}
	return best;
}

TEST(auth_plain, a_name_of_nobody_costs_what_some_users_cost)
{
	char text[2048];
	for (int i = 0; i < 3; i++)
		snprintf(text + (i == 0 ? 0 : strlen(text)), 256, "u%d:*:%s\n", i,
			 hash_of("x", "$6$rounds=20000$abc"));
	snprintf(text + strlen(text), 256, "locked:*:!%s\n", hash_of("x", "$6$rounds=20000$abc"));
	struct auth_plain *p OWNED(drop) = load(text);
	uint64_t known = cost_ns(p, "u1");
	static const char *const others[] = { "nobody", "locked", "" };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		uint64_t other = cost_ns(p, others[i]);
		assert_true(other * 2 > known && other < known * 2);
	}
}

/* One user of a cheap scheme among three: if all names of nobody cost the same, he alone would be quick. */
static unsigned quick_names(const struct auth_cost *c, const char *mark, bool quick[1000])
{
	unsigned n = 0;
	for (unsigned i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		quick[i] = strncmp(auth_cost_of(c, name), mark, strlen(mark)) == 0;
		n += quick[i];
	}
	return n;
}

TEST(auth_plain, names_of_nobody_get_schemes_in_proportion_and_keep_them)
{
	struct auth_cost c = {}, more = {}, other = {};
	bool before[1000], after[1000];
	assert_null(auth_cost_of(&c, "n"));
	auth_cost_learn(&c, "$1$aaa$one");
	for (int i = 0; i < 3; i++)
		auth_cost_learn(&c, "$6$rounds=20000$abc$two");
	assert_int_equal(c.n, 2);
	unsigned n = quick_names(&c, "$1$", before);
	assert_in_range(n, 200, 300);

	more = c; /* a user more of the costly one */
	auth_cost_learn(&more, "$6$rounds=20000$xyz$three");
	unsigned moved = 0;
	n = quick_names(&more, "$1$", after);
	assert_in_range(n, 150, 250);
	for (unsigned i = 0; i < 1000; i++) {
		assert_false(after[i] && !before[i]);
		moved += after[i] != before[i];
	}
	assert_in_range(moved, 10, 100);

	/* other hashes, another choice: it cannot be known from outside */
	auth_cost_learn(&other, "$1$aaa$ONE");
	for (int i = 0; i < 3; i++)
		auth_cost_learn(&other, "$6$rounds=20000$abc$TWO");
	quick_names(&other, "$1$", after);
	moved = 0;
	for (unsigned i = 0; i < 1000; i++)
		moved += after[i] != before[i];
	assert_true(moved > 200);
}

TEST(auth_plain, parameters_make_another_scheme)
{
	static const char *const hashes[] = { "$6$rounds=1000$a$x", "$6$rounds=2000$a$x", "$6$a$x",
					      "$y$j9T$a$x",         "$y$jAT$a$x",         "$2b$10$abc",
					      "$2b$12$abc",         "abcdefghijklm" };
	struct auth_cost c = {};
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		auth_cost_learn(&c, hashes[i]);
		auth_cost_learn(&c, hashes[i]);
		assert_int_equal(c.n, i + 1);
		assert_int_equal(c.kinds[i].users_n, 2);
	}
	for (unsigned i = 0; i < 40; i++) { /* more than there is room for */
		static char texts[40][32]; /* they are borrowed */
		snprintf(texts[i], sizeof texts[i], "$5$rounds=%u$a$x", 1000 + i);
		auth_cost_learn(&c, texts[i]);
	}
	assert_int_equal(c.n, AUTH_COST_KINDS);
	assert_non_null(auth_cost_of(&c, ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_plain_wrong_unknown_locked_and_empty_are_refused),
		cmocka_unit_test(auth_plain_every_scheme_of_the_libc_works),
		cmocka_unit_test(auth_plain_groups),
		cmocka_unit_test(auth_plain_malformed_lines_are_told_and_skipped),
		cmocka_unit_test(auth_plain_a_changed_file_is_read_again_and_an_unreadable_one_is_not),
		cmocka_unit_test(auth_plain_a_name_of_nobody_costs_what_some_users_cost),
		cmocka_unit_test(auth_plain_names_of_nobody_get_schemes_in_proportion_and_keep_them),
		cmocka_unit_test(auth_plain_parameters_make_another_scheme),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
