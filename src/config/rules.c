/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/rules.h"

#include <ctype.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "config/netprio.h"
#include "config/user.h"

constexpr size_t HEADER_MOST = 4000; /* Cisco's clients: lines below 4 KB */

/* Neither control characters nor broken UTF-8: values go into XML, HTTP headers and logs. */
static bool is_text(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	while (*s != 0) {
		const unsigned c = *s++;
		size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
		if ((c < ' ' && c != '\t') || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4)
			return false;
		/* not overlong, no surrogates, nothing beyond U+10FFFF */
		if ((c == 0xe0 && *s < 0xa0) || (c == 0xed && *s > 0x9f) || (c == 0xf0 && *s < 0x90) ||
		    (c == 0xf4 && *s > 0x8f))
			return false;
		for (; more > 0; more--)
			if ((*s++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static bool is_device(const char *s)
{
	return strlen(s) < IF_NAMESIZE && strpbrk(s, "/%: \t") == nullptr && strcmp(s, ".") != 0 &&
	       strcmp(s, "..") != 0;
}

static bool is_user(const char *s)
{
	return *s != '-' && strpbrk(s, ":/ \t") == nullptr;
}

static bool is_host(const char *s)
{
	return *s != '\0' && strpbrk(s, " \t,/[]%\"") == nullptr;
}

static bool is_socket_path(const char *s)
{
	return strlen(s) < sizeof((struct sockaddr_un *)nullptr)->sun_path;
}

/* RFC 9110: a token, a colon, a value. */
static bool is_header(const char *s)
{
	const char *colon = strchr(s, ':');
	if (colon == nullptr || colon == s || strlen(s) > HEADER_MOST)
		return false;
	for (; s < colon; s++)
		if (!isalnum((unsigned char)*s) && strchr("!#$%&'*+-.^_`|~", *s) == nullptr)
			return false;
	return true;
}

/* Words of lz4 and lzs, also in the spelling of the wire. */
static bool is_compression_order(const char *s)
{
	static const char between[] = " \t,:;";
	static const char *const known[] = { "lz4", "oc-lz4", "lzs" };
	size_t words_n = 0;
	for (s += strspn(s, between); *s != '\0'; s += strspn(s, between), words_n++) {
		const size_t n = strcspn(s, between);
		bool found = false;
		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			found = found || (strlen(known[i]) == n && strncasecmp(s, known[i], n) == 0);
		if (!found)
			return false;
		s += n;
	}
	return words_n > 0;
}

/* It goes to clients in one header, of which they take only so much. */
static bool is_url(const char *s)
{
	return strlen(s) <= HEADER_MOST && strpbrk(s, " \t\"<>") == nullptr && strstr(s, "://") != nullptr;
}

static bool is_mask(const char *s)
{
	uint8_t len = 0;
	return config_prefix_parse_mask(s, &len) == ERR_OK;
}

static bool is_host_of(const char *s, uint16_t family)
{
	struct prefix p;
	return config_prefix_parse(s, &p) == ERR_OK && p.family == family &&
	       p.len == (family == AF_INET ? 32 : 128);
}

static bool is_host4(const char *s)
{
	return is_host_of(s, AF_INET);
}

static bool is_host6(const char *s)
{
	return is_host_of(s, AF_INET6);
}

static bool is_iroute(const char *s)
{
	struct prefix p;
	return config_prefix_parse(s, &p) == ERR_OK && p.len > 0;
}

static bool is_ports(const char *s)
{
	struct config_ports ports;
	return config_ports_parse(s, &ports) == ERR_OK;
}

static bool is_net_priority(const char *s)
{
	struct netprio p;
	return netprio_parse(s, &p) == ERR_OK;
}

static const struct {
	enum config_option_id id;
	bool (*is_right)(const char *text);
	const char *expected;
} rules[] = {
	{ OPTION_device, is_device, "expected a name of at most 15 characters like vpns" },
	{ OPTION_run_as_user, is_user, "expected the name of a user" },
	{ OPTION_run_as_group, is_user, "expected the name of a group" },
	{ OPTION_keeper_user, is_user, "expected the name of a user" },
	{ OPTION_control_user, is_user, "expected the name of a user" },
	{ OPTION_listen_host, is_host, "expected one address or host name; write a line for each" },
	{ OPTION_udp_listen_host, is_host, "expected one address or host name; write a line for each" },
	{ OPTION_occtl_socket_file, is_socket_path, "expected a path of at most 107 bytes" },
	{ OPTION_custom_header, is_header, "expected a header like \"X-Name: value\" of at most 4000 bytes" },
	{ OPTION_included_http_headers, is_header,
	  "expected a header like \"X-Name: value\" of at most 4000 bytes" },
	{ OPTION_compression_algo_priority, is_compression_order,
	  "expected lz4 and lzs in order, like lz4, lzs" },
	{ OPTION_proxy_url, is_url, "expected a URL like http://proxy.example.com/proxy.pac" },
	{ OPTION_explicit_ipv4, is_host4, "expected an IPv4 address like 192.0.2.7" },
	{ OPTION_explicit_ipv6, is_host6, "expected an IPv6 address like 2001:db8::7" },
	{ OPTION_iroute, is_iroute, "expected a network like 192.0.2.0/24, not all of them" },
	{ OPTION_restrict_user_to_ports, is_ports,
	  "expected protocols with a port or none, like tcp(443), udp(53), icmp(), or !(tcp(25)) for all but these" },
	{ OPTION_net_priority, is_net_priority,
	  "expected 0 to 6, a byte like 0x20, or a class like EF, CS4, AF21" },
	{ OPTION_ipv4_netmask, is_mask, "expected a mask of ones and then zeros like 255.255.255.0" },
};

enum err config_rules_check(enum config_option_id id, const char *text, struct config_why *why)
{
	if (!is_text(text)) {
		config_why_set(why, "expected a text in UTF-8 without control characters");
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].id != id || rules[i].is_right(text))
			continue;
		config_why_set(why, "%s", rules[i].expected);
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

static enum err merge_mask(struct config_parse *p, const struct config_where *w, struct vhost *v)
{
	struct prefix *net = &v->ipv4_network;
	uint8_t len = 0;
	if (net->family != AF_INET || v->ipv4_netmask == nullptr ||
	    config_prefix_parse_mask(v->ipv4_netmask, &len) != ERR_OK)
		return ERR_OK;
	const uint32_t line = w->line[OPTION_ipv4_netmask];
	if (net->len == 32) {
		net->len = len; /* written without a length */
		return ERR_OK;
	}
	if (net->len == len || line == 0)
		return ERR_OK;
	const struct config_place at = { .report = p->report, .file = p->file, .line = line };
	return config_report_warn(
		at, "ipv4-netmask = %s contradicts the length of ipv4-network, /%u, which counts",
		v->ipv4_netmask, net->len);
}

enum err config_rules_merge_masks(struct config_parse *p, size_t vhost)
{
	struct vhost *v = &p->config->vhosts[vhost];
	TRY(merge_mask(p, &p->where[vhost], v));
	config_prefix_mask(&v->ipv4_network);
	config_prefix_mask(&v->ipv6_network);
	return ERR_OK;
}
