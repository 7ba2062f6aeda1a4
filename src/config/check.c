/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check - problems of more than one line; an option whose own value was refused is not complained of again */
#include <string.h>
#include <sys/socket.h>

#include "config/auth.h"
#include "config/parse.h"
#include "config/priority.h"

constexpr uint32_t MTU_IPV6_LEAST = 1280; /* RFC 8200 */
constexpr uint8_t POOL_V4_MOST_LEN = 30; /* network, broadcast, server, one client */
constexpr size_t GROUPS_MOST = 512;
constexpr size_t GROUPS_FORM_MOST = 40 * 1024;
constexpr size_t OPTION_OVERHEAD = 34; /* <option value=""></option> and its line end */
constexpr size_t METRICS_LISTEN_MOST = 8;
constexpr size_t SECRET_MOST = 128;
constexpr size_t PROFILE_NAME_MOST = 128; /* percent-encoded it goes into a cookie */

/* One section and what it is about. */
struct scene {
	const struct config_parse *p;
	const struct vhost *v;
	const struct config_where *w;
	bool is_default;
};

static struct config_place at(const struct scene *s, enum config_option_id id)
{
	return (struct config_place){ .report = s->p->report, .file = s->p->file, .line = s->w->line[id] };
}

static bool is_set(const struct scene *s, enum config_option_id id)
{
	return s->w->line[id] != 0;
}

/* In this section or in the one it inherits from. */
static bool is_known(const struct scene *s, enum config_option_id id)
{
	return is_set(s, id) || s->p->where[0].line[id] != 0;
}

static enum err check_methods(const struct scene *s, enum config_option_id id, const char *key,
			      const struct authlist *list, config_method_check *check)
{
	for (size_t i = 0; is_set(s, id) && i < list->n; i++) {
		const struct auth_method *m = &list->v[i];
		struct config_place here = at(s, id);
		here.line = m->line;
		struct config_why why = {};
		if (check(m, &why) != ERR_OK)
			TRY(config_report_error(here, "%s = %s: %s", key, m->name, why.text));
	}
	return ERR_OK;
}

/* A token comes with the first request and names the user: nothing can stand before it. */
static enum err check_tokens(const struct scene *s)
{
	const struct authlist *l = &s->v->auth;
	for (size_t i = 1; is_set(s, OPTION_auth) && i < l->n; i++)
		if (config_is_token(&l->v[i]) ||
		    (config_is_token(&l->v[0]) && strcmp(l->v[i].name, "certificate") == 0))
			return config_report_error(
				at(s, OPTION_auth),
				"auth: gssapi must be the first, and goes not together with certificate; or use enable-auth");
	return ERR_OK;
}

static enum err check_auth(const struct scene *s)
{
	if (s->is_default && !is_set(s, OPTION_auth))
		return config_report_error(at(s, OPTION_auth),
					   "auth is missing; write auth = \"plain[passwd=FILE]\"");
	TRY(check_methods(s, OPTION_auth, "auth", &s->v->auth, config_auth_check));
	TRY(check_tokens(s));
	TRY(check_methods(s, OPTION_enable_auth, "enable-auth", &s->v->enable_auth, config_auth_check));
	if (is_set(s, OPTION_acct) && s->v->acct.n > 1)
		TRY(config_report_error(at(s, OPTION_acct), "acct: expected one method, radius or pam"));
	return check_methods(s, OPTION_acct, "acct", &s->v->acct, config_acct_check);
}

/* What a certificate says is the keeper's to judge; here only that nothing is left open. */
static enum err check_client_certs(const struct scene *s)
{
	if (!config_wants_certificate(s->v))
		return ERR_OK;
	const enum config_option_id at_id = is_set(s, OPTION_auth) ? OPTION_auth : OPTION_enable_auth;
	if (s->v->ca_cert == nullptr)
		TRY(config_report_error(
			at(s, at_id),
			"method certificate without ca-cert; name the file of the authorities that sign clients"));
	if (s->v->cert_user_oid == nullptr)
		TRY(config_report_error(
			at(s, at_id),
			"method certificate without cert-user-oid; name the field with the user: 2.5.4.3 is the common "
			"name, 0.9.2342.19200300.100.1.1 the user id, SAN(rfc822name) the e-mail address"));
	if (s->v->client_ocsp_url != nullptr && strncmp(s->v->client_ocsp_url, "http://", 7) != 0)
		TRY(config_report_error(
			at(s, OPTION_client_ocsp_url),
			"client-ocsp-url = %s: expected http://HOST[:PORT][/PATH]; answers are signed, so they need no TLS",
			s->v->client_ocsp_url));
	return ERR_OK;
}

static enum err check_certs(const struct scene *s)
{
	const bool has_cert = is_set(s, OPTION_server_cert), has_key = is_set(s, OPTION_server_key);
	const size_t certs = s->v->server_cert.n, keys = s->v->server_key.n;
	if (!s->is_default && !has_cert && !has_key)
		return ERR_OK;
	const enum config_option_id at_id = has_cert ? OPTION_server_cert : OPTION_server_key;
	if (!has_cert || !has_key)
		return config_report_error(
			at(s, at_id), "%s is missing%s; each server-cert = FILE needs its server-key = FILE",
			has_cert ? "server-key" : "server-cert", s->is_default ? "" : " in this vhost");
	if (certs == keys)
		return ERR_OK;
	return config_report_error(
		at(s, OPTION_server_key),
		"%zu server-cert and %zu server-key; the n-th key belongs to the n-th certificate", certs,
		keys);
}

static enum err check_priorities(const struct scene *s)
{
	if (!is_set(s, OPTION_tls_priorities) && !is_set(s, OPTION_cisco_client_compat))
		return ERR_OK;
	struct priority p;
	struct config_why why = {};
	const bool is_compat = s->v->cisco_client_compat;
	if (priority_parse(&p, s->v->tls_priorities, &why) != ERR_OK)
		return is_set(s, OPTION_tls_priorities)
			       ? config_report_error(at(s, OPTION_tls_priorities), "tls-priorities = %s: %s",
						     s->v->tls_priorities, why.text)
			       : ERR_OK;
	if (is_compat && !priority_drop_tls13(&p))
		return config_report_error(
			at(s, OPTION_cisco_client_compat),
			"cisco-client-compat takes TLS 1.3 away and tls-priorities leaves nothing else; add +VERS-TLS1.2 "
			"with a cipher of it");
	return ERR_OK;
}

/* Methods whose cryptography is not the TLS library's. */
static enum err check_fips_methods(const struct scene *s, enum config_option_id id, const struct authlist *l)
{
	for (size_t i = 0; is_set(s, id) && i < l->n; i++) {
		const char *name = l->v[i].name;
		if (strcmp(name, "radius") == 0)
			TRY(config_report_error(at(s, id),
						"fips: radius hides passwords by MD5, which is not approved; "
						"use another method"));
		else if (strcmp(name, "plain") != 0 && strcmp(name, "certificate") != 0)
			TRY(config_report_warn(
				at(s, id),
				"fips: %s uses cryptographic libraries of its own, which must be "
				"validated, too",
				name));
	}
	return ERR_OK;
}

static enum err check_fips_module(const struct scene *s)
{
	if (s->p->config->fips != FIPS_ON || OCSERV_FIPS_MODULE)
		return ERR_OK;
	return config_report_error(
		at(s, OPTION_fips),
		"fips = true: this server is built with a wolfSSL that is no FIPS module; build it "
		"with one, or write fips = policy for the restrictions alone");
}

static enum err check_fips(const struct scene *s)
{
	struct priority p;
	struct config_why why = {};
	if (s->p->config->fips == FIPS_OFF)
		return ERR_OK;
	if (s->is_default)
		TRY(check_fips_module(s));
	TRY(check_fips_methods(s, OPTION_auth, &s->v->auth));
	TRY(check_fips_methods(s, OPTION_enable_auth, &s->v->enable_auth));
	TRY(check_fips_methods(s, OPTION_acct, &s->v->acct));
	if (s->v->dtls_prestandard && is_set(s, OPTION_dtls_prestandard))
		TRY(config_report_error(at(s, OPTION_dtls_prestandard),
					"fips: dtls-prestandard derives keys by MD5; remove the line"));
	if (priority_parse(&p, s->v->tls_priorities, &why) != ERR_OK ||
	    (s->v->cisco_client_compat && !priority_drop_tls13(&p)) || priority_keep_approved(&p))
		return ERR_OK; /* what cannot be parsed was complained of */
	return config_report_error(
		at(s, OPTION_tls_priorities),
		"fips leaves nothing of tls-priorities; add +AES-256-GCM and +GROUP-SECP256R1");
}

static enum err check_pool_v4(const struct scene *s)
{
	const struct prefix *net = &s->v->ipv4_network;
	if (!is_set(s, OPTION_ipv4_network) || net->family == 0)
		return ERR_OK;
	const struct config_place here = at(s, OPTION_ipv4_network);
	if (net->family != AF_INET)
		return config_report_error(here, "ipv4-network: this is an IPv6 network; write ipv6-network");
	if (net->len == 32)
		return config_report_error(
			here, "ipv4-network has no length; write address/24 or add ipv4-netmask");
	if (net->len > POOL_V4_MOST_LEN)
		return config_report_error(
			here, "ipv4-network: /%u has no address for a client; expected /%u or shorter",
			net->len, POOL_V4_MOST_LEN);
	return net->len == 0
		       ? config_report_error(
				 here, "ipv4-network: /0 is everything; expected a pool like 192.0.2.0/24")
		       : ERR_OK;
}

static enum err check_pool_v6(const struct scene *s)
{
	const struct prefix *net = &s->v->ipv6_network;
	if (!(is_set(s, OPTION_ipv6_network) || is_set(s, OPTION_ipv6_subnet_prefix)) || net->family == 0)
		return ERR_OK;
	const struct config_place here = at(s, OPTION_ipv6_network);
	if (net->family != AF_INET6)
		return config_report_error(here, "ipv6-network: this is an IPv4 network; write ipv4-network");
	if (net->len == 0 || net->len == 128)
		return config_report_error(
			here, "ipv6-network: expected a length from 1 to 127 like 2001:db8::/64");
	if (s->v->ipv6_subnet_prefix > net->len)
		return ERR_OK;
	return config_report_error(
		at(s, OPTION_ipv6_subnet_prefix),
		"ipv6-subnet-prefix = %u: expected more than the length of ipv6-network, %u",
		s->v->ipv6_subnet_prefix, net->len);
}

static enum err check_pool_exists(const struct scene *s)
{
	if (!s->is_default || is_set(s, OPTION_ipv4_network) || is_set(s, OPTION_ipv6_network))
		return ERR_OK;
	return config_report_error(
		at(s, OPTION_ipv4_network),
		"no addresses for clients; write ipv4-network = 192.168.1.0/24 or ipv6-network");
}

static enum err check_mtu(const struct scene *s)
{
	const uint32_t mtu = s->v->mtu;
	const bool is_ours = is_set(s, OPTION_mtu) || is_set(s, OPTION_ipv6_network);
	if (!is_ours || mtu == 0 || mtu >= MTU_IPV6_LEAST || s->v->ipv6_network.family == 0)
		return ERR_OK;
	return config_report_warn(at(s, OPTION_mtu), "mtu = %u: IPv6 needs %u; clients get no IPv6 address",
				  mtu, MTU_IPV6_LEAST);
}

static enum err check_names(const struct scene *s)
{
	for (size_t i = 0; is_set(s, OPTION_nbns) && i < s->v->nbns.n; i++)
		if (s->v->nbns.v[i].family != AF_INET)
			return config_report_error(at(s, OPTION_nbns), "nbns: expected IPv4 addresses");
	if (s->v->split_dns.n == 0 || !(is_set(s, OPTION_split_dns) || is_set(s, OPTION_tunnel_all_dns)))
		return ERR_OK;
	if (s->v->tunnel_all_dns)
		return config_report_warn(at(s, OPTION_tunnel_all_dns),
					  "tunnel-all-dns makes split-dns useless; remove one");
	if (!is_known(s, OPTION_dns))
		return config_report_warn(at(s, OPTION_split_dns),
					  "split-dns without dns: clients are told no name server");
	return ERR_OK;
}

/* Bytes of a text in a form, where & < > " ' become entities of at most six. */
static size_t escaped_len(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += strchr("&<>\"'", *text) != nullptr ? 6 : 1;
	return n;
}

/* Clients read a form into a buffer of their own; more is not known to work. */
static enum err check_groups_size(const struct scene *s)
{
	size_t bytes = 0;
	for (size_t i = 0; i < s->v->select_group.n; i++)
		bytes += OPTION_OVERHEAD + escaped_len(s->v->select_group.v[i].name) +
			 escaped_len(s->v->select_group.v[i].label);
	if (s->v->select_group.n > GROUPS_MOST)
		return config_report_error(at(s, OPTION_select_group),
					   "select-group: %zu groups; at most %zu", s->v->select_group.n,
					   GROUPS_MOST);
	if (bytes > GROUPS_FORM_MOST)
		return config_report_error(
			at(s, OPTION_select_group),
			"select-group: names and labels take %zu bytes of a form; at most %zu, use shorter ones",
			bytes, GROUPS_FORM_MOST);
	return ERR_OK;
}

/* What a client sends as it is written: RFC 3986 calls these unreserved. */
static bool is_unreserved(const char *text)
{
	for (; *text != '\0'; text++) {
		const bool alnum =
			(*text >= '0' && *text <= '9') || ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'z');
		if (!alnum && strchr("-._~", *text) == nullptr)
			return false;
	}
	return true;
}

static enum err check_camouflage(const struct scene *s)
{
	const char *secret = s->v->camouflage_secret, *realm = s->v->camouflage_realm;
	if (is_set(s, OPTION_camouflage) && s->v->camouflage && (secret == nullptr || *secret == '\0'))
		return config_report_error(at(s, OPTION_camouflage),
					   "camouflage without camouflage_secret; nobody could log in");
	if (is_set(s, OPTION_camouflage_secret) && secret != nullptr &&
	    (!is_unreserved(secret) || strlen(secret) > SECRET_MOST))
		return config_report_error(
			at(s, OPTION_camouflage_secret),
			"camouflage_secret: expected at most %zu letters, digits and - . _ ~", SECRET_MOST);
	if (!is_set(s, OPTION_camouflage_realm) || realm == nullptr)
		return ERR_OK;
	bool ok = strlen(realm) <= SECRET_MOST;
	for (const char *c = realm; *c != '\0'; c++)
		ok = ok && (uint8_t)*c >= 0x20 && *c != 0x7f && *c != '"' && *c != '\\';
	return ok ? ERR_OK
		  : config_report_error(at(s, OPTION_camouflage_realm),
					"camouflage_realm: expected at most %zu bytes without \" and \\",
					SECRET_MOST);
}

static enum err check_profile(const struct scene *s)
{
	const char *file = s->v->user_profile;
	if (!is_set(s, OPTION_user_profile) || file == nullptr)
		return ERR_OK;
	const char *slash = strrchr(file, '/');
	const size_t len = strlen(slash != nullptr ? slash + 1 : file);
	return len > 0 && len <= PROFILE_NAME_MOST
		       ? ERR_OK
		       : config_report_error(at(s, OPTION_user_profile),
					     "user-profile: expected a file with a name of at most %zu bytes",
					     PROFILE_NAME_MOST);
}

static enum err check_groups(const struct scene *s)
{
	if (is_set(s, OPTION_select_group))
		TRY(check_groups_size(s));
	if (is_known(s, OPTION_auto_select_group) && s->v->auto_select_group)
		return ERR_OK;
	if (!is_set(s, OPTION_default_select_group) || is_known(s, OPTION_select_group))
		return ERR_OK;
	return config_report_warn(at(s, OPTION_default_select_group),
				  "default-select-group has no effect without select-group");
}

static enum err check_udp(const struct scene *s)
{
	if (s->is_default || !is_set(s, OPTION_udp_port) || s->v->udp_port == 0 ||
	    s->p->config->vhosts[0].udp_port != 0)
		return ERR_OK;
	return config_report_warn(at(s, OPTION_udp_port),
				  "udp-port = %u: the server listens on no UDP port; set the global udp-port",
				  s->v->udp_port);
}

static enum err check_clients(const struct scene *s)
{
	const uint32_t most = s->p->config->max_clients;
	const struct prefix *net = &s->v->ipv4_network;
	if (is_set(s, OPTION_max_same_clients) && most != 0 && s->v->max_same_clients > most)
		TRY(config_report_warn(at(s, OPTION_max_same_clients),
				       "max-same-clients = %u is more than max-clients = %u",
				       s->v->max_same_clients, most));
	if (!s->is_default || net->family != AF_INET || net->len == 0 || net->len > POOL_V4_MOST_LEN)
		return ERR_OK;
	const uint64_t room = (UINT64_C(1) << (32 - net->len)) - 3; /* without network, broadcast, server */
	if (most <= room)
		return ERR_OK;
	return config_report_warn(at(s, OPTION_max_clients),
				  "max-clients = %u, but ipv4-network has %llu addresses for clients", most,
				  (unsigned long long)room);
}

static enum err check_users(const struct scene *s)
{
	const struct config *c = s->p->config;
	if (!s->is_default ||
	    (strcmp(c->run_as_user, c->keeper_user) != 0 && strcmp(c->run_as_user, c->control_user) != 0))
		return ERR_OK;
	return config_report_error(
		at(s, OPTION_run_as_user),
		"run-as-user = %s: workers need a user of their own, other than keeper-user and control-user",
		c->run_as_user);
}

static enum err check_metrics_user(const struct scene *s)
{
	const struct config *c = s->p->config;
	const char *const others[] = { c->run_as_user, c->keeper_user, c->control_user };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(c->metrics_user, others[i]) == 0)
			return config_report_error(
				at(s, OPTION_metrics_user),
				"metrics-user = %s: it needs a user of its own, other than run-as-user, keeper-user and control-user",
				c->metrics_user);
	return ERR_OK;
}

static enum err check_metrics(const struct scene *s)
{
	const struct strlist *l = &s->p->config->metrics_listen;
	struct prefix addr;
	uint16_t port;
	if (!s->is_default)
		return ERR_OK;
	if (l->n > METRICS_LISTEN_MOST)
		TRY(config_report_error(at(s, OPTION_metrics_listen),
					"metrics-listen: expected at most %zu lines", METRICS_LISTEN_MOST));
	for (size_t i = 0; i < l->n; i++)
		if (config_endpoint_parse(l->v[i], &addr, &port) != ERR_OK)
			TRY(config_report_error(
				at(s, OPTION_metrics_listen),
				"metrics-listen = %s: expected an address with a port, like 127.0.0.1:9443 or [::1]:9443",
				l->v[i]));
	if (is_set(s, OPTION_metrics_allow) && l->n == 0)
		TRY(config_report_warn(at(s, OPTION_metrics_allow),
				       "metrics-allow has no effect without metrics-listen"));
	return check_metrics_user(s);
}

/* Who adds routes by a command must remove them by one. */
static enum err check_route_commands(const struct scene *s)
{
	const struct config *c = s->p->config;
	if (!s->is_default || (c->route_add_cmd == nullptr) == (c->route_del_cmd == nullptr))
		return ERR_OK;
	const char *has = c->route_add_cmd != nullptr ? "route-add-cmd" : "route-del-cmd";
	return config_report_warn(
		at(s, c->route_add_cmd != nullptr ? OPTION_route_add_cmd : OPTION_route_del_cmd),
		"%s alone: routes that one command makes the other must remove; set both, or none", has);
}

enum err config_check(const struct config_parse *p)
{
	static enum err (*const checks[])(const struct scene *) = {
		check_auth,        check_client_certs, check_certs,   check_priorities,
		check_pool_exists, check_pool_v4,      check_pool_v6, check_mtu,
		check_names,       check_groups,       check_udp,     check_clients,
		check_users,       check_camouflage,   check_profile, check_route_commands,
		check_metrics,     check_fips,
	};
	for (size_t i = 0; i < p->config->vhosts_n; i++) {
		const struct scene s = {
			.p = p, .v = &p->config->vhosts[i], .w = &p->where[i], .is_default = i == 0
		};
		for (size_t k = 0; k < ARRAY_LEN(checks); k++)
			TRY(checks[k](&s));
	}
	return ERR_OK;
}
