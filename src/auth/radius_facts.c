/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_facts.h"

#include <arpa/inet.h>
#include <radcli/radcli.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"

constexpr size_t LIST_MAX = 512; /* of routes, of groups */
constexpr size_t GROUP_MAX = 255;

/* {{ lists }} */

static enum err add_text(char ***list, size_t *n, const char *text, size_t len)
{
	if (*n >= LIST_MAX)
		return ERR_RANGE;
	char **grown = reallocarray(*list, *n + 1, sizeof(char *));
	if (grown == nullptr)
		return ERR_NOMEM;
	*list = grown;
	grown[*n] = strndup(text, len);
	if (grown[*n] == nullptr)
		return ERR_NOMEM;
	++*n;
	return ERR_OK;
}

static enum err add_class(Msg__Facts *f, const void *p, size_t len)
{
	ProtobufCBinaryData *grown = reallocarray(f->classes, f->n_classes + 1, sizeof *grown);
	if (grown == nullptr)
		return ERR_NOMEM;
	f->classes = grown;
	grown[f->n_classes] = (ProtobufCBinaryData){ .len = len, .data = malloc(len + 1) };
	if (grown[f->n_classes].data == nullptr)
		return ERR_NOMEM;
	memcpy(grown[f->n_classes++].data, p, len);
	return ERR_OK;
}

static enum err set_bytes(ProtobufCBinaryData *to, const void *p, size_t len)
{
	free(to->data);
	*to = (ProtobufCBinaryData){ .len = 0, .data = malloc(len) };
	if (to->data == nullptr)
		return ERR_NOMEM;
	memcpy(to->data, p, len);
	to->len = len;
	return ERR_OK;
}

static bool is_printable(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	return len > 0;
}

/* {{ texts }} */

enum err radius_facts_groups(Msg__Facts *f, const char *text, size_t len, char separator)
{
	if (len >= 3 && strncasecmp(text, "OU=", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0) {
		const char *end = memchr(text, separator, len);
		size_t n = end != nullptr ? (size_t)(end - text) : len;
		if (n <= GROUP_MAX && is_printable(text, n))
			TRY(add_text(&f->groups, &f->n_groups, text, n));
		size_t used = MIN(n + 1, len);
		text += used;
		len -= used;
	}
	return ERR_OK;
}

enum err radius_facts_route(const char *text, char *out, size_t cap)
{
	struct prefix p;
	char network[INET6_ADDRSTRLEN + 8], address[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, " \t");
	if (n == 0 || n >= sizeof network)
		return ERR_SYNTAX;
	memcpy(network, text, n);
	network[n] = '\0';
	if (config_prefix_parse(network, &p) != ERR_OK ||
	    inet_ntop(p.family, p.addr, address, sizeof address) == nullptr)
		return ERR_SYNTAX;
	return snprintf(out, cap, "%s/%u", address, p.len) < (int)cap ? ERR_OK : ERR_RANGE;
}

static enum err add_route(Msg__Facts *f, const VALUE_PAIR *vp)
{
	char text[AUTH_STRING_LEN + 1], route[INET6_ADDRSTRLEN + 8];
	size_t len = MIN((size_t)vp->lvalue, sizeof text - 1);
	memcpy(text, vp->strvalue, len);
	text[len] = '\0';
	TRY(radius_facts_route(text, route, sizeof route));
	return add_text(&f->routes, &f->n_routes, route, strlen(route));
}

/* {{ numbers and addresses }} */

static enum err add_server(char ***list, size_t *n, const VALUE_PAIR *vp)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a6;
	struct in_addr a4 = { htonl(vp->lvalue) };
	if (vp->type == PW_TYPE_IPV6ADDR) {
		if (rc_avpair_get_in6((VALUE_PAIR *)(uintptr_t)vp, &a6, nullptr) != 0)
			return ERR_SYNTAX;
		inet_ntop(AF_INET6, &a6, text, sizeof text);
	} else {
		inet_ntop(AF_INET, &a4, text, sizeof text);
	}
	return add_text(list, n, text, strlen(text));
}

/* 255.255.255.255: the client may choose, 255.255.255.254: the server does: both leave it to the pool. */
static enum err set_ipv4(Msg__Facts *f, const VALUE_PAIR *vp)
{
	uint32_t be = htonl(vp->lvalue);
	if (vp->lvalue >= 0xfffffffe || vp->lvalue == 0)
		return ERR_OK;
	if (f->ipv4_prefix_len == 0)
		f->ipv4_prefix_len = 32;
	return set_bytes(&f->ipv4, &be, sizeof be);
}

static enum err set_mask(Msg__Facts *f, const VALUE_PAIR *vp)
{
	uint32_t inverse = ~vp->lvalue;
	if ((inverse & (inverse + 1)) != 0)
		return ERR_SYNTAX;
	f->ipv4_prefix_len = (uint32_t)__builtin_popcount(vp->lvalue);
	return ERR_OK;
}

static enum err set_ipv6(ProtobufCBinaryData *to, uint32_t *prefix_len, const VALUE_PAIR *vp)
{
	struct in6_addr a;
	unsigned len = 128;
	if (rc_avpair_get_in6((VALUE_PAIR *)(uintptr_t)vp, &a, &len) != 0 || len > 128)
		return ERR_SYNTAX;
	*prefix_len = vp->type == PW_TYPE_IPV6ADDR ? 128 : len;
	return set_bytes(to, &a, sizeof a);
}

/* kilobits of the attribute to bytes. */
static uint64_t bytes_per_s(uint32_t kilobits)
{
	return (uint64_t)kilobits * 1000 / 8;
}

static enum err read_vendor(Msg__Facts *f, const VALUE_PAIR *vp)
{
	unsigned id = ATTRID(vp->attribute);
	if (VENDOR(vp->attribute) == VENDOR_MICROSOFT) {
		if (id == PW_MS_PRIMARY_DNS_SERVER || id == PW_MS_SECONDARY_DNS_SERVER)
			return add_server(&f->dns, &f->n_dns, vp);
		if (id == PW_MS_PRIMARY_NBNS_SERVER || id == PW_MS_SECONDARY_NBNS_SERVER)
			return add_server(&f->nbns, &f->n_nbns, vp);
	}
	if (VENDOR(vp->attribute) == VENDOR_ROARING_PENGUIN) {
		if (id == PW_RP_UPSTREAM_LIMIT)
			f->rx_per_s = bytes_per_s(vp->lvalue);
		if (id == PW_RP_DOWNSTREAM_LIMIT)
			f->tx_per_s = bytes_per_s(vp->lvalue);
	}
	return ERR_OK;
}

static enum err read_one(Msg__Facts *f, const VALUE_PAIR *vp, bool with_groups, char separator)
{
	size_t len = MIN((size_t)vp->lvalue, (size_t)AUTH_STRING_LEN);
	if (VENDOR(vp->attribute) != VENDOR_NONE)
		return read_vendor(f, vp);
	switch (ATTRID(vp->attribute)) {
	case PW_FRAMED_IP_ADDRESS: return set_ipv4(f, vp);
	case PW_FRAMED_IP_NETMASK: return set_mask(f, vp);
	case PW_FRAMED_IPV6_ADDRESS: return set_ipv6(&f->ipv6, &f->ipv6_prefix_len, vp);
	case PW_FRAMED_IPV6_PREFIX:
		return f->ipv6.len != 0 ? ERR_OK : set_ipv6(&f->ipv6, &f->ipv6_prefix_len, vp);
	case PW_DELEGATED_IPV6_PREFIX: return set_ipv6(&f->delegated, &f->delegated_prefix_len, vp);
	case PW_FRAMED_ROUTE:
	case PW_FRAMED_IPV6_ROUTE: return add_route(f, vp);
	case PW_DNS_SERVER_IPV6_ADDRESS: return add_server(&f->dns, &f->n_dns, vp);
	case PW_SESSION_TIMEOUT: f->session_timeout_s = vp->lvalue; return ERR_OK;
	case PW_IDLE_TIMEOUT: f->idle_timeout_s = vp->lvalue; return ERR_OK;
	case PW_ACCT_INTERIM_INTERVAL: f->interim_s = vp->lvalue; return ERR_OK;
	case PW_CLASS:
		TRY(add_class(f, vp->strvalue, len));
		return with_groups ? radius_facts_groups(f, vp->strvalue, len, separator) : ERR_OK;
	default: return ERR_OK; /* not ours */
	}
}

enum err radius_facts_read(Msg__Facts **out, VALUE_PAIR *list, bool with_groups, char separator)
{
	Msg__Facts *f = malloc(sizeof *f);
	if (f == nullptr)
		return ERR_NOMEM;
	msg__facts__init(f);
	for (VALUE_PAIR *vp = list; vp != nullptr; vp = rc_avpair_next(vp)) {
		enum err e = read_one(f, vp, with_groups, separator);
		if (e == ERR_NOMEM) {
			msg__facts__free_unpacked(f, nullptr);
			return e;
		}
		if (e != ERR_OK)
			log_warn("radius.attribute name=%s error=\"%s\" note=\"left out\"", vp->name,
				 err_text(e));
	}
	*out = f;
	return ERR_OK;
}
