/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/bridge.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"

static_assert(sizeof(struct prefix) == 20, "hashed as bytes: padding is zero");

struct bridge_entry {
	struct prefix key;
	struct guard_entry value;
	bool is_protected;
	UT_hash_handle hh;
};

/* {{ prefixes }} */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static void clear_host_bits(struct prefix *p)
{
	for (unsigned i = 0; i < sizeof p->addr; i++) {
		unsigned keep = p->len > i * 8 ? MIN(p->len - i * 8, 8u) : 0;
		p->addr[i] &= (uint8_t)(0xff00u >> keep);
	}
}

/* Host bits zero, and IPv4 that is written as IPv6 as IPv4. */
static enum err normalise(struct prefix *out, const struct prefix *p)
{
	struct prefix n = { .family = p->family, .len = p->len };
	const bool is_v4 = p->family == AF_INET;
	if ((!is_v4 && p->family != AF_INET6) || p->len > (is_v4 ? 32 : 128) || p->len == 0)
		return ERR_RANGE;
	memcpy(n.addr, p->addr, is_v4 ? 4 : 16);
	if (!is_v4 && p->len >= 96 && memcmp(p->addr, mapped, sizeof mapped) == 0) {
		n = (struct prefix){ .family = AF_INET, .len = (uint8_t)(p->len - 96) };
		memcpy(n.addr, p->addr + 12, 4);
		if (n.len == 0)
			return ERR_RANGE;
	}
	clear_host_bits(&n);
	*out = n;
	return ERR_OK;
}

static bool contains(const struct prefix *outer, const struct prefix *inner)
{
	struct prefix p = *inner;
	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	p.len = outer->len;
	clear_host_bits(&p);
	return memcmp(p.addr, outer->addr, sizeof p.addr) == 0;
}

static bool is_protected(const struct bridge *b, const struct prefix *p)
{
	static const struct prefix loopback[] = {
		{ .family = AF_INET, .len = 8, .addr = { 127 } },
		{ .family = AF_INET6, .len = 128, .addr = { [15] = 1 } },
	};
	for (size_t i = 0; i < ARRAY_LEN(loopback); i++)
		if (contains(&loopback[i], p) || contains(p, &loopback[i]))
			return true;
	for (size_t i = 0; i < b->protected_n; i++)
		if (contains(&b->protected[i], p))
			return true;
	return false;
}

/* {{ maps }} */

/* The map of the family and the key in it. */
static int map_of(const struct bridge *b, const struct prefix *p, void *key)
{
	if (p->family == AF_INET) {
		struct guard_key4 k = { .len = p->len };
		memcpy(k.addr, p->addr, sizeof k.addr);
		memcpy(key, &k, sizeof k);
		return b->list4;
	}
	struct guard_key6 k = { .len = p->len };
	memcpy(k.addr, p->addr, sizeof k.addr);
	memcpy(key, &k, sizeof k);
	return b->list6;
}

static enum err write_entry(struct bridge *b, const struct bridge_entry *e)
{
	uint8_t key[sizeof(struct guard_key6)];
	int map = map_of(b, &e->key, key);
	if (map < 0 || bpf_map_update_elem(map, key, &e->value, BPF_ANY) == 0)
		return ERR_OK;
	b->full_n++;
	if (!b->is_full_told)
		log_warn(
			"guard.map_full entries=%zu error=\"%s\": further addresses are kept out by the server itself, behind the network card",
			bridge_count(b), strerror(errno));
	b->is_full_told = true;
	return ERR_FULL;
}

static void drop_entry(struct bridge *b, struct bridge_entry *e)
{
	uint8_t key[sizeof(struct guard_key6)];
	int map = map_of(b, &e->key, key);
	if (map >= 0 && bpf_map_delete_elem(map, key) != 0 && errno != ENOENT)
		log_warn("guard.map_delete error=\"%s\"", strerror(errno));
	HASH_DELETE(hh, b->entries, e);
	free(e);
	b->is_full_told = false; /* there is room again */
}

static struct bridge_entry *find(const struct bridge *b, const struct prefix *key)
{
	struct bridge_entry *e;
	HASH_FIND(hh, b->entries, key, sizeof *key, e);
	return e;
}

static enum err put_entry(struct bridge *b, const struct prefix *key, const struct guard_entry *value,
			  bool is_for_protection)
{
	struct bridge_entry *e = find(b, key);
	bool is_new = e == nullptr;
	if (is_new) {
		e = calloc(1, sizeof *e);
		if (e == nullptr)
			return ERR_NOMEM;
		e->key = *key;
	}
	e->value = *value;
	e->is_protected = is_for_protection;
	enum err failed = write_entry(b, e);
	if (is_new && failed != ERR_OK)
		free(e);
	else if (is_new)
		HASH_ADD(hh, b->entries, key, sizeof e->key, e);
	return failed;
}

/* {{ public }} */

void bridge_init(struct bridge *b, int list4, int list6)
{
	*b = (struct bridge){ .list4 = list4, .list6 = list6 };
}

void bridge_fini(struct bridge *b)
{
	struct bridge_entry *e, *next;
	HASH_ITER(hh, b->entries, e, next) {
		HASH_DELETE(hh, b->entries, e);
		free(e);
	}
	free(b->protected);
	b->protected = nullptr;
	b->protected_n = 0;
}

static void unprotect(struct bridge *b)
{
	struct bridge_entry *e, *next;
	HASH_ITER(hh, b->entries, e, next)
		if (e->is_protected)
			drop_entry(b, e);
	free(b->protected);
	b->protected = nullptr;
	b->protected_n = 0;
}

/* A block inside of what is protected only now. */
static void lift_blocks(struct bridge *b)
{
	struct bridge_entry *e, *next;
	HASH_ITER(hh, b->entries, e, next)
		if (!e->is_protected && e->value.verdict != GUARD_VERDICT_ALLOW && is_protected(b, &e->key))
			drop_entry(b, e);
}

enum err bridge_protect(struct bridge *b, const struct prefix *v, size_t n)
{
	static const struct guard_entry let_in = { .verdict = GUARD_VERDICT_ALLOW };
	unprotect(b);
	b->protected = calloc(n + 1, sizeof *b->protected);
	if (b->protected == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		TRY(normalise(&b->protected[b->protected_n], &v[i]));
		b->protected_n++;
	}
	lift_blocks(b);
	for (size_t i = 0; i < b->protected_n; i++)
		TRY(put_entry(b, &b->protected[i], &let_in, true));
	return ERR_OK;
}

enum err bridge_add(struct bridge *b, const struct prefix *p, enum guard_verdict verdict, struct mono end)
{
	struct prefix key;
	enum err e = normalise(&key, p);
	if (e == ERR_OK && verdict != GUARD_VERDICT_ALLOW && is_protected(b, &key))
		e = ERR_DENIED;
	if (e != ERR_OK) {
		b->refused_n++;
		return e;
	}
	const struct bridge_entry *there = find(b, &key);
	if (there != nullptr && there->is_protected)
		return ERR_OK; /* let in already, for ever */
	const struct guard_entry value = { .expires_ns = end.ns, .verdict = verdict, .mark = b->mark };
	return put_entry(b, &key, &value, false);
}

enum err bridge_remove(struct bridge *b, const struct prefix *p)
{
	struct prefix key;
	TRY(normalise(&key, p));
	struct bridge_entry *e = find(b, &key);
	if (e == nullptr || e->is_protected)
		return ERR_NOTFOUND;
	drop_entry(b, e);
	return ERR_OK;
}

void bridge_mark(struct bridge *b)
{
	b->mark++;
}

size_t bridge_sweep(struct bridge *b)
{
	struct bridge_entry *e, *next;
	size_t n = 0;
	HASH_ITER(hh, b->entries, e, next) {
		if (e->is_protected || e->value.mark == b->mark)
			continue;
		drop_entry(b, e);
		n++;
	}
	return n;
}

size_t bridge_expire(struct bridge *b, struct mono now)
{
	struct bridge_entry *e, *next;
	size_t n = 0;
	HASH_ITER(hh, b->entries, e, next) {
		if (e->value.expires_ns == 0 || e->value.expires_ns > now.ns)
			continue;
		drop_entry(b, e);
		n++;
	}
	return n;
}

size_t bridge_count(const struct bridge *b)
{
	return HASH_COUNT(b->entries);
}
