/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "keeper/keeper.h"

static const char *const causes[GUARD_CAUSES_N] = {
	[0] = "none",
	[GUARD_SCORE] = "points",
	[GUARD_FAILURES] = "failures",
	[GUARD_RATE] = "connections",
};

/* {{ decisions }} */

static void feed(struct keeper *k, const struct board_entry *e, bool is_over)
{
	uint8_t ip[16], len;
	Msg__GuardBlock m = MSG__GUARD_BLOCK__INIT;
	size_t n = range_bytes(&e->range, ip, &len);
	m.ip = ipc_bytes(ip, n);
	m.prefix_len = len;
	m.expires_ns = e->until_ns == BOARD_FOR_EVER ? 0 : e->until_ns;
	m.remove = is_over;
	if (k->watch.wants_blocks && k->is_running && ipc_is_alive(k->supervisor) &&
	    ipc_send(k->supervisor, MSG_GUARD_BLOCK, 0, &m.base, nullptr, 0) != ERR_OK)
		log_debug("guard.feed error=\"the supervisor is gone\"");
}

static void publish(struct keeper *k, const struct board_entry *e, bool is_over)
{
	struct watch *w = &k->watch;
	char text[RANGE_TEXT_MAX];
	if (is_over)
		board_drop(&w->writer, &e->range);
	else if (board_put(&w->writer, e, clock_now()) != ERR_OK)
		log_err("guard.board_full range=%s: it is not shut out", range_text(&e->range, text));
	feed(k, e, is_over);
}

static void on_ban(void *ctx, const struct board_entry *e, enum guard_cause cause, bool is_over)
{
	struct keeper *k = ctx;
	char text[RANGE_TEXT_MAX];
	publish(k, e, is_over);
	if (is_over)
		log_info("guard.unbanned ip=%s", range_text(&e->range, text));
	else if (cause != 0)
		log_notice("guard.banned ip=%s cause=%s score=%u secs=%llu", range_text(&e->range, text),
			   causes[cause], e->score,
			   (unsigned long long)clock_secs(clock_now(), (struct mono){ e->until_ns }));
}

/* {{ events }} */

void watch_wrong_password(void *ctx, const struct addr *remote)
{
	struct keeper *k = ctx;
	guard_wrong_password(&k->watch.guard, remote, clock_now(), time(nullptr));
}

void watch_on_seen(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__GuardSeen *seen = (const void *)m->body;
	const struct mono now = clock_now();
	const int64_t unix_now = time(nullptr);
	for (size_t i = 0; i < seen->n_peers; i++) {
		const Msg__GuardPeer *p = seen->peers[i];
		struct addr a = addr_of_ip(p->ip.data, p->ip.len);
		if (addr_is_set(&a))
			guard_connections(&k->watch.guard, &a, p->accepted, p->fruitless, now, unix_now);
	}
}

/* {{ the administrator }} */

constexpr size_t ITEMS_MAX = 256; /* of one message */
constexpr size_t LIST_MAX = 65'536;

struct list {
	struct ipc *ipc;
	uint32_t id;
	struct mono now;
	uint64_t unix_now;
	bool bans;
	size_t n, sent;
	Msg__GuardEntry entries[ITEMS_MAX], *pointers[ITEMS_MAX];
	uint8_t ips[ITEMS_MAX][16];
};

static void send_items(struct list *l, bool end)
{
	Msg__GuardItems m = MSG__GUARD_ITEMS__INIT;
	m.entries = l->pointers;
	m.n_entries = l->n;
	m.end = end;
	if (ipc_send(l->ipc, MSG_GUARD_ITEMS, l->id, &m.base, nullptr, 0) != ERR_OK)
		log_debug("guard.list error=\"control is gone\"");
	l->sent += l->n;
	l->n = 0;
}

static uint64_t unix_of(const struct list *l, uint64_t until_ns)
{
	return until_ns == 0 || until_ns == BOARD_FOR_EVER
		       ? 0
		       : l->unix_now + clock_secs(l->now, (struct mono){ until_ns });
}

static void list_entry(void *ctx, const struct board_entry *e)
{
	struct list *l = ctx;
	uint8_t len;
	if ((l->bans ? e->kind == BOARD_NONE : e->kind == BOARD_BLOCK) || l->sent + l->n >= LIST_MAX)
		return;
	if (l->n == ITEMS_MAX)
		send_items(l, false);
	Msg__GuardEntry *m = &l->entries[l->n];
	msg__guard_entry__init(m);
	size_t n = range_bytes(&e->range, l->ips[l->n], &len);
	m->ip = ipc_bytes(l->ips[l->n], n);
	m->prefix_len = len;
	m->since = e->since;
	m->until = unix_of(l, e->until_ns);
	m->score = e->score;
	m->is_block = e->kind == BOARD_BLOCK;
	l->pointers[l->n++] = m;
}

void watch_on_list(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	struct watch *w = &k->watch;
	const Msg__GuardList *want = (const void *)m->body;
	struct list *l OWNED(base_freep) = calloc(1, sizeof *l);
	if (l == nullptr)
		return; /* control tells its user that we do not answer */
	l->ipc = ipc;
	l->id = m->id;
	l->now = clock_now();
	l->unix_now = (uint64_t)time(nullptr);
	l->bans = want->bans;
	if (want->bans && w->board != nullptr)
		board_each(w->board, l->now, list_entry, l);
	else if (!want->bans && w->board != nullptr)
		guard_each(&w->guard, l->now, list_entry, l);
	send_items(l, true);
}

static const char *unban(struct keeper *k, const struct range *r)
{
	struct range peer = *r;
	if (!range_is_v4(r) && r->len > RANGE_PEER_V6)
		peer = range_cut(r, RANGE_PEER_V6);
	return guard_unban(&k->watch.guard, &peer) ? "" : "not banned";
}

static const char *block(struct keeper *k, const struct range *r, uint64_t secs)
{
	struct watch *w = &k->watch;
	const struct mono now = clock_now();
	struct board_entry e = { .kind = BOARD_BLOCK,
				 .range = *r,
				 .until_ns = secs == 0 ? BOARD_FOR_EVER : clock_add_s(now, secs).ns,
				 .since = (uint64_t)time(nullptr) };
	if (range_is_own(r))
		return "loopback cannot be blocked";
	if (w->blocks_n >= BOARD_BLOCKS_MAX)
		return "there are 1024 blocks already; block larger networks, or use geofilter";
	if (board_put(&w->writer, &e, now) != ERR_OK)
		return "there is no room for it";
	w->blocks_n++;
	feed(k, &e, false);
	return "";
}

static const char *unblock(struct keeper *k, const struct range *r)
{
	struct watch *w = &k->watch;
	struct board_entry e;
	if (!board_get(w->board, r, &e) || e.kind != BOARD_BLOCK)
		return "not blocked";
	board_drop(&w->writer, r);
	w->blocks_n--;
	feed(k, &e, true);
	return "";
}

static const char *change(struct keeper *k, const Msg__GuardChange *c)
{
	struct range r;
	if (k->watch.board == nullptr)
		return "the guard is off: see 'show guard'";
	if (range_of_bytes(&r, c->ip.data, c->ip.len, c->prefix_len) != ERR_OK || c->prefix_len == 0 ||
	    c->secs > UINT32_MAX)
		return "no address or network";
	switch ((enum msgs_guard)c->what) {
	case GUARD_UNBAN: return unban(k, &r);
	case GUARD_BLOCK: return block(k, &r, c->secs);
	case GUARD_UNBLOCK: return unblock(k, &r);
	}
	return "unknown change";
}

void watch_on_change(struct ipc *ipc, struct ipc_msg *m)
{
	Msg__Done done = MSG__DONE__INIT;
	done.error = (char *)(uintptr_t)change(ipc_owner(ipc), (const void *)m->body);
	if (ipc_send(ipc, MSG_GUARD_CHANGE_DONE, m->id, &done.base, nullptr, 0) != ERR_OK)
		log_debug("guard.change error=\"control is gone\"");
}

void watch_on_status(struct ipc *ipc, struct ipc_msg *m)
{
	const struct keeper *k = ipc_owner(ipc);
	const struct watch *w = &k->watch;
	const struct guard *g = &w->guard;
	Msg__GuardCause list[GUARD_CAUSES_N], *pointers[GUARD_CAUSES_N];
	Msg__GuardStatus s = MSG__GUARD_STATUS__INIT;
	for (size_t i = 1; i < GUARD_CAUSES_N; i++) {
		msg__guard_cause__init(&list[i]);
		list[i].name = (char *)(uintptr_t)causes[i];
		list[i].n = g->stats.bans[i];
		pointers[s.n_causes++] = &list[i];
	}
	s.causes = pointers;
	s.is_on = guard_is_on(g);
	s.banned = g->banned_n;
	s.blocks = w->blocks_n;
	s.peers = g->used_n;
	s.evicted = g->stats.evicted;
	s.wrong_passwords = g->stats.wrong_passwords;
	s.connections = g->stats.connections;
	s.board = (char *)(uintptr_t)(w->board != nullptr ? "active" : "no shared memory");
	if (ipc_send(ipc, MSG_GUARD_STATUS_DONE, m->id, &s.base, nullptr, 0) != ERR_OK)
		log_debug("guard.status error=\"control is gone\"");
}

uint64_t watch_banned(const struct watch *w)
{
	return w->guard.banned_n;
}

/* {{ life }} */

enum err watch_map(struct keeper *k, int fd)
{
	struct watch *w = &k->watch;
	void *p = mmap(nullptr, sizeof *w->board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t seed;
	if (p == MAP_FAILED || board_check(p) != ERR_OK ||
	    getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		return ERR_SYS;
	const struct guard_ops ops = { .ban = on_ban, .ctx = k };
	TRY(guard_init(&w->guard, seed, ops));
	w->board = p;
	board_open(&w->writer, w->board, clock_now());
	return ERR_OK;
}

static void load_entry(void *ctx, const struct board_entry *e)
{
	struct keeper *k = ctx;
	if (e->kind == BOARD_BLOCK)
		k->watch.blocks_n++;
	else if (guard_is_on(&k->watch.guard))
		guard_load(&k->watch.guard, e);
	else
		board_drop(&k->watch.writer, &e->range); /* switched off while there was no keeper */
}

static void feed_entry(void *ctx, const struct board_entry *e)
{
	feed(ctx, e, false);
}

void watch_go(struct keeper *k)
{
	if (k->watch.board != nullptr && k->watch.wants_blocks)
		board_each(k->watch.board, clock_now(), feed_entry, k);
}

void watch_set_config(struct keeper *k)
{
	struct watch *w = &k->watch;
	const struct config *c = k->now.cfg;
	const struct guard_conf conf = {
		.max_score = c->max_ban_score,
		.ban_s = c->ban_time,
		.ban_max_s = c->ban_time_max,
		.reset_s = c->ban_reset_time,
		.points_wrong_password = c->ban_points_wrong_password,
		.points_connection = c->ban_points_connection,
		.failures = c->ban_failures,
		.window_s = c->ban_failures_time,
		.rate_per_min = c->ban_connections,
		.rate_burst = c->ban_connections_burst,
	};
	if (w->board == nullptr)
		return;
	guard_set_conf(&w->guard, &conf);
	if (!w->is_loaded)
		board_each(w->board, clock_now(), load_entry, k);
	w->is_loaded = true;
}

/* Blocks end by themselves on the board; here they are only counted anew. */
static void count_block(void *ctx, const struct board_entry *e)
{
	unsigned *n = ctx;
	*n += e->kind == BOARD_BLOCK;
}

void watch_tick(struct keeper *k, struct mono now)
{
	struct watch *w = &k->watch;
	if (w->board == nullptr || !clock_is_past(now, w->tick_at))
		return;
	w->tick_at = clock_add_s(now, 1);
	guard_tick(&w->guard, now);
	if (w->blocks_n == 0)
		return;
	unsigned n = 0;
	board_each(w->board, now, count_block, &n);
	w->blocks_n = n;
}

void watch_fini(struct watch *w)
{
	guard_fini(&w->guard);
	if (w->board != nullptr)
		munmap(w->board, sizeof *w->board);
	w->board = nullptr;
}
