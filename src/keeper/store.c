/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/store.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/store_sqlite.h"

/* A writer that is woken gathers for so long: logins of one burst share a transaction. */
constexpr uint32_t GATHER_MS = 2;

struct line {
	struct store_change *head, **tail;
	unsigned n;
};

struct store {
	struct store_sqlite *db; /* the writer's, once it runs */
	struct store_facts facts;
	struct store_events events;
	uv_thread_t thread;
	uv_async_t wake; /* writer -> loop */
	bool has_thread;

	uv_mutex_t lock; /* guards all below */
	uv_cond_t work;  /* loop -> writer */
	uv_cond_t rest;  /* writer -> store_flush */
	struct line waiting;
	struct line records; /* kept while DEGRADED, in order */
	uint64_t last, done; /* numbers */
	bool is_held, is_over, wants_resync;
	struct store_stats stats;
};

/* {{ lines of changes }} */

static void line_init(struct line *l)
{
	*l = (struct line){ .tail = &l->head };
}

static void line_add(struct line *l, struct store_change *c)
{
	c->next = nullptr;
	*l->tail = c;
	l->tail = &c->next;
	l->n++;
}

static struct store_change *line_take(struct line *l)
{
	struct store_change *c = l->head;
	if (c == nullptr)
		return nullptr;
	l->head = c->next;
	if (l->head == nullptr)
		l->tail = &l->head;
	l->n--;
	return c;
}

static void line_drop(struct line *l)
{
	struct store_change *c;
	while ((c = line_take(l)) != nullptr)
		free(c);
}

/* to becomes from, which is empty then. */
static void line_move(struct line *to, struct line *from)
{
	*to = *from;
	if (to->head == nullptr)
		to->tail = &to->head;
	line_init(from);
}

static bool is_record(const struct store_change *c)
{
	return c->kind == STORE_OPENED || c->kind == STORE_CLOSED || c->kind == STORE_ABANDON;
}

/* Records of l wait behind those that wait already; what is no record is forgotten. */
static void keep_records(struct store *st, struct line *l)
{
	struct store_change *c;
	while ((c = line_take(l)) != nullptr) {
		if (is_record(c) && st->records.n < STORE_RECORDS_MAX) {
			line_add(&st->records, c);
			continue;
		}
		st->stats.lost_records += is_record(c);
		free(c);
	}
}

/* {{ the writer; each function is called with the lock and returns with it }} */

static void tell_loop(struct store *st)
{
	uv_cond_broadcast(&st->rest);
	uv_async_send(&st->wake);
}

static void fail(struct store *st, const char *what, enum err e)
{
	st->stats.errors++;
	if (st->stats.state != STORE_DEGRADED)
		log_err("store.degraded at=%s error=\"%s\" why=\"%s\": sessions are in memory only, and would be lost with the keeper; "
			"tried again every %u s",
			what, err_text(e), store_sqlite_why(st->db), STORE_RETRY_MS / 1000);
	st->stats.state = STORE_DEGRADED;
}

static enum err write_unlocked(struct store *st, const struct store_change *list)
{
	uv_mutex_unlock(&st->lock);
	enum err e = store_sqlite_write(st->db, list);
	uv_mutex_lock(&st->lock);
	return e;
}

static void succeed(struct store *st, struct line *batch)
{
	st->stats.commits++;
	st->stats.written += batch->n;
	line_drop(batch);
	if (st->stats.state == STORE_RESYNC) {
		st->stats.state = STORE_GOOD;
		log_notice("store.recovered records_lost=%llu", (unsigned long long)st->stats.lost_records);
	}
}

static void write_waiting(struct store *st)
{
	struct line batch;
	if (st->records.n > 0) { /* RESYNC: what waited comes first */
		*st->records.tail = st->waiting.head;
		if (st->waiting.head != nullptr)
			st->records.tail = st->waiting.tail;
		st->records.n += st->waiting.n;
		line_init(&st->waiting);
		line_move(&batch, &st->records);
	} else {
		line_move(&batch, &st->waiting);
	}
	uint64_t upto = st->last;
	enum err e = write_unlocked(st, batch.head);
	if (e == ERR_OK) {
		succeed(st, &batch);
	} else {
		fail(st, "write", e);
		keep_records(st, &batch);
		keep_records(st, &st->waiting); /* said meanwhile, on top of what was not written */
		upto = st->last;
	}
	st->done = upto;
	tell_loop(st);
}

/* Does writing work again? */
static void probe(struct store *st)
{
	const struct store_change alive = { .kind = STORE_ALIVE, .when = st->facts.alive_at };
	enum err e = write_unlocked(st, &alive);
	if (e != ERR_OK) {
		fail(st, "retry", e);
		return;
	}
	st->wants_resync = true;
	tell_loop(st);
}

static void sync_unlocked(struct store *st)
{
	uv_mutex_unlock(&st->lock);
	enum err e = store_sqlite_sync(st->db);
	uv_mutex_lock(&st->lock);
	if (e != ERR_OK)
		fail(st, "sync", e);
}

static bool has_work(const struct store *st)
{
	return st->waiting.n > 0 && !st->is_held && st->stats.state != STORE_DEGRADED;
}

static void gather(struct store *st)
{
	uv_mutex_unlock(&st->lock);
	uv_sleep(GATHER_MS);
	uv_mutex_lock(&st->lock);
}

static void rest(struct store *st, bool has_appointment)
{
	if (has_appointment || st->stats.state == STORE_DEGRADED)
		uv_cond_timedwait(&st->work, &st->lock, 100'000'000);
	else
		uv_cond_wait(&st->work, &st->lock);
}

static void write_all(void *arg)
{
	struct store *st = arg;
	struct mono sync_at = {}, retry_at = {}; /* ns 0: nothing to do */
	uv_mutex_lock(&st->lock);
	while (!st->is_over || has_work(st)) {
		if (has_work(st)) {
			if (!st->is_over)
				gather(st);
			if (has_work(st)) /* the loop may have taken hold of it meanwhile */
				write_waiting(st);
			if (sync_at.ns == 0)
				sync_at = clock_add_ms(clock_now(), STORE_SYNC_MS);
		} else {
			rest(st, sync_at.ns != 0);
		}
		struct mono now = clock_now();
		if (sync_at.ns != 0 && clock_is_past(now, sync_at)) {
			sync_at.ns = 0;
			sync_unlocked(st);
		}
		if (st->stats.state != STORE_DEGRADED)
			retry_at.ns = 0;
		else if (retry_at.ns == 0)
			retry_at = clock_add_ms(now, STORE_RETRY_MS);
		else if (clock_is_past(now, retry_at)) {
			retry_at.ns = 0;
			if (!st->wants_resync)
				probe(st);
		}
	}
	uv_mutex_unlock(&st->lock);
}

/* {{ the loop }} */

static void on_wake(uv_async_t *wake)
{
	struct store *st = CONTAINER_OF(wake, struct store, wake);
	uv_mutex_lock(&st->lock);
	bool wants_resync = st->wants_resync;
	if (wants_resync)
		st->stats.state = STORE_RESYNC;
	st->wants_resync = false;
	uv_mutex_unlock(&st->lock);
	if (wants_resync)
		st->events.resync(st->events.ctx);
	st->events.done(st->events.ctx);
}

enum err store_open(struct store **out)
{
	struct store *st = calloc(1, sizeof *st);
	if (st == nullptr)
		return ERR_NOMEM;
	enum err e = store_sqlite_open(&st->db, &st->facts);
	if (e != ERR_OK) {
		free(st);
		return e;
	}
	line_init(&st->waiting);
	line_init(&st->records);
	st->stats.state = STORE_GOOD;
	if (uv_mutex_init(&st->lock) != 0 || uv_cond_init(&st->work) != 0 || uv_cond_init(&st->rest) != 0)
		abort(); /* only without memory, at start */
	*out = st;
	return ERR_OK;
}

const struct store_facts *store_facts(const struct store *st)
{
	return &st->facts;
}

enum err store_load(struct store *st, store_row *each, void *ctx)
{
	assert(!st->has_thread);
	return store_sqlite_load(st->db, each, ctx);
}

enum err store_load_quotas(struct store *st, store_quota_row *each, void *ctx)
{
	assert(!st->has_thread);
	return store_sqlite_load_quotas(st->db, each, ctx);
}

enum err store_load_shut(struct store *st, store_shut_row *each, void *ctx)
{
	assert(!st->has_thread);
	return store_sqlite_load_shut(st->db, each, ctx);
}

enum err store_start(struct store *st, void *loop, const struct store_events *events)
{
	st->events = *events;
	if (uv_async_init(loop, &st->wake, on_wake) != 0)
		return ERR_SYS;
	uv_unref((uv_handle_t *)&st->wake); /* it does not keep the loop alive */
	st->has_thread = uv_thread_create(&st->thread, write_all, st) == 0;
	if (st->has_thread)
		return ERR_OK;
	uv_close((uv_handle_t *)&st->wake, nullptr);
	return ERR_SYS;
}

static void free_all(struct store *st)
{
	line_drop(&st->waiting);
	line_drop(&st->records);
	store_sqlite_close(st->db);
	uv_mutex_destroy(&st->lock);
	uv_cond_destroy(&st->work);
	uv_cond_destroy(&st->rest);
	free(st);
}

static void on_closed(uv_handle_t *wake)
{
	free_all(CONTAINER_OF((uv_async_t *)wake, struct store, wake));
}

void store_close(struct store *st)
{
	if (st == nullptr)
		return;
	if (!st->has_thread) {
		free_all(st);
		return;
	}
	uv_mutex_lock(&st->lock);
	st->is_over = true;
	st->is_held = false;
	uv_cond_signal(&st->work);
	uv_mutex_unlock(&st->lock);
	uv_thread_join(&st->thread);
	if (st->records.n > 0)
		log_warn("store.records_lost n=%u: the store cannot be written", st->records.n);
	uv_close((uv_handle_t *)&st->wake, on_closed);
}

/* {{ changes }} */

static struct store_change *change(enum store_kind kind, const void *body, size_t len)
{
	struct store_change *c = calloc(1, sizeof *c + len);
	if (c == nullptr)
		return nullptr;
	c->kind = kind;
	c->len = len;
	if (len > 0)
		memcpy(c->body, body, len);
	return c;
}

static uint64_t add(struct store *st, struct store_change *c)
{
	if (c == nullptr)
		return 0;
	uint64_t number = 0;
	uv_mutex_lock(&st->lock);
	if (st->stats.state != STORE_DEGRADED && st->waiting.n >= STORE_QUEUE_MAX) {
		log_err("store.degraded why=\"the disk is too slow\" waiting=%u", st->waiting.n);
		st->stats.errors++;
		st->stats.state = STORE_DEGRADED;
		keep_records(st, &st->waiting);
	}
	if (st->stats.state == STORE_DEGRADED) {
		struct line one;
		line_init(&one);
		line_add(&one, c);
		keep_records(st, &one);
	} else {
		number = c->number = ++st->last;
		line_add(&st->waiting, c);
		if (!st->is_held)
			uv_cond_signal(&st->work);
	}
	uv_mutex_unlock(&st->lock);
	return number;
}

uint64_t store_put(struct store *st, const uint8_t hash[STORE_HASH_LEN], const void *body, size_t len)
{
	struct store_change *c = change(STORE_PUT, body, len);
	if (c != nullptr)
		memcpy(c->hash, hash, STORE_HASH_LEN);
	return add(st, c);
}

uint64_t store_drop(struct store *st, const uint8_t hash[STORE_HASH_LEN])
{
	struct store_change *c = change(STORE_DROP, nullptr, 0);
	if (c != nullptr)
		memcpy(c->hash, hash, STORE_HASH_LEN);
	return add(st, c);
}

uint64_t store_append(struct store *st, const struct store_opened *o)
{
	return add(st, change(STORE_OPENED, o, sizeof *o));
}

uint64_t store_finish(struct store *st, const struct store_closed *closed)
{
	struct store_change *c = change(STORE_CLOSED, nullptr, 0);
	if (c != nullptr)
		c->closed = *closed;
	return add(st, c);
}

uint64_t store_put_quota(struct store *st, const struct store_quota *q)
{
	return add(st, change(STORE_QUOTA, q, sizeof *q));
}

uint64_t store_alive(struct store *st, int64_t unix_now)
{
	struct store_change *c = change(STORE_ALIVE, nullptr, 0);
	if (c != nullptr)
		c->when = unix_now;
	return add(st, c);
}

uint64_t store_abandon(struct store *st, uint64_t sid_below)
{
	struct store_change *c = change(STORE_ABANDON, nullptr, 0);
	if (c != nullptr)
		c->sid = sid_below;
	return add(st, c);
}

uint64_t store_shut(struct store *st, const struct store_shut *s)
{
	return add(st, change(STORE_SHUT, s, sizeof *s));
}

uint64_t store_free(struct store *st, const char *range)
{
	return add(st, change(STORE_FREE, range, strlen(range) + 1));
}

void store_hold(struct store *st)
{
	uv_mutex_lock(&st->lock);
	st->is_held = true;
	keep_records(st, &st->waiting);
	uv_mutex_unlock(&st->lock);
	add(st, change(STORE_CLEAR, nullptr, 0));
	add(st, change(STORE_FREE_ALL, nullptr, 0));
}

void store_release(struct store *st)
{
	uv_mutex_lock(&st->lock);
	st->is_held = false;
	uv_cond_signal(&st->work);
	uv_mutex_unlock(&st->lock);
}

/* {{ state }} */

uint64_t store_done(struct store *st)
{
	uv_mutex_lock(&st->lock);
	uint64_t done = st->done;
	uv_mutex_unlock(&st->lock);
	return done;
}

enum err store_flush(struct store *st, uint32_t ms)
{
	struct mono until = clock_add_ms(clock_now(), ms);
	uv_mutex_lock(&st->lock);
	while (st->done < st->last && !clock_is_past(clock_now(), until))
		uv_cond_timedwait(&st->rest, &st->lock, 10'000'000);
	bool is_done = st->done >= st->last;
	uv_mutex_unlock(&st->lock);
	return is_done ? ERR_OK : ERR_BUSY;
}

void store_stats(struct store *st, struct store_stats *out)
{
	uv_mutex_lock(&st->lock);
	*out = st->stats;
	uv_mutex_unlock(&st->lock);
}
