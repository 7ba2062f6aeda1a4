/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/trouble.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/log.h"
#include "keeper/keeper.h"

constexpr uint64_t LOOK_S = 5;
constexpr uint64_t AGAIN_S = 600, CERT_AGAIN_S = 86'400;

/* {{ clock }} */

bool trouble_clock(struct trouble *t, int64_t unix_now, struct mono now, int64_t *by_s)
{
	const int64_t offset_s = unix_now - (int64_t)(now.ns / 1'000'000'000), by = offset_s - t->offset_s;
	bool has_jumped = t->has_offset && (uint64_t)(by < 0 ? -by : by) > TROUBLE_CLOCK_S;
	t->offset_s = offset_s;
	t->has_offset = true;
	*by_s = by;
	return has_jumped;
}

static void look_at_clock(struct trouble *t, struct mono now)
{
	int64_t by_s;
	bool has_jumped = trouble_clock(t, time(nullptr), now, &by_s);
	if (alarm_feed(&t->clock, has_jumped, AGAIN_S, now))
		log_warn(
			"clock.jumped by_s=%lld count=%llu hint=\"the clock of the machine was set; one-time codes, Kerberos and certificates "
			"depend on it\"",
			(long long)by_s, (unsigned long long)t->clock.n);
}

/* {{ pools }} */

struct fullest {
	struct prefix net;
	uint64_t used, size;
};

static void look_at_pool(void *ctx, const struct prefix *net, uint8_t, uint64_t used, uint64_t size)
{
	struct fullest *f = ctx;
	if (size > 0 && used * 100 >= size * TROUBLE_POOL_PERCENT &&
	    (f->size == 0 || used * f->size > f->used * size))
		*f = (struct fullest){ *net, used, size };
}

static void look_at_pools(struct keeper *k, struct mono now)
{
	struct fullest f = {};
	char text[INET6_ADDRSTRLEN] = "";
	leases_each_pool(k->sessions.leases, look_at_pool, &f);
	if (!alarm_feed(&k->trouble.pool, f.size > 0, AGAIN_S, now))
		return;
	inet_ntop(f.net.family, f.net.addr, text, sizeof text);
	log_warn(
		"pool.nearly_used network=%s/%u used=%llu size=%llu hint=\"make %s larger, or cookie-timeout shorter\"",
		text, f.net.len, (unsigned long long)f.used, (unsigned long long)f.size,
		f.net.family == AF_INET ? "ipv4-network" : "ipv6-network");
}

/* {{ certificates }} */

static const char *shown(const char *vhost)
{
	return *vhost != '\0' ? vhost : "default";
}

static void look_at_certs(struct keeper *k, struct mono now)
{
	struct trouble *t = &k->trouble;
	const struct edition *g = &k->now;
	const int64_t unix_now = time(nullptr);
	const char *soon = nullptr, *over = nullptr;
	int64_t least = TROUBLE_CERT_S;
	for (size_t i = 0; i < g->certs_n; i++) {
		const char *vhost = shown(g->cfg->vhosts[g->certs[i].vhost].name);
		const int64_t end = key_not_after(g->keys[g->certs[i].key]), left = end - unix_now;
		if (end != 0 && left < 0) {
			over = vhost;
		} else if (end != 0 && left < least) {
			least = left;
			soon = vhost;
		}
	}
	if (alarm_feed(&t->cert, soon != nullptr, CERT_AGAIN_S, now))
		log_warn(
			"cert.expires_soon vhost=%s hours_left=%lld hint=\"renew server-cert, then occtl reload\"",
			soon, (long long)(least / 3600));
	if (alarm_feed(&t->expired, over != nullptr, CERT_AGAIN_S, now))
		log_err("cert.has_expired vhost=%s hint=\"clients refuse the server: renew server-cert, then occtl reload\"",
			over);
}

/* {{ back ends }} */

void trouble_answered(void *ctx, const char *method, struct mono begun, struct mono now)
{
	struct keeper *k = ctx;
	const uint64_t ms = now.ns > begun.ns ? (now.ns - begun.ns) / 1'000'000 : 0;
	if (alarm_feed(&k->trouble.back, ms >= TROUBLE_BACK_MS, AGAIN_S, now))
		log_warn("backend.slow method=%s ms=%llu hint=\"logins wait for it\"", method,
			 (unsigned long long)ms);
}

/* {{ all }} */

void trouble_tick(struct keeper *k, struct mono now)
{
	struct trouble *t = &k->trouble;
	if (!clock_is_past(now, t->tick_at))
		return;
	t->tick_at = clock_add_s(now, 1);
	look_at_clock(t, now);
	if (!clock_is_past(now, t->look_at))
		return;
	t->look_at = clock_add_s(now, LOOK_S);
	look_at_pools(k, now);
	look_at_certs(k, now);
}

void trouble_status(const struct trouble *t, Msg__KeeperStatus *out)
{
	out->clock_jumps = t->clock.n;
	out->pool_alarms = t->pool.n;
	out->cert_alarms = t->cert.n + t->expired.n;
	out->back_alarms = t->back.n;
}
