/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/show.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/encode.h"
#include "config/user.h"
#include "control/human.h"
#include "control/quotas.h"

/* Of "Full session", which names a session where the cookie must not be shown */
constexpr size_t SHORT_NAME_LEN = 6;

json_t *show_text(const char *s)
{
	json_t *text = json_string(s);
	if (text != nullptr)
		return text;
	char *copy = strdup(s);
	if (copy == nullptr)
		return nullptr;
	for (char *p = copy; *p != '\0'; p++)
		*p = (uint8_t)*p < 0x80 ? *p : '?';
	text = json_string(copy);
	free(copy);
	return text;
}

/* {{ fields }} */

static void put(json_t *o, const char *key, const char *value)
{
	json_object_set_new(o, key, show_text(value));
}

static void put_known(json_t *o, const char *key, const char *value)
{
	if (*value != '\0')
		put(o, key, value);
}

static void put_int(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

/* ocserv writes these numbers as strings */
static void put_digits(json_t *o, const char *key, uint64_t value)
{
	put(o, key, human_number(value).s);
}

/* "Up since", "_Up since", "raw_up_since" */
static void put_time(json_t *o, const char *key, const char *human_key, const char *raw_key, uint64_t then,
		     uint64_t now)
{
	put(o, key, human_time(then).s);
	put(o, human_key, human_span(now > then ? now - then : 0).s);
	if (raw_key != nullptr)
		put_int(o, raw_key, then);
}

static void put_span(json_t *o, const char *key, const char *raw_key, uint64_t secs)
{
	put(o, key, human_span(secs).s);
	put_int(o, raw_key, secs);
}

static json_t *prefix_text(const struct prefix *p)
{
	bool v4 = p->family == AF_INET;
	uint8_t full = v4 ? 32 : 128;
	struct human ip = human_ip(p->addr, full / 8);
	if (p->len == full)
		return json_string(ip.s);
	if (p->len == 0)
		return json_string(v4 ? "default" : "::/0");
	if (!v4)
		return json_sprintf("%s/%u", ip.s, p->len);
	const uint32_t mask = htonl(UINT32_MAX << (32 - p->len));
	uint8_t bytes[4];
	memcpy(bytes, &mask, sizeof bytes);
	return json_sprintf("%s/%s", ip.s, human_ip(bytes, 4).s);
}

static void put_prefixes(json_t *o, const char *key, const struct prefixlist *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, prefix_text(&list->v[i]));
	json_object_set_new(o, key, array);
}

static void put_strings(json_t *o, const char *key, const struct strlist *list)
{
	json_t *array = json_array();
	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, show_text(list->v[i]));
	json_object_set_new(o, key, array);
}

/* {{ a session, part by part in ocserv's order }} */

static const struct vhost *vhost_of(const struct control *c, const Msg__Session *s)
{
	return &c->config->vhosts[s->vhost < c->config->vhosts_n ? s->vhost : 0];
}

struct vhost *show_own(const struct control *c, const Msg__Session *s)
{
	constexpr size_t TEXTS_MAX = 3; /* of the group, of the user, of the back end */
	struct config_user_text texts[TEXTS_MAX];
	struct config_report report OWNED(config_report_fini) = {};
	struct vhost *own = nullptr;
	if (s->n_texts == 0 || s->n_texts > TEXTS_MAX)
		return nullptr;
	for (size_t i = 0; i < s->n_texts; i++)
		texts[i] = (struct config_user_text){ .file = s->texts[i]->file,
						      .text = (const char *)s->texts[i]->text.data,
						      .len = s->texts[i]->text.len,
						      .is_alone = s->texts[i]->alone };
	if (config_user_make(&own, vhost_of(c, s), texts, s->n_texts, &report) != ERR_OK)
		return nullptr;
	return own;
}

static void put_who(json_t *o, const struct control *c, const Msg__Session *s)
{
	const struct vhost *v = vhost_of(c, s);
	put_int(o, "ID", s->sid);
	put(o, "Username", s->username);
	put(o, "Groupname", *s->group != '\0' ? s->group : "(none)");
	put(o, "State", s->connected ? "connected" : "disconnected");
	put(o, "vhost", *v->name != '\0' ? v->name : "default");
	put(o, "Device", c->tun_name);
}

static void put_ip(json_t *o, const char *key, const ProtobufCBinaryData *addr)
{
	put_known(o, key, human_ip(addr->data, addr->len).s);
}

static void put_addresses(json_t *o, const Msg__Session *s, const struct counters_live *live)
{
	if (live != nullptr)
		put_digits(o, "MTU", live->mtu);
	put_ip(o, "Remote IP", &s->remote_ip);
	put(o, "Location", "unknown");
	put_ip(o, "Local Device IP", &s->local_ip);
	put_ip(o, "IPv4", &s->ipv4);
	if (s->ipv4.len > 0)
		put_ip(o, "P-t-P IPv4", &s->server_ipv4);
	put_ip(o, "IPv6", &s->ipv6);
	if (s->ipv6.len > 0)
		put_ip(o, "P-t-P IPv6", &s->server_ipv6);
	put_known(o, "User-Agent", s->user_agent);
}

static void put_traffic(json_t *o, const Msg__Session *s, const struct counters_live *live, uint64_t now)
{
	const struct counters_live none = {};
	const struct counters_live *l = live != nullptr ? live : &none;
	uint64_t secs = now > s->connected_at ? now - s->connected_at : 1;
	put_digits(o, "RX", l->rx_bytes);
	put_digits(o, "TX", l->tx_bytes);
	put(o, "_RX", human_bytes(l->rx_bytes).s);
	put(o, "_TX", human_bytes(l->tx_bytes).s);
	put(o, "Average RX", human_rate(l->rx_bytes / secs).s);
	put(o, "Average TX", human_rate(l->tx_bytes / secs).s);
}

/* ocserv calls these clients mobile; dpd and mobile-dpd depend on it */
static bool is_mobile(const Msg__Session *s)
{
	return strncmp(s->device_platform, "android", 7) == 0 ||
	       strncmp(s->device_platform, "apple-ios", 9) == 0;
}

static void put_times(json_t *o, const struct vhost *v, const Msg__Session *s, uint64_t now)
{
	put_digits(o, "DPD", is_mobile(s) ? v->mobile_dpd : v->dpd);
	put_digits(o, "KeepAlive", v->keepalive);
	put_known(o, "Hostname", s->hostname);
	/* up to ocserv 1.1 the field was named without "Last": both, dashboards of either age work */
	put_time(o, "Connected at", "_Connected at", nullptr, s->connected_at, now);
	put_time(o, "Last connected at", "_Last connected at", "raw_connected_at", s->connected_at, now);
	put_time(o, "Session started at", "_Session started at", "raw_session_started_at", s->logged_in_at,
		 now);
}

/* ocserv shows these only where there is compression */
static void put_compression(json_t *o, const char *key, uint8_t method)
{
	static const char *const names[] = { "", "lz4", "lzs" };
	put_known(o, key, method < ARRAY_LEN(names) ? names[method] : "");
}

static void put_crypto(json_t *o, const Msg__Session *s, const struct counters_live *live)
{
	char name[ENCODE_BASE64_LEN(64) + 1] = "";
	size_t len;
	if (encode_to_base64(s->cookie_hash.data, s->cookie_hash.len, name, sizeof name - 1, &len) == ERR_OK)
		name[len] = '\0';
	put(o, "Full session", name);
	name[SHORT_NAME_LEN] = '\0';
	put(o, "Session", name);
	if (live == nullptr)
		return;
	put_known(o, "TLS ciphersuite", live->tls_cipher);
	if (live->has_dtls)
		put_known(o, "DTLS cipher", live->dtls_cipher);
	put_compression(o, "CSTP compression", live->pack_tls);
	put_compression(o, "DTLS compression", live->pack_udp);
}

static void put_limits(json_t *o, const struct vhost *v)
{
	if (v->rx_data_per_sec > 0)
		put(o, "Limit RX", human_rate(v->rx_data_per_sec).s);
	if (v->tx_data_per_sec > 0)
		put(o, "Limit TX", human_rate(v->tx_data_per_sec).s);
}

static json_t *ports_text(const struct vhost *v)
{
	struct config_ports ports = {};
	json_t *array = json_array();
	if (v->restrict_user_to_ports == nullptr ||
	    config_ports_parse(v->restrict_user_to_ports, &ports) != ERR_OK)
		return array;
	for (size_t i = 0; i < ports.n; i++) {
		const char *not = ports.is_deny ? "!" : "", *name = config_ports_name(ports.v[i].protocol);
		uint16_t port = ports.v[i].port;
		json_array_append_new(array, port == 0 ? json_sprintf("%s%s()", not, name)
						       : json_sprintf("%s%s(%u)", not, name, port));
	}
	return array;
}

static void put_routes(json_t *o, const struct vhost *v)
{
	put_prefixes(o, "DNS", &v->dns);
	put_prefixes(o, "NBNS", &v->nbns);
	put_strings(o, "Split-DNS-Domains", &v->split_dns);
	put_prefixes(o, "Routes", &v->route);
	put_prefixes(o, "No-routes", &v->no_route);
	put_prefixes(o, "iRoutes", &v->iroute);
	put(o, "Restricted to routes", v->restrict_user_to_routes ? "True" : "False");
	json_object_set_new(o, "Restricted to ports", ports_text(v));
}

json_t *show_session(const struct control *c, const Msg__Session *s, const struct counters_live *live,
		     uint64_t now)
{
	struct vhost *own OWNED(config_user_freep) = show_own(c, s);
	const struct vhost *v = own != nullptr ? own : vhost_of(c, s);
	json_t *o = json_object();
	put_who(o, c, s);
	put_addresses(o, s, live);
	put_limits(o, v);
	put_traffic(o, s, live, now);
	put_times(o, v, s, now);
	put_crypto(o, s, live);
	put_routes(o, v);
	if (s->connected)
		put_int(o, "Worker", s->worker);
	return o;
}

/* {{ the server }} */

static json_t *show_guard_counts(const Msg__SupervisorStatus *s)
{
	json_t *counts = json_object();
	for (size_t i = 0; i < s->n_guard; i++)
		put_int(counts, s->guard[i]->name, s->guard[i]->n);
	return counts;
}

json_t *show_processes(const Msg__SupervisorStatus *s)
{
	json_t *processes = json_array(), *features = json_array();
	for (size_t i = 0; i < s->n_processes; i++) {
		const Msg__Process *p = s->processes[i];
		json_array_append_new(processes, json_pack("{s:o, s:I, s:I, s:b}", "name", show_text(p->name),
							   "pid", (json_int_t)p->pid, "restarts",
							   (json_int_t)p->restarts, "ready", (int)p->ready));
	}
	for (size_t i = 0; i < s->n_features; i++)
		json_array_append_new(features, show_text(s->features[i]));
	json_t *o = json_pack("{s:o, s:o}", "Processes", processes, "Features", features);
	if (s->n_guard > 0)
		json_object_set_new(o, "Guard in the kernel", show_guard_counts(s));
	return o;
}

static json_int_t pid_of(json_t *processes, const char *name)
{
	size_t i;
	json_t *p;
	json_array_foreach(json_object_get(processes, "Processes"), i, p)
	{
		if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0)
			return json_integer_value(json_object_get(p, "pid"));
	}
	return 0;
}

static void put_general(json_t *o, const struct control *c, const Msg__KeeperStatus *k, json_t *processes,
			uint64_t now)
{
	put(o, "Status", "online");
	put_int(o, "Server PID", c->supervisor_pid);
	put_int(o, "Sec-mod PID", (uint64_t)pid_of(processes, "keeper"));
	put_int(o, "Sec-mod instance count", 1);
	put_time(o, "Up since", "_Up since", "raw_up_since", c->started_at, now);
	put_int(o, "uptime", now > c->started_at ? now - c->started_at : 0);
	put_int(o, "Active sessions", k->active);
	put_int(o, "Total sessions", k->total);
	put_int(o, "Total authentication failures", k->auth_failures);
	/* TLS sessions live in tickets, not in a table; latency of workers is not measured */
	put_int(o, "IPs in ban list", k->banned);
	put_int(o, "TLS DB entries", 0);
	put_int(o, "Sec-mod client entries", k->cookies);
}

static void put_period(json_t *o, const struct control *c, const Msg__KeeperStatus *k, uint64_t now)
{
	/* a new keeper counts from its own beginning */
	const uint64_t began = k->period_began_at != 0 ? k->period_began_at
			       : k->stats_since != 0   ? k->stats_since
						       : c->started_at;
	put_time(o, "Last stats reset", "_Last stats reset", "raw_last_stats_reset", began, now);
	put_int(o, "Sessions handled", k->handled);
	put_int(o, "Timed out sessions", k->timed_out);
	put_int(o, "Timed out (idle) sessions", k->timed_out_idle);
	put_int(o, "Closed due to error sessions", k->closed_error);
	put_int(o, "Authentication failures", k->period_auth_failures);
	put_span(o, "Average auth time", "raw_avg_auth_time", k->auth_time_avg_ms / 1000);
	put_span(o, "Max auth time", "raw_max_auth_time", k->auth_time_max_ms / 1000);
	put_span(o, "Average session time", "raw_avg_session_time", k->session_time_avg_s);
	put_span(o, "Max session time", "raw_max_session_time", k->session_time_max_s);
}

static void put_volume(json_t *o, const struct counters *c, const struct counters_index *ix)
{
	uint32_t least, most;
	uint64_t rx = 0, tx = 0;
	for (unsigned i = 0; i < c->n; i++) {
		rx += stats_read(&c->regions[i]->c.rx_bytes);
		tx += stats_read(&c->regions[i]->c.tx_bytes);
	}
	counters_mtus(ix, &least, &most);
	if (most > 0) {
		put_int(o, "Min MTU", least);
		put_int(o, "Max MTU", most);
	}
	put(o, "RX", human_bytes(rx).s);
	put_int(o, "raw_rx", rx);
	put(o, "TX", human_bytes(tx).s);
	put_int(o, "raw_tx", tx);
}

/* Only in ocserv-modern: what survives a restart. */
static void put_store(json_t *o, const Msg__KeeperStatus *k)
{
	json_t *store = json_object();
	put(store, "State", k->store);
	put_int(store, "Errors", k->store_errors);
	put_int(store, "Lost records", k->store_lost_records);
	put_int(store, "Late logins", k->store_late);
	put_int(store, "Changes", k->store_written);
	put_int(store, "Transactions", k->store_commits);
	json_object_set_new(o, "Store", store);
}

/* Only in ocserv-modern: what of a login is no fault of the user, and records that an accounting server has not taken. */
static void put_auth(json_t *o, const Msg__KeeperStatus *k)
{
	json_t *auth = json_object(), *broken = json_object(), *acct = json_object();
	for (size_t i = 0; i < k->n_broken; i++)
		put_int(broken, k->broken[i]->method, k->broken[i]->n);
	put_int(auth, "Succeeded", k->logins);
	put_int(auth, "Failed", k->auth_failures);
	put_int(auth, "Back end broken", k->auth_broken);
	json_object_set_new(auth, "Broken methods", broken);
	json_object_set_new(o, "Authentication", auth);
	put_int(acct, "Waiting", k->acct_waiting);
	put_int(acct, "Lost", k->acct_lost);
	json_object_set_new(o, "Accounting", acct);
}

json_t *show_status(const struct control *c, const Msg__KeeperStatus *k, json_t *processes,
		    const struct counters_index *ix, uint64_t now)
{
	json_t *o = json_object();
	put_general(o, c, k, processes, now);
	put_period(o, c, k, now);
	put_volume(o, &c->counters, ix);
	put_auth(o, k);
	put_store(o, k);
	json_object_set_new(o, "Quotas", quotas_status(k));
	json_object_update(o, processes);
	return o;
}

json_t *show_stats(const struct counters *c)
{
	json_t *workers = json_array(), *total = json_object();
	for (unsigned i = 0; i < c->n; i++)
		json_array_append_new(workers, json_object());
#define STAT(name, help)                                                 \
	{                                                                \
		uint64_t sum = 0;                                        \
		for (unsigned i = 0; i < c->n; i++) {                    \
			uint64_t v = stats_read(&c->regions[i]->c.name); \
			put_int(json_array_get(workers, i), #name, v);   \
			sum += v;                                        \
		}                                                        \
		put_int(total, #name, sum);                              \
	}
#include "ipc/stats.def"
#undef STAT
	return json_pack("{s:o, s:o}", "total", total, "workers", workers);
}
