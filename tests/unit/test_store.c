/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store: what was put is there for the next process; a damaged, newer, foreign, full or read-only database costs no session in memory */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "config/config.h"
#include "keeper/store.h"
#include "keeper/store_sqlite.h"

#define TEST(module, what) static void module##_##what(void **)

constexpr uint32_t FLUSH_MS = 20'000;

struct bench {
	char folder[32];
	int home;
	uv_loop_t loop;
	uv_timer_t busy; /* as in a keeper the loop has more to do: the store does not keep it alive */
	struct store *st;
	unsigned dones, resyncs;
	int64_t epoch; /* of the times below */
};

static void quiet(enum log_level, const char *, size_t)
{
}

static void on_done(void *ctx)
{
	((struct bench *)ctx)->dones++;
}

static void on_resync(void *ctx)
{
	struct bench *b = ctx;
	b->resyncs++;
	const uint8_t hash[STORE_HASH_LEN] = { 99 };
	store_hold(b->st);
	store_put(b->st, hash, "all", 3);
	store_release(b->st);
}

static void on_busy(uv_timer_t *)
{
}

static struct bench *set_up(void)
{
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	log_init("test", LOG_LEVEL_INFO, quiet);
	signal(SIGXFSZ, SIG_IGN);
	b->home = open(".", O_PATH | O_DIRECTORY);
	memcpy(b->folder, "/tmp/ocm-store.XXXXXX", 22);
	assert_non_null(mkdtemp(b->folder));
	assert_int_equal(chdir(b->folder), 0);
	assert_int_equal(uv_loop_init(&b->loop), 0);
	b->epoch = 4'000'000'000;
	assert_int_equal(uv_timer_init(&b->loop, &b->busy), 0);
	assert_int_equal(uv_timer_start(&b->busy, on_busy, 3'600'000, 0), 0);
	return b;
}

static void begin(struct bench *b)
{
	const struct store_events ev = { .done = on_done, .resync = on_resync, .ctx = b };
	assert_int_equal(store_open(&b->st), ERR_OK);
	assert_int_equal(store_start(b->st, &b->loop, &ev), ERR_OK);
}

static void end(struct bench *b)
{
	store_close(b->st);
	b->st = nullptr;
	uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void tear_down(struct bench **b)
{
	char command[64];
	end(*b);
	uv_close((uv_handle_t *)&(*b)->busy, nullptr);
	uv_run(&(*b)->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&(*b)->loop), 0);
	assert_int_equal(fchdir((*b)->home), 0);
	close((*b)->home);
	snprintf(command, sizeof command, "rm -rf %s", (*b)->folder);
	assert_int_equal(system(command), 0);
	free(*b);
}

/* {{ what is in it }} */

struct rows {
	unsigned n;
	char last[64];
	uint8_t hash;
};

static void on_row(void *ctx, const uint8_t hash[STORE_HASH_LEN], const uint8_t *body, size_t len)
{
	struct rows *r = ctx;
	r->n++;
	r->hash = hash[0];
	snprintf(r->last, sizeof r->last, "%.*s", (int)len, (const char *)body);
}

/* As the next process would see it. */
static struct rows reopened(struct bench *b)
{
	struct rows r = {};
	if (b->st != nullptr)
		end(b);
	assert_int_equal(store_open(&b->st), ERR_OK);
	assert_int_equal(store_load(b->st, on_row, &r), ERR_OK);
	return r;
}

/* The store has told SQLite that it can open nothing. */
static void unseal(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	assert_int_equal(vfs->xSetSystemCall(vfs, nullptr, nullptr), SQLITE_OK);
}

/* One number out of the database, which nobody has open. */
static int64_t number(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	unseal();
	assert_int_equal(sqlite3_open_v2("state.db", &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, nullptr), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static void sql(const char *text)
{
	sqlite3 *db;
	unseal();
	assert_int_equal(sqlite3_open("state.db", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put(struct bench *b, uint8_t name, const char *body)
{
	const uint8_t hash[STORE_HASH_LEN] = { name };
	store_put(b->st, hash, body, strlen(body));
}

static void drop(struct bench *b, uint8_t name)
{
	const uint8_t hash[STORE_HASH_LEN] = { name };
	store_drop(b->st, hash);
}

static void opened(struct bench *b, uint64_t sid, uint32_t worker)
{
	struct store_opened o = {
		.sid = sid, .worker = worker, .logged_in_at = b->epoch + 100, .connected_at = b->epoch + 200
	};
	memcpy(o.username, "o'brien", 8);
	store_append(b->st, &o);
}

static void closed(struct bench *b, uint64_t sid, uint32_t worker, uint64_t rx)
{
	const struct store_closed c = { .sid = sid,
					.worker = worker,
					.cause = "user",
					.rx_bytes = rx,
					.tx_bytes = 2 * rx,
					.ended_at = b->epoch + 300 };
	store_finish(b->st, &c);
}

static struct store_stats stats(struct bench *b)
{
	struct store_stats s;
	store_stats(b->st, &s);
	return s;
}

/* Let the loop hear of it until it is so, some seconds at most. */
static bool becomes(struct bench *b, enum store_state state)
{
	for (unsigned i = 0; i < 1500 && stats(b).state != state; i++) {
		uv_run(&b->loop, UV_RUN_NOWAIT);
		usleep(10'000);
	}
	return stats(b).state == state;
}

static unsigned files_like(const char *pattern)
{
	char command[96], text[16] = "";
	snprintf(command, sizeof command, "ls | grep -c '%s'", pattern);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	pclose(f);
	return (unsigned)strtoul(text, nullptr, 10);
}

/* {{ order }} */

TEST(store, what_was_put_is_there_for_the_next)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	put(b, 1, "one");
	put(b, 2, "two");
	put(b, 2, "three");
	drop(b, 1);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	struct rows r = reopened(b);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.hash, 2);
	assert_string_equal(r.last, "three");
}

TEST(store, numbers_tell_what_is_written)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	const uint8_t hash[STORE_HASH_LEN] = { 7 };
	uint64_t n = store_put(b->st, hash, "x", 1);
	assert_true(n > 0);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	assert_true(store_done(b->st) >= n);
	uv_run(&b->loop, UV_RUN_NOWAIT);
	assert_true(b->dones > 0);
	assert_int_equal(stats(b).written, 1);
}

TEST(store, many_changes_share_a_transaction)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	for (unsigned i = 0; i < 10'000; i++)
		put(b, (uint8_t)i, "body");
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	assert_int_equal(stats(b).written, 10'000);
	assert_true(stats(b).commits < 1000);
	assert_int_equal(reopened(b).n, 256);
}

/* SIGKILL at any moment: what was said to be done is there. */
TEST(store, what_is_done_survives_a_kill)
{
	struct bench *b OWNED(tear_down) = set_up();
	for (unsigned round = 0; round < 5; round++) {
		int pipes[2];
		assert_int_equal(pipe(pipes), 0);
		pid_t pid = fork();
		if (pid == 0) {
			begin(b);
			for (uint8_t i = 1; i != 0; i++) {
				put(b, i, "body");
				if (store_flush(b->st, FLUSH_MS) != ERR_OK || write(pipes[1], &i, 1) != 1)
					_exit(1);
			}
			pause();
		}
		close(pipes[1]);
		uint8_t last = 0;
		for (unsigned i = 0; i < 20 + round * 7; i++)
			assert_int_equal(read(pipes[0], &last, 1), 1);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, nullptr, 0), pid);
		while (read(pipes[0], &last, 1) == 1)
			continue;
		close(pipes[0]);
		assert_true(reopened(b).n >= last);
		end(b);
	}
}

/* {{ accounting }} */

TEST(store, a_record_has_begin_and_end)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	opened(b, 5, 1);
	closed(b, 5, 2, 1000); /* another worker's: left alone */
	closed(b, 5, 1, 10);
	closed(b, 5, 1, 9999); /* a second end is none */
	closed(b, 6, 1, 77); /* without a begin */
	end(b);
	assert_int_equal(number("SELECT count(*) FROM accounting"), 1);
	assert_int_equal(
		number("SELECT rx_bytes FROM accounting WHERE username = 'o''brien' AND cause = 'user'"), 10);
	assert_int_equal(number("SELECT tx_bytes FROM accounting"), 20);
	assert_int_equal(reopened(b).n, 0);
	assert_int_equal(store_facts(b->st)->last_sid, 5);
}

TEST(store, who_is_not_there_any_more_is_closed)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	store_alive(b->st, b->epoch + 250);
	opened(b, 5, 1);
	opened(b, 6, 1);
	opened(b, 50, 1);
	closed(b, 5, 1, 10);
	store_abandon(b->st, 50);
	end(b);
	assert_int_equal(
		number("SELECT count(*) FROM accounting WHERE cause = 'lost' AND ended_at = 4000000250 AND sid = 6"),
		1);
	assert_int_equal(number("SELECT count(*) FROM accounting WHERE ended_at = 0 AND sid = 50"), 1);
	assert_int_equal(number("SELECT rx_bytes FROM accounting WHERE sid = 5"), 10);
	begin(b);
	assert_int_equal(store_facts(b->st)->alive_at, b->epoch + 250);
	opened(b, 6, 1); /* its worker reports late */
	closed(b, 6, 1, 66);
	end(b);
	assert_int_equal(number("SELECT rx_bytes FROM accounting WHERE sid = 6 AND cause = 'user'"), 66);
}

TEST(store, old_records_go_but_the_last_number_stays)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	b->epoch = 0; /* 1970 */
	opened(b, 8, 0);
	closed(b, 8, 0, 1);
	opened(b, 9, 0);
	closed(b, 9, 0, 1);
	store_abandon(b->st, 1);
	end(b);
	assert_int_equal(number("SELECT count(*) FROM accounting"), 1);
	assert_int_equal(number("SELECT sid FROM accounting"), 9);
}

/* {{ versions }} */

static void put_quota(struct bench *b, const char *username, uint64_t used, enum config_period period,
		      int64_t since)
{
	struct store_quota q = { .used = used, .most = 1000, .period = period, .since = since };
	snprintf(q.username, sizeof q.username, "%s", username);
	snprintf(q.vhost, sizeof q.vhost, "a.example");
	store_put_quota(b->st, &q);
}

static void on_quota(void *ctx, const struct store_quota *q)
{
	struct rows *r = ctx;
	assert_string_equal(q->vhost, "a.example");
	assert_int_equal(q->most, 1000);
	r->n++;
	snprintf(r->last, sizeof r->last, "%s %llu %u", q->username, (unsigned long long)q->used, q->period);
}

static struct rows quotas(struct bench *b)
{
	struct rows r = {};
	assert_int_equal(store_load_quotas(b->st, on_quota, &r), ERR_OK);
	return r;
}

TEST(store, what_was_used_of_a_quota_is_there_for_the_next)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	put_quota(b, "o'brien", 7, PERIOD_DAILY, b->epoch);
	put_quota(b, "o'brien", 900, PERIOD_MONTHLY, b->epoch);
	put(b, 1, "one");
	store_hold(b->st); /* sessions are said anew, quotas stay */
	store_release(b->st);
	put_quota(b, "o'brien", 901, PERIOD_MONTHLY, b->epoch);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	assert_int_equal(reopened(b).n, 0);
	assert_int_equal(quotas(b).n, 1);
	assert_string_equal(quotas(b).last, "o'brien 901 2");
}

TEST(store, quotas_of_long_ago_go_but_totals_stay)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	put_quota(b, "daily", 7, PERIOD_DAILY, 1000);
	put_quota(b, "total", 8, PERIOD_TOTAL, 1000);
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	reopened(b);
	assert_int_equal(quotas(b).n, 1);
	assert_string_equal(quotas(b).last, "total 8 0");
}

TEST(store, an_empty_database_becomes_the_newest)
{
	struct bench *b OWNED(tear_down) = set_up();
	sql("PRAGMA user_version = 0");
	begin(b);
	end(b);
	assert_int_equal(number("SELECT version FROM schema_version"), STORE_VERSION);
	assert_int_equal(files_like("damaged"), 0);
}

TEST(store, version_1_keeps_its_sessions)
{
	struct bench *b OWNED(tear_down) = set_up();
	sql("CREATE TABLE schema_version(version INTEGER NOT NULL); INSERT INTO schema_version VALUES(1);"
	    "CREATE TABLE session(hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
	    "CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	    "INSERT INTO session VALUES(x'0300000000000000000000000000000000000000000000000000000000000000', x'6f6c64');"
	    "INSERT INTO session VALUES(x'04', x'6f6c64'); /* no hash: not ours */");
	struct rows r = reopened(b);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.last, "old");
	end(b);
	assert_int_equal(number("SELECT version FROM schema_version"), STORE_VERSION);
	assert_int_equal(number("SELECT count(*) FROM accounting"), 0);
	assert_int_equal(number("SELECT count(*) FROM quota"), 0);
}

TEST(store, a_newer_version_is_left_alone)
{
	struct bench *b OWNED(tear_down) = set_up();
	sql("CREATE TABLE schema_version(version INTEGER NOT NULL); INSERT INTO schema_version VALUES(77)");
	assert_int_equal(store_open(&b->st), ERR_UNSUPPORTED);
	assert_null(b->st);
	assert_int_equal(number("SELECT version FROM schema_version"), 77);
	assert_int_equal(files_like("damaged"), 0);
}

/* {{ damage }} */

static void damage(const char *path, long at, const char *bytes)
{
	FILE *f = fopen(path, at < 0 ? "w" : "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, MAX(at, 0), SEEK_SET), 0);
	assert_true(fputs(bytes, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

TEST(store, what_is_no_database_is_put_aside)
{
	struct bench *b OWNED(tear_down) = set_up();
	damage("state.db", -1,
	       "This is no database, and longer than the sixteen bytes of its magic, by far.");
	begin(b);
	assert_true(store_facts(b->st)->was_damaged);
	put(b, 1, "new");
	assert_int_equal(reopened(b).n, 1);
	assert_int_equal(files_like("^state.db.damaged-[0-9]*$"), 1);
	assert_false(store_facts(b->st)->was_damaged);
}

TEST(store, a_broken_page_is_found)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	for (unsigned i = 0; i < 5000; i++) {
		const uint8_t hash[STORE_HASH_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };
		store_put(b->st, hash, "a session that takes some room in the pages of the database", 59);
	}
	end(b);
	for (long at = 40'000; at < 200'000; at += 4096)
		damage("state.db", at, "garbage garbage garbage garbage");
	struct rows r = reopened(b);
	assert_int_equal(r.n, 0);
	assert_true(store_facts(b->st)->was_damaged);
	assert_int_equal(files_like("^state.db.damaged-[0-9]*$"), 1);
}

TEST(store, a_truncated_database_is_found)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	for (unsigned i = 0; i < 5000; i++) {
		const uint8_t hash[STORE_HASH_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };
		store_put(b->st, hash, "body body body body", 19);
	}
	end(b);
	assert_int_equal(truncate("state.db", 20'000), 0);
	reopened(b);
	assert_true(store_facts(b->st)->was_damaged);
}

TEST(store, a_torn_log_loses_its_end_only)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	put(b, 1, "one");
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	assert_int_equal(system("cp state.db copy; cp state.db-wal copy-wal; printf garbage >>copy-wal"), 0);
	end(b);
	assert_int_equal(system("mv copy state.db; mv copy-wal state.db-wal"), 0);
	assert_int_equal(reopened(b).n, 1);
	assert_false(store_facts(b->st)->was_damaged);
}

TEST(store, is_nobody_elses)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	pid_t pid = fork();
	if (pid == 0) {
		struct store *second = nullptr;
		_exit(store_open(&second) == ERR_BUSY && second == nullptr ? 0 : 1);
	}
	int status = 1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	put(b, 1, "still ours");
	assert_int_equal(reopened(b).n, 1);
}

/* {{ what it does not open }} */

TEST(store, opens_nothing_once_it_is_open)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	/* with all descriptors taken any open would fail */
	struct rlimit old, few = { 3, 0 };
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (unsigned i = 0; i < 20'000; i++) { /* checkpoints are among it */
		const uint8_t hash[STORE_HASH_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };
		store_put(b->st, hash, "a session that takes some room in the pages of the database", 59);
		if (i % 1000 == 0)
			assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	}
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	usleep((STORE_SYNC_MS + 300) * 1000);
	assert_int_equal(stats(b).errors, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(reopened(b).n, 20'000);
}

/* {{ a disk that cannot }} */

static void limit_files(rlim_t bytes)
{
	struct rlimit l;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void fill(struct bench *b)
{
	static char big[100'000];
	memset(big, 'x', sizeof big - 1);
	for (unsigned i = 0; i < 20; i++)
		put(b, (uint8_t)i, big);
}

TEST(store, a_full_disk_degrades_and_recovers)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	put(b, 1, "before");
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	limit_files(200'000);
	opened(b, 3, 0);
	fill(b);
	assert_true(becomes(b, STORE_DEGRADED));
	assert_int_equal(stats(b).errors, 1);
	const uint8_t hash[STORE_HASH_LEN] = { 4 };
	assert_int_equal(store_put(b->st, hash, "x", 1), 0); /* nobody waits for it */
	assert_int_equal(store_flush(b->st, FLUSH_MS), ERR_OK);
	closed(b, 3, 0, 33);
	limit_files(RLIM_INFINITY);
	assert_true(becomes(b, STORE_GOOD));
	assert_int_equal(b->resyncs, 1);
	assert_int_equal(stats(b).lost_records, 0);
	struct rows r = reopened(b);
	assert_int_equal(r.n, 1); /* all that the owner said it has */
	assert_int_equal(r.hash, 99);
	end(b);
	assert_int_equal(number("SELECT rx_bytes FROM accounting WHERE sid = 3 AND cause = 'user'"), 33);
}

TEST(store, records_that_wait_are_bounded)
{
	struct bench *b OWNED(tear_down) = set_up();
	begin(b);
	limit_files(200'000);
	fill(b);
	assert_true(becomes(b, STORE_DEGRADED));
	for (unsigned i = 0; i < STORE_RECORDS_MAX + 10; i++)
		opened(b, i + 1, 0);
	assert_int_equal(stats(b).lost_records, 10);
	limit_files(RLIM_INFINITY);
	assert_true(becomes(b, STORE_GOOD));
	end(b);
	assert_int_equal(number("SELECT count(*) FROM accounting"), STORE_RECORDS_MAX);
}

TEST(store, a_small_file_system_degrades_and_recovers)
{
	struct bench *b OWNED(tear_down) = set_up();
	if (mkdir("small", 0700) != 0 || mount("tmpfs", "small", "tmpfs", 0, "size=600k") != 0) {
		skip(); /* needs root */
		return;
	}
	assert_int_equal(chdir("small"), 0);
	begin(b);
	fill(b);
	assert_true(becomes(b, STORE_DEGRADED));
	assert_int_equal(mount("tmpfs", ".", "tmpfs", MS_REMOUNT, "size=64m"), 0);
	assert_true(becomes(b, STORE_GOOD));
	assert_int_equal(reopened(b).n, 1);
	end(b);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(umount2("small", MNT_DETACH), 0);
}

TEST(store, a_read_only_file_system_is_refused_at_start)
{
	struct bench *b OWNED(tear_down) = set_up();
	if (mkdir("small", 0700) != 0 || mount("tmpfs", "small", "tmpfs", MS_RDONLY, "size=600k") != 0) {
		skip(); /* needs root */
		return;
	}
	assert_int_equal(chdir("small"), 0);
	enum err e = store_open(&b->st);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(umount2("small", MNT_DETACH), 0);
	assert_true(e != ERR_OK);
	assert_null(b->st);
}

TEST(store, an_existing_database_on_a_read_only_file_system_is_not_called_damaged)
{
	struct bench *b OWNED(tear_down) = set_up();
	if (mkdir("small", 0700) != 0 || mount("tmpfs", "small", "tmpfs", 0, "size=8m") != 0) {
		skip(); /* needs root */
		return;
	}
	assert_int_equal(chdir("small"), 0);
	begin(b);
	put(b, 1, "one");
	end(b);
	assert_int_equal(mount("tmpfs", ".", "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m"), 0);
	enum err e = store_open(&b->st);
	assert_int_equal(files_like("damaged"), 0);
	assert_int_equal(mount("tmpfs", ".", "tmpfs", MS_REMOUNT, "size=8m"), 0);
	assert_true(e != ERR_OK);
	assert_int_equal(reopened(b).n, 1);
	end(b);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(umount2("small", MNT_DETACH), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_what_was_put_is_there_for_the_next),
		cmocka_unit_test(store_numbers_tell_what_is_written),
		cmocka_unit_test(store_many_changes_share_a_transaction),
		cmocka_unit_test(store_what_is_done_survives_a_kill),
		cmocka_unit_test(store_a_record_has_begin_and_end),
		cmocka_unit_test(store_who_is_not_there_any_more_is_closed),
		cmocka_unit_test(store_old_records_go_but_the_last_number_stays),
		cmocka_unit_test(store_what_was_used_of_a_quota_is_there_for_the_next),
		cmocka_unit_test(store_quotas_of_long_ago_go_but_totals_stay),
		cmocka_unit_test(store_an_empty_database_becomes_the_newest),
		cmocka_unit_test(store_version_1_keeps_its_sessions),
		cmocka_unit_test(store_a_newer_version_is_left_alone),
		cmocka_unit_test(store_what_is_no_database_is_put_aside),
		cmocka_unit_test(store_a_broken_page_is_found),
		cmocka_unit_test(store_a_truncated_database_is_found),
		cmocka_unit_test(store_a_torn_log_loses_its_end_only),
		cmocka_unit_test(store_is_nobody_elses),
		cmocka_unit_test(store_opens_nothing_once_it_is_open),
		cmocka_unit_test(store_a_full_disk_degrades_and_recovers),
		cmocka_unit_test(store_records_that_wait_are_bounded),
		cmocka_unit_test(store_a_small_file_system_degrades_and_recovers),
		cmocka_unit_test(store_a_read_only_file_system_is_refused_at_start),
		cmocka_unit_test(store_an_existing_database_on_a_read_only_file_system_is_not_called_damaged),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
