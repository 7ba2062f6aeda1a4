/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static const char file[] = "state.db";
constexpr int BUSY_MS = 2000; /* a keeper that was killed has its lock until the kernel has cleared up */
constexpr int LOG_PAGES = 1000; /* of the write-ahead log, before it is moved into the database */

/* Row N makes version N + 1 of version N; a row that was released is never changed. */
static const char *const migrations[STORE_VERSION] = {
	"CREATE TABLE session(hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE fact(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;",

	"CREATE TABLE accounting("
	" sid INTEGER PRIMARY KEY, worker INTEGER NOT NULL, username TEXT NOT NULL, vhost TEXT NOT NULL,"
	" grp TEXT NOT NULL, agent TEXT NOT NULL, remote TEXT NOT NULL, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL,"
	" logged_in_at INTEGER NOT NULL, connected_at INTEGER NOT NULL, ended_at INTEGER NOT NULL DEFAULT 0,"
	" cause TEXT NOT NULL DEFAULT '', rx_bytes INTEGER NOT NULL DEFAULT 0, tx_bytes INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX accounting_open ON accounting(sid) WHERE ended_at = 0;",

	"CREATE TABLE quota("
	" vhost TEXT NOT NULL, username TEXT NOT NULL, used INTEGER NOT NULL, most INTEGER NOT NULL,"
	" period INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(vhost, username)) WITHOUT ROWID;",
	"CREATE TABLE shut(range TEXT PRIMARY KEY, kind INTEGER NOT NULL, score INTEGER NOT NULL, since INTEGER NOT NULL,"
	" until INTEGER NOT NULL) WITHOUT ROWID;",
};

enum statement : uint8_t { BEGIN, COMMIT, ROLLBACK, PRUNE, STATEMENTS_N };
static const char *const texts[STATEMENTS_N] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	/* a year and a day of records; the last stays, because its number must not be used again */
	[PRUNE] = ("DELETE FROM accounting WHERE ended_at > 0 AND ended_at < unixepoch() - 366 * 86400"
		   " AND sid < (SELECT max(sid) FROM accounting)"),
};
static const char *const changes[STORE_KINDS_N] = {
	[STORE_PUT] =
		"INSERT INTO session VALUES(?1, ?2) ON CONFLICT(hash) DO UPDATE SET body = excluded.body",
	[STORE_DROP] = "DELETE FROM session WHERE hash = ?1",
	[STORE_CLEAR] = "DELETE FROM session",
	[STORE_ALIVE] = "INSERT INTO fact VALUES('alive_at', ?1)"
			" ON CONFLICT(name) DO UPDATE SET value = excluded.value",
	/* a connection that was thought lost may come back with a late report */
	[STORE_OPENED] =
		"INSERT INTO accounting(sid, worker, username, vhost, grp, agent, remote, ipv4, ipv6, logged_in_at,"
		" connected_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT(sid) DO UPDATE SET ended_at = 0, cause = ''",
	[STORE_CLOSED] = "UPDATE accounting SET ended_at = ?3, cause = ?4, rx_bytes = ?5, tx_bytes = ?6"
			 " WHERE sid = ?1 AND worker = ?2 AND ended_at = 0",
	[STORE_ABANDON] = "UPDATE accounting SET cause = 'lost', ended_at ="
			  " max(connected_at, coalesce((SELECT value FROM fact WHERE name = 'alive_at'), 0))"
			  " WHERE ended_at = 0 AND sid < ?1",
	[STORE_QUOTA] =
		"INSERT INTO quota(vhost, username, used, most, period, since) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
		" ON CONFLICT(vhost, username) DO UPDATE SET used = excluded.used, most = excluded.most,"
		" period = excluded.period, since = excluded.since",
	[STORE_SHUT] =
		"INSERT INTO shut VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(range) DO UPDATE SET kind = excluded.kind,"
		" score = excluded.score, since = excluded.since, until = excluded.until",
	[STORE_FREE] = "DELETE FROM shut WHERE range = ?1",
	[STORE_FREE_ALL] = "DELETE FROM shut",
};

struct store_sqlite {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS_N], *changes[STORE_KINDS_N];
	char why[160];
};

/* {{ what SQLite may ask of the system }} */

/* The C library makes a path call of fstat, which the sandbox forbids. */
static int plain_fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}
static int no_open(const char *, int, ...)
{
	errno = EACCES;
	return -1;
}
static int no_unlink(const char *)
{
	errno = EACCES;
	return -1;
}
static int no_folder(const char *, int *)
{
	return SQLITE_CANTOPEN; /* to SQLite: a folder cannot be made safe here, go on */
}

static void replace(sqlite3_vfs *vfs, const char *call, void (*by)(void))
{
	vfs->xSetSystemCall(vfs, call, (sqlite3_syscall_ptr)by);
}

/* Nothing is opened from now on; false: anything may be. */
static void seal(bool closed)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
	replace(vfs, "fstat", (void (*)(void))plain_fstat);
	replace(vfs, "open", closed ? (void (*)(void))no_open : nullptr);
	replace(vfs, "unlink", closed ? (void (*)(void))no_unlink : nullptr);
	replace(vfs, "openDirectory", closed ? (void (*)(void))no_folder : nullptr);
}

/* The name as it is: the folders above ours may be closed to our user. */
static int same_path(sqlite3_vfs *, const char *name, int n, char *out)
{
	return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static bool add_vfs(void)
{
	static sqlite3_vfs here;
	if (here.zName != nullptr)
		return true;
	const sqlite3_vfs *plain = sqlite3_vfs_find("unix");
	if (plain == nullptr || plain->iVersion < 3)
		return false;
	here = *plain;
	here.zName = "here";
	here.pNext = nullptr;
	here.xFullPathname = same_path;
	return sqlite3_vfs_register(&here, 0) == SQLITE_OK;
}

/* {{ open }} */

static enum err err_of(struct store_sqlite *db, int code)
{
	snprintf(db->why, sizeof db->why, "%s",
		 db->db != nullptr ? sqlite3_errmsg(db->db) : sqlite3_errstr(code));
	switch (code & 0xff) {
	case SQLITE_OK: return ERR_OK;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT: return ERR_SYNTAX;
	case SQLITE_BUSY: return ERR_BUSY;
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_NOMEM: return ERR_NOMEM;
	default: return ERR_SYS;
	}
}

static enum err run(struct store_sqlite *db, const char *sql)
{
	int r = sqlite3_exec(db->db, sql, nullptr, nullptr, nullptr);
	return r == SQLITE_OK ? ERR_OK : err_of(db, r);
}

/* The first column of the first row; fallback if there is no row. */
static enum err ask(struct store_sqlite *db, const char *sql, int64_t fallback, int64_t *out)
{
	sqlite3_stmt *st;
	int r = sqlite3_prepare_v2(db->db, sql, -1, &st, nullptr);
	if (r != SQLITE_OK)
		return err_of(db, r);
	r = sqlite3_step(st);
	int64_t value = r == SQLITE_ROW ? sqlite3_column_int64(st, 0) : fallback;
	enum err e = r == SQLITE_ROW || r == SQLITE_DONE ? ERR_OK : err_of(db, r);
	sqlite3_finalize(st);
	if (e == ERR_OK)
		*out = value;
	return e;
}

static enum err is_sound(struct store_sqlite *db)
{
	int64_t sound = 0;
	TRY(ask(db, "SELECT quick_check = 'ok' FROM pragma_quick_check(1)", 0, &sound));
	if (sound == 1)
		return ERR_OK;
	snprintf(db->why, sizeof db->why, "the check of the database found damage");
	return ERR_SYNTAX;
}

static enum err migrate(struct store_sqlite *db)
{
	int64_t version = 0;
	TRY(run(db, "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS schema_version(version INTEGER NOT NULL)"));
	TRY(ask(db, "SELECT version FROM schema_version", 0, &version));
	if (version < 0 || version > STORE_VERSION) {
		snprintf(db->why, sizeof db->why, "it has version %lld, and this server knows up to %d",
			 (long long)version, STORE_VERSION);
		return ERR_UNSUPPORTED;
	}
	for (int64_t v = version; v < STORE_VERSION; v++)
		TRY(run(db, migrations[v]));
	if (version < STORE_VERSION) {
		char sql[96];
		snprintf(sql, sizeof sql, "DELETE FROM schema_version; INSERT INTO schema_version VALUES(%d)",
			 STORE_VERSION);
		TRY(run(db, sql));
	}
	return run(db, "COMMIT");
}

static enum err prepare_all(struct store_sqlite *db, const char *const *sql, sqlite3_stmt **to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (sql[i] == nullptr)
			continue;
		int r = sqlite3_prepare_v3(db->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &to[i], nullptr);
		if (r != SQLITE_OK)
			return err_of(db, r);
	}
	return ERR_OK;
}

static enum err set_up(struct store_sqlite *db)
{
	char sql[256];
	int keep_log = 1; /* at the end it is emptied, not removed */
	sqlite3_busy_timeout(db->db, BUSY_MS);
	sqlite3_extended_result_codes(db->db, 0);
	/* exclusive first: then the log's index is in our own memory */
	TRY(run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF"));
	sqlite3_file_control(db->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log);
	snprintf(sql, sizeof sql, "PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = 16777216",
		 LOG_PAGES);
	TRY(run(db, sql));
	TRY(is_sound(db));
	return migrate(db);
}

static enum err begin(struct store_sqlite *db, struct store_facts *facts)
{
	int64_t alive = 0, sid = 0;
	int r = sqlite3_open_v2(file, &db->db,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, "here");
	if (r != SQLITE_OK)
		return err_of(db, r);
	TRY(set_up(db));
	TRY(prepare_all(db, texts, db->statements, STATEMENTS_N));
	TRY(prepare_all(db, changes, db->changes, STORE_KINDS_N));
	TRY(ask(db, "SELECT value FROM fact WHERE name = 'alive_at'", 0, &alive));
	TRY(ask(db, "SELECT coalesce(max(sid), 0) FROM accounting", 0, &sid));
	/* the first sync of a new file looks for its folder */
	TRY(run(db, "PRAGMA wal_checkpoint(TRUNCATE)"));
	facts->alive_at = alive;
	facts->last_sid = (uint64_t)MAX(sid, 0);
	return ERR_OK;
}

static void end(struct store_sqlite *db)
{
	for (size_t i = 0; i < STATEMENTS_N; i++)
		sqlite3_finalize(TAKE(db->statements[i]));
	for (size_t i = 0; i < STORE_KINDS_N; i++)
		sqlite3_finalize(TAKE(db->changes[i]));
	sqlite3_close(TAKE(db->db));
}

static void put_aside(const char *why)
{
	static const char *const tails[] = { "", "-wal" };
	char from[32], to[64];
	long long now = time(nullptr);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(from, sizeof from, "%s%s", file, tails[i]);
		snprintf(to, sizeof to, "%s.damaged-%lld%s", file, now, tails[i]);
		if (rename(from, to) != 0 && errno != ENOENT)
			log_err("store.rename_failed from=%s error=\"%s\"", from, strerror(errno));
	}
	log_err("store.damaged why=\"%s\" kept=%s.damaged-%lld: a new one is begun; users whose session it had log in again",
		why, file, now);
}

enum err store_sqlite_open(struct store_sqlite **out, struct store_facts *facts)
{
	struct store_sqlite *db = calloc(1, sizeof *db);
	if (db == nullptr)
		return ERR_NOMEM;
	seal(false);
	enum err e = add_vfs() ? begin(db, facts) : ERR_UNSUPPORTED;
	if (e == ERR_SYNTAX) {
		end(db);
		put_aside(db->why);
		e = begin(db, facts);
		facts->was_damaged = true;
	}
	uint8_t seed;
	sqlite3_randomness(sizeof seed, &seed); /* opens its source at first use */
	seal(true);
	if (e == ERR_OK) {
		*out = db;
		return ERR_OK;
	}
	log_err("store.not_opened file=%s why=\"%s\": sessions and accounting are in memory only until the keeper is started again; "
		"%s",
		file, db->why,
		e == ERR_BUSY ? "give each server a state-dir of its own"
			      : "see state-dir, its owner and its disk");
	store_sqlite_close(db);
	return e;
}

void store_sqlite_close(struct store_sqlite *db)
{
	if (db == nullptr)
		return;
	end(db);
	free(db);
}

/* {{ read }} */

enum err store_sqlite_load(struct store_sqlite *db, store_row *each, void *ctx)
{
	sqlite3_stmt *st;
	int r = sqlite3_prepare_v2(db->db, "SELECT hash, body FROM session", -1, &st, nullptr);
	if (r != SQLITE_OK)
		return err_of(db, r);
	while ((r = sqlite3_step(st)) == SQLITE_ROW)
		if (sqlite3_column_bytes(st, 0) == (int)STORE_HASH_LEN)
			each(ctx, sqlite3_column_blob(st, 0), sqlite3_column_blob(st, 1),
			     (size_t)sqlite3_column_bytes(st, 1));
	enum err e = r == SQLITE_DONE ? ERR_OK : err_of(db, r);
	sqlite3_finalize(st);
	return e;
}

static void take_text(char to[STORE_TEXT_MAX + 1], sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);
	snprintf(to, STORE_TEXT_MAX + 1, "%s", text != nullptr ? (const char *)text : "");
}

/* Who has used nothing for a year is forgotten, unless it is the total that counts. */
enum err store_sqlite_load_quotas(struct store_sqlite *db, store_quota_row *each, void *ctx)
{
	static const char sql[] = "SELECT vhost, username, used, most, period, since FROM quota";
	sqlite3_stmt *st;
	TRY(run(db, "DELETE FROM quota WHERE period > 0 AND since < unixepoch() - 366 * 86400"));
	int r = sqlite3_prepare_v2(db->db, sql, -1, &st, nullptr);
	if (r != SQLITE_OK)
		return err_of(db, r);
	while ((r = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_quota q = { .used = (uint64_t)MAX(sqlite3_column_int64(st, 2), 0),
					 .most = (uint64_t)MAX(sqlite3_column_int64(st, 3), 0),
					 .period = (uint32_t)sqlite3_column_int64(st, 4),
					 .since = sqlite3_column_int64(st, 5) };
		take_text(q.vhost, st, 0);
		take_text(q.username, st, 1);
		each(ctx, &q);
	}
	enum err e = r == SQLITE_DONE ? ERR_OK : err_of(db, r);
	sqlite3_finalize(st);
	return e;
}

enum err store_sqlite_load_shut(struct store_sqlite *db, store_shut_row *each, void *ctx)
{
	sqlite3_stmt *st;
	int r = sqlite3_prepare_v2(db->db, "SELECT range, kind, score, since, until FROM shut", -1, &st,
				   nullptr);
	if (r != SQLITE_OK)
		return err_of(db, r);
	while ((r = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_shut s = { .kind = (uint8_t)sqlite3_column_int(st, 1),
					.score = (uint32_t)sqlite3_column_int64(st, 2),
					.since = sqlite3_column_int64(st, 3),
					.until = sqlite3_column_int64(st, 4) };
		const char *range = (const char *)sqlite3_column_text(st, 0);
		snprintf(s.range, sizeof s.range, "%s", range != nullptr ? range : "");
		each(ctx, &s);
	}
	enum err e = r == SQLITE_DONE ? ERR_OK : err_of(db, r);
	sqlite3_finalize(st);
	return e;
}

/* {{ write }} */

static enum err step(struct store_sqlite *db, sqlite3_stmt *st)
{
	int r = sqlite3_step(st);
	enum err e = r == SQLITE_DONE || r == SQLITE_ROW ? ERR_OK : err_of(db, r);
	sqlite3_reset(st);
	return e;
}

static void bind_number(sqlite3_stmt *st, int at, uint64_t n)
{
	sqlite3_bind_int64(st, at, (int64_t)n);
}

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

static void bind_opened(sqlite3_stmt *st, const struct store_opened *o)
{
	const char *const columns[] = {
		o->username, o->vhost, o->group, o->agent, o->remote, o->ipv4, o->ipv6
	};
	bind_number(st, 1, o->sid);
	bind_number(st, 2, o->worker);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		bind_text(st, 3 + (int)i, columns[i]);
	sqlite3_bind_int64(st, 10, o->logged_in_at);
	sqlite3_bind_int64(st, 11, o->connected_at);
}

static void bind_closed(sqlite3_stmt *st, const struct store_closed *c)
{
	bind_number(st, 1, c->sid);
	bind_number(st, 2, c->worker);
	sqlite3_bind_int64(st, 3, c->ended_at);
	bind_text(st, 4, c->cause);
	bind_number(st, 5, c->rx_bytes);
	bind_number(st, 6, c->tx_bytes);
}

static void bind_quota(sqlite3_stmt *st, const struct store_quota *q)
{
	bind_text(st, 1, q->vhost);
	bind_text(st, 2, q->username);
	bind_number(st, 3, q->used);
	bind_number(st, 4, q->most);
	bind_number(st, 5, q->period);
	sqlite3_bind_int64(st, 6, q->since);
}

static void bind_shut(sqlite3_stmt *st, const struct store_shut *s)
{
	bind_text(st, 1, s->range);
	bind_number(st, 2, s->kind);
	bind_number(st, 3, s->score);
	sqlite3_bind_int64(st, 4, s->since);
	sqlite3_bind_int64(st, 5, s->until);
}

static void bind(sqlite3_stmt *st, const struct store_change *c)
{
	switch (c->kind) {
	case STORE_PUT: sqlite3_bind_blob(st, 2, c->body, (int)c->len, SQLITE_STATIC); [[fallthrough]];
	case STORE_DROP: sqlite3_bind_blob(st, 1, c->hash, STORE_HASH_LEN, SQLITE_STATIC); break;
	case STORE_ALIVE: sqlite3_bind_int64(st, 1, c->when); break;
	case STORE_OPENED: bind_opened(st, (const void *)c->body); break;
	case STORE_CLOSED: bind_closed(st, &c->closed); break;
	case STORE_ABANDON: bind_number(st, 1, c->sid); break;
	case STORE_QUOTA: bind_quota(st, (const void *)c->body); break;
	case STORE_SHUT: bind_shut(st, (const void *)c->body); break;
	case STORE_FREE: bind_text(st, 1, (const char *)c->body); break;
	case STORE_FREE_ALL:
	case STORE_CLEAR:
	case STORE_KINDS_N: break;
	}
}

static enum err apply(struct store_sqlite *db, const struct store_change *c)
{
	bind(db->changes[c->kind], c);
	TRY(step(db, db->changes[c->kind]));
	return c->kind == STORE_ABANDON ? step(db, db->statements[PRUNE]) : ERR_OK;
}

enum err store_sqlite_write(struct store_sqlite *db, const struct store_change *list)
{
	enum err e = step(db, db->statements[BEGIN]);
	for (const struct store_change *c = list; c != nullptr && e == ERR_OK; c = c->next)
		e = apply(db, c);
	if (e == ERR_OK)
		e = step(db, db->statements[COMMIT]);
	if (e == ERR_OK || sqlite3_get_autocommit(db->db) != 0)
		return e;
	char why[sizeof db->why];
	memcpy(why, db->why, sizeof why); /* not what the rollback says */
	if (step(db, db->statements[ROLLBACK]) != ERR_OK)
		log_debug("store.rollback_failed");
	memcpy(db->why, why, sizeof why);
	return e;
}

enum err store_sqlite_sync(struct store_sqlite *db)
{
	sqlite3_file *wal = nullptr;
	int r = sqlite3_file_control(db->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (r == SQLITE_OK && wal != nullptr && wal->pMethods != nullptr)
		r = wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
	if (r == SQLITE_OK)
		return ERR_OK;
	snprintf(db->why, sizeof db->why, "%s", sqlite3_errstr(r));
	return ERR_SYS;
}

const char *store_sqlite_why(const struct store_sqlite *db)
{
	return db->why;
}
