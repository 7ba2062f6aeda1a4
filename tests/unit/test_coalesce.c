/* SPDX-License-Identifier: GPL-3.0-or-later */
/* coalesce: which packets are joined; that cutting again gives them back; what is refused is in test_coalesce_never.c. */
#include "test_coalesce.h"

static void add_run_of(struct made m, size_t n, size_t last_len)
{
	for (size_t i = 0; i < n; i++) {
		if (i == n - 1)
			m.payload_len = last_len;
		add(&m);
		made_advance(&m);
	}
}

static void run_is_joined(void **)
{
	static const uint8_t timestamps[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
	for (unsigned i = 0; i < 8; i++) {
		uint8_t version = i % 2 == 0 ? 4 : 6;
		struct made m = i < 4 ? made_tcp(version, 1348) : made_udp(version, 1348);
		if (i == 2 || i == 3) {
			m.options = timestamps;
			m.options_len = sizeof timestamps;
		}
		start(true);
		add_run_of(m, 40, i % 4 < 2 ? 1348 : 7);
		expect_run(0, 40);
		bool is_tcp = i < 4;
		assert_int_equal(out.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
		assert_int_equal(out.hdr.gso_type, !is_tcp        ? SEGMENT_GSO_UDP_L4
						   : version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
								  : VIRTIO_NET_HDR_GSO_TCPV6);
		assert_int_equal(out.hdr.gso_size, 1348);
		assert_int_equal(out.hdr.hdr_len, made_head_len(&m));
		assert_int_equal(out.hdr.csum_start, made_upper(&m));
		assert_int_equal(out.hdr.csum_offset, is_tcp ? 16 : 6);
		expect_end();
	}
}

static void run_ends_with_psh_fin_or_a_short_one(void **)
{
	static const uint8_t ends[] = { PSH, FIN, PSH | FIN, 0 };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct made m = made_tcp(4, 500);
		start(true);
		add(&m);
		made_advance(&m);
		m.flags |= ends[i];
		m.payload_len -= ends[i] == 0 ? 1 : 0;
		add(&m);
		made_advance(&m);
		m.flags = ACK;
		m.payload_len = 499;
		add(&m);
		expect_run(0, 2);
		expect_out(1);
		expect_end();
	}
}

static void psh_on_the_first_ends_it(void **)
{
	static const uint8_t ends[] = { PSH, FIN };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct made m = made_tcp(6, 500);
		start(true);
		m.flags |= ends[i];
		add(&m);
		made_advance(&m);
		m.flags = ACK;
		add(&m);
		expect_out(1);
		expect_out(1);
		expect_end();
	}
}

static void cwr_is_for_the_first_only(void **)
{
	for (uint8_t version = 4; version <= 6; version += 2) {
		struct made m = made_tcp(version, 100);
		start(true);
		m.flags |= CWR;
		add(&m);
		made_advance(&m);
		m.flags = ACK;
		add(&m);
		made_advance(&m);
		m.flags |= CWR;
		add(&m);
		expect_run(0, 2);
		uint8_t type = version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
		assert_int_equal(out.hdr.gso_type, type | VIRTIO_NET_HDR_GSO_ECN);
		expect_out(1);
		expect_end();
	}
}

static void fixed_id_needs_dont_fragment(void **)
{
	struct made m = made_tcp(4, 100);
	for (unsigned may = 0; may < 2; may++) {
		start(true);
		m.may_fragment = may != 0;
		for (unsigned i = 0; i < 3; i++) {
			add(&m);
			made_advance(&m);
			m.id = 100;
		}
		if (may != 0) {
			for (unsigned i = 0; i < 3; i++)
				expect_out(1);
		} else {
			expect_out(3);
			expect_originals((size_t[]){ 0, 1, 2 }, 3, true);
		}
		expect_end();
	}
	/* fixed, then counting; counting, then fixed */
	static const uint16_t ids[2][3] = { { 5, 5, 6 }, { 5, 6, 6 } };
	for (unsigned row = 0; row < 2; row++) {
		m = made_tcp(4, 100);
		start(true);
		for (unsigned i = 0; i < 3; i++) {
			m.id = ids[row][i];
			add(&m);
			made_advance(&m);
		}
		expect_out(2);
		expect_out(1);
		expect_end();
	}
}

static void numbers_wrap(void **)
{
	struct made m = made_tcp(4, 1000);
	m.seq = UINT32_MAX - 999;
	m.id = UINT16_MAX;
	start(true);
	add_run_of(m, 3, 1000);
	expect_run(0, 3);
	expect_end();
}

static void flows_are_kept_apart(void **)
{
	struct made flows[6];
	start(true);
	for (size_t i = 0; i < 6; i++) {
		flows[i] = i == 5 ? made_udp(4, 700) : made_tcp(i == 4 ? 6 : 4, 700);
		flows[i].sport += i == 1 ? 1 : 0;
		flows[i].dport += i == 2 ? 1 : 0;
		flows[i].host += i == 3 ? 1 : 0;
	}
	for (size_t round = 0; round < 4; round++)
		for (size_t i = 0; i < 6; i++) {
			add(&flows[i]);
			made_advance(&flows[i]);
		}
	for (size_t i = 0; i < 6; i++) {
		expect_out(4);
		expect_originals((size_t[]){ i, i + 6, i + 12, i + 18 }, 4, false);
	}
	expect_end();
}

static void too_many_flows_only_end_runs(void **)
{
	constexpr size_t N = COALESCE_FLOWS_MAX + 1;
	start(true);
	struct made flows[N];
	for (size_t i = 0; i < N; i++) {
		flows[i] = made_udp(6, 60);
		flows[i].sport += (uint16_t)i;
	}
	for (size_t round = 0; round < 2; round++)
		for (size_t i = 0; i < N; i++) {
			add(&flows[i]);
			made_advance(&flows[i]);
		}
	size_t packets = 0;
	while (coalesce_next(&c, &out) == ERR_OK)
		packets += out.packets_n;
	assert_int_equal(packets, 2 * N);
}

static void limits_of_a_run(void **)
{
	start(true);
	add_run_of(made_udp(4, 20), COALESCE_SEGMENTS_MAX + 3, 20);
	expect_run(0, COALESCE_SEGMENTS_MAX);
	expect_run(COALESCE_SEGMENTS_MAX, 3);
	expect_end();
	for (uint8_t version = 4; version <= 6; version += 2) {
		start(true);
		size_t head = version == 4 ? 28 : 48;
		add_run_of(made_udp(version, 1900), 36, 1900);
		size_t fits = (65535 - head) / 1900;
		expect_run(0, fits);
		expect_run(fits, 36 - fits);
		expect_end();
	}
}

static void full_batch_is_taken_first(void **)
{
	start(true);
	struct made m = made_tcp(4, 10);
	for (size_t i = 0; i < COALESCE_PACKETS_MAX; i++) {
		m.seq += 100; /* each alone */
		add(&m);
	}
	assert_int_equal(try_add(&m), ERR_FULL);
	for (size_t i = 0; i < COALESCE_PACKETS_MAX; i++)
		expect_out(1);
	assert_int_equal(try_add(&m), ERR_FULL); /* not before the end was seen */
	expect_end();
	slots_n = 0;
	add(&m);
	expect_out(1);
	expect_end();
	expect_end();
	add(&m);
	expect_out(1);
	assert_int_equal(try_add(&m), ERR_FULL);
	expect_end();
	/* nothing of a batch is left for the next */
	made_advance(&m);
	add(&m);
	expect_out(1);
	expect_end();
}

static void udp_waits_for_uso(void **)
{
	start(false);
	add_run_of(made_udp(4, 100), 3, 100);
	add_run_of(made_tcp(4, 100), 3, 100);
	for (unsigned i = 0; i < 3; i++)
		expect_out(1);
	expect_run(3, 3);
	expect_end();
}

/* {{ any mix }} */

struct tally {
	size_t packets, writes;
};

/* Each packet carries its flow in sport and its place in the flow in its first 2 bytes of payload. */
static void check_order(const uint8_t *p, uint16_t *seen)
{
	size_t upper = p[0] >> 4 == 4 ? 20 : 40,
	       head = upper + (p[upper - (upper == 20 ? 11 : 34)] == IP_PROTO_TCP ? 20 : 8);
	size_t flow = made_get16(p + upper) - 40000u;
	assert_true(flow < 24);
	assert_int_equal(made_get16(p + head), seen[flow]++);
}

static void drain(struct tally *t, uint16_t *seen)
{
	uint8_t piece[SLOT];
	size_t len, n;
	while (coalesce_next(&c, &out) == ERR_OK) {
		struct segment s;
		const uint8_t *flat = flatten(&len);
		assert_int_equal(segment_init(&s, &out.hdr, flat, len), ERR_OK);
		unsigned packets = 0;
		for (; segment_next(&s, piece, sizeof piece, &n) == ERR_OK; packets++)
			check_order(piece, seen);
		assert_int_equal(packets, out.packets_n);
		t->packets += packets;
		t->writes++;
	}
}

static struct made next_of(struct made *flow, uint16_t *sent)
{
	struct made m = *flow;
	if (rand() % 8 == 0)
		m.flags |= PSH;
	if (rand() % 16 == 0)
		m.payload_len = 2 + (size_t)rand() % 400;
	m.window += rand() % 16 == 0 ? 1 : 0;
	(*sent)++;
	flow->payload_len = m.payload_len;
	made_advance(flow);
	flow->payload_len = 400;
	return m;
}

static void any_mix_keeps_order_and_content(void **)
{
	struct made flows[24];
	uint16_t sent[24] = {}, seen[24] = {};
	struct tally t = {};
	srand(2);
	for (size_t i = 0; i < 24; i++) {
		flows[i] = i % 2 == 0 ? made_tcp(i % 4 < 2 ? 4 : 6, 400) : made_udp(i % 4 < 2 ? 4 : 6, 400);
		flows[i].sport = (uint16_t)(40000 + i);
	}
	start(true);
	for (size_t i = 0, flow = 0; i < 30000; i++) {
		flow = rand() % 4 == 0 ? (size_t)rand() % 24 : flow;
		uint16_t place = sent[flow];
		struct made m = next_of(&flows[flow], &sent[flow]);
		uint8_t *p = slots[slots_n];
		size_t len = made_emit(&m, p);
		made_put16(p + made_head_len(&m), place);
		mend(p, made_upper(&m), len, m.protocol);
		assert_int_equal(add_slot(len), ERR_OK);
		if (slots_n == COALESCE_PACKETS_MAX || rand() % 100 == 0) {
			drain(&t, seen);
			slots_n = 0;
		}
	}
	drain(&t, seen);
	assert_int_equal(t.packets, 30000);
	assert_true(t.writes < 15000);
	assert_memory_equal(sent, seen, sizeof sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_is_joined),
		cmocka_unit_test(run_ends_with_psh_fin_or_a_short_one),
		cmocka_unit_test(psh_on_the_first_ends_it),
		cmocka_unit_test(cwr_is_for_the_first_only),
		cmocka_unit_test(fixed_id_needs_dont_fragment),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(flows_are_kept_apart),
		cmocka_unit_test(too_many_flows_only_end_runs),
		cmocka_unit_test(limits_of_a_run),
		cmocka_unit_test(full_batch_is_taken_first),
		cmocka_unit_test(udp_waits_for_uso),
		cmocka_unit_test(any_mix_keeps_order_and_content),
	};
	return cmocka_run_group_tests_name("coalesce", tests, nullptr, nullptr);
}
