/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prefix - networks and addresses: config_prefix_parse, and the types prefix, prefixlist, addrlist */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"

static uint8_t bits_of(uint16_t family)
{
	return family == AF_INET ? 32 : 128;
}

static enum err parse_address(const char *text, struct prefix *out)
{
	*out = (struct prefix){ .family = strchr(text, ':') != nullptr ? AF_INET6 : AF_INET };
	out->len = bits_of(out->family);
	return inet_pton(out->family, text, out->addr) == 1 ? ERR_OK : ERR_SYNTAX;
}

/* 255.255.255.0: ones, then zeros */
enum err config_prefix_parse_mask(const char *text, uint8_t *len)
{
	struct in_addr mask;
	if (inet_pton(AF_INET, text, &mask) != 1)
		return ERR_SYNTAX;
	const uint32_t m = ntohl(mask.s_addr);
	if ((~m & (~m + 1)) != 0)
		return ERR_RANGE;
	*len = (uint8_t)__builtin_popcount(m);
	return ERR_OK;
}

static enum err parse_len(const char *text, uint8_t most, uint8_t *len)
{
	unsigned v = 0;
	size_t n = 0;
	for (; n < 3 && text[n] >= '0' && text[n] <= '9'; n++)
		v = v * 10 + (unsigned)(text[n] - '0');
	if (n == 0 || text[n] != '\0')
		return ERR_SYNTAX;
	if (v > most)
		return ERR_RANGE;
	*len = (uint8_t)v;
	return ERR_OK;
}

enum err config_prefix_parse(const char *text, struct prefix *out)
{
	char addr[INET6_ADDRSTRLEN];
	if (strcmp(text, "default") == 0) {
		*out = (struct prefix){ .family = AF_INET };
		return ERR_OK;
	}
	const char *slash = strchrnul(text, '/');
	const size_t len = (size_t)(slash - text);
	if (len >= sizeof addr)
		return ERR_SYNTAX;
	memcpy(addr, text, len);
	addr[len] = '\0';
	struct prefix p;
	TRY(parse_address(addr, &p));
	if (*slash == '/' && p.family == AF_INET && strchr(slash, '.') != nullptr)
		TRY(config_prefix_parse_mask(slash + 1, &p.len));
	else if (*slash == '/')
		TRY(parse_len(slash + 1, bits_of(p.family), &p.len));
	*out = p;
	return ERR_OK;
}

void config_prefix_mask(struct prefix *p)
{
	for (size_t bit = p->len; bit < bits_of(p->family); bit++)
		p->addr[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
}

static bool is_same(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->len == b->len && memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

/* --- prefix */

static enum err parse_network(const char *text, struct prefix *out, struct config_why *why)
{
	const enum err e = config_prefix_parse(text, out);
	if (e == ERR_SYNTAX)
		config_why_set(
			why,
			"expected a network like 192.0.2.0/24, 192.0.2.0/255.255.255.0 or 2001:db8::/64");
	else if (e == ERR_RANGE)
		config_why_set(why,
			       "expected a length up to 32 (IPv6: 128), or a mask of ones and then zeros");
	return e;
}

static enum err parse_prefix(const struct config_option *, void *value, const char *text,
			     struct config_why *why)
{
	struct prefix p;
	TRY(parse_network(text, &p, why));
	*(struct prefix *)value = p;
	return ERR_OK;
}

static enum err copy_prefix(void *to, const void *from)
{
	*(struct prefix *)to = *(const struct prefix *)from;
	return ERR_OK;
}

static bool is_equal_prefix(const void *a, const void *b)
{
	return is_same(a, b);
}

static void clear_prefix(void *value)
{
	*(struct prefix *)value = (struct prefix){};
}

const struct config_value_type config_value_prefix = { "network",   false,           parse_prefix,
						       copy_prefix, is_equal_prefix, clear_prefix };

/* --- prefixlist */

static void clear_prefixlist(void *value)
{
	struct prefixlist *l = value;
	free(l->v);
	*l = (struct prefixlist){};
}

static enum err push(struct prefixlist *l, const struct prefix *p)
{
	void *v = l->v;
	TRY(config_value_grow(&v, l->n, sizeof *l->v));
	l->v = v;
	l->v[l->n++] = *p;
	return ERR_OK;
}

static enum err parse_prefixlist(const struct config_option *, void *value, const char *text,
				 struct config_why *why)
{
	struct prefix p;
	TRY(parse_network(text, &p, why));
	config_prefix_mask(&p);
	return push(value, &p);
}

static enum err copy_prefixlist(void *to, const void *from)
{
	const struct prefixlist *src = from;
	for (size_t i = 0; i < src->n; i++)
		TRY(push(to, &src->v[i]));
	return ERR_OK;
}

static bool is_equal_prefixlist(const void *a, const void *b)
{
	const struct prefixlist *x = a, *y = b;
	bool same = x->n == y->n;
	for (size_t i = 0; same && i < x->n; i++)
		same = is_same(&x->v[i], &y->v[i]);
	return same;
}

const struct config_value_type config_value_prefixlist = { "list of networks",  true,
							   parse_prefixlist,    copy_prefixlist,
							   is_equal_prefixlist, clear_prefixlist };

/* --- addrlist */

static enum err parse_addrlist(const struct config_option *, void *value, const char *text,
			       struct config_why *why)
{
	struct prefix p;
	if (parse_address(text, &p) == ERR_OK)
		return push(value, &p);
	if (strcmp(text, "local") == 0)
		config_why_set(why, "'local' is no longer understood; write the address of the name server");
	else
		config_why_set(why, "expected an address like 192.0.2.1 or 2001:db8::1");
	return ERR_SYNTAX;
}

const struct config_value_type config_value_addrlist = { "list of addresses", true,
							 parse_addrlist,      copy_prefixlist,
							 is_equal_prefixlist, clear_prefixlist };
