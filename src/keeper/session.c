/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/session.h"

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/hash.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fips/fips.h"
#include "keeper/facts.h"
#include "keeper/session_life.h"
#include "keeper/session_load.h"
#include "keeper/show.h"

constexpr unsigned SESSIONS_MAX = 1 << 20;  /* cookies alive at once */

static enum err hash_cookie(const uint8_t *cookie, size_t len, uint8_t out[SESSION_HASH_LEN])
{
	if (len != SESSION_COOKIE_LEN)
		return ERR_RANGE;
	return wc_Sha256Hash(cookie, SESSION_COOKIE_LEN, out) == 0 ? ERR_OK : ERR_CRYPTO;
}

const struct vhost *session_vhost(const struct sessions *a, const struct session *s)
{
	return s->own != nullptr ? s->own : &a->cfg->vhosts[s->vhost];
}

/* {{ life of the authority }} */

enum err sessions_init(struct sessions *a, const struct config *cfg, struct session_ops ops)
{
	*a = (struct sessions){ .cfg = cfg, .ops = ops, .next_sid = 1, .next_deadline = { UINT64_MAX } };
	return leases_new(&a->leases);
}

void sessions_fini(struct sessions *a)
{
	struct session *s, *next;
	HASH_ITER(hh, a->by_cookie, s, next) {
		s->live = nullptr;
		s->state = SESSION_ENDING;
		const struct session_move m = {};
		if (session_feed(a, s, SESSION_EV_DUE, &m) != ERR_OK)
			assert(false);
	}
	leases_free(a->leases);
	*a = (struct sessions){};
}

static uint32_t find_vhost(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->vhosts_n; i++)
		if (strcmp(cfg->vhosts[i].name, name) == 0)
			return (uint32_t)i;
	return 0;
}

void sessions_set_config(struct sessions *a, const struct config *cfg)
{
	struct session *s, *next;
	HASH_ITER(hh, a->by_cookie, s, next)
		s->vhost = find_vhost(cfg, a->cfg->vhosts[s->vhost].name);
	a->cfg = cfg;
}

/* {{ login }} */

enum err session_login(struct sessions *a, const struct session_login *in, struct mono now, int64_t unix_now,
		       uint8_t cookie[SESSION_COOKIE_LEN])
{
	uint8_t hash[SESSION_HASH_LEN];
	struct session *s;
	if (in->vhost >= a->cfg->vhosts_n)
		return ERR_RANGE;
	if (HASH_COUNT(a->by_cookie) >= SESSIONS_MAX)
		return ERR_FULL;
	TRY(fips_random(cookie, SESSION_COOKIE_LEN));
	TRY(hash_cookie(cookie, SESSION_COOKIE_LEN, hash));
	Msg__Facts *facts;
	TRY(facts_copy(&facts, in->facts));
	enum err e = session_born(a, in, hash, now, &s);
	if (e != ERR_OK) {
		if (facts != nullptr)
			msg__facts__free_unpacked(facts, nullptr);
		return e;
	}
	s->facts = facts;
	s->logged_in_at = unix_now;
	s->has_cert = in->has_cert;
	if (in->strap_key != nullptr && session_vhost(a, s)->strap) {
		memcpy(s->strap.key, in->strap_key, sizeof s->strap.key);
		s->strap.has_key = true;
	}
	session_set_timeout(a, s);
	a->stats.logins++;
	session_put(a, s);
	return ERR_OK;
}

/* {{ open }} */

struct session *session_find(struct sessions *a, const uint8_t cookie_hash[SESSION_HASH_LEN])
{
	struct session *s;
	HASH_FIND(hh, a->by_cookie, cookie_hash, SESSION_HASH_LEN, s);
	return s;
}

struct session *session_usable(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now)
{
	uint8_t hash[SESSION_HASH_LEN];
	if (hash_cookie(cookie, len, hash) != ERR_OK)
		return nullptr;
	struct session *s = session_find(a, hash);
	if (s == nullptr || s->state == SESSION_ENDING)
		return nullptr;
	/* the tick may come a little later than the deadline */
	bool is_due =
		clock_is_past(now, s->deadline) || (s->expires.ns != 0 && clock_is_past(now, s->expires));
	return is_due ? nullptr : s;
}

static bool is_over_same(const struct sessions *a, const struct session *s)
{
	uint32_t most = session_vhost(a, s)->max_same_clients;
	uint32_t others = s->user->places_n - s->has_place;
	return most > 0 && others >= most;
}

static bool is_over_all(const struct sessions *a, const struct session *s)
{
	uint32_t others = a->places_n - s->has_place;
	return a->cfg->max_clients > 0 && others >= a->cfg->max_clients;
}

bool session_is_usable(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now)
{
	return session_usable(a, cookie, len, now) != nullptr;
}

/* Why this client may not come in; nullptr: it may. */
static const char *refusal(const struct sessions *a, const struct session *s, const struct session_open *in)
{
	if (in->vhost != s->vhost)
		return "the session belongs to another virtual host";
	if (session_vhost(a, s)->strap && session_strap_verify(&s->strap, &in->proof) != ERR_OK)
		return "the client does not prove to hold the key that was announced at login (strap)";
	if (session_vhost(a, s)->deny_roaming && !addr_is_same_ip(&s->login, &in->remote))
		return "the client's address is not the one it logged in from (deny-roaming)";
	if (is_over_same(a, s))
		return "the user has too many connections (max-same-clients)";
	return nullptr;
}

static struct session *holder_of(const struct sessions *a, const struct prefix *addr)
{
	struct session *s, *next;
	HASH_ITER(hh, a->by_cookie, s, next) {
		const struct prefix *has = addr->family == AF_INET ? &s->ipv4.addr : &s->ipv6.addr;
		if (has->family == addr->family && memcmp(has->addr, addr->addr, sizeof has->addr) == 0)
			return s;
	}
	return nullptr;
}

static void kill_cookie(struct sessions *a, struct session *s, enum msgs_cause cause, struct mono now);

/* A fixed address.  A session that its user has left behind gives it up; one that is connected does not. */
static enum err claim(struct sessions *a, const struct session *s, const struct prefix *net, uint8_t unit_len,
		      const struct prefix *own, struct lease *lease)
{
	struct session *other = holder_of(a, own);
	if (other != nullptr &&
	    (other->user != s->user || other->state != SESSION_WAITING || other->is_entering))
		return ERR_EXISTS;
	if (other != nullptr)
		kill_cookie(a, other, CAUSE_REPLACED, (struct mono){});
	return lease_claim(a->leases, net, unit_len, own, lease);
}

/* A lease of one family, if it is wanted, configured and not there yet. */
static enum err lease_one(struct sessions *a, struct session *s, const struct prefix *net,
			  const struct prefix *own, uint8_t unit_len, bool wanted, struct lease *lease)
{
	if (!wanted || (net->family == 0 && own->family == 0) || lease->addr.family != 0)
		return ERR_OK;
	if (own->family != 0) /* it is fixed; nobody else's address instead */
		return claim(a, s, net, unit_len, own, lease);
	const char *user = session_vhost(a, s)->predictable_ips ? session_username(s) : nullptr;
	return lease_take(a->leases, net, unit_len, user, lease);
}

static const char *lease_both(struct sessions *a, struct session *s, const struct session_open *in)
{
	const struct vhost *v = session_vhost(a, s);
	struct prefix own4 = facts_ipv4(s->facts), own6 = facts_ipv6(s->facts);
	if (own4.family == 0) /* the back end knows better than files */
		own4 = v->explicit_ipv4;
	if (own6.family == 0)
		own6 = v->explicit_ipv6;
	enum err e4 = lease_one(a, s, &v->ipv4_network, &own4, 32, in->want_ipv4, &s->ipv4);
	enum err e6 = lease_one(a, s, &v->ipv6_network, &own6, (uint8_t)v->ipv6_subnet_prefix, in->want_ipv6,
				&s->ipv6);
	if (e4 != ERR_OK)
		return own4.family != 0 ? "the user's own IPv4 address is taken by another session"
					: "no IPv4 address is free (ipv4-network)";
	if (e6 != ERR_OK)
		return own6.family != 0 ? "the user's own IPv6 address is taken by another session"
					: "no IPv6 address is free (ipv6-network)";
	bool has_any =
		(in->want_ipv4 && s->ipv4.addr.family != 0) || (in->want_ipv6 && s->ipv6.addr.family != 0);
	return has_any ? nullptr : "the client wants no address family that is configured";
}

/* One family may have been granted when the other failed; a client that is not in yet must not keep it from others. */
static void give_back(struct sessions *a, struct session *s)
{
	if (s->sid != 0)
		return;
	lease_give(a->leases, &s->ipv4);
	lease_give(a->leases, &s->ipv6);
}

static enum err attach(struct sessions *a, struct session *s, const struct session_open *in, struct mono now)
{
	uint8_t app_id[SESSION_APP_ID_LEN];
	TRY(fips_random(app_id, sizeof app_id));
	struct session_conn *c = session_conn_new(a, s, s->next_sid, in->worker, now);
	if (c == nullptr)
		return ERR_NOMEM;
	c->since_unix = in->unix_now;
	session_client_update(&s->client, &in->client);
	s->remote = in->remote;
	s->local = in->local;
	s->connected_at = in->unix_now;
	const struct session_move m = { .now = now, .conn = c, .app_id = app_id };
	return session_feed(a, s, SESSION_EV_OPENED, &m);
}

static void log_open(const struct session *s)
{
	log_info(
		"session.open sid=%llu user=\"%s\" group=\"%s\" remote=%s ipv4=%s ipv6=%s worker=%u agent=\"%s\"",
		(unsigned long long)s->sid, show_name(session_username(s)).text, show_name(s->group).text,
		show_addr(&s->remote).text, show_prefix(&s->ipv4.addr).text, show_prefix(&s->ipv6.addr).text,
		s->worker, show_name(s->client.user_agent).text);
}

static unsigned refuse(unsigned status, const struct session *s, const struct session_open *in,
		       const char *why, const char **reason)
{
	log_notice("session.refused status=%u user=\"%s\" remote=%s why=\"%s\"", status,
		   s != nullptr ? show_name(session_username(s)).text : "", show_addr(&in->remote).text, why);
	*reason = why;
	return status;
}

unsigned session_reserve(struct sessions *a, const struct session_open *in, struct mono now,
			 struct session **out, const char **reason)
{
	struct session *s = session_usable(a, in->cookie, in->cookie_len, now);
	if (s == nullptr)
		return refuse(401, nullptr, in, "the cookie is unknown or has expired", reason);
	const char *why = refusal(a, s, in);
	if (why != nullptr)
		return refuse(401, s, in, why, reason);
	if (is_over_all(a, s)) /* overload, not a fault of the client: its cookie stays good */
		return refuse(503, s, in, "too many clients are connected (max-clients)", reason);
	why = lease_both(a, s, in);
	if (why != nullptr) {
		give_back(a, s);
		return refuse(503, s, in, why, reason);
	}
	s->is_entering = true;
	session_count_place(a, s);
	s->next_sid = a->next_sid++;
	*out = s;
	return 200;
}

void session_unreserve(struct sessions *a, struct session *s)
{
	s->is_entering = false;
	session_count_place(a, s);
	give_back(a, s);
}

unsigned session_enter(struct sessions *a, struct session *s, const struct session_open *in, struct mono now,
		       const char **reason)
{
	assert(s->is_entering);
	if (attach(a, s, in, now) != ERR_OK) {
		session_unreserve(a, s);
		return refuse(503, s, in, "the server is short of memory", reason);
	}
	s->is_entering = false;
	session_count_place(a, s);
	session_strap_rotate(&s->strap, &in->proof);
	session_put(a, s);
	session_begun(a, s);
	a->stats.opened++;
	log_open(s);
	if (a->ops.opened != nullptr)
		a->ops.opened(a->ops.ctx, s);
	return 200;
}

unsigned session_admit(struct sessions *a, const struct session_open *in, struct mono now,
		       struct session **out, const char **reason)
{
	struct session *s;
	unsigned status = session_reserve(a, in, now, &s, reason);
	if (status == 200)
		status = session_enter(a, s, in, now, reason);
	if (status == 200)
		*out = s;
	return status;
}

/* {{ close }} */

static void count_close(struct session_stats *st, enum msgs_cause cause, uint64_t secs)
{
	st->handled++;
	st->time_sum_s += secs;
	st->time_max_s = MAX(st->time_max_s, secs);
	if (cause == CAUSE_SESSION_TIMEOUT)
		st->timed_out++;
	if (cause == CAUSE_IDLE)
		st->timed_out_idle++;
	if (cause == CAUSE_NETWORK || cause == CAUSE_WORKER_LOST)
		st->closed_error++;
}

static void close_conn(struct sessions *a, struct session_conn *c, enum msgs_cause cause, uint64_t rx_bytes,
		       uint64_t tx_bytes, struct mono now)
{
	struct session *s = c->session;
	uint64_t secs = clock_secs(c->since, now);
	s->rx_bytes += rx_bytes;
	s->tx_bytes += tx_bytes;
	count_close(&a->stats, cause, secs);
	session_ended(a, &(struct session_over){ c->sid, c->worker, cause, rx_bytes, tx_bytes });
	log_info(
		"session.close sid=%llu user=\"%s\" remote=%s ipv4=%s ipv6=%s cause=%s rx=%llu tx=%llu secs=%llu",
		(unsigned long long)c->sid, show_name(session_username(s)).text, show_addr(&s->remote).text,
		show_prefix(&s->ipv4.addr).text, show_prefix(&s->ipv6.addr).text, session_cause_text(cause),
		(unsigned long long)rx_bytes, (unsigned long long)tx_bytes, (unsigned long long)secs);
	const struct session_end end = { c->sid, c->since_unix, rx_bytes, tx_bytes, secs, cause };
	if (a->ops.closed != nullptr)
		a->ops.closed(a->ops.ctx, s, &end);
	bool is_live = s->live == c;
	session_conn_drop(a, c);
	enum session_event ev = is_live ? SESSION_EV_CLOSED : SESSION_EV_SWEPT;
	if (!is_live && (s->state != SESSION_ENDING || s->conns_n > 0))
		return;
	const struct session_move m = { .now = now, .cause = cause };
	if (session_feed(a, s, ev, &m) != ERR_OK)
		assert(false);
}

void session_closed(struct sessions *a, uint32_t worker, uint64_t sid, enum msgs_cause cause,
		    uint64_t rx_bytes, uint64_t tx_bytes, struct mono now)
{
	struct session_conn *c;
	HASH_FIND(hh, a->by_sid, &sid, sizeof sid, c);
	if (c == nullptr) {
		session_loaded_closed(a, &(struct session_over){ sid, worker, cause, rx_bytes, tx_bytes },
				      now);
		return;
	}
	if (c->worker != worker)
		return;
	close_conn(a, c, cause, rx_bytes, tx_bytes, now);
}

void sessions_worker_lost(struct sessions *a, uint32_t worker, struct mono now)
{
	struct session_conn *c, *next;
	HASH_ITER(hh, a->by_sid, c, next)
		if (c->worker == worker)
			close_conn(a, c, CAUSE_WORKER_LOST, 0, 0, now);
}

static void kill_cookie(struct sessions *a, struct session *s, enum msgs_cause cause, struct mono now)
{
	const struct session_move m = { .now = now, .cause = cause };
	if (session_feed(a, s, SESSION_EV_REVOKED, &m) != ERR_OK)
		assert(s->state == SESSION_ENDING);
}

void session_logout(struct sessions *a, const uint8_t *cookie, size_t len, struct mono now)
{
	struct session *s = session_usable(a, cookie, len, now);
	if (s == nullptr)
		return;
	log_info("session.logout user=\"%s\" sid=%llu", show_name(session_username(s)).text,
		 (unsigned long long)s->sid);
	kill_cookie(a, s, CAUSE_USER, now);
}

/* With persistent-cookies the administrator ends the connection only, and the client may come back. */
static void disconnect(struct sessions *a, struct session *s, bool is_final, struct mono now)
{
	if (is_final || !session_vhost(a, s)->persistent_cookies)
		kill_cookie(a, s, is_final ? CAUSE_TERMINATED : CAUSE_ADMIN, now);
	else if (s->live != nullptr)
		a->ops.close(a->ops.ctx, s->worker, s->sid, CAUSE_ADMIN);
}

static bool is_meant(const struct session *s, const struct session_choice *which)
{
	bool any_name = which->username == nullptr || which->username[0] == '\0';
	if (any_name && which->sid == 0 && which->cookie_hash == nullptr)
		return false;
	return s->state != SESSION_ENDING && (which->sid == 0 || s->sid == which->sid) &&
	       (any_name || strcmp(session_username(s), which->username) == 0) &&
	       (which->cookie_hash == nullptr ||
		memcmp(s->cookie_hash, which->cookie_hash, SESSION_HASH_LEN) == 0);
}

uint32_t session_disconnect(struct sessions *a, const struct session_choice *which, bool is_final,
			    struct mono now)
{
	uint32_t n = 0;
	uint8_t hash[SESSION_HASH_LEN];
	struct session_choice meant = *which;
	struct session *s, *next;
	if (which->cookie_hash != nullptr) { /* it may be that of a session, which ends here */
		memcpy(hash, which->cookie_hash, sizeof hash);
		meant.cookie_hash = hash;
	}
	HASH_ITER(hh, a->by_cookie, s, next) {
		if (!is_meant(s, &meant))
			continue;
		n += is_final || s->state == SESSION_OPEN;
		disconnect(a, s, is_final, now);
	}
	return n;
}

/* {{ after a restart of the keeper }} */

static bool make_leases(struct sessions *a, struct session *s, const struct session_report *in)
{
	const struct vhost *v = session_vhost(a, s);
	uint8_t len6 = (uint8_t)v->ipv6_subnet_prefix;
	bool ok = in->ipv4.family == 0 ||
		  lease_claim(a->leases, &v->ipv4_network, 32, &in->ipv4, &s->ipv4) == ERR_OK;
	return ok && (in->ipv6.family == 0 ||
		      lease_claim(a->leases, &v->ipv6_network, len6, &in->ipv6, &s->ipv6) == ERR_OK);
}

/* The session of the report: known already, or made from it. */
static enum err report_session(struct sessions *a, const struct session_report *in, struct mono now,
			       struct session **out)
{
	struct session *s = session_find(a, in->cookie_hash);
	if (s != nullptr) {
		*out = s;
		bool is_same = s->loaded != nullptr && s->sid == in->sid;
		if (s->state == SESSION_ENDING || (s->sid >= in->sid && !is_same))
			return ERR_EXISTS;
		if (s->loaded != nullptr) { /* the worker has the last word */
			s->strap = in->strap;
			s->expires = in->expires;
		}
		return ERR_OK;
	}
	const struct session_login login = { .vhost = in->vhost < a->cfg->vhosts_n ? in->vhost : 0,
					     .username = in->username,
					     .group = in->group,
					     .remote = in->login,
					     .client = in->client };
	TRY(session_born(a, &login, in->cookie_hash, now, &s));
	s->logged_in_at = in->logged_in_at;
	s->strap = in->strap;
	s->timeout_s = in->timeout_s;
	s->has_cert = in->has_cert;
	s->logged_in = (struct mono){}; /* what the report says counts */
	if (in->files.n_texts > 0 && session_set_own(a, s, &in->files) != ERR_OK)
		log_warn("session.own_lost user=\"%s\"", show_name(in->username).text);
	s->expires = in->expires;
	*out = s;
	return ERR_OK;
}

static enum err restore(struct sessions *a, const struct session_report *in, struct mono now)
{
	struct session_conn *c;
	struct session *s;
	HASH_FIND(hh, a->by_sid, &in->sid, sizeof in->sid, c);
	if (c != nullptr || in->sid == 0)
		return ERR_EXISTS;
	TRY(report_session(a, in, now, &s));
	if ((s->sid == 0 || s->loaded != nullptr) && !make_leases(a, s, in)) {
		kill_cookie(a, s, CAUSE_TERMINATED, now);
		return ERR_EXISTS;
	}
	free(TAKE(s->loaded));
	c = session_conn_new(a, s, in->sid, in->worker, now);
	if (c == nullptr)
		return ERR_NOMEM;
	s->remote = in->remote;
	s->local = in->local;
	s->connected_at = in->connected_at;
	c->since_unix = in->connected_at;
	const struct session_move m = { .now = now, .conn = c, .app_id = in->app_id };
	a->stats.opened++;
	TRY(session_feed(a, s, SESSION_EV_OPENED, &m));
	session_put(a, s);
	session_begun(a, s);
	return ERR_OK;
}

enum err session_report(struct sessions *a, const struct session_report *in, struct mono now)
{
	a->next_sid = MAX(a->next_sid, in->sid + SESSION_SIDS_LEFT);
	enum err e = restore(a, in, now);
	if (e == ERR_OK)
		return ERR_OK;
	log_warn("session.report_refused sid=%llu user=\"%s\" worker=%u why=\"%s\"",
		 (unsigned long long)in->sid, show_name(in->username).text, in->worker, err_text(e));
	a->ops.close(a->ops.ctx, in->worker, in->sid, e == ERR_EXISTS ? CAUSE_REPLACED : CAUSE_TEMPORARY);
	return e;
}

/* {{ time }} */

void sessions_tick(struct sessions *a, struct mono now)
{
	if (!clock_is_past(now, a->next_deadline))
		return;
	struct mono earliest = { UINT64_MAX };
	a->next_deadline = earliest; /* what is set below counts anew */
	struct session *s, *next;
	HASH_ITER(hh, a->by_cookie, s, next) {
		if (!clock_is_past(now, s->deadline)) {
			earliest.ns = MIN(earliest.ns, s->deadline.ns);
			continue;
		}
		const struct session_move m = { .now = now, .cause = CAUSE_SESSION_TIMEOUT };
		if (session_feed(a, s, SESSION_EV_DUE, &m) != ERR_OK)
			assert(false);
	}
	a->next_deadline.ns = MIN(a->next_deadline.ns, earliest.ns);
}
