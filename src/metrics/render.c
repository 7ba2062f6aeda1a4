/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/render.h"

#include <string.h>

#include "metrics/metrics.h"
#include "metrics/page.h"

#define OURS "ocserv_"

static void one(struct page *p, enum page_type type, const char *name, const char *help, uint64_t value)
{
	page_family(p, type, OURS, name, help);
	page_sample(p, nullptr, value);
}

static const struct page_labels *labelled(struct page_labels *l, const char *name, const char *value)
{
	*l = (struct page_labels){};
	page_label(l, name, value);
	return l;
}

/* {{ workers: shared memory }} */

static const struct page_labels *worker(struct page_labels *l, unsigned i)
{
	*l = (struct page_labels){};
	page_label_number(l, "worker", i);
	return l;
}

/* at: of the number in the region. */
static void put_each(struct page *p, const struct metrics *m, size_t at)
{
	struct page_labels l;
	for (unsigned i = 0; i < m->workers_n; i++) {
		const void *number = (const char *)m->regions[i] + at;
		page_sample(p, worker(&l, i), stats_read(number));
	}
}

static void put_hist(struct page *p, const struct metrics *m, size_t at)
{
	struct page_labels l;
	for (unsigned i = 0; i < m->workers_n; i++) {
		const void *place = (const char *)m->regions[i] + at;
		const struct stats_hist *h = place;
		uint64_t n[STATS_BOUNDS_N + 1];
		for (size_t k = 0; k <= STATS_BOUNDS_N; k++)
			n[k] = stats_read(&h->n[k]);
		page_histogram(p, worker(&l, i), n, stats_read(&h->sum_ns));
	}
}

static void put_workers(struct page *p, const struct metrics *m)
{
	static const char ours[] = OURS "worker_";
	struct page_labels l;
#define STAT(name, help)                                 \
	page_family(p, PAGE_COUNTER, ours, #name, help); \
	put_each(p, m, offsetof(struct stats_region, c.name));
#include "ipc/stats.def"
#undef STAT
#define LEVEL(name, help)                              \
	page_family(p, PAGE_GAUGE, ours, #name, help); \
	put_each(p, m, offsetof(struct stats_region, levels.name));
#include "ipc/level.def"
#undef LEVEL
#define HIST(name, help)                                              \
	page_family(p, PAGE_HISTOGRAM, ours, #name "_seconds", help); \
	put_hist(p, m, offsetof(struct stats_region, hists.name));
#include "ipc/hist.def"
#undef HIST
	page_family(p, PAGE_COUNTER, ours, "cpu_seconds", "Processor time that the worker has used");
	for (unsigned i = 0; i < m->workers_n; i++)
		page_seconds(p, worker(&l, i), stats_read(&m->regions[i]->levels.cpu_ns));
}

/* {{ supervisor }} */

static const char *guard_help(const char *name)
{
#define GUARD_COUNT(known, help)       \
	if (strcmp(name, #known) == 0) \
		return help;
#include "bpf/guard.def"
#undef GUARD_COUNT
	return nullptr;
}

static void put_processes(struct page *p, const Msg__SupervisorStatus *s)
{
	struct page_labels l;
	page_family(p, PAGE_GAUGE, OURS, "process_ready", "1: the process is at work");
	for (size_t i = 0; i < s->n_processes; i++)
		page_sample(p, labelled(&l, "process", s->processes[i]->name), s->processes[i]->ready);
	page_family(p, PAGE_COUNTER, OURS, "process_restarts",
		    "Deaths of the process since the server started");
	for (size_t i = 0; i < s->n_processes; i++)
		page_sample(p, labelled(&l, "process", s->processes[i]->name), s->processes[i]->restarts);
}

/* "name=state" */
static void put_features(struct page *p, const Msg__SupervisorStatus *s)
{
	page_family(p, PAGE_GAUGE, OURS, "feature_info", "Always 1: offloads and layers, and how they are");
	for (size_t i = 0; i < s->n_features; i++) {
		struct page_labels l = {};
		char name[64] = "";
		const char *eq = strchrnul(s->features[i], '=');
		snprintf(name, sizeof name, "%.*s", (int)MIN((size_t)(eq - s->features[i]), sizeof name - 1),
			 s->features[i]);
		page_label(&l, "feature", name);
		page_label(&l, "state", *eq == '=' ? eq + 1 : "");
		page_sample(p, &l, 1);
	}
}

static void put_supervisor(struct page *p, const Msg__SupervisorStatus *s)
{
	if (s == nullptr)
		return;
	put_processes(p, s);
	put_features(p, s);
	for (size_t i = 0; i < s->n_guard; i++) {
		const char *help = guard_help(s->guard[i]->name);
		if (help == nullptr)
			continue;
		page_family(p, PAGE_COUNTER, OURS "guard_kernel_", s->guard[i]->name, help);
		page_sample(p, nullptr, s->guard[i]->n);
	}
}

/* {{ keeper }} */

static void put_pools(struct page *p, const Msg__KeeperStatus *k)
{
	static const struct {
		const char *name, *help;
	} rows[] = { { "pool_used", "Addresses of the pool that are given out" },
		     { "pool_size", "Addresses of the pool that may be given out" } };
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		page_family(p, PAGE_GAUGE, OURS, rows[row].name, rows[row].help);
		for (size_t i = 0; i < k->n_pools; i++) {
			struct page_labels l = {};
			page_label(&l, "network", k->pools[i]->network);
			page_label_number(&l, "unit", k->pools[i]->unit_len);
			page_sample(p, &l, row == 0 ? k->pools[i]->used : k->pools[i]->size);
		}
	}
}

static const char *key_text(uint32_t type)
{
	static const char *const names[] = {
		[KEY_RSA] = "rsa", [KEY_ECDSA] = "ecdsa", [KEY_ED25519] = "ed25519"
	};
	return type < ARRAY_LEN(names) && names[type] != nullptr ? names[type] : "unknown";
}

static void put_certs(struct page *p, const Msg__KeeperStatus *k)
{
	page_family(p, PAGE_GAUGE, OURS, "certificate_not_after_seconds",
		    "Until when a certificate of the server is valid, unix time");
	for (size_t i = 0; i < k->n_certs; i++) {
		const Msg__CertEnd *c = k->certs[i];
		struct page_labels l = {};
		page_label(&l, "vhost", *c->vhost != '\0' ? c->vhost : "default");
		page_label(&l, "key", key_text(c->key_type));
		page_label_number(&l, "index", c->pair);
		if (c->not_after > 0)
			page_sample(p, &l, (uint64_t)c->not_after);
	}
}

static void put_backs(struct page *p, const Msg__KeeperStatus *k)
{
	static const char *const results[RESULTS_N] = { [RESULT_OK] = "ok",
							[RESULT_DENIED] = "denied",
							[RESULT_QUESTION] = "question",
							[RESULT_BROKEN] = "broken" };
	struct page_labels l;
	page_family(p, PAGE_COUNTER, OURS, "backend_answers",
		    "Answers of the methods of auth: yes, no, one more question, and no answer that is one");
	for (size_t i = 0; i < k->n_backs; i++)
		for (size_t r = 0; r < MIN(k->backs[i]->n_results, RESULTS_N); r++) {
			labelled(&l, "method", k->backs[i]->method);
			page_label(&l, "result", results[r]);
			page_sample(p, &l, k->backs[i]->results[r]);
		}
	page_family(p, PAGE_HISTOGRAM, OURS, "backend_seconds", "Time that a method of auth took to answer");
	for (size_t i = 0; i < k->n_backs; i++)
		if (k->backs[i]->n_buckets == STATS_BOUNDS_N + 1)
			page_histogram(p, labelled(&l, "method", k->backs[i]->method), k->backs[i]->buckets,
				       k->backs[i]->sum_ns);
}

static void put_keeper(struct page *p, const Msg__KeeperStatus *k)
{
	one(p, PAGE_GAUGE, "keeper_up", "1: the keeper answers", k != nullptr);
	if (k == nullptr)
		return;
#define KEEPER(field, name, type, help) one(p, PAGE_##type, name, help, k->field);
#define SKIP(field)
#include "metrics/keeper.def"
#undef KEEPER
#undef SKIP
	one(p, PAGE_GAUGE, "store_degraded", "1: the state store cannot be written",
	    strcmp(k->store, "degraded") == 0);
	put_pools(p, k);
	put_certs(p, k);
	put_backs(p, k);
}

static void put_guard(struct page *p, const Msg__GuardStatus *g)
{
	struct page_labels l;
	if (g == nullptr)
		return;
	one(p, PAGE_GAUGE, "guard_banned", "Addresses that are banned", g->banned);
	one(p, PAGE_GAUGE, "guard_blocks", "Networks that the administrator has blocked", g->blocks);
	one(p, PAGE_GAUGE, "guard_peers", "Addresses that the guard remembers", g->peers);
	one(p, PAGE_GAUGE, "guard_prefixes", "Networks of geofilter", g->prefixes);
	one(p, PAGE_COUNTER, "guard_evicted", "Addresses forgotten because the table was full", g->evicted);
	one(p, PAGE_COUNTER, "guard_wrong_passwords", "Wrong passwords that the guard was told of",
	    g->wrong_passwords);
	one(p, PAGE_COUNTER, "guard_connections", "Connections that the guard was told of", g->connections);
	page_family(p, PAGE_COUNTER, OURS, "guard_bans", "Bans by their cause");
	for (size_t i = 0; i < g->n_causes; i++)
		page_sample(p, labelled(&l, "cause", g->causes[i]->name), g->causes[i]->n);
}

/* {{ this process and the whole }} */

static void put_own(struct page *p, const struct httpd *h)
{
	struct page_labels l;
	page_family(p, PAGE_COUNTER, OURS, "metrics_requests", "Requests that were answered");
	page_sample(p, labelled(&l, "path", "/metrics"), h->answered[0]);
	page_sample(p, labelled(&l, "path", "/health"), h->answered[1]);
	page_family(
		p, PAGE_COUNTER, OURS, "metrics_refused",
		"Requests and connections that were refused: malformed or for something else, not allowed, too many, too slow");
	page_sample(p, labelled(&l, "cause", "request"), h->refused);
	page_sample(p, labelled(&l, "cause", "address"), h->denied);
	page_sample(p, labelled(&l, "cause", "busy"), h->busy);
	page_sample(p, labelled(&l, "cause", "slow"), h->slow);
}

enum err render_all(char **text, size_t *len, const struct metrics *m, bool is_openmetrics)
{
	struct page p;
	struct page_labels l;
	TRY(page_begin(&p, is_openmetrics));
	page_family(&p, PAGE_GAUGE, OURS, "build_info", "Always 1: the version of the server");
	page_sample(&p, labelled(&l, "version", OCSERV_MODERN_VERSION), 1);
	one(&p, PAGE_GAUGE, "start_time_seconds", "When the server started, unix time", m->started_at);
	one(&p, PAGE_GAUGE, "draining", "1: the server was told to stop, and goes on for server-drain-ms",
	    m->is_draining);
	put_own(&p, &m->httpd);
	put_workers(&p, m);
	put_supervisor(&p, m->inquiry.supervisor);
	put_keeper(&p, m->inquiry.keeper);
	put_guard(&p, m->inquiry.guard);
	return page_end(&p, text, len);
}
