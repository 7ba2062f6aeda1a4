/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_offload - ns for each 1400-byte packet: super-packets cut, runs joined; checksums done in both
 *
 * clang-19 -std=gnu23 -O2 -D_GNU_SOURCE -Isrc -Itests tests/bench/bench_offload.c src/wire/{segment,coalesce,ip}.c src/base/buf.c
 */
#include <stdio.h>
#include <time.h>

#include "unit/test_offload.h"
#include "wire/coalesce.h"
#include "wire/segment.h"

constexpr size_t PACKETS = 46, LEN = 1400, SLOT = 1536;
constexpr unsigned ROUNDS = 2000, REPEATS = 15;

static uint8_t whole[65536], slots[PACKETS][SLOT], fresh[PACKETS][SLOT];
static struct coalesce c;
static struct coalesce_out out;
static volatile size_t sink;

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct made packet_of(uint8_t version, uint8_t protocol)
{
	struct made m = made_tcp(version, 0);
	m.protocol = protocol;
	m.payload_len = LEN - made_head_len(&m);
	return m;
}

static void cut(const struct virtio_net_hdr *h, size_t len)
{
	struct segment s;
	size_t n;
	if (segment_init(&s, h, whole, len) != ERR_OK)
		abort();
	for (size_t i = 0; segment_next(&s, slots[i], SLOT, &n) == ERR_OK; i++)
		sink += n;
}

static void measure_cut(const char *name, uint8_t version, uint8_t protocol)
{
	struct made m = packet_of(version, protocol), all = m;
	bool is_tcp = protocol == IP_PROTO_TCP;
	all.payload_len *= PACKETS;
	size_t len = made_emit(&all, whole);
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = is_tcp ? (version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
								       : VIRTIO_NET_HDR_GSO_TCPV6)
						       : SEGMENT_GSO_UDP_L4,
				    .gso_size = (uint16_t)m.payload_len,
				    .csum_start = (uint16_t)made_upper(&m),
				    .csum_offset = is_tcp ? 16 : 6 };
	double best = 1e12;
	for (unsigned r = 0; r < REPEATS; r++) {
		double start = now_ns();
		for (unsigned i = 0; i < ROUNDS; i++)
			cut(&h, len);
		best = MIN(best, now_ns() - start);
	}
	printf("segment  %s %7.1f ns\n", name, best / ROUNDS / PACKETS);
}

static void add_all(size_t len)
{
	for (size_t i = 0; i < PACKETS; i++)
		if (coalesce_add(&c, slots[i], len) != ERR_OK)
			abort();
	while (coalesce_next(&c, &out) == ERR_OK)
		sink += out.packets_n;
	/* the only packet that was changed */
	memcpy(slots[0], fresh[0], 128);
}

static void measure_join(const char *name, struct made m, bool is_one_flow)
{
	size_t len = 0;
	coalesce_init(&c, true);
	for (size_t i = 0; i < PACKETS; i++) {
		if (!is_one_flow)
			m.sport++;
		len = made_emit(&m, fresh[i]);
		memcpy(slots[i], fresh[i], len);
		made_advance(&m);
	}
	double best = 1e12;
	for (unsigned r = 0; r < REPEATS; r++) {
		double start = now_ns();
		for (unsigned i = 0; i < ROUNDS; i++)
			add_all(len);
		best = MIN(best, now_ns() - start);
	}
	printf("coalesce %s %7.1f ns (%u in the last write)\n", name, best / ROUNDS / PACKETS, out.packets_n);
}

int main(void)
{
	measure_cut("tcp4", 4, IP_PROTO_TCP);
	measure_cut("tcp6", 6, IP_PROTO_TCP);
	measure_cut("udp4", 4, IP_PROTO_UDP);
	measure_join("tcp4", packet_of(4, IP_PROTO_TCP), true);
	measure_join("tcp6", packet_of(6, IP_PROTO_TCP), true);
	measure_join("udp4", packet_of(4, IP_PROTO_UDP), true);
	measure_join("tcp4, a flow each", packet_of(4, IP_PROTO_TCP), false);
	struct made ack = made_tcp(4, 0);
	measure_join("tcp4, empty acks", ack, true);
	struct made small = made_udp(4, 132);
	measure_join("udp4 of 160 bytes", small, true);
	return 0;
}
