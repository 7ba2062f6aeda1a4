/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/acct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keeper/show.h"

constexpr uint32_t INTERIM_LEAST_S = 10; /* a server that wants more is not done the favour */
constexpr uint64_t LOOK_MS = 1000;

struct acct_record {
	uint64_t number;
	struct mono born;
	size_t len;
	UT_hash_handle hh;
	uint8_t bytes[]; /* a packed Acct */
};

/* {{ records }} */

static void send_record(struct keeper *k, const struct acct_record *r)
{
	struct ipc *ipc = k->remote.ipc;
	if (ipc == nullptr || !ipc_is_alive(ipc))
		return; /* sent when it is back */
	Msg__Acct *m = msg__acct__unpack(nullptr, r->len, r->bytes);
	if (m == nullptr)
		return;
	m->delay_s = (uint32_t)clock_secs(r->born, clock_now());
	m->generation = k->now.number;
	if (ipc_send(ipc, MSG_ACCT, ipc_next_id(ipc), &m->base, nullptr, 0) != ERR_OK)
		log_debug("acct.not_sent record=%llu", (unsigned long long)r->number);
	msg__acct__free_unpacked(m, nullptr);
}

static void lose(struct acct *a, const char *user, const char *why)
{
	a->lost_n++;
	log_err("acct.lost user=\"%s\" why=\"%s\" count=%llu", show_name(user).text, why,
		(unsigned long long)a->lost_n);
}

static void add(struct keeper *k, Msg__Acct *m)
{
	struct acct *a = &k->acct;
	size_t len = msg__acct__get_packed_size(m) + 16; /* the number is not in it yet */
	struct acct_record *r =
		HASH_COUNT(a->records) < ACCT_RECORDS_MAX ? calloc(1, sizeof *r + len) : nullptr;
	if (r == nullptr) {
		lose(a, m->username, "too many records wait for the accounting server");
		return;
	}
	m->record = r->number = ++a->last;
	r->born = clock_now();
	r->len = msg__acct__pack(m, r->bytes);
	HASH_ADD(hh, a->records, number, sizeof r->number, r);
	send_record(k, r);
}

void acct_resend(struct keeper *k)
{
	struct acct_record *r, *next;
	HASH_ITER(hh, k->acct.records, r, next)
		send_record(k, r);
}

void acct_on_done(struct ipc *ipc, struct ipc_msg *m)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__AcctDone *done = (const void *)m->body;
	struct acct_record *r;
	HASH_FIND(hh, k->acct.records, &done->record, sizeof done->record, r);
	if (r == nullptr)
		return;
	HASH_DEL(k->acct.records, r);
	if (done->error[0] != '\0') {
		Msg__Acct *a = msg__acct__unpack(nullptr, r->len, r->bytes);
		lose(&k->acct, a != nullptr ? a->username : "", done->error);
		if (a != nullptr)
			msg__acct__free_unpacked(a, nullptr);
	}
	free(r);
}

uint64_t acct_waiting(const struct acct *a)
{
	return HASH_COUNT(a->records);
}

void acct_fini(struct acct *a)
{
	struct acct_record *r, *next;
	HASH_ITER(hh, a->records, r, next) {
		HASH_DEL(a->records, r);
		free(r);
	}
}

/* {{ what is in one }} */

/* Number of acct among the methods; false: the virtual host has none. */
static bool method_of(const struct keeper *k, const struct session *s, uint32_t *out)
{
	const struct config *cfg = k->now.cfg;
	if (cfg == nullptr || s->vhost >= cfg->vhosts_n || cfg->vhosts[s->vhost].acct.n == 0)
		return false;
	const struct vhost *v = &cfg->vhosts[s->vhost];
	*out = (uint32_t)(v->auth.n + v->enable_auth.n);
	return true;
}

static char *text(const char *t)
{
	return (char *)(uintptr_t)(t != nullptr ? t : "");
}

static ProtobufCBinaryData address(const struct prefix *p)
{
	return ipc_bytes(p->addr, p->family == 0 ? 0 : p->family == AF_INET ? 4 : 16);
}

/* The strings are those of the session, and id. */
static void fill(Msg__Acct *m, const struct session *s, uint64_t sid, char id[static 40])
{
	const uint8_t *ip = nullptr;
	size_t ip_len = addr_ip(&s->remote, &ip);
	snprintf(id, 40, "%08llX%08llX", (unsigned long long)s->connected_at, (unsigned long long)sid);
	m->vhost = s->vhost;
	m->session_id = id;
	m->username = text(session_username(s));
	m->group = text(s->group);
	m->remote_ip = ipc_bytes(ip, ip_len);
	m->ipv4 = address(&s->ipv4.addr);
	m->ipv6 = address(&s->ipv6.addr);
	m->ipv6_prefix_len = s->ipv6.addr.len;
	m->user_agent = text(s->client.user_agent);
	m->n_classes = s->facts != nullptr ? s->facts->n_classes : 0;
	m->classes = s->facts != nullptr ? s->facts->classes : nullptr;
}

/* 0: none are wanted. */
static uint32_t interim_s(const struct keeper *k, const struct session *s)
{
	const struct vhost *v = &k->now.cfg->vhosts[s->vhost];
	uint32_t server = s->facts != nullptr ? s->facts->interim_s : 0;
	bool ours_counts = v->acct.n > 0 && config_auth_flag(&v->acct.v[0], "override-interim-updates");
	uint32_t n =
		server == 0 || (ours_counts && v->stats_report_time != 0) ? v->stats_report_time : server;
	return n == 0 ? 0 : MAX(n, INTERIM_LEAST_S);
}

static void plan_interim(const struct keeper *k, struct session *s, struct mono now)
{
	uint32_t n = interim_s(k, s);
	s->interim = n != 0 ? clock_add_s(now, n) : (struct mono){};
}

void acct_opened(struct keeper *k, struct session *s)
{
	Msg__Acct m = MSG__ACCT__INIT;
	char id[40];
	if (!method_of(k, s, &m.method))
		return;
	m.kind = ACCT_START;
	fill(&m, s, s->sid, id);
	plan_interim(k, s, clock_now());
	add(k, &m);
}

void acct_closed(struct keeper *k, const struct session *s, const struct session_end *end)
{
	Msg__Acct m = MSG__ACCT__INIT;
	char id[40];
	if (!method_of(k, s, &m.method))
		return;
	m.kind = ACCT_STOP;
	fill(&m, s, end->sid, id);
	snprintf(id, sizeof id, "%08llX%08llX", (unsigned long long)end->began_at,
		 (unsigned long long)end->sid);
	m.rx_bytes = end->rx_bytes;
	m.tx_bytes = end->tx_bytes;
	m.secs = end->secs;
	m.cause = end->cause;
	add(k, &m);
}

/* {{ interim }} */

static void ask_worker(const struct keeper *k, const struct session *s)
{
	struct ipc *ipc = s->worker < KEEPER_WORKERS_MAX ? k->workers[s->worker].ipc : nullptr;
	Msg__TrafficGet m = MSG__TRAFFIC_GET__INIT;
	m.sid = s->sid;
	if (ipc != nullptr && ipc_send(ipc, MSG_TRAFFIC_GET, ipc_next_id(ipc), &m.base, nullptr, 0) != ERR_OK)
		log_debug("acct.worker_unreachable sid=%llu", (unsigned long long)s->sid);
}

void acct_tick(struct keeper *k, struct mono now)
{
	struct session *s, *next;
	uint32_t method;
	if (!clock_is_past(now, k->acct.next_look))
		return;
	k->acct.next_look = clock_add_ms(now, LOOK_MS);
	HASH_ITER(hh, k->sessions.by_cookie, s, next) {
		if (s->state != SESSION_OPEN || !method_of(k, s, &method))
			continue;
		if (s->interim.ns == 0 || !clock_is_past(now, s->interim))
			continue;
		plan_interim(k, s, now);
		ask_worker(k, s);
	}
}

void acct_on_traffic(struct ipc *ipc, struct ipc_msg *msg)
{
	struct keeper *k = ipc_owner(ipc);
	const Msg__Traffic *t = (const void *)msg->body;
	struct session_conn *c;
	Msg__Acct m = MSG__ACCT__INIT;
	char id[40];
	HASH_FIND(hh, k->sessions.by_sid, &t->sid, sizeof t->sid, c);
	if (c == nullptr || c->worker != ipc_peer_index(ipc) || c->session->live != c ||
	    !method_of(k, c->session, &m.method))
		return;
	m.kind = ACCT_INTERIM;
	fill(&m, c->session, t->sid, id);
	m.rx_bytes = t->rx_bytes;
	m.tx_bytes = t->tx_bytes;
	m.secs = clock_secs(c->since, clock_now());
	add(k, &m);
}
