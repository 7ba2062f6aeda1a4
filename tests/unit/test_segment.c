/* SPDX-License-Identifier: GPL-3.0-or-later */
/* segment: what becomes of a super-packet; that a malformed one is refused. The kernel's own are in test_offload.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "test_offload.h"
#include "wire/segment.h"

constexpr size_t MOST = 65536;

static uint8_t whole[MOST + 64], piece[MOST + 64];

/* The packet of m in whole[], its checksum left to us; its length. */
static size_t emit_open(const struct made *m, const uint8_t *final, struct virtio_net_hdr *h,
			uint16_t gso_size)
{
	size_t len = made_emit(m, whole), upper = made_upper(m);
	bool is_tcp = m->protocol == IP_PROTO_TCP;
	uint16_t csum_offset = is_tcp ? 16 : 6;
	uint8_t tcp_type = m->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	made_put16(whole + upper + csum_offset, made_pseudo(whole, final, m->protocol, len - upper));
	*h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .gso_type = gso_size == 0 ? VIRTIO_NET_HDR_GSO_NONE
						  : is_tcp      ? tcp_type
								: SEGMENT_GSO_UDP_L4,
				      .gso_size = gso_size,
				      .hdr_len = 9999, /* not to be trusted */
				      .csum_start = (uint16_t)upper,
				      .csum_offset = csum_offset };
	return len;
}

/* Every segment of m is what m's flow would have sent one by one. */
static void expect_segments_final(struct made m, uint16_t gso_size, const uint8_t *final)
{
	struct virtio_net_hdr h;
	struct segment s;
	size_t len = emit_open(&m, final, &h, gso_size), upper = made_upper(&m), head_len = made_head_len(&m),
	       total = m.payload_len;
	static uint8_t expected[MOST];
	assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
	assert_int_equal(segment_len_max(&s), head_len + MIN(gso_size, total));
	uint8_t flags = m.flags;
	size_t at = 0;
	do {
		m.payload_len = MIN(gso_size, total - at);
		m.flags = (uint8_t)(flags & ~(at > 0 ? CWR : 0) &
				    ~(at + m.payload_len < total ? PSH | FIN : 0));
		size_t n, expected_len = made_emit(&m, expected);
		assert_int_equal(segment_next(&s, piece, head_len + m.payload_len, &n), ERR_OK);
		assert_int_equal(n, expected_len);
		assert_true(made_is_right(piece, n, upper, final, m.protocol));
		size_t sum = upper + (m.protocol == IP_PROTO_TCP ? 16 : 6);
		assert_memory_equal(piece, expected, sum);
		assert_memory_equal(piece + sum + 2, expected + sum + 2, head_len - sum - 2);
		assert_memory_equal(piece + head_len, whole + head_len + at, m.payload_len);
		at += m.payload_len;
		m.id++;
		m.seq += (uint32_t)m.payload_len;
	} while (at < total);
	size_t n;
	assert_int_equal(segment_next(&s, piece, MOST, &n), ERR_NOTFOUND);
	assert_int_equal(segment_next(&s, piece, MOST, &n), ERR_NOTFOUND);
}

static void expect_segments(struct made m, uint16_t gso_size)
{
	expect_segments_final(m, gso_size, nullptr);
}

static void tcp_is_cut(void **)
{
	for (uint8_t version = 4; version <= 6; version += 2) {
		expect_segments(made_tcp(version, 65000), 1360);
		expect_segments(made_tcp(version, 2720), 1360);
		expect_segments(made_tcp(version, 1361), 1360);
		expect_segments(made_tcp(version, 1000), 1);
		expect_segments(made_tcp(version, 65535 - 60), 9000);
	}
}

static void udp_is_cut(void **)
{
	for (uint8_t version = 4; version <= 6; version += 2) {
		expect_segments(made_udp(version, 65000), 1360);
		expect_segments(made_udp(version, 2400), 1200);
		expect_segments(made_udp(version, 501), 100);
		expect_segments(made_udp(version, 333), 1);
	}
}

static void small_packet_with_a_gso_type_is_one_segment(void **)
{
	for (uint8_t version = 4; version <= 6; version += 2) {
		expect_segments(made_tcp(version, 0), 1360);
		expect_segments(made_tcp(version, 1360), 1360);
		expect_segments(made_udp(version, 1), 1360);
		expect_segments(made_udp(version, 0), 1360);
		expect_segments(made_tcp(version, 5), 65535);
	}
}

static void flags_go_where_they_belong(void **)
{
	struct made m = made_tcp(4, 5000);
	m.flags = ACK | PSH | FIN | CWR | ECE;
	expect_segments(m, 1000);
	m.version = 6;
	expect_segments(m, 1000);
	struct virtio_net_hdr h;
	struct segment s;
	size_t n, len = emit_open(&m, nullptr, &h, 2500);
	h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
	assert_int_equal(segment_next(&s, piece, MOST, &n), ERR_OK);
	assert_int_equal(piece[40 + 13], ACK | CWR | ECE);
	assert_int_equal(segment_next(&s, piece, MOST, &n), ERR_OK);
	assert_int_equal(piece[40 + 13], ACK | PSH | FIN | ECE);
}

static void numbers_wrap(void **)
{
	struct made m = made_tcp(4, 10000);
	m.id = 0xfffe;
	m.seq = UINT32_MAX - 1500;
	expect_segments(m, 1000);
}

static void headers_in_between_are_repeated(void **)
{
	static const uint8_t timestamps[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t ip4_options[8] = { 0x94, 4, 0, 0, 1, 1, 1, 0 };
	static const uint8_t hop_and_dest[16] = {
		60, 0, 1, 4, 0, 0, 0, 0, IP_PROTO_TCP, 0, 1, 4, 0, 0, 0, 0
	};
	struct made m = made_tcp(4, 9999);
	m.options = timestamps;
	m.options_len = sizeof timestamps;
	m.middle = ip4_options;
	m.middle_len = sizeof ip4_options;
	expect_segments(m, 1348);
	m.version = 6;
	m.middle = hop_and_dest;
	m.middle_len = sizeof hop_and_dest;
	m.first_next = 0;
	m.label = 0xabcde;
	m.tos = 0xb9;
	expect_segments(m, 1348);
}

static void last_address_of_a_routing_header_counts(void **)
{
	uint8_t routing[24] = { IP_PROTO_UDP, 2, 2, 1, [8] = 0xfd, 7, 7, [23] = 7 }; /* RFC 6275, 6.4 */
	struct made m = made_udp(6, 4000);
	m.middle = routing;
	m.middle_len = sizeof routing;
	m.first_next = 43;
	expect_segments_final(m, 1200, routing + 8);
}

static void any_length_is_summed_right(void **)
{
	srand(1);
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t version = rand() % 2 == 0 ? 4 : 6;
		size_t len = (size_t)rand() % 3000;
		struct made m = rand() % 2 == 0 ? made_tcp(version, len) : made_udp(version, len);
		m.fill = (uint8_t)rand();
		m.id = (uint16_t)rand();
		m.seq = (uint32_t)rand() * 3;
		m.sport = (uint16_t)rand();
		m.flags = (uint8_t)(ACK | (rand() & (PSH | FIN | CWR | ECE)));
		expect_segments(m, (uint16_t)(1 + rand() % 1500));
	}
	static uint8_t ones[300];
	memset(ones, 0xff, sizeof ones);
	for (size_t len = 0; len <= sizeof ones; len++) {
		assert_int_equal(ip_sum_fold(segment_sum(7, ones, len)), ip_sum_fold(ip_sum(7, ones, len)));
		assert_int_equal(ip_sum_fold(segment_sum(0, whole + 1, len)),
				 ip_sum_fold(ip_sum(0, whole + 1, len)));
	}
}

static void lone_packet_is_finished(void **)
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t version = i < 2 ? 4 : 6;
		struct made m = i % 2 == 0 ? made_tcp(version, 1111) : made_udp(version, 1111);
		static uint8_t expected[2000];
		struct virtio_net_hdr h;
		struct segment s;
		size_t n, len = made_emit(&m, expected);
		emit_open(&m, nullptr, &h, 0);
		assert_int_equal(segment_init(&s, &h, whole, len + 7),
				 ERR_OK); /* what is behind it is not its own */
		assert_true(segment_is_lone(&s));
		assert_int_equal(segment_len_max(&s), len);
		struct segment again = s;
		assert_int_equal(segment_next(&s, piece, len, &n), ERR_OK);
		assert_int_equal(n, len);
		assert_memory_equal(piece, expected, len);
		assert_int_equal(segment_next(&s, piece, len, &n), ERR_NOTFOUND);
		assert_int_equal(segment_next(&again, whole, len, &n), ERR_OK);
		assert_memory_equal(whole, expected, len);
	}
}

static void finished_packet_stays_as_it_is(void **)
{
	struct made m = made_udp(4, 64);
	size_t n, len = made_emit(&m, whole);
	struct segment s;
	for (unsigned i = 0; i < 2; i++) {
		made_put16(whole + 26, i == 0 ? 0x1234 : 0); /* a wrong checksum is not ours to mend */
		struct virtio_net_hdr h = { .flags = i == 0 ? 0 : VIRTIO_NET_HDR_F_DATA_VALID,
					    .csum_start = 1,
					    .gso_size = 5 };
		assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
		assert_int_equal(segment_next(&s, piece, len, &n), ERR_OK);
		assert_int_equal(n, len);
		assert_memory_equal(piece, whole, len);
	}
}

/* UDP: a sum of zero says "none", so it goes out as 0xffff. */
static void udp_sum_of_zero_is_turned(void **)
{
	for (unsigned is_lone = 0; is_lone < 2; is_lone++) {
		struct made m = made_udp(4, 100);
		made_emit(&m, whole);
		const uint8_t words[] = { whole[20], whole[21], whole[26], whole[27] };
		m.sport = (uint16_t)made_sum(0, words, 4); /* what was left to add */
		made_emit(&m, whole);
		assert_int_equal(made_get16(whole + 26), 0xffff);
		struct virtio_net_hdr h;
		struct segment s;
		size_t n, len = emit_open(&m, nullptr, &h, is_lone != 0 ? 0 : 100);
		assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
		assert_int_equal(segment_next(&s, piece, len, &n), ERR_OK);
		assert_int_equal(made_get16(piece + 26), 0xffff);
	}
}

static void too_small_a_place_can_be_tried_again(void **)
{
	struct made m = made_tcp(4, 3000);
	struct virtio_net_hdr h;
	struct segment s;
	size_t n = 99, len = emit_open(&m, nullptr, &h, 1000);
	assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
	assert_int_equal(segment_next(&s, piece, 1039, &n), ERR_FULL);
	assert_int_equal(n, 99);
	assert_int_equal(segment_next(&s, piece, 1040, &n), ERR_OK);
	assert_int_equal(made_get16(piece + 4), 100);
	assert_int_equal(segment_next(&s, piece, 0, &n), ERR_FULL);
	assert_int_equal(segment_next(&s, piece, 1040, &n), ERR_OK);
	assert_int_equal(made_get16(piece + 4), 101);
	len = emit_open(&m, nullptr, &h, 0);
	assert_int_equal(segment_init(&s, &h, whole, len), ERR_OK);
	assert_int_equal(segment_next(&s, piece, len - 1, &n), ERR_FULL);
	assert_int_equal(segment_next(&s, piece, len, &n), ERR_OK);
}

/* {{ refused }} */

/* From a heap block of exactly that size. */
static enum err try_init(const struct virtio_net_hdr *h, const uint8_t *p, size_t len)
{
	uint8_t *block = malloc(len > 0 ? len : 1);
	memcpy(block, p, len);
	struct segment s, untouched;
	memset(&untouched, 0x5a, sizeof untouched);
	memcpy(&s, &untouched, sizeof s);
	enum err e = segment_init(&s, h, block, len);
	if (e != ERR_OK)
		assert_memory_equal(&s, &untouched, sizeof s);
	free(block);
	return e;
}

static void every_cut_is_refused(void **)
{
	for (unsigned i = 0; i < 4; i++) {
		struct made m = i % 2 == 0 ? made_tcp(i < 2 ? 4 : 6, 50) : made_udp(i < 2 ? 4 : 6, 50);
		struct virtio_net_hdr h;
		size_t len = emit_open(&m, nullptr, &h, 20);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(try_init(&h, whole, cut), ERR_SHORT);
		/* the same with a length that agrees */
		for (size_t cut = made_upper(&m); cut < len; cut++) {
			made_put16(whole + (m.version == 4 ? 2 : 4), cut - (m.version == 4 ? 0 : 40));
			enum err e = try_init(&h, whole, cut);
			bool may_do = m.protocol == IP_PROTO_TCP && cut >= made_head_len(&m);
			assert_int_equal(e, may_do ? ERR_OK : ERR_PROTO);
		}
	}
}

static void header_that_does_not_fit_the_packet_is_refused(void **)
{
	struct made tcp = made_tcp(4, 3000);
	struct virtio_net_hdr good, h;
	size_t len = emit_open(&tcp, nullptr, &good, 1000);
	assert_int_equal(try_init(&good, whole, len), ERR_OK);
#define REFUSED(change, error)                                     \
	do {                                                       \
		h = good;                                          \
		h.change;                                          \
		assert_int_equal(try_init(&h, whole, len), error); \
	} while (0)
	REFUSED(gso_size = 0, ERR_PROTO);
	REFUSED(flags = 0, ERR_PROTO);
	REFUSED(flags = VIRTIO_NET_HDR_F_DATA_VALID, ERR_PROTO);
	REFUSED(flags |= VIRTIO_NET_HDR_F_RSC_INFO, ERR_UNSUPPORTED);
	REFUSED(flags |= 0x80, ERR_UNSUPPORTED);
	REFUSED(csum_start = 0, ERR_PROTO);
	REFUSED(csum_start = 24, ERR_PROTO);
	REFUSED(csum_start = 65535, ERR_PROTO);
	REFUSED(csum_offset = 6, ERR_PROTO);
	REFUSED(csum_offset = 65535, ERR_PROTO);
	REFUSED(gso_type = VIRTIO_NET_HDR_GSO_TCPV6, ERR_UNSUPPORTED);
	REFUSED(gso_type = VIRTIO_NET_HDR_GSO_UDP, ERR_UNSUPPORTED);
	REFUSED(gso_type = VIRTIO_NET_HDR_GSO_ECN, ERR_UNSUPPORTED);
	REFUSED(gso_type = SEGMENT_GSO_UDP_L4, ERR_PROTO);
	REFUSED(gso_type = SEGMENT_GSO_UDP_L4 | VIRTIO_NET_HDR_GSO_ECN, ERR_UNSUPPORTED);
	for (unsigned type = 6; type < 0x80; type++)
		REFUSED(gso_type = (uint8_t)type, ERR_UNSUPPORTED);
	/* a lone packet: where the checksum is to go */
	good.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	assert_int_equal(try_init(&good, whole, len), ERR_OK);
	REFUSED(csum_start = 0, ERR_PROTO);
	REFUSED(csum_start = 19, ERR_PROTO);
	REFUSED(csum_start = (uint16_t)len, ERR_PROTO);
	REFUSED(csum_start = 65535, ERR_PROTO);
	REFUSED(csum_offset = 65535, ERR_PROTO);
	REFUSED(csum_offset = 65534, ERR_PROTO);
	REFUSED(csum_offset = 17, ERR_PROTO);
	REFUSED(csum_offset = (uint16_t)(len - 20), ERR_PROTO);
	REFUSED(csum_offset = (uint16_t)(len - 22), ERR_OK);
#undef REFUSED
}

static void packet_that_is_no_run_is_refused(void **)
{
	static const struct {
		uint8_t version, protocol;
		size_t at;
		uint8_t value;
		enum err e;
	} rows[] = {
		{ 4, IP_PROTO_TCP, 0, 0x55, ERR_PROTO }, /* version */
		{ 4, IP_PROTO_TCP, 0, 0x44, ERR_PROTO }, /* header of 16 bytes */
		{ 4, IP_PROTO_TCP, 0, 0x46, ERR_PROTO }, /* the checksum does not begin behind the header */
		{ 4, IP_PROTO_TCP, 0, 0x65, ERR_SHORT }, /* IPv6 by its looks */
		{ 4, IP_PROTO_TCP, 6, 0x20, ERR_PROTO }, /* first fragment */
		{ 4, IP_PROTO_TCP, 7, 0x01, ERR_PROTO }, /* later fragment */
		{ 4, IP_PROTO_TCP, 9, IP_PROTO_UDP, ERR_PROTO }, /* another protocol */
		{ 4, IP_PROTO_TCP, 20 + 12, 0x40, ERR_PROTO }, /* TCP header of 16 bytes */
		{ 4, IP_PROTO_TCP, 20 + 12, 0x00, ERR_PROTO },
		{ 4, IP_PROTO_TCP, 20 + 12, 0xf0, ERR_PROTO }, /* longer than the packet */
		{ 4, IP_PROTO_UDP, 20 + 5, 37, ERR_PROTO }, /* length less than there is */
		{ 4, IP_PROTO_UDP, 20 + 5, 39, ERR_PROTO },
		{ 6, IP_PROTO_UDP, 40 + 4, 1, ERR_PROTO },
		{ 6, IP_PROTO_TCP, 6, IP_PROTO_ICMP6, ERR_PROTO },
		{ 6, IP_PROTO_TCP, 6, 44, ERR_PROTO }, /* fragment header */
		{ 6, IP_PROTO_TCP, 6, 60, ERR_PROTO }, /* destination options where TCP was */
		{ 6, IP_PROTO_TCP, 40 + 12, 0xf0, ERR_PROTO },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made m = made_tcp(rows[i].version, 30);
		m.protocol = rows[i].protocol;
		struct virtio_net_hdr h;
		size_t len = emit_open(&m, nullptr, &h, 10);
		assert_int_equal(try_init(&h, whole, len), ERR_OK);
		whole[rows[i].at] = rows[i].value;
		enum err e = try_init(&h, whole, len);
		if (e != rows[i].e)
			fail_msg("row %zu: %s", i, err_text(e));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_is_cut),
		cmocka_unit_test(udp_is_cut),
		cmocka_unit_test(small_packet_with_a_gso_type_is_one_segment),
		cmocka_unit_test(flags_go_where_they_belong),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(headers_in_between_are_repeated),
		cmocka_unit_test(last_address_of_a_routing_header_counts),
		cmocka_unit_test(any_length_is_summed_right),
		cmocka_unit_test(lone_packet_is_finished),
		cmocka_unit_test(finished_packet_stays_as_it_is),
		cmocka_unit_test(udp_sum_of_zero_is_turned),
		cmocka_unit_test(too_small_a_place_can_be_tried_again),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(header_that_does_not_fit_the_packet_is_refused),
		cmocka_unit_test(packet_that_is_no_run_is_refused),
	};
	return cmocka_run_group_tests_name("segment", tests, nullptr, nullptr);
}
