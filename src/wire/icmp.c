/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/icmp.h"

#include <string.h>

#include "base/buf.h"

constexpr uint16_t MTU_MIN4 = 68;
constexpr uint16_t MTU_MIN6 = 1280;
constexpr size_t HEAD4 = 20;
constexpr size_t HEAD6 = 40;
constexpr size_t ICMP_HEAD = 8;
constexpr uint8_t TTL = 64;
constexpr uint8_t INTERNETWORK_CONTROL = 0xc0; /* RFC 1812, 4.3.2.5 */

/* Only of a known question or answer may one complain; all else could be an error (RFC 1122, 3.2.2). */
static bool is_error4(uint8_t type)
{
	static const uint8_t harmless[] = { 0, 8, 13, 14, 15, 16, 17, 18, 42, 43 };
	return memchr(harmless, type, sizeof harmless) == nullptr;
}

/* RFC 4443, 2.4 e: errors, and redirects. */
static bool is_error6(uint8_t type)
{
	return type < 128 || type == 137;
}

static bool is_icmp_error(const struct ip_packet *k)
{
	uint8_t icmp = k->version == 4 ? IP_PROTO_ICMP : IP_PROTO_ICMP6;
	if (k->protocol != icmp)
		return false;
	if (k->len <= k->header_len)
		return true;
	uint8_t type = k->start[k->header_len];
	return k->version == 4 ? is_error4(type) : is_error6(type);
}

/* A source that one host stands behind. */
static bool is_answerable(const struct ip_packet *k)
{
	static const uint8_t none6[15] = {};
	if (ip_is_group(k->version, k->src) || ip_is_group(k->version, k->dst))
		return false;
	if (k->version == 4)
		return k->src[0] != 0 && k->src[0] != 127 && k->src[0] < 240;
	return memcmp(k->src, none6, sizeof none6) != 0 || k->src[15] > 1;
}

static void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static enum err emit4(const struct ip_packet *k, uint16_t mtu, const uint8_t *our_addr, struct writer *w)
{
	size_t quote_len = MIN(k->len, ICMP_MAX4 - HEAD4 - ICMP_HEAD);
	writer_u8(w, 0x45);
	writer_u8(w, INTERNETWORK_CONTROL);
	writer_u16be(w, (uint16_t)(HEAD4 + ICMP_HEAD + quote_len));
	writer_u32be(w, 0x4000); /* id 0, don't fragment */
	writer_u8(w, TTL);
	writer_u8(w, IP_PROTO_ICMP);
	writer_u16be(w, 0);
	writer_put(w, our_addr, 4);
	writer_put(w, k->src, 4);
	writer_u32be(w, 0x03040000); /* unreachable, fragmentation needed */
	writer_u32be(w, mtu);
	writer_put(w, k->start, quote_len);
	if (!writer_ok(w))
		return ERR_FULL;
	put_be16(w->start + 10, ip_sum_fold(ip_sum(0, w->start, HEAD4)));
	put_be16(w->start + HEAD4 + 2, ip_sum_fold(ip_sum(0, w->start + HEAD4, ICMP_HEAD + quote_len)));
	return ERR_OK;
}

static enum err emit6(const struct ip_packet *k, uint16_t mtu, const uint8_t *our_addr, struct writer *w)
{
	size_t quote_len = MIN(k->len, ICMP_MAX6 - HEAD6 - ICMP_HEAD);
	writer_u32be(w, 0x60000000);
	writer_u16be(w, (uint16_t)(ICMP_HEAD + quote_len));
	writer_u8(w, IP_PROTO_ICMP6);
	writer_u8(w, TTL);
	writer_put(w, our_addr, 16);
	writer_put(w, k->src, 16);
	writer_u32be(w, 0x02000000); /* packet too big */
	writer_u32be(w, mtu);
	writer_put(w, k->start, quote_len);
	if (!writer_ok(w))
		return ERR_FULL;
	struct ip_packet answer = { .version = 6, .src = our_addr, .dst = k->src };
	uint64_t sum = ip_sum_pseudo(&answer, IP_PROTO_ICMP6, ICMP_HEAD + quote_len);
	put_be16(w->start + HEAD6 + 2, ip_sum_fold(ip_sum(sum, w->start + HEAD6, ICMP_HEAD + quote_len)));
	return ERR_OK;
}

enum err icmp_too_big(const struct ip_packet *k, uint16_t mtu, const uint8_t *our_addr, uint8_t *out,
		      size_t cap, size_t *out_len)
{
	if (mtu < (k->version == 4 ? MTU_MIN4 : MTU_MIN6))
		return ERR_RANGE;
	if (k->len <= mtu || !k->dont_fragment || k->fragment_offset != 0)
		return ERR_DENIED;
	if (!is_answerable(k) || is_icmp_error(k))
		return ERR_DENIED;
	struct writer w = writer_of(out, cap);
	TRY(k->version == 4 ? emit4(k, mtu, our_addr, &w) : emit6(k, mtu, our_addr, &w));
	*out_len = w.len;
	return ERR_OK;
}
