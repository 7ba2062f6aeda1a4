/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/firewall.h"

#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/table.h"
#include "supervisor/supervisor.h"

constexpr uint64_t GATHER_MS = 5;
constexpr size_t ENTRIES_MAX = 200'000;

struct firewall_entry {
	UT_hash_handle hh;
	uint64_t sid;
	bool is_in;     /* the kernel has it */
	bool is_wanted;
	bool is_stale;  /* said by a keeper that is dead */
	bool has_failed;
	Msg__Firewall *m;
};

/* {{ nftables }} */

typedef void write_text(FILE *out, const struct firewall *f, void *what);

/* The text as one transaction.  why: the first line of what nftables says. */
static enum err run(struct firewall *f, write_text *write, void *what, char *why, size_t cap)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (out == nullptr)
		return ERR_NOMEM;
	write(out, f, what);
	if (fclose(out) != 0) {
		free(text);
		return ERR_NOMEM;
	}
	int status = len > 0 ? nft_run_cmd_from_buffer(f->nft, text) : 0;
	const char *said = nft_ctx_get_error_buffer(f->nft);
	if (status != 0 && cap > 0)
		snprintf(why, cap, "%.*s", (int)strcspn(said, "\n"), said);
	free(text);
	return status == 0 ? ERR_OK : ERR_SYS;
}

static void write_remove(FILE *out, const struct firewall *f, void *)
{
	firewall_text_remove(out, f->table);
}

static void write_make(FILE *out, const struct firewall *f, void *)
{
	firewall_text_make(out, f->table, f->device);
}

static bool is_to_go(const struct firewall_entry *e)
{
	return e->is_in && !e->is_wanted;
}

static bool is_to_come(const struct firewall_entry *e)
{
	return !e->is_in && e->is_wanted && !e->has_failed;
}

/* What goes first: an address may come back at once with another session. */
static void write_all(FILE *out, const struct firewall *f, void *)
{
	for (const struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		if (is_to_go(e))
			firewall_text_delete(out, f->table, e->m);
	for (const struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		if (is_to_come(e))
			firewall_text_add(out, f->table, e->m);
}

static void write_one(FILE *out, const struct firewall *f, void *what)
{
	const struct firewall_entry *e = what;
	if (e->is_wanted)
		firewall_text_add(out, f->table, e->m);
	else
		firewall_text_delete(out, f->table, e->m);
}

static void fail(struct firewall *f, const char *what, uint64_t sid, const char *why)
{
	f->failures++;
	f->has_failed = true;
	log_err("firewall.failed at=%s sid=%llu why=\"%s\": this session is held by the worker's own check alone; firewall = none switches the "
		"second layer off",
		what, (unsigned long long)sid, why);
}

/* {{ changes }} */

static void drop(struct firewall *f, struct firewall_entry *e)
{
	HASH_DEL(f->all, e);
	msg__firewall__free_unpacked(e->m, nullptr);
	free(e);
}

/* What is in the kernel now is what was wanted. */
static void settle(struct firewall *f)
{
	struct firewall_entry *e, *next;
	HASH_ITER(hh, f->all, e, next) {
		e->is_in = e->is_wanted && !e->has_failed;
		if (!e->is_wanted)
			drop(f, e);
	}
}

/* Something is wrong with one of them: the others must not suffer. */
static void one_by_one(struct firewall *f)
{
	struct firewall_entry *e, *next;
	char why[160] = "";
	for (int come = 0; come < 2; come++) {
		HASH_ITER(hh, f->all, e, next) {
			if (come == 0 ? !is_to_go(e) : !is_to_come(e))
				continue;
			if (run(f, write_one, e, why, sizeof why) == ERR_OK)
				continue;
			e->has_failed = true;
			fail(f, come == 0 ? "remove" : "add", e->sid, why);
		}
	}
}

static bool make(struct firewall *f)
{
	char why[160] = "";
	if (f->is_made)
		return true;
	f->is_made = run(f, write_make, nullptr, why, sizeof why) == ERR_OK;
	if (!f->is_made)
		fail(f, "table", 0, why);
	return f->is_made;
}

static void on_gathered(uv_timer_t *timer)
{
	struct firewall *f = CONTAINER_OF(timer, struct firewall, gather);
	if (!make(f)) {
		for (struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
			e->has_failed = true;
	} else if (run(f, write_all, nullptr, nullptr, 0) == ERR_OK) {
		f->has_failed = false;
	} else {
		one_by_one(f);
	}
	settle(f);
}

static void change_soon(struct firewall *f)
{
	if (!uv_is_active((uv_handle_t *)&f->gather))
		uv_timer_start(&f->gather, on_gathered, GATHER_MS, 0);
}

/* {{ from the keeper }} */

static bool is_same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The address is another session's now, whose end is told a moment later. */
static void take_over(struct firewall *f, const Msg__Firewall *m)
{
	for (struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		for (size_t i = 0; i < MIN(m->n_clients, 2ul); i++)
			for (size_t j = 0; j < e->m->n_clients; j++)
				if (is_same(&m->clients[i], &e->m->clients[j]))
					e->is_wanted = false;
}

static Msg__Firewall *copy(const Msg__Firewall *m)
{
	size_t len = msg__firewall__get_packed_size(m);
	uint8_t *bytes OWNED(base_freep) = malloc(len + 1);
	if (bytes == nullptr)
		return nullptr;
	msg__firewall__pack(m, bytes);
	return msg__firewall__unpack(nullptr, len, bytes);
}

static struct firewall_entry *find(const struct firewall *f, uint64_t sid)
{
	struct firewall_entry *e;
	HASH_FIND(hh, f->all, &sid, sizeof sid, e);
	return e;
}

static void add(struct firewall *f, const Msg__Firewall *m)
{
	struct firewall_entry *e = find(f, m->sid);
	if (e != nullptr) { /* a new keeper says it again */
		e->is_stale = false;
		return;
	}
	e = HASH_COUNT(f->all) < ENTRIES_MAX ? calloc(1, sizeof *e) : nullptr;
	Msg__Firewall *own = e != nullptr ? copy(m) : nullptr;
	if (own == nullptr) {
		free(e);
		fail(f, "memory", m->sid, err_text(ERR_NOMEM));
		return;
	}
	take_over(f, m);
	*e = (struct firewall_entry){ .sid = m->sid, .m = own, .is_wanted = true };
	HASH_ADD(hh, f->all, sid, sizeof e->sid, e);
}

static void remove_stale(struct firewall *f)
{
	for (struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		if (e->is_stale)
			e->is_wanted = false;
}

void firewall_on_session(struct ipc *ipc, struct ipc_msg *msg)
{
	struct child *keeper = ipc_owner(ipc);
	struct firewall *f = &supervisor_of(keeper)->firewall;
	const Msg__Firewall *m = (const Msg__Firewall *)msg->body;
	if (f->nft == nullptr)
		return;
	if (m->settled) {
		remove_stale(f);
	} else if (m->gone) {
		struct firewall_entry *e = find(f, m->sid);
		if (e == nullptr)
			return;
		e->is_wanted = false;
	} else if (firewall_text_is_right(m)) {
		add(f, m);
	} else {
		child_kill(keeper, "told a session that cannot be");
		return;
	}
	if (f->all != nullptr)
		change_soon(f);
}

void firewall_keeper_died(struct firewall *f)
{
	for (struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		e->is_stale = true;
}

void firewall_describe(const struct firewall *f, char *out, size_t cap)
{
	unsigned n = 0;
	for (const struct firewall_entry *e = f->all; e != nullptr; e = e->hh.next)
		n += e->is_in;
	if (f->nft == nullptr)
		snprintf(out, cap, "none");
	else if (f->has_failed)
		snprintf(out, cap, "nftables-failed sessions=%u failures=%llu", n,
			 (unsigned long long)f->failures);
	else
		snprintf(out, cap, "nftables sessions=%u", n);
}

/* {{ life }} */

void firewall_open(struct firewall *f, const char *device)
{
	char why[160] = "";
	*f = (struct firewall){ .device = device, .nft = nft_ctx_new(NFT_CTX_DEFAULT) };
	firewall_text_table(f->table, device);
	if (f->nft == nullptr || nft_ctx_buffer_error(f->nft) != 0 || nft_ctx_buffer_output(f->nft) != 0) {
		log_warn("firewall.unusable why=\"libnftables cannot begin\"");
		return;
	}
	/* a system without nftables is told of when a session needs it */
	if (run(f, write_remove, nullptr, why, sizeof why) != ERR_OK)
		log_info("firewall.not_there why=\"%s\"", why);
}

void firewall_start(struct firewall *f, uv_loop_t *loop)
{
	uv_timer_init(loop, &f->gather);
}

void firewall_close(struct firewall *f)
{
	struct firewall_entry *e, *next;
	char why[160] = "";
	if (f->nft == nullptr)
		return;
	if (f->is_made && run(f, write_remove, nullptr, why, sizeof why) != ERR_OK)
		log_err("firewall.table_stays table=%s why=\"%s\": remove it by nft delete table inet %s",
			f->table, why, f->table);
	HASH_ITER(hh, f->all, e, next)
		drop(f, e);
	nft_ctx_free(f->nft);
	*f = (struct firewall){};
}
