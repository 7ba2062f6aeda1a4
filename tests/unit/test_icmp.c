/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/icmp.h"

static const uint8_t our4[] = { 10, 9, 0, 1 };
static const uint8_t our6[] = { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
static uint8_t bytes[9000];

/* 192.0.2.1 -> 10.9.0.77 with DF; first payload byte is the ICMP type. */
static struct ip_packet make4(uint16_t bits, uint8_t proto, uint8_t first, size_t len)
{
	struct ip_packet k;
	memset(bytes, 0x5a, sizeof bytes);
	memcpy(bytes, "\x45\0\0\0\0\1\0\0\x40\0\0\0\xc0\0\2\1\x0a\x09\0\x4d", 20);
	bytes[2] = (uint8_t)(len >> 8);
	bytes[3] = (uint8_t)len;
	bytes[6] = (uint8_t)(bits >> 8);
	bytes[7] = (uint8_t)bits;
	bytes[9] = proto;
	bytes[20] = first;
	assert_int_equal(ip_parse(bytes, sizeof bytes, &k), ERR_OK);
	return k;
}

static struct ip_packet make6(uint8_t proto, uint8_t first, size_t len)
{
	struct ip_packet k;
	memset(bytes, 0x5a, sizeof bytes);
	memset(bytes, 0, 40);
	bytes[0] = 0x60;
	bytes[4] = (uint8_t)((len - 40) >> 8);
	bytes[5] = (uint8_t)(len - 40);
	bytes[6] = proto;
	bytes[7] = 60;
	memcpy(bytes + 8, "\x20\1\x0d\xb8", 4);
	bytes[23] = 1;
	memcpy(bytes + 24, "\xfd\0", 2);
	bytes[39] = 0x4d;
	bytes[40] = first;
	assert_int_equal(ip_parse(bytes, sizeof bytes, &k), ERR_OK);
	return k;
}

static enum err answer(const struct ip_packet *k, uint16_t mtu)
{
	uint8_t out[ICMP_MAX6];
	size_t len = 77;
	enum err e = icmp_too_big(k, mtu, k->version == 4 ? our4 : our6, out, sizeof out, &len);
	if (e != ERR_OK)
		assert_int_equal(len, 77);
	return e;
}

static void ip4_sender_is_told(void **)
{
	struct ip_packet k = make4(0x4000, IP_PROTO_TCP, 0, 1500), a;
	uint8_t out[ICMP_MAX4];
	size_t len = 0;
	assert_int_equal(icmp_too_big(&k, 1400, our4, out, sizeof out, &len), ERR_OK);
	assert_int_equal(len, ICMP_MAX4);
	assert_int_equal(ip_parse(out, len, &a), ERR_OK);
	assert_int_equal(a.len, len);
	assert_int_equal(a.protocol, IP_PROTO_ICMP);
	assert_memory_equal(a.src, our4, 4);
	assert_memory_equal(a.dst, k.src, 4);
	assert_int_equal(ip_sum_fold(ip_sum(0, out, 20)), 0);
	assert_int_equal(ip_sum_fold(ip_sum(0, out + 20, len - 20)), 0);
	assert_memory_equal(out + 20, "\x03\x04", 2);
	assert_memory_equal(out + 24, "\0\0\x05\x78", 4);
	assert_memory_equal(out + 28, bytes, len - 28);
}

static void ip6_sender_is_told(void **)
{
	struct ip_packet k = make6(IP_PROTO_TCP, 0, 1500), a;
	uint8_t out[ICMP_MAX6];
	size_t len = 0;
	assert_int_equal(icmp_too_big(&k, 1400, our6, out, sizeof out, &len), ERR_OK);
	assert_int_equal(len, ICMP_MAX6);
	assert_int_equal(ip_parse(out, len, &a), ERR_OK);
	assert_int_equal(a.len, len);
	assert_int_equal(a.protocol, IP_PROTO_ICMP6);
	assert_memory_equal(a.src, our6, 16);
	assert_memory_equal(a.dst, k.src, 16);
	assert_int_equal(ip_sum_fold(ip_sum(ip_sum_pseudo(&a, IP_PROTO_ICMP6, len - 40), out + 40, len - 40)),
			 0);
	assert_memory_equal(out + 40, "\x02\x00", 2);
	assert_memory_equal(out + 44, "\0\0\x05\x78", 4);
	assert_memory_equal(out + 48, bytes, len - 48);
}

static void a_small_packet_is_quoted_whole(void **)
{
	struct ip_packet k = make4(0x4000, IP_PROTO_UDP, 0, 101);
	uint8_t out[ICMP_MAX4];
	size_t len = 0;
	assert_int_equal(icmp_too_big(&k, 100, our4, out, sizeof out, &len), ERR_OK);
	assert_int_equal(len, 28 + 101);
	assert_int_equal(ip_sum_fold(ip_sum(0, out + 20, len - 20)), 0);
	assert_memory_equal(out + 28, bytes, 101);
}

static void a_packet_that_fits_is_not_complained_of(void **)
{
	struct ip_packet k = make4(0x4000, IP_PROTO_TCP, 0, 1400);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	assert_int_equal(answer(&k, 65535), ERR_DENIED);
	assert_int_equal(answer(&k, 1399), ERR_OK);
	k = make6(IP_PROTO_TCP, 0, 1400);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	assert_int_equal(answer(&k, 1399), ERR_OK);
}

static void what_may_be_fragmented_is_not_complained_of(void **)
{
	struct ip_packet k = make4(0, IP_PROTO_TCP, 0, 1500);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
}

static void later_fragments_get_no_answer(void **)
{
	struct ip_packet k = make4(0x4001, IP_PROTO_UDP, 0, 1500);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	k = make4(0x6000, IP_PROTO_UDP, 0, 1500);
	assert_int_equal(answer(&k, 1400), ERR_OK);
	k = make6(44, IP_PROTO_UDP, 1500);
	bytes[41] = 0;
	bytes[42] = 0;
	bytes[43] = 9;
	assert_int_equal(ip_parse(bytes, sizeof bytes, &k), ERR_OK);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	bytes[43] = 1;
	assert_int_equal(ip_parse(bytes, sizeof bytes, &k), ERR_OK);
	assert_int_equal(answer(&k, 1400), ERR_OK);
}

static void icmp_errors_get_no_answer(void **)
{
	static const uint8_t questions[] = { 0, 8, 13, 14, 15, 16, 17, 18, 42, 43 };
	for (unsigned type = 0; type < 256; type++) {
		struct ip_packet k = make4(0x4000, IP_PROTO_ICMP, (uint8_t)type, 1500);
		bool answered = memchr(questions, (int)type, sizeof questions) != nullptr;
		assert_int_equal(answer(&k, 1400), answered ? ERR_OK : ERR_DENIED);
		k = make6(IP_PROTO_ICMP6, (uint8_t)type, 1500);
		assert_int_equal(answer(&k, 1400), type >= 128 && type != 137 ? ERR_OK : ERR_DENIED);
	}
}

static void icmp6_error_behind_extensions_gets_no_answer(void **)
{
	struct ip_packet k = make6(60, IP_PROTO_ICMP6, 1500);
	memset(bytes + 41, 0, 7);
	bytes[48] = 1;
	assert_int_equal(ip_parse(bytes, sizeof bytes, &k), ERR_OK);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	bytes[48] = 128;
	assert_int_equal(answer(&k, 1400), ERR_OK);
}

static void only_hosts_get_an_answer(void **)
{
	static const uint8_t wrong[][4] = { { 224, 0, 0, 1 },      { 255, 255, 255, 255 }, { 0, 0, 0, 0 },
					    { 0, 1, 2, 3 },        { 127, 0, 0, 1 },       { 240, 0, 0, 1 },
					    { 239, 255, 255, 250 } };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct ip_packet k = make4(0x4000, IP_PROTO_TCP, 0, 1500);
		memcpy(bytes + 12, wrong[i], 4);
		assert_int_equal(answer(&k, 1400), ERR_DENIED);
	}
	struct ip_packet k = make4(0x4000, IP_PROTO_UDP, 0, 1500);
	memcpy(bytes + 16, "\xe0\0\0\xfb", 4);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	memcpy(bytes + 16, "\xff\xff\xff\xff", 4);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	k = make6(IP_PROTO_UDP, 0, 1500);
	bytes[24] = 0xff;
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	k = make6(IP_PROTO_UDP, 0, 1500);
	bytes[8] = 0xff;
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	k = make6(IP_PROTO_UDP, 0, 1500);
	memset(bytes + 8, 0, 16);
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	bytes[23] = 1;
	assert_int_equal(answer(&k, 1400), ERR_DENIED);
	bytes[23] = 2;
	assert_int_equal(answer(&k, 1400), ERR_OK);
}

static void an_absurd_mtu_is_refused(void **)
{
	struct ip_packet k = make4(0x4000, IP_PROTO_TCP, 0, 1500);
	assert_int_equal(answer(&k, 0), ERR_RANGE);
	assert_int_equal(answer(&k, 67), ERR_RANGE);
	assert_int_equal(answer(&k, 68), ERR_OK);
	k = make6(IP_PROTO_TCP, 0, 1500);
	assert_int_equal(answer(&k, 0), ERR_RANGE);
	assert_int_equal(answer(&k, 1279), ERR_RANGE);
	assert_int_equal(answer(&k, 1280), ERR_OK);
}

static void a_small_buffer_is_not_overrun(void **)
{
	for (int six = 0; six < 2; six++) {
		struct ip_packet k =
			six != 0 ? make6(IP_PROTO_TCP, 0, 1500) : make4(0x4000, IP_PROTO_TCP, 0, 1500);
		size_t need = six != 0 ? ICMP_MAX6 : ICMP_MAX4;
		for (size_t cap = 0; cap < need; cap++) {
			uint8_t *out = malloc(cap + 1);
			size_t len = 77;
			assert_int_equal(icmp_too_big(&k, 1400, six != 0 ? our6 : our4, out + 1, cap, &len),
					 ERR_FULL);
			assert_int_equal(len, 77);
			free(out);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_sender_is_told),
		cmocka_unit_test(ip6_sender_is_told),
		cmocka_unit_test(a_small_packet_is_quoted_whole),
		cmocka_unit_test(a_packet_that_fits_is_not_complained_of),
		cmocka_unit_test(what_may_be_fragmented_is_not_complained_of),
		cmocka_unit_test(later_fragments_get_no_answer),
		cmocka_unit_test(icmp_errors_get_no_answer),
		cmocka_unit_test(icmp6_error_behind_extensions_gets_no_answer),
		cmocka_unit_test(only_hosts_get_an_answer),
		cmocka_unit_test(an_absurd_mtu_is_refused),
		cmocka_unit_test(a_small_buffer_is_not_overrun),
	};
	return cmocka_run_group_tests_name("icmp", tests, nullptr, nullptr);
}
