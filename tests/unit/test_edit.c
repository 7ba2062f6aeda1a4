/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit: a file replaced whole or not at all, with its mode; links, leftovers, what is no file */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/edit.h"

#define TEST(module, what) static void module##_##what(void **)

struct bench {
	char dir[64];
	int folder;
	struct edits edits;
	char error[256];
	int fds[2];
};

static void put(const struct bench *b, const char *name, const char *text)
{
	int fd OWNED(base_closep) = openat(b->folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	snprintf(b->dir, sizeof b->dir, "/tmp/test_edit.XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->folder = open(b->dir, O_RDONLY | O_DIRECTORY);
	b->fds[0] = b->fds[1] = -1;
	put(b, "users", "old");
	assert_int_equal(fchmodat(b->folder, "users", 0640, 0), 0);
	return b;
}

static void tear_down(struct bench **bp)
{
	struct bench *b = *bp;
	edits_drop_all(&b->edits);
	base_closep(&b->fds[0]);
	base_closep(&b->fds[1]);
	/* nothing but these lies there */
	unlinkat(b->folder, "users", 0);
	unlinkat(b->folder, "link", 0);
	unlinkat(b->folder, "dir", AT_REMOVEDIR);
	close(b->folder);
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
}

#define BENCH struct bench *b OWNED(tear_down) = set_up()

static enum err begin(struct bench *b, uint32_t id, const char *name)
{
	base_closep(&b->fds[0]);
	base_closep(&b->fds[1]);
	return edits_begin(&b->edits, id, b->folder, name, b->fds, b->error, sizeof b->error);
}

static enum err end(struct bench *b, uint32_t id, bool drop)
{
	return edits_end(&b->edits, id, drop, b->error, sizeof b->error);
}

static void content_is(const struct bench *b, const char *want)
{
	char text[32] = "";
	int fd OWNED(base_closep) = openat(b->folder, "users", O_RDONLY);
	assert_true(read(fd, text, sizeof text - 1) >= 0);
	assert_string_equal(text, want);
}

TEST(edit, a_file_is_replaced_with_its_mode)
{
	BENCH;
	struct stat st;
	char old[8] = "";
	assert_int_equal(begin(b, 1, "users"), ERR_OK);
	assert_int_equal(read(b->fds[0], old, sizeof old - 1), 3);
	assert_string_equal(old, "old");
	assert_int_equal(write(b->fds[1], "new one", 7), 7);
	content_is(b, "old");
	assert_int_equal(end(b, 1, false), ERR_OK);
	content_is(b, "new one");
	assert_int_equal(fstatat(b->folder, "users", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(end(b, 1, false), ERR_NOTFOUND);
}

TEST(edit, what_is_dropped_leaves_nothing)
{
	BENCH;
	assert_int_equal(begin(b, 1, "users"), ERR_OK);
	assert_int_equal(end(b, 1, true), ERR_OK);
	content_is(b, "old");
	assert_int_equal(begin(b, 2, "users"), ERR_OK);
	assert_int_equal(begin(b, 3, "users"), ERR_OK); /* the one before is given up */
	assert_int_equal(end(b, 2, false), ERR_NOTFOUND);
	edits_drop_all(&b->edits);
	assert_int_equal(end(b, 3, false), ERR_NOTFOUND);
	content_is(b, "old");
}

TEST(edit, a_link_stays_one)
{
	BENCH;
	struct stat st;
	assert_int_equal(symlinkat("users", b->folder, "link"), 0);
	assert_int_equal(begin(b, 1, "link"), ERR_OK);
	assert_int_equal(write(b->fds[1], "x", 1), 1);
	assert_int_equal(end(b, 1, false), ERR_OK);
	content_is(b, "x");
	assert_int_equal(fstatat(b->folder, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
}

TEST(edit, what_is_no_file_is_refused)
{
	BENCH;
	assert_int_equal(mkdirat(b->folder, "dir", 0700), 0);
	static const char *const wrong[] = { "dir", "missing", "users/x", "/dev/null", "" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(begin(b, 1, wrong[i]), ERR_SYS);
		assert_string_not_equal(b->error, "");
	}
	assert_int_equal(end(b, 0, false), ERR_NOTFOUND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(edit_a_file_is_replaced_with_its_mode),
		cmocka_unit_test(edit_what_is_dropped_leaves_nothing),
		cmocka_unit_test(edit_a_link_stays_one),
		cmocka_unit_test(edit_what_is_no_file_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
