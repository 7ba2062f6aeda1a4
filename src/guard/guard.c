/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/guard.h"

#include <stdlib.h>
#include <string.h>

constexpr uint32_t HEADS = GUARD_PEERS; /* a power of two */
constexpr uint64_t S = 1'000'000'000;

static_assert((HEADS & (HEADS - 1)) == 0);

struct guard_peer {
	struct range range;
	uint32_t chain;      /* next of the same hash */
	uint32_t prev, next; /* in one of the two lists; 0: its end */
	uint32_t score;
	uint64_t score_since; /* unix, for the administrator */
	struct mono score_end; /* points are forgotten then */
	struct mono ban_end;   /* of the current ban, or the last one; 0: none yet */
	struct mono forgive;   /* a ban after that is a first one again */
	uint64_t ban_ns;       /* length of the last one */
	uint64_t ban_since;    /* unix */
	bool is_banned;        /* in the list banned */
	uint16_t failed[GUARD_WINDOW_PARTS]; /* in each part of the window, a ring */
	uint64_t part;         /* number of the part that failed[part % PARTS] is of */
	uint64_t
		tokens_ns; /* time that connections have used up: the bucket, as a clock that runs ahead (GCRA) */
};

/* {{ lists }} */

static uint32_t *list_of(struct guard *g, const struct guard_peer *p)
{
	return p->is_banned ? &g->banned : &g->silent;
}

/* The head is a peer, its prev the last one. */
static void list_remove(struct guard *g, uint32_t i)
{
	struct guard_peer *p = &g->peers[i];
	uint32_t *head = list_of(g, p);
	if (p->next == i) {
		*head = 0;
		return;
	}
	g->peers[p->prev].next = p->next;
	g->peers[p->next].prev = p->prev;
	if (*head == i)
		*head = p->next;
}

static void list_append(struct guard *g, uint32_t i)
{
	struct guard_peer *p = &g->peers[i];
	uint32_t *head = list_of(g, p);
	if (*head == 0) {
		*head = p->prev = p->next = i;
		return;
	}
	struct guard_peer *first = &g->peers[*head];
	p->prev = first->prev;
	p->next = *head;
	g->peers[first->prev].next = i;
	first->prev = i;
}

static void set_banned(struct guard *g, struct guard_peer *p, bool is_banned)
{
	uint32_t i = (uint32_t)(p - g->peers);
	list_remove(g, i);
	g->banned_n += (is_banned ? 1u : 0u) - (p->is_banned ? 1u : 0u);
	p->is_banned = is_banned;
	list_append(g, i);
}

/* {{ the table }} */

static uint32_t *chain_of(const struct guard *g, const struct range *r)
{
	unsigned __int128 m = (unsigned __int128)(r->hi ^ g->seed) * (r->lo ^ 0x9e37'79b9'7f4a'7c15);
	uint64_t h = ((uint64_t)m ^ (uint64_t)(m >> 64)) + r->len;
	m = (unsigned __int128)h * (g->seed | 1);
	return &g->heads[((uint64_t)m ^ (uint64_t)(m >> 64)) % HEADS];
}

static struct guard_peer *find(const struct guard *g, const struct range *r)
{
	for (uint32_t i = *chain_of(g, r); i != 0; i = g->peers[i].chain)
		if (range_is_same(&g->peers[i].range, r))
			return &g->peers[i];
	return nullptr;
}

static struct board_entry entry_of(const struct guard_peer *p)
{
	return (struct board_entry){ .kind = p->is_banned ? BOARD_BAN : BOARD_NONE,
				     .range = p->range,
				     .until_ns = p->is_banned ? p->ban_end.ns : 0,
				     .since = p->is_banned ? p->ban_since : p->score_since,
				     .score = p->score };
}

static void end_ban(struct guard *g, struct guard_peer *p)
{
	struct board_entry e = entry_of(p);
	p->score = 0;
	set_banned(g, p, false);
	g->ops.ban(g->ops.ctx, &e, 0, true);
}

static void unlink_peer(struct guard *g, uint32_t i)
{
	uint32_t *at = chain_of(g, &g->peers[i].range);
	while (*at != i)
		at = &g->peers[*at].chain;
	*at = g->peers[i].chain;
	list_remove(g, i);
}

/* The place of whoever was silent longest. */
static uint32_t take_place(struct guard *g)
{
	if (g->used_n < GUARD_PEERS)
		return ++g->used_n;
	g->stats.evicted++;
	if (g->silent == 0) /* cannot be: BOARD_BANS_MAX is less */
		end_ban(g, &g->peers[g->banned]);
	uint32_t i = g->silent;
	unlink_peer(g, i);
	return i;
}

static struct guard_peer *touch(struct guard *g, const struct range *r)
{
	struct guard_peer *p = find(g, r);
	if (p != nullptr) {
		uint32_t i = (uint32_t)(p - g->peers);
		list_remove(g, i);
		list_append(g, i);
		return p;
	}
	uint32_t i = take_place(g), *chain = chain_of(g, r);
	p = &g->peers[i];
	*p = (struct guard_peer){ .range = *r, .chain = *chain };
	*chain = i;
	list_append(g, i);
	return p;
}

/* {{ what follows }} */

static uint64_t length_of_ban(const struct guard *g, const struct guard_peer *p, struct mono now)
{
	uint64_t first = g->conf.ban_s * S, most = MAX(first, g->conf.ban_max_s * S);
	if (p->ban_ns == 0 || clock_is_past(now, p->forgive))
		return first;
	return MIN(MAX(first, p->ban_ns * 2), most);
}

static void ban(struct guard *g, struct guard_peer *p, enum guard_cause cause, struct mono now,
		int64_t unix_now)
{
	if (p->is_banned || g->conf.ban_s == 0)
		return;
	if (g->banned_n >= BOARD_BANS_MAX) /* whose ban is oldest goes free */
		end_ban(g, &g->peers[g->banned]);
	p->ban_ns = length_of_ban(g, p, now);
	p->ban_end.ns = now.ns + p->ban_ns;
	p->forgive.ns = p->ban_end.ns + MAX(g->conf.reset_s * S, p->ban_ns);
	p->ban_since = (uint64_t)unix_now;
	memset(p->failed, 0, sizeof p->failed);
	set_banned(g, p, true);
	g->stats.bans[cause]++;
	struct board_entry e = entry_of(p);
	g->ops.ban(g->ops.ctx, &e, cause, false);
}

static void give_points(struct guard *g, struct guard_peer *p, uint64_t points, struct mono now,
			int64_t unix_now)
{
	if (g->conf.max_score == 0 || points == 0)
		return;
	if (p->score == 0 || clock_is_past(now, p->score_end)) {
		p->score = 0;
		p->score_since = (uint64_t)unix_now;
		p->score_end = clock_add_s(now, g->conf.reset_s);
	}
	p->score = (uint32_t)MIN(p->score + points, UINT32_MAX);
	if (p->score >= g->conf.max_score)
		ban(g, p, GUARD_SCORE, now, unix_now);
}

static uint32_t count_failure(const struct guard *g, struct guard_peer *p, struct mono now)
{
	uint64_t part = now.ns / MAX(g->conf.window_s * S / GUARD_WINDOW_PARTS, 1u);
	if (part - p->part >= GUARD_WINDOW_PARTS)
		memset(p->failed, 0, sizeof p->failed);
	else
		while (p->part < part)
			p->failed[++p->part % GUARD_WINDOW_PARTS] = 0;
	p->part = part;
	if (p->failed[part % GUARD_WINDOW_PARTS] < UINT16_MAX)
		p->failed[part % GUARD_WINDOW_PARTS]++;
	uint32_t sum = 0;
	for (uint32_t i = 0; i < GUARD_WINDOW_PARTS; i++)
		sum += p->failed[i];
	return sum;
}

/* Each connection takes a piece of time; the bucket is empty when more is taken than the burst allows. */
static bool is_too_fast(const struct guard *g, struct guard_peer *p, uint32_t n, struct mono now)
{
	uint64_t piece = 60 * S / g->conf.rate_per_min, room = piece * MAX(g->conf.rate_burst, 1u);
	p->tokens_ns = MAX(p->tokens_ns, now.ns) + MIN(piece * n, 2 * room);
	return p->tokens_ns - now.ns > room;
}

/* {{ events }} */

static struct guard_peer *peer_of(struct guard *g, const struct addr *a)
{
	struct range r = range_of_peer(a);
	if (!guard_is_on(g) || range_is_own(&r) ||
	    (g->ops.is_allowed != nullptr && g->ops.is_allowed(g->ops.ctx, a)))
		return nullptr;
	return touch(g, &r);
}

void guard_connections(struct guard *g, const struct addr *a, uint32_t accepted, uint32_t fruitless,
		       struct mono now, int64_t unix_now)
{
	struct guard_peer *p = peer_of(g, a);
	if (p == nullptr)
		return;
	g->stats.connections += accepted;
	if (accepted > 0 && g->conf.rate_per_min > 0 && is_too_fast(g, p, accepted, now))
		ban(g, p, GUARD_RATE, now, unix_now);
	give_points(g, p, (uint64_t)fruitless * g->conf.points_connection, now, unix_now);
}

void guard_wrong_password(struct guard *g, const struct addr *a, struct mono now, int64_t unix_now)
{
	struct guard_peer *p = peer_of(g, a);
	if (p == nullptr)
		return;
	g->stats.wrong_passwords++;
	if (g->conf.failures > 0 && g->conf.window_s > 0 && count_failure(g, p, now) >= g->conf.failures)
		ban(g, p, GUARD_FAILURES, now, unix_now);
	give_points(g, p, g->conf.points_wrong_password, now, unix_now);
}

void guard_load(struct guard *g, const struct board_entry *e)
{
	if (!guard_is_on(g) || range_is_own(&e->range) || g->banned_n >= BOARD_BANS_MAX)
		return;
	struct guard_peer *p = touch(g, &e->range);
	if (p->is_banned)
		return;
	p->score = e->score;
	p->score_since = p->ban_since = e->since;
	p->ban_end.ns = p->score_end.ns = e->until_ns;
	p->ban_ns = g->conf.ban_s * S;
	p->forgive.ns = p->ban_end.ns + MAX(g->conf.reset_s * S, p->ban_ns);
	set_banned(g, p, true);
	struct board_entry loaded = entry_of(p);
	g->ops.ban(g->ops.ctx, &loaded, 0, false);
}

bool guard_unban(struct guard *g, const struct range *peer)
{
	struct guard_peer *p = find(g, peer);
	if (p == nullptr || (p->score == 0 && !p->is_banned))
		return false;
	if (p->is_banned)
		end_ban(g, p);
	p->score = 0;
	p->ban_ns = 0; /* the next one is a first one */
	p->tokens_ns = 0;
	memset(p->failed, 0, sizeof p->failed);
	return true;
}

void guard_tick(struct guard *g, struct mono now)
{
	uint32_t i = g->banned;
	for (uint32_t n = g->banned_n; n > 0; n--) {
		uint32_t next = g->peers[i].next;
		if (clock_is_past(now, g->peers[i].ban_end))
			end_ban(g, &g->peers[i]);
		i = next;
	}
}

void guard_each(const struct guard *g, struct mono now, void (*each)(void *ctx, const struct board_entry *e),
		void *ctx)
{
	for (uint32_t i = 1; i <= g->used_n; i++) {
		const struct guard_peer *p = &g->peers[i];
		if (!p->is_banned && (p->score == 0 || clock_is_past(now, p->score_end)))
			continue;
		struct board_entry e = entry_of(p);
		each(ctx, &e);
	}
}

/* {{ life }} */

enum err guard_init(struct guard *g, uint64_t seed, struct guard_ops ops)
{
	*g = (struct guard){ .seed = seed, .ops = ops };
	g->peers = calloc(GUARD_PEERS + 1, sizeof *g->peers);
	g->heads = calloc(HEADS, sizeof *g->heads);
	if (g->peers != nullptr && g->heads != nullptr)
		return ERR_OK;
	guard_fini(g);
	return ERR_NOMEM;
}

void guard_fini(struct guard *g)
{
	free(g->peers);
	free(g->heads);
	*g = (struct guard){};
}

bool guard_is_on(const struct guard *g)
{
	return g->peers != nullptr && (g->conf.max_score > 0 || g->conf.rate_per_min > 0 ||
				       (g->conf.failures > 0 && g->conf.window_s > 0));
}

void guard_set_conf(struct guard *g, const struct guard_conf *conf)
{
	g->conf = *conf;
	while (!guard_is_on(g) && g->banned != 0)
		end_ban(g, &g->peers[g->banned]);
}
