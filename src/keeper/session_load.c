/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/session_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "keeper/facts.h"
#include "keeper/session_life.h"
#include "keeper/show.h"

static enum err load_own(struct sessions *a, struct session *s, const Msg__UserFiles *files)
{
	s->logged_in = (struct mono){}; /* session-timeout is what it was */
	return files->n_texts > 0 ? session_set_own(a, s, files) : ERR_OK;
}

enum err session_load(struct sessions *a, const struct session_report *in, uint64_t alive_s,
		      uint64_t rx_bytes, uint64_t tx_bytes, struct mono now)
{
	if (in->vhost >= a->cfg->vhosts_n)
		return ERR_RANGE;
	if (session_find(a, in->cookie_hash) != nullptr)
		return ERR_EXISTS;
	const struct session_login login = { .vhost = in->vhost,
					     .username = in->username,
					     .group = in->group,
					     .remote = in->login,
					     .client = in->client };
	struct session_loaded *loaded = calloc(1, sizeof *loaded);
	struct session *s = nullptr;
	if (loaded == nullptr || session_born(a, &login, in->cookie_hash, now, &s) != ERR_OK) {
		free(loaded);
		return ERR_NOMEM;
	}
	*loaded = (struct session_loaded){ in->ipv4, in->ipv6, in->is_over };
	s->loaded = loaded;
	if (facts_copy(&s->facts, in->facts) != ERR_OK || load_own(a, s, &in->files) != ERR_OK) {
		/* without what limits him the user would be more than he may */
		const struct session_move m = { .now = now, .cause = CAUSE_TERMINATED };
		return session_feed(a, s, SESSION_EV_REVOKED, &m) == ERR_OK ? ERR_CONFIG : ERR_PROTO;
	}
	s->sid = in->sid;
	s->worker = in->worker;
	s->remote = in->remote;
	s->local = in->local;
	s->strap = in->strap;
	memcpy(s->app_id, in->app_id, sizeof s->app_id);
	s->logged_in_at = in->logged_in_at;
	s->connected_at = in->connected_at;
	s->timeout_s = in->timeout_s;
	s->has_cert = in->has_cert;
	s->expires = in->expires;
	s->rx_bytes = rx_bytes;
	s->tx_bytes = tx_bytes;
	session_set_deadline(a, s, clock_add_s(now, alive_s));
	sessions_skip_sids(a, in->sid);
	return ERR_OK;
}

void sessions_skip_sids(struct sessions *a, uint64_t last)
{
	a->next_sid = MAX(a->next_sid, last + SESSION_SIDS_LEFT);
}

static void claim(struct sessions *a, const struct session *s, const struct prefix *net, uint8_t unit_len,
		  const struct prefix *wanted, bool is_fixed, struct lease *lease)
{
	if (wanted->family == 0 || lease->addr.family != 0)
		return;
	enum err e = lease_claim(a->leases, net, unit_len, wanted, lease);
	if (e == ERR_OK && lease->pool == nullptr &&
	    !is_fixed) { /* not of the configuration of now: nobody would find the way to it */
		lease_give(a->leases, lease);
		e = ERR_NOTFOUND;
	}
	if (e != ERR_OK)
		log_notice("session.address_lost user=\"%s\" address=%s: it gets another",
			   show_name(session_username(s)).text, show_prefix(wanted).text);
}

void sessions_settle(struct sessions *a)
{
	for (struct session *s = a->by_cookie; s != nullptr; s = s->hh.next) {
		if (s->loaded == nullptr)
			continue;
		const struct vhost *v = session_vhost(a, s);
		claim(a, s, &v->ipv4_network, 32, &s->loaded->ipv4,
		      v->explicit_ipv4.family != 0 || facts_ipv4(s->facts).family != 0, &s->ipv4);
		claim(a, s, &v->ipv6_network, (uint8_t)v->ipv6_subnet_prefix, &s->loaded->ipv6,
		      v->explicit_ipv6.family != 0 || facts_ipv6(s->facts).family != 0, &s->ipv6);
		free(TAKE(s->loaded));
	}
}

void session_loaded_closed(struct sessions *a, const struct session_over *e, struct mono now)
{
	session_ended(a, e); /* also of a connection that had been replaced */
	for (struct session *s = a->by_cookie; s != nullptr; s = s->hh.next) {
		if (s->loaded == nullptr || s->sid != e->sid || s->worker != e->worker)
			continue;
		if (s->loaded->is_over) /* said again, because the last keeper could not confirm it */
			return;
		s->loaded->is_over = true;
		s->rx_bytes += e->rx_bytes;
		s->tx_bytes += e->tx_bytes;
		uint32_t life = session_life_s(a, s, e->cause);
		session_set_deadline(a, s, clock_add_s(now, life));
		session_put(a, s);
		return;
	}
}
