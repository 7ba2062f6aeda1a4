/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/ip.h"

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* 10.0.0.1 -> 10.0.0.2; payload counts up. */
static size_t make4(uint8_t *p, const uint8_t *options, size_t options_len, uint16_t bits, uint8_t proto,
		    size_t payload_len)
{
	size_t head = 20 + options_len;
	memset(p, 0, 20);
	p[0] = (uint8_t)(0x40 | head / 4);
	p[1] = 0xb9; /* EF, ECT(1) */
	put16(p + 2, head + payload_len);
	put16(p + 4, 0x1234);
	put16(p + 6, bits);
	p[8] = 61;
	p[9] = proto;
	memcpy(p + 12, "\x0a\0\0\x01\x0a\0\0\x02", 8);
	if (options_len > 0)
		memcpy(p + 20, options, options_len);
	put16(p + 10, ip_sum_fold(ip_sum(0, p, head)));
	for (size_t i = 0; i < payload_len; i++)
		p[head + i] = (uint8_t)(i * 7 + (i >> 8));
	return head + payload_len;
}

static size_t make6(uint8_t *p, uint8_t next, const void *payload, size_t payload_len)
{
	memset(p, 0, 40);
	p[0] = 0x6b;
	p[1] = 0x95;
	put16(p + 4, payload_len);
	p[6] = next;
	p[7] = 64;
	memset(p + 8, 0x20, 16);
	memset(p + 24, 0x21, 16);
	if (payload_len > 0)
		memcpy(p + 40, payload, payload_len);
	return 40 + payload_len;
}

/* In a heap block of exactly that size, so that a sanitizer sees a byte read too far. */
static enum err parse(const uint8_t *p, size_t n)
{
	uint8_t *block = malloc(n > 0 ? n : 1);
	memcpy(block, p, n);
	struct ip_packet k;
	enum err e = ip_parse(block, n, &k);
	free(block);
	return e;
}

static void ip4_header_is_parsed(void **)
{
	uint8_t p[256];
	struct ip_packet k;
	size_t n = make4(p, nullptr, 0, 0x4000, IP_PROTO_TCP, 40);
	assert_int_equal(ip_parse(p, n + 9, &k), ERR_OK);
	assert_int_equal(k.version, 4);
	assert_int_equal(k.len, 60);
	assert_int_equal(k.header_len, 20);
	assert_int_equal(k.protocol, IP_PROTO_TCP);
	assert_true(k.dont_fragment);
	assert_false(k.more_fragments);
	assert_int_equal(k.fragment_offset, 0);
	assert_ptr_equal(k.src, p + 12);
	assert_ptr_equal(k.dst, p + 16);
	assert_int_equal(ip_dscp(&k), 46);
	assert_int_equal(ip_ecn(&k), 1);
	assert_int_equal(ip_addr_len(&k), 4);
}

static void ip6_header_is_parsed(void **)
{
	uint8_t p[256];
	struct ip_packet k;
	size_t n = make6(p, IP_PROTO_UDP, "01234567", 8);
	assert_int_equal(ip_parse(p, n + 3, &k), ERR_OK);
	assert_int_equal(k.version, 6);
	assert_int_equal(k.len, 48);
	assert_int_equal(k.header_len, 40);
	assert_int_equal(k.protocol, IP_PROTO_UDP);
	assert_ptr_equal(k.src, p + 8);
	assert_ptr_equal(k.dst, p + 24);
	assert_int_equal(ip_dscp(&k), 46);
	assert_int_equal(ip_ecn(&k), 1);
	assert_int_equal(ip_addr_len(&k), 16);
	assert_true(k.dont_fragment);
}

static void every_other_version_is_refused(void **)
{
	uint8_t p[256];
	make4(p, nullptr, 0, 0, IP_PROTO_UDP, 100);
	for (unsigned v = 0; v < 16; v++) {
		p[0] = (uint8_t)(v << 4 | 5);
		if (v != 4 && v != 6)
			assert_int_equal(parse(p, 120), ERR_PROTO);
	}
}

static void every_cut_is_short(void **)
{
	uint8_t p[256];
	size_t n = make4(p, (const uint8_t *)"\1\1\1\0", 4, 0, IP_PROTO_UDP, 20);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(parse(p, cut), ERR_SHORT);
	assert_int_equal(parse(p, n), ERR_OK);
	n = make6(p, IP_PROTO_UDP, "0123456789", 10);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(parse(p, cut), ERR_SHORT);
	assert_int_equal(parse(p, n), ERR_OK);
}

static void wrong_ip4_lengths_are_refused(void **)
{
	uint8_t p[256];
	for (unsigned ihl = 0; ihl < 5; ihl++) {
		make4(p, nullptr, 0, 0, IP_PROTO_UDP, 100);
		p[0] = (uint8_t)(0x40 | ihl);
		assert_int_equal(parse(p, 120), ERR_PROTO);
	}
	make4(p, nullptr, 0, 0, IP_PROTO_UDP, 100);
	put16(p + 2, 0);
	assert_int_equal(parse(p, 120), ERR_PROTO);
	put16(p + 2, 19);
	assert_int_equal(parse(p, 120), ERR_PROTO);
	p[0] = 0x4f;
	put16(p + 2, 59);
	assert_int_equal(parse(p, 120), ERR_PROTO);
	put16(p + 2, 60);
	assert_int_equal(parse(p, 120), ERR_OK);
	put16(p + 2, 121);
	assert_int_equal(parse(p, 120), ERR_SHORT);
}

static void fragment_beyond_64k_is_refused(void **)
{
	uint8_t p[256];
	struct ip_packet k;
	size_t n = make4(p, nullptr, 0, 0x1fff, IP_PROTO_ICMP, 8);
	assert_int_equal(parse(p, n), ERR_PROTO);
	n = make4(p, nullptr, 0, 0x1fff, IP_PROTO_ICMP, 7);
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_int_equal(k.fragment_offset, 65528);
	n = make4(p, nullptr, 0, 0x2001, IP_PROTO_ICMP, 8);
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_true(k.more_fragments);
	assert_int_equal(k.fragment_offset, 8);
}

static void ip6_extensions_are_stepped_over(void **)
{
	uint8_t p[256];
	struct ip_packet k;
	/* hop-by-hop (8), destination options (16), authentication (24), fragment 0 (8), ICMPv6 */
	static const uint8_t chain[] = {
		60, 0, 1, 4, 0,  0, 0, 0, 51, 1, 1, 12, 0, 0, 0, 0, 0,   0, 0, 0,
		0,  0, 0, 0, 44, 4, 0, 0, 0,  0, 0, 0,  0, 0, 0, 0, 0,   0, 0, 0,
		0,  0, 0, 0, 0,  0, 0, 0, 58, 0, 0, 1,  1, 2, 3, 4, 128, 0, 0, 0,
	};
	size_t n = make6(p, 0, chain, sizeof chain);
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_int_equal(k.protocol, IP_PROTO_ICMP6);
	assert_int_equal(k.header_len, 40 + 56);
	assert_true(k.more_fragments);
	assert_int_equal(k.fragment_offset, 0);
	assert_false(ip_is_activity(&k));
	/* each cut of the payload that keeps the header true to its length */
	for (size_t len = 0; len < 56; len++) {
		n = make6(p, 0, chain, len);
		assert_int_equal(parse(p, n), ERR_PROTO);
	}
}

static void later_ip6_fragment_is_not_looked_into(void **)
{
	uint8_t p[256];
	struct ip_packet k;
	/* says destination options follow: they did, in the first fragment */
	static const uint8_t later[] = { 60, 0, 0, 0x40, 1, 2, 3, 4, 255, 255, 255, 255 };
	size_t n = make6(p, 44, later, sizeof later);
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_int_equal(k.fragment_offset, 64);
	assert_int_equal(k.protocol, 60);
	assert_int_equal(k.header_len, 48);
}

static void endless_chain_and_jumbogram_are_refused(void **)
{
	uint8_t p[256], chain[9 * 8] = {};
	for (size_t i = 0; i < sizeof chain; i += 8)
		chain[i] = 60;
	chain[8 * 8] = 59;
	assert_int_equal(parse(p, make6(p, 60, chain, sizeof chain)), ERR_PROTO);
	chain[7 * 8] = 59;
	assert_int_equal(parse(p, make6(p, 60, chain, sizeof chain)), ERR_OK);
	assert_int_equal(parse(p, make6(p, 0, nullptr, 0)), ERR_PROTO);
	assert_int_equal(parse(p, make6(p, 59, nullptr, 0)), ERR_OK);
	chain[1] = 255;
	assert_int_equal(parse(p, make6(p, 60, chain, sizeof chain)), ERR_PROTO);
}

static void chatter_is_no_activity(void **)
{
	for (unsigned proto = 0; proto < 256; proto++) {
		struct ip_packet k = { .version = 4, .protocol = (uint8_t)proto };
		assert_int_equal(ip_is_activity(&k), proto != 1 && proto != 2 && proto != 58);
	}
}

static void groups_are_told_from_hosts(void **)
{
	static const struct {
		uint8_t version;
		const char *addr;
		bool is_group;
	} rows[] = {
		{ 4, "\xe0\0\0\1", true },
		{ 4, "\xef\xff\xff\xff", true },
		{ 4, "\xff\xff\xff\xff", true },
		{ 4, "\xf0\0\0\1", false },
		{ 4, "\xdf\xff\xff\xff", false },
		{ 4, "\xff\xff\xff\xfe", false },
		{ 4, "\x0a\0\0\1", false },
		{ 6, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", true },
		{ 6, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ip_is_group(rows[i].version, (const uint8_t *)rows[i].addr),
				 rows[i].is_group);
}

/* RFC 1071, 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
static void checksum_of_the_rfc(void **)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	assert_int_equal(ip_sum_fold(ip_sum(0, bytes, 8)), (uint16_t)~0xddf2);
	assert_int_equal(ip_sum_fold(0), 0xffff);
	/* in two pieces, the second of odd length */
	uint64_t sum = ip_sum(0, bytes, 2);
	assert_int_equal(ip_sum_fold(ip_sum(sum, bytes + 2, 5)),
			 (uint16_t)~(0x0001 + 0xf203 + 0xf4f5 + 0xf600 - 0x20000 + 2));
}

static void checksum_agrees_with_the_plain_way(void **)
{
	static uint8_t bytes[70000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i % 3 == 0 ? 0xff : i * 31);
	for (size_t n = 0; n < sizeof bytes; n += n < 100 ? 1 : 997) {
		uint32_t plain = 0;
		for (size_t i = 0; i < n; i++) {
			plain += i % 2 == 0 ? (uint32_t)bytes[i + 1] << 8 : bytes[i + 1];
			plain = (plain & 0xffff) + (plain >> 16);
		}
		assert_int_equal(ip_sum_fold(ip_sum(0, bytes + 1, n)), (uint16_t)~plain);
	}
}

/* A UDP datagram whose checksum was computed by hand: 10.0.0.1:1 -> 10.0.0.2:2, "ab". */
static void pseudo_header_is_in_the_sum(void **)
{
	static const uint8_t udp[] = { 0, 1, 0, 2, 0, 10, 0, 0, 'a', 'b' };
	uint8_t p[64];
	struct ip_packet k;
	size_t n = make4(p, nullptr, 0, 0, IP_PROTO_UDP, sizeof udp);
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	/* 0a00+0001+0a00+0002+0011+000a + 0001+0002+000a+0000+6162 = 758d */
	assert_int_equal(ip_sum_fold(ip_sum(ip_sum_pseudo(&k, IP_PROTO_UDP, sizeof udp), udp, sizeof udp)),
			 (uint16_t)~0x758d);
}

/* All fragments of a packet put together again; true if nothing is amiss. */
static size_t fragment_all(const uint8_t *p, size_t n, uint16_t mtu, uint8_t *payload, size_t *payload_len)
{
	struct ip_packet k, part;
	struct ip_fragment4 f;
	size_t count = 0;
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, mtu), ERR_OK);
	*payload_len = 0;
	for (;; count++) {
		uint8_t *out = malloc(mtu);
		size_t len = 0;
		enum err e = ip_fragment4_next(&f, out, mtu, &len);
		if (e == ERR_NOTFOUND) {
			free(out);
			break;
		}
		assert_int_equal(e, ERR_OK);
		assert_true(len <= mtu);
		assert_int_equal(ip_parse(out, len, &part), ERR_OK);
		assert_int_equal(part.len, len);
		assert_int_equal(ip_sum_fold(ip_sum(0, out, part.header_len)), 0);
		assert_memory_equal(out + 4, p + 4, 2);
		assert_memory_equal(out + 8, p + 8, 2);
		assert_memory_equal(out + 12, p + 12, 8);
		assert_int_equal(part.fragment_offset, k.fragment_offset + *payload_len);
		bool is_last = *payload_len + (len - part.header_len) == k.len - k.header_len;
		assert_int_equal(part.more_fragments, !is_last || k.more_fragments);
		if (!is_last)
			assert_int_equal((len - part.header_len) % 8, 0);
		memcpy(payload + *payload_len, out + part.header_len, len - part.header_len);
		*payload_len += len - part.header_len;
		free(out);
	}
	assert_int_equal(*payload_len, k.len - k.header_len);
	assert_memory_equal(payload, p + k.header_len, *payload_len);
	return count;
}

static void fragments_make_the_packet_again(void **)
{
	static uint8_t p[65535], payload[65535];
	static const uint16_t mtus[] = { 68, 69, 75, 76, 576, 1280, 1433, 1434, 1500, 9000, 65535 };
	static const size_t lens[] = { 0, 1, 7, 8, 9, 48, 1260, 1261, 1480, 1481, 8192, 65515 };
	for (size_t i = 0; i < ARRAY_LEN(mtus); i++) {
		for (size_t j = 0; j < ARRAY_LEN(lens); j++) {
			size_t len = 0, n = make4(p, nullptr, 0, 0, IP_PROTO_UDP, lens[j]);
			size_t room = (mtus[i] - 20) & ~7, count = fragment_all(p, n, mtus[i], payload, &len);
			size_t expect = n <= mtus[i] ? 1 : (lens[j] - (mtus[i] - 20) + room - 1) / room + 1;
			assert_int_equal(count, expect);
		}
	}
}

static void fragment_of_a_fragment_keeps_its_place(void **)
{
	static uint8_t p[2000], payload[2000];
	size_t len = 0;
	assert_int_equal(
		fragment_all(p, make4(p, nullptr, 0, 0x2000 | 100, IP_PROTO_UDP, 1480), 600, payload, &len),
		3);
	assert_int_equal(fragment_all(p, make4(p, nullptr, 0, 100, IP_PROTO_UDP, 1475), 600, payload, &len),
			 3);
}

/* RFC 791: options with the copied flag go into each fragment, the others only into the first. */
static void options_are_copied_by_their_flag(void **)
{
	/* nop, record route (7) of 7, security (0x82) of 3, end and its filling */
	static const uint8_t options[] = { 1, 7, 7, 4, 9, 9, 9, 9, 0x82, 3, 0xaa, 0 };
	static uint8_t p[2000], payload[2000], out[600];
	size_t len = 0, n = make4(p, options, sizeof options, 0, IP_PROTO_UDP, 1000);
	/* record route is 7 bytes: 7 7 4 9 9 9 9 */
	assert_int_equal(fragment_all(p, n, 600, payload, &len), 2);
	struct ip_packet k;
	struct ip_fragment4 f;
	assert_int_equal(ip_parse(p, n, &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_OK);
	assert_int_equal(ip_fragment4_next(&f, out, sizeof out, &len), ERR_OK);
	assert_int_equal(out[0], 0x48);
	assert_memory_equal(out + 20, options, sizeof options);
	assert_int_equal(ip_fragment4_next(&f, out, sizeof out, &len), ERR_OK);
	assert_int_equal(out[0], 0x46);
	assert_memory_equal(out + 20, "\x82\x03\xaa\x00", 4);
}

static void longest_options_at_the_least_mtu(void **)
{
	uint8_t options[40] = { 0x82, 40 };
	static uint8_t p[2000], payload[2000];
	size_t len = 0;
	assert_int_equal(
		fragment_all(p, make4(p, options, sizeof options, 0, IP_PROTO_UDP, 100), 68, payload, &len),
		13);
}

static void malformed_options_are_refused(void **)
{
	static const uint8_t rows[][4] = {
		{ 7, 0, 0, 0 }, { 7, 1, 0, 0 }, { 7, 5, 0, 0 }, { 1, 1, 1, 7 }, { 0x82, 255, 0, 0 }
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static uint8_t p[2000];
		struct ip_packet k;
		struct ip_fragment4 f;
		assert_int_equal(ip_parse(p, make4(p, rows[i], 4, 0, IP_PROTO_UDP, 1000), &k), ERR_OK);
		assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_PROTO);
	}
}

static void not_everything_may_be_fragmented(void **)
{
	static uint8_t p[2000];
	struct ip_packet k;
	struct ip_fragment4 f;
	assert_int_equal(ip_parse(p, make4(p, nullptr, 0, 0x4000, IP_PROTO_UDP, 1000), &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_DENIED);
	assert_int_equal(ip_parse(p, make4(p, nullptr, 0, 0, IP_PROTO_UDP, 1000), &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 67), ERR_RANGE);
	assert_int_equal(ip_fragment4_init(&f, &k, 0), ERR_RANGE);
	assert_int_equal(ip_parse(p, make4(p, nullptr, 0, 0x2000, IP_PROTO_UDP, 1001), &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_PROTO);
	uint8_t six[64];
	assert_int_equal(ip_parse(six, make6(six, 17, "01234567", 8), &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_DENIED);
}

static void fragment_that_does_not_fit_can_be_asked_again(void **)
{
	static uint8_t p[2000], out[600];
	struct ip_packet k;
	struct ip_fragment4 f;
	size_t len = 77;
	assert_int_equal(ip_parse(p, make4(p, nullptr, 0, 0, IP_PROTO_UDP, 1000), &k), ERR_OK);
	assert_int_equal(ip_fragment4_init(&f, &k, 600), ERR_OK);
	for (size_t cap = 0; cap < 596; cap++)
		assert_int_equal(ip_fragment4_next(&f, out, cap, &len), ERR_FULL);
	assert_int_equal(len, 77);
	assert_int_equal(ip_fragment4_next(&f, out, 596, &len), ERR_OK);
	assert_int_equal(len, 596);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_header_is_parsed),
		cmocka_unit_test(ip6_header_is_parsed),
		cmocka_unit_test(every_other_version_is_refused),
		cmocka_unit_test(every_cut_is_short),
		cmocka_unit_test(wrong_ip4_lengths_are_refused),
		cmocka_unit_test(fragment_beyond_64k_is_refused),
		cmocka_unit_test(ip6_extensions_are_stepped_over),
		cmocka_unit_test(later_ip6_fragment_is_not_looked_into),
		cmocka_unit_test(endless_chain_and_jumbogram_are_refused),
		cmocka_unit_test(chatter_is_no_activity),
		cmocka_unit_test(groups_are_told_from_hosts),
		cmocka_unit_test(checksum_of_the_rfc),
		cmocka_unit_test(checksum_agrees_with_the_plain_way),
		cmocka_unit_test(pseudo_header_is_in_the_sum),
		cmocka_unit_test(fragments_make_the_packet_again),
		cmocka_unit_test(fragment_of_a_fragment_keeps_its_place),
		cmocka_unit_test(options_are_copied_by_their_flag),
		cmocka_unit_test(longest_options_at_the_least_mtu),
		cmocka_unit_test(malformed_options_are_refused),
		cmocka_unit_test(not_everything_may_be_fragmented),
		cmocka_unit_test(fragment_that_does_not_fit_can_be_asked_again),
	};
	return cmocka_run_group_tests_name("ip", tests, nullptr, nullptr);
}
