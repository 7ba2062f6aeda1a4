/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_sqlite - the store as an SQLite database, state.db in the working directory
 *
 * Write-ahead log, exclusive (no shared memory file), synchronous=NORMAL: a commit is a write to the log, which the kernel keeps
 * when we die; sync makes it safe from the loss of power.  All files are opened by store_sqlite_open; afterwards SQLite is told
 * that nothing can be opened or removed, so that a sandbox that kills for that need not be opened.
 *
 * Owner:    struct store.
 * Runs in:  one thread at a time: the loop until store_start, then the writer.
 */
#pragma once

#include "keeper/store.h"

struct store_sqlite;

enum store_kind : uint8_t {
	STORE_PUT = 1,
	STORE_DROP,
	STORE_CLEAR,
	STORE_ALIVE,
	STORE_OPENED,
	STORE_CLOSED,
	STORE_ABANDON,
	STORE_QUOTA,
	STORE_SHUT,
	STORE_FREE,
	STORE_FREE_ALL,
	STORE_KINDS_N
};

struct store_change {
	struct store_change *next;
	uint64_t number;
	enum store_kind kind;
	union {
		uint8_t hash[STORE_HASH_LEN]; /* PUT, DROP */
		int64_t when;                 /* ALIVE */
		uint64_t sid;                 /* ABANDON */
		struct store_closed closed;
	};
	size_t len;
	uint8_t body[]; /* PUT: the session; OPENED, QUOTA, SHUT: their structs; FREE: range */
};

constexpr int STORE_VERSION = 4; /* of the tables */

enum err store_sqlite_open(struct store_sqlite **out, struct store_facts *facts);
void store_sqlite_close(struct store_sqlite *db);
enum err store_sqlite_load(struct store_sqlite *db, store_row *each, void *ctx);
enum err store_sqlite_load_quotas(struct store_sqlite *db, store_quota_row *each, void *ctx);
enum err store_sqlite_load_shut(struct store_sqlite *db, store_shut_row *each, void *ctx);
/* All of the list as one transaction, or nothing; what failed is in store_sqlite_why. */
enum err store_sqlite_write(struct store_sqlite *db, const struct store_change *list);
enum err store_sqlite_sync(struct store_sqlite *db);
const char *store_sqlite_why(const struct store_sqlite *db);
