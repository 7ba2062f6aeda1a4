/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guard/range.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

constexpr uint64_t MAPPED = 0xffff'0000'0000;

static uint64_t load(const uint8_t *p)
{
	uint64_t v = 0;
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void save(uint8_t *p, uint64_t v)
{
	for (size_t i = 8; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

/* The first n bits, of 64. */
static uint64_t mask(unsigned n)
{
	return n == 0 ? 0 : UINT64_MAX << (64 - n);
}

struct range range_of_addr(const struct addr *a)
{
	return (struct range){ .hi = load(a->ip), .lo = load(a->ip + 8), .len = RANGE_FULL };
}

struct range range_of_peer(const struct addr *a)
{
	struct range r = range_of_addr(a);
	return range_is_v4(&r) ? r : range_cut(&r, RANGE_PEER_V6);
}

struct range range_cut(const struct range *r, uint8_t len)
{
	return (struct range){ .hi = r->hi & mask(MIN(len, 64u)),
			       .lo = len > 64 ? r->lo & mask(len - 64u) : 0,
			       .len = len };
}

bool range_is_v4(const struct range *r)
{
	return r->len >= RANGE_V4_BITS && r->hi == 0 && (r->lo & ~(uint64_t)UINT32_MAX) == MAPPED;
}

bool range_is_same(const struct range *a, const struct range *b)
{
	return a->hi == b->hi && a->lo == b->lo && a->len == b->len;
}

bool range_covers(const struct range *r, const struct range *part)
{
	if (part->len < r->len || range_is_v4(r) != range_is_v4(part))
		return false;
	struct range cut = range_cut(part, r->len);
	return range_is_same(&cut, r);
}

static enum err finish(struct range *out, struct range whole, unsigned len)
{
	*out = range_cut(&whole, (uint8_t)len);
	bool is_exact = out->hi == whole.hi && out->lo == whole.lo;
	return is_exact ? ERR_OK : ERR_RANGE;
}

enum err range_of_bytes(struct range *out, const uint8_t *ip, size_t n, uint32_t len)
{
	if ((n != 4 && n != 16) || len > n * 8)
		return ERR_SYNTAX;
	struct addr a = addr_of_ip(ip, n);
	struct range whole = range_of_addr(&a), r;
	TRY(finish(&r, whole, n == 4 ? len + RANGE_V4_BITS : len));
	*out = r;
	return ERR_OK;
}

/* Digits only, so that no sign or blank slips through. */
static enum err parse_len(const char *text, uint32_t *out)
{
	size_t n = strlen(text);
	if (n == 0 || n > 3 || strspn(text, "0123456789") != n)
		return ERR_SYNTAX;
	*out = (uint32_t)strtoul(text, nullptr, 10);
	return ERR_OK;
}

enum err range_parse(struct range *out, const char *text)
{
	char address[INET6_ADDRSTRLEN + 1];
	uint8_t ip[16];
	const char *slash = strchr(text, '/');
	size_t n = slash != nullptr ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof address)
		return ERR_SYNTAX;
	memcpy(address, text, n);
	address[n] = '\0';
	bool is_v4 = inet_pton(AF_INET, address, ip) == 1;
	if (!is_v4 && inet_pton(AF_INET6, address, ip) != 1)
		return ERR_SYNTAX;
	uint32_t len = is_v4 ? 32 : 128;
	if (slash != nullptr)
		TRY(parse_len(slash + 1, &len));
	if (len == 0)
		return ERR_RANGE;
	return range_of_bytes(out, ip, is_v4 ? 4 : 16, len);
}

size_t range_bytes(const struct range *r, uint8_t ip[16], uint8_t *len)
{
	uint8_t all[16];
	save(all, r->hi);
	save(all + 8, r->lo);
	bool is_v4 = range_is_v4(r);
	size_t n = is_v4 ? 4 : 16;
	memcpy(ip, all + 16 - n, n);
	*len = is_v4 ? (uint8_t)(r->len - RANGE_V4_BITS) : r->len;
	return n;
}

const char *range_text(const struct range *r, char out[RANGE_TEXT_MAX])
{
	uint8_t ip[16], len;
	size_t n = range_bytes(r, ip, &len);
	if (inet_ntop(n == 4 ? AF_INET : AF_INET6, ip, out, INET6_ADDRSTRLEN) == nullptr)
		out[0] = '\0';
	size_t at = strlen(out);
	if (len < n * 8)
		snprintf(out + at, RANGE_TEXT_MAX - at, "/%u", len);
	return out;
}

bool range_is_own(const struct range *r)
{
	if (range_is_v4(r)) /* 127.0.0.0/8, 0.0.0.0 */
		return (r->lo & 0xff00'0000) == 0x7f00'0000 || (uint32_t)r->lo == 0;
	return r->hi == 0 && r->lo <= 1; /* ::1 and its /64, ::; also what an address becomes that is none */
}
