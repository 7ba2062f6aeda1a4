/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets: ip_parse, ip_is_activity, ip_is_group, ip_sum, ip_fragment4_init, ip_fragment4_next, icmp_too_big.
 *
 * Input: an MTU (2 bytes, big endian), then a packet.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/icmp.h"
#include "wire/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t our_addr[16] = { 0xfd, 1 };

/* The fragments, each in a block of exactly the MTU, are the packet. */
static void check_fragments(const struct ip_packet *k, uint16_t mtu)
{
	struct ip_fragment4 f;
	if (ip_fragment4_init(&f, k, mtu) != ERR_OK)
		return;
	size_t at = 0, total = k->len - k->header_len;
	for (;;) {
		uint8_t *out = malloc(mtu);
		size_t len;
		if (out == nullptr)
			abort();
		enum err e = ip_fragment4_next(&f, out, mtu, &len);
		if (e == ERR_NOTFOUND) {
			free(out);
			break;
		}
		struct ip_packet part;
		assert(e == ERR_OK && len <= mtu);
		e = ip_parse(out, len, &part);
		assert(e == ERR_OK && part.len == len && part.header_len <= k->header_len);
		assert(ip_sum_fold(ip_sum(0, out, part.header_len)) == 0);
		assert(part.fragment_offset == k->fragment_offset + at);
		assert(len - part.header_len <= total - at);
		assert(memcmp(out + part.header_len, k->start + k->header_len + at, len - part.header_len) ==
		       0);
		at += len - part.header_len;
		assert(part.more_fragments == (at < total || k->more_fragments));
		free(out);
	}
	assert(at == total);
}

static void check_answer(const struct ip_packet *k, uint16_t mtu)
{
	size_t most = k->version == 4 ? ICMP_MAX4 : ICMP_MAX6, len;
	uint8_t *out = malloc(most);
	struct ip_packet a;
	if (out == nullptr)
		abort();
	enum err e = icmp_too_big(k, mtu, our_addr, out, most, &len);
	if (e == ERR_OK) {
		assert(k->len > mtu && k->dont_fragment && k->fragment_offset == 0 && len <= most);
		e = ip_parse(out, len, &a);
		assert(e == ERR_OK && a.len == len && a.version == k->version);
		assert(memcmp(a.dst, k->src, ip_addr_len(k)) == 0);
		/* never an answer to an answer */
		e = icmp_too_big(&a, k->version == 4 ? 68 : 1280, our_addr, out, most, &len);
		assert(e != ERR_OK);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	uint16_t mtu = (uint16_t)(data[0] << 8 | data[1]);
	struct ip_packet k;
	if (ip_parse(data + 2, size - 2, &k) != ERR_OK)
		return 0;
	assert(k.version == 4 || k.version == 6);
	assert(k.len <= size - 2 && k.header_len <= k.len && k.start == data + 2);
	assert(k.src > k.start && k.dst + ip_addr_len(&k) <= k.start + k.header_len);
	ip_is_activity(&k);
	ip_is_group(k.version, k.dst);
	check_fragments(&k, mtu);
	check_answer(&k, mtu);
	return 0;
}
