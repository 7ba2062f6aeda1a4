/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "auth/radius_facts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "auth/fact.h"
#include "base/buf.h"
#include "base/log.h"

constexpr size_t GROUP_MAX = 255;

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
			TRY(fact_add_text(&f->groups, &f->n_groups, text, n));
		size_t used = MIN(n + 1, len);
		text += used;
		len -= used;
	}
	return ERR_OK;
}

static enum err add_route(Msg__Facts *f, const struct radius_attribute *a)
{
	char text[RADIUS_VALUE_MAX + 1], route[INET6_ADDRSTRLEN + 8];
	memcpy(text, a->value, a->len);
	text[a->len] = '\0';
	TRY(fact_route(text, route, sizeof route));
	return fact_add_text(&f->routes, &f->n_routes, route, strlen(route));
}

/* {{ numbers and addresses }} */

static enum err read_number(const struct radius_attribute *a, uint32_t *out)
{
	struct reader r = reader_of(a->value, a->len);
	uint32_t n = reader_u32be(&r);
	if (!reader_ok(&r) || r.left != 0)
		return ERR_SYNTAX;
	*out = n;
	return ERR_OK;
}

static enum err add_server(char ***list, size_t *n, const struct radius_attribute *a, int family)
{
	char text[INET6_ADDRSTRLEN];
	if (a->len != (family == AF_INET ? 4 : 16) ||
	    inet_ntop(family, a->value, text, sizeof text) == nullptr)
		return ERR_SYNTAX;
	return fact_add_text(list, n, text, strlen(text));
}

/* 255.255.255.255: the client may choose, 255.255.255.254: the server does: both leave it to the pool. */
static enum err set_ipv4(Msg__Facts *f, const struct radius_attribute *a)
{
	uint32_t n;
	TRY(read_number(a, &n));
	if (n >= 0xfffffffe || n == 0)
		return ERR_OK;
	if (f->ipv4_prefix_len == 0)
		f->ipv4_prefix_len = 32;
	return fact_set_bytes(&f->ipv4, a->value, a->len);
}

static enum err set_mask(Msg__Facts *f, const struct radius_attribute *a)
{
	uint32_t mask;
	TRY(read_number(a, &mask));
	uint32_t inverse = ~mask;
	if ((inverse & (inverse + 1)) != 0)
		return ERR_SYNTAX;
	f->ipv4_prefix_len = (uint32_t)__builtin_popcount(mask);
	return ERR_OK;
}

static enum err set_ipv6(Msg__Facts *f, const struct radius_attribute *a)
{
	if (a->len != 16)
		return ERR_SYNTAX;
	f->ipv6_prefix_len = 128;
	return fact_set_bytes(&f->ipv6, a->value, a->len);
}

/* RFC 3162, 2.3: a byte that means nothing, the length, as much of the network as there is. */
static enum err set_prefix(ProtobufCBinaryData *to, uint32_t *prefix_len, const struct radius_attribute *a)
{
	uint8_t network[16] = {};
	if (a->len < 2 || a->len > 18 || a->value[1] > 128 || (a->len - 2) * 8 < a->value[1])
		return ERR_SYNTAX;
	memcpy(network, a->value + 2, a->len - 2U);
	*prefix_len = a->value[1];
	return fact_set_bytes(to, network, sizeof network);
}

/* kilobits of the attribute to bytes. */
static enum err set_rate(uint64_t *to, const struct radius_attribute *a)
{
	uint32_t kilobits;
	TRY(read_number(a, &kilobits));
	*to = (uint64_t)kilobits * 1000 / 8;
	return ERR_OK;
}

/* {{ attributes }} */

constexpr uint32_t VENDOR_MICROSOFT = 311;
constexpr uint32_t VENDOR_ROARING_PENGUIN = 10055;

static enum err read_of_vendor(Msg__Facts *f, uint32_t vendor, const struct radius_attribute *a)
{
	if (vendor == VENDOR_MICROSOFT) {
		switch (a->type) { /* RFC 2548, 2.7 */
		case 28:
		case 29: return add_server(&f->dns, &f->n_dns, a, AF_INET);
		case 30:
		case 31: return add_server(&f->nbns, &f->n_nbns, a, AF_INET);
		default: return ERR_OK;
		}
	}
	if (vendor == VENDOR_ROARING_PENGUIN) {
		switch (a->type) {
		case 1: return set_rate(&f->rx_per_s, a);
		case 2: return set_rate(&f->tx_per_s, a);
		default: return ERR_OK;
		}
	}
	return ERR_OK;
}

static bool is_ours(uint32_t vendor)
{
	return vendor == VENDOR_MICROSOFT || vendor == VENDOR_ROARING_PENGUIN;
}

/* RFC 2865, 5.26: a vendor, then attributes of its own; other vendors may have any form. */
static enum err read_vendor(Msg__Facts *f, const struct radius_attribute *a)
{
	struct reader r = reader_of(a->value, a->len);
	uint32_t vendor = reader_u32be(&r);
	if (!reader_ok(&r))
		return ERR_SYNTAX;
	while (is_ours(vendor) && r.left > 0) {
		struct radius_attribute own = { .type = reader_u8(&r) };
		uint8_t len = reader_u8(&r);
		if (len < 2)
			return ERR_SYNTAX;
		own.len = (uint8_t)(len - 2);
		own.value = reader_take(&r, own.len);
		if (!reader_ok(&r))
			return ERR_SYNTAX;
		TRY(read_of_vendor(f, vendor, &own));
	}
	return ERR_OK;
}

static enum err read_class(Msg__Facts *f, const struct radius_attribute *a, bool with_groups, char separator)
{
	TRY(add_class(f, a->value, a->len));
	return with_groups ? radius_facts_groups(f, (const char *)a->value, a->len, separator) : ERR_OK;
}

static enum err read_one(Msg__Facts *f, const struct radius_attribute *a, bool with_groups, char separator)
{
	switch (a->type) {
	case RADIUS_FRAMED_IP_ADDRESS: return set_ipv4(f, a);
	case RADIUS_FRAMED_IP_NETMASK: return set_mask(f, a);
	case RADIUS_FRAMED_IPV6_ADDRESS: return set_ipv6(f, a);
	case RADIUS_FRAMED_IPV6_PREFIX:
		return f->ipv6.len != 0 ? ERR_OK : set_prefix(&f->ipv6, &f->ipv6_prefix_len, a);
	case RADIUS_DELEGATED_IPV6_PREFIX: return set_prefix(&f->delegated, &f->delegated_prefix_len, a);
	case RADIUS_FRAMED_ROUTE:
	case RADIUS_FRAMED_IPV6_ROUTE: return add_route(f, a);
	case RADIUS_DNS_SERVER_IPV6_ADDRESS: return add_server(&f->dns, &f->n_dns, a, AF_INET6);
	case RADIUS_SESSION_TIMEOUT: return read_number(a, &f->session_timeout_s);
	case RADIUS_IDLE_TIMEOUT: return read_number(a, &f->idle_timeout_s);
	case RADIUS_ACCT_INTERIM_INTERVAL: return read_number(a, &f->interim_s);
	case RADIUS_VENDOR_SPECIFIC: return read_vendor(f, a);
	case RADIUS_CLASS: return read_class(f, a, with_groups, separator);
	default: return ERR_OK; /* not ours */
	}
}

enum err radius_facts_read(Msg__Facts **out, const struct radius_answer *answer, bool with_groups,
			   char separator)
{
	struct radius_attribute a;
	Msg__Facts *f = fact_new();
	if (f == nullptr)
		return ERR_NOMEM;
	for (size_t at = 0; radius_next(answer, &at, &a);) {
		enum err e = read_one(f, &a, with_groups, separator);
		if (e == ERR_NOMEM) {
			msg__facts__free_unpacked(f, nullptr);
			return e;
		}
		if (e != ERR_OK)
			log_warn("radius.attribute type=%u error=\"%s\" note=\"left out\"", a.type,
				 err_text(e));
	}
	*out = f;
	return ERR_OK;
}
