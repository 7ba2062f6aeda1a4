/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store: who is shut out is there for the next process, also in a database of the version before */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "keeper/store.h"

constexpr uint32_t FLUSH_MS = 20'000;

struct bench {
	char folder[32];
	int home;
	uv_loop_t loop;
	uv_timer_t busy;
	struct store *st;
	struct store_shut rows[8];
	size_t rows_n;
};

static void quiet(enum log_level, const char *, size_t)
{
}

static void nothing(void *)
{
}

static void on_busy(uv_timer_t *)
{
}

static void on_shut(void *ctx, const struct store_shut *s)
{
	struct bench *b = ctx;
	assert_true(b->rows_n < ARRAY_LEN(b->rows));
	b->rows[b->rows_n++] = *s;
}

static void begin(struct bench *b)
{
	const struct store_events ev = { .done = nothing, .resync = nothing, .ctx = b };
	assert_int_equal(store_open(&b->st), ERR_OK);
	b->rows_n = 0;
	assert_int_equal(store_load_shut(b->st, on_shut, b), ERR_OK);
	assert_int_equal(store_start(b->st, &b->loop, &ev), ERR_OK);
}

static void end(struct bench *b)
{
	store_close(b->st);
	uv_run(&b->loop, UV_RUN_NOWAIT);
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	b->home = open(".", O_PATH | O_DIRECTORY);
	memcpy(b->folder, "/tmp/ocm-store.XXXXXX", 22);
	assert_non_null(mkdtemp(b->folder));
	assert_int_equal(chdir(b->folder), 0);
	assert_int_equal(uv_loop_init(&b->loop), 0);
	assert_int_equal(uv_timer_init(&b->loop, &b->busy), 0);
	assert_int_equal(uv_timer_start(&b->busy, on_busy, 3'600'000, 0), 0);
	return b;
}

static void tear_down(struct bench *b)
{
	char command[64];
	end(b);
	uv_close((uv_handle_t *)&b->busy, nullptr);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&b->loop), 0);
	assert_int_equal(fchdir(b->home), 0);
	close(b->home);
	snprintf(command, sizeof command, "rm -rf %s", b->folder);
	assert_int_equal(system(command), 0);
	free(b);
}

static const struct store_shut one = { "192.0.2.1", 1, 4'000'000'000, 100, 200 };
static const struct store_shut two = { "2001:db8::/64", 2, 0, 100, 0 };

static void what_is_shut_is_there_again(void **)
{
	struct bench *b = set_up();
	begin(b);
	assert_int_equal(b->rows_n, 0);
	struct store_shut longer = one;
	longer.until = 300;
	store_shut(b->st, &one);
	store_shut(b->st, &two);
	store_shut(b->st, &longer);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	end(b);
	begin(b);
	assert_int_equal(b->rows_n, 2);
	assert_string_equal(b->rows[0].range, one.range);
	assert_int_equal(b->rows[0].until, 300);
	assert_int_equal(b->rows[0].score, one.score);
	assert_int_equal(b->rows[1].kind, 2);
	store_free(b->st, "192.0.2.1");
	store_free(b->st, "192.0.2.99");
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	end(b);
	begin(b);
	assert_int_equal(b->rows_n, 1);
	assert_string_equal(b->rows[0].range, two.range);
	tear_down(b);
}

/* All is said again after a disk that failed: what was free meanwhile must not come back. */
static void a_resync_begins_with_nothing(void **)
{
	struct bench *b = set_up();
	begin(b);
	store_shut(b->st, &one);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	store_hold(b->st);
	store_shut(b->st, &two);
	store_release(b->st);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	end(b);
	begin(b);
	assert_int_equal(b->rows_n, 1);
	assert_string_equal(b->rows[0].range, two.range);
	tear_down(b);
}

static void version_2_gets_the_table(void **)
{
	struct bench *b = set_up();
	begin(b);
	end(b);
	sqlite3 *db;
	/* what store_open has forbidden to the whole process */
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	static const char *const calls[] = { "fstat", "open", "unlink", "openDirectory" };
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		vfs->xSetSystemCall(vfs, calls[i], nullptr);
	assert_int_equal(sqlite3_open("state.db", &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "DROP TABLE shut; DROP TABLE quota; UPDATE schema_version SET version = 2",
			     nullptr, nullptr, nullptr),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	begin(b);
	store_shut(b->st, &one);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	end(b);
	begin(b);
	assert_int_equal(b->rows_n, 1);
	tear_down(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shut_is_there_again),
		cmocka_unit_test(a_resync_begins_with_nothing),
		cmocka_unit_test(version_2_gets_the_table),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
