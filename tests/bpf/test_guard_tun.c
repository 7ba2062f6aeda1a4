/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guard's program at the TUN device, with packets written to a real device as a worker does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "bpf/guard.h"
#include "bpf/guard_tun.skel.h"
#include "bpf/shared.h"
#include "netns.h"
#include "packet.h"
#include "supervisor/hook.h"
#include "supervisor/net.h"
#include "supervisor/tun.h"

static struct guard_tun *skel;

/* {{ tools }} */

static void address_of(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (strchr(text, ':') != nullptr)
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
	else
		assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static void own(const char *address)
{
	struct steer_inner key;
	struct steer_worker value = { 1 };
	address_of(key.addr, address);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.inner), &key, &value, BPF_ANY), 0);
}

static void route(const char *address, uint32_t len)
{
	struct guard_net key = { .len = len };
	uint32_t one = 1;
	address_of(key.addr, address);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.nets), &key, &one, BPF_ANY), 0);
}

static struct guard_traffic traffic_of(const char *address)
{
	struct steer_inner key;
	struct guard_traffic t = { 0 };
	address_of(key.addr, address);
	if (bpf_map_lookup_elem(bpf_map__fd(skel->maps.sessions), &key, &t) != 0)
		return (struct guard_traffic){ 0 };
	return t;
}

static uint64_t count_of(uint32_t what)
{
	uint64_t each[256] = { 0 }, sum = 0;
	assert_true(libbpf_num_possible_cpus() <= 256);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(skel->maps.counts), &what, each), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += each[i];
	return sum;
}

static int open_program(void **state)
{
	(void)state;
	skel = guard_tun__open();
	if (skel == nullptr)
		return -1;
	skel->rodata->prefix_len[0] = 56;
	if (guard_tun__load(skel) != 0)
		return -1;
	own("10.9.0.5");
	own("fd77::5");
	own("fd88:0:0:100::");
	route("172.16.0.0", 96 + 12);
	route("2001:db8:77::", 48);
	return 0;
}

static int close_program(void **state)
{
	(void)state;
	guard_tun__destroy(skel);
	return 0;
}

/* {{ verdicts }} */

constexpr uint8_t GSO_UDP_L4 = 5; /* VIRTIO_NET_HDR_GSO_UDP_L4, of Linux 6.2 */
constexpr int PASS = TC_ACT_UNSPEC, SHOT = TC_ACT_SHOT;
static const uint8_t some[24], too_big4[8] = { 3, 4 }, unreachable4[8] = { 3, 1 }, too_big6[8] = { 2, 0 },
			       echo6[8] = { 128, 0 };
#define PAYLOAD(x) .payload = (x), .payload_len = sizeof(x)

static const struct {
	const char *name;
	struct frame frame;
	int verdict;
} rows[] = {
	{ "address of a session", { "10.9.0.5", "203.0.113.2", PAYLOAD(some) }, PASS },
	{ "of nobody", { "10.9.0.6", "203.0.113.2", PAYLOAD(some) }, SHOT },
	{ "of the network outside", { "203.0.113.2", "10.9.0.5", PAYLOAD(some) }, SHOT },
	{ "IPv6 of a session", { "fd77::5", "2001:db8::1", PAYLOAD(some) }, PASS },
	{ "IPv6 of nobody", { "fd77::6", "2001:db8::1", PAYLOAD(some) }, SHOT },
	{ "in the prefix of a client", { "fd88:0:0:1ab::1", "2001:db8::1", PAYLOAD(some) }, PASS },
	{ "in the next prefix", { "fd88:0:0:200::1", "2001:db8::1", PAYLOAD(some) }, SHOT },
	{ "behind a client", { "172.16.3.4", "203.0.113.2", PAYLOAD(some) }, PASS },
	{ "beside what is behind a client", { "172.32.3.4", "203.0.113.2", PAYLOAD(some) }, SHOT },
	{ "IPv6 behind a client", { "2001:db8:77:5::1", "2001:db8::1", PAYLOAD(some) }, PASS },
	{ "link-local", { "fe80::1", "ff02::2", PAYLOAD(some) }, SHOT },
	{ "no address", { "0.0.0.0", "203.0.113.2", PAYLOAD(some) }, SHOT },
	{ "with options", { "10.9.0.5", "203.0.113.2", PAYLOAD(some), .extensions = 3 }, PASS },
	{ "a later fragment", { "10.9.0.5", "203.0.113.2", PAYLOAD(some), .fragment = 16 }, PASS },
};

/* {{ a real device }} */

static struct {
	struct tun tun;
	struct hook hook;
} lab;

static int lab_open(void **state)
{
	struct net *n OWNED(net_freep) = nullptr;
	if (open_program(state) != 0 || tun_open(&lab.tun, "test", 1, true) != ERR_OK ||
	    net_open(&n, lab.tun.name) != ERR_OK || net_set_up(n, 1400) != ERR_OK)
		return -1;
	return hook_tc(&lab.hook, bpf_program__fd(skel->progs.guard_tun), if_nametoindex(lab.tun.name),
		       false) == ERR_OK
		       ? 0
		       : -1;
}

static int lab_close(void **state)
{
	hook_drop(&lab.hook);
	tun_close(&lab.tun);
	return close_program(state);
}

static void write_packet(const struct frame *f, const struct virtio_net_hdr *h)
{
	struct built b = build_frame(f);
	uint8_t bytes[PACKET_ROOM + 16];
	size_t n = b.len - b.ip_at;
	memcpy(bytes, h, TUN_VNET_HDR_LEN);
	memcpy(bytes + TUN_VNET_HDR_LEN, b.bytes + b.ip_at, n);
	assert_int_equal(write(lab.tun.fds[0], bytes, TUN_VNET_HDR_LEN + n), TUN_VNET_HDR_LEN + n);
}

static void each_source_has_its_verdict(void **state)
{
	(void)state;
	static const struct virtio_net_hdr plain;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t passed = count_of(GUARD_COUNT_inner), spoofed = count_of(GUARD_COUNT_inner_spoofed);
		write_packet(&rows[i].frame, &plain);
		bool is_passed = count_of(GUARD_COUNT_inner) == passed + 1;
		bool is_spoofed = count_of(GUARD_COUNT_inner_spoofed) == spoofed + 1;
		if (is_passed == is_spoofed || is_passed != (rows[i].verdict == PASS))
			fail_msg("%s: passed %d, dropped %d", rows[i].name, is_passed, is_spoofed);
	}
}

static void too_big_is_said_in_the_servers_own_name(void **state)
{
	(void)state;
	static const struct virtio_net_hdr plain;
	const struct {
		struct frame frame;
		uint64_t spoofed;
	} said[] = {
		{ { "10.9.0.1", "203.0.113.2", .protocol = IPPROTO_ICMP, PAYLOAD(too_big4) }, 0 },
		{ { "10.9.0.1", "203.0.113.2", .protocol = IPPROTO_ICMP, PAYLOAD(unreachable4) }, 1 },
		{ { "fd77::1", "2001:db8::1", .protocol = IPPROTO_ICMPV6, PAYLOAD(too_big6) }, 0 },
		{ { "fd77::1", "2001:db8::1", .protocol = IPPROTO_ICMPV6, PAYLOAD(echo6) }, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(said); i++) {
		uint64_t before = count_of(GUARD_COUNT_inner_spoofed);
		/* the builder puts ports in front: cut them off by moving the payload there */
		struct built b = build_frame(&said[i].frame);
		memmove(b.bytes + b.l4_at, b.bytes + b.l4_at + 8, said[i].frame.payload_len);
		uint8_t bytes[PACKET_ROOM] = { 0 };
		memcpy(bytes, &plain, TUN_VNET_HDR_LEN);
		memcpy(bytes + TUN_VNET_HDR_LEN, b.bytes + b.ip_at, b.len - b.ip_at);
		size_t n = TUN_VNET_HDR_LEN + b.len - b.ip_at;
		assert_int_equal(write(lab.tun.fds[0], bytes, n), n);
		assert_int_equal(count_of(GUARD_COUNT_inner_spoofed) - before, said[i].spoofed);
	}
}

static void a_super_packet_counts_as_what_it_holds(void **state)
{
	(void)state;
	static uint8_t payload[1500];
	struct frame f = { "10.9.0.5", "203.0.113.2", .payload = payload, .payload_len = 1010 };
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				    .gso_type = GSO_UDP_L4,
				    .hdr_len = 28,
				    .gso_size = 100,
				    .csum_start = 20,
				    .csum_offset = 6 };
	if (strcmp(tun_offloads_text(&lab.tun), "tso+uso") != 0) {
		puts("this kernel takes no UDP super-packets from a device: left out");
		return;
	}
	write_packet(&f, &h);
	assert_int_equal(traffic_of("10.9.0.5").packets, 11);
	assert_int_equal(traffic_of("10.9.0.5").bytes, 20 + 8 + 1010);
	assert_int_equal(count_of(GUARD_COUNT_inner), 11);
	write_packet(&f, &(struct virtio_net_hdr){ 0 });
	assert_int_equal(traffic_of("10.9.0.5").packets, 12);
}

static void each_session_has_its_own_count(void **state)
{
	(void)state;
	static const struct virtio_net_hdr plain;
	struct frame a = { "10.9.0.5", "203.0.113.2", PAYLOAD(some) },
		     p = { "fd88:0:0:1ab::1", "2001:db8::1", PAYLOAD(some) };
	for (int i = 0; i < 5; i++)
		write_packet(&a, &plain);
	write_packet(&p, &plain);
	p.source = "fd88:0:0:1ac::9";
	write_packet(&p, &plain);
	assert_int_equal(traffic_of("10.9.0.5").packets, 5);
	assert_int_equal(traffic_of("10.9.0.5").bytes, 5 * (20 + 8 + sizeof some));
	assert_int_equal(traffic_of("fd88:0:0:100::").packets, 2); /* of the prefix */
	assert_int_equal(traffic_of("10.9.0.6").packets, 0);
}

static void the_program_leaves_with_its_hook(void **state)
{
	(void)state;
	static const struct virtio_net_hdr plain;
	struct frame f = { "10.9.0.5", "203.0.113.2", PAYLOAD(some) };
	assert_true(hook_is_there(&lab.hook));
	hook_drop(&lab.hook);
	assert_false(hook_is_there(&lab.hook));
	write_packet(&f, &plain);
	assert_int_equal(count_of(GUARD_COUNT_inner), 0);
}

static void clsact_does_it_where_tcx_is_not(void **state)
{
	(void)state;
	static const struct virtio_net_hdr plain;
	struct frame f = { "10.9.0.6", "203.0.113.2", PAYLOAD(some) };
	hook_drop(&lab.hook);
	assert_int_equal(hook_clsact(&lab.hook, bpf_program__fd(skel->progs.guard_tun),
				     if_nametoindex(lab.tun.name), false),
			 ERR_OK);
	write_packet(&f, &plain);
	assert_int_equal(count_of(GUARD_COUNT_inner_spoofed), 1);
	hook_drop(&lab.hook);
	write_packet(&f, &plain);
	assert_int_equal(count_of(GUARD_COUNT_inner_spoofed), 1);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: eBPF needs root");
		return NETNS_SKIP;
	}
	if (!netns_enter())
		return NETNS_SKIP;
#define T(f) cmocka_unit_test_setup_teardown(f, lab_open, lab_close)
	const struct CMUnitTest tests[] = {
		T(each_source_has_its_verdict),
		T(too_big_is_said_in_the_servers_own_name),
		T(a_super_packet_counts_as_what_it_holds),
		T(each_session_has_its_own_count),
		T(the_program_leaves_with_its_hook),
		T(clsact_does_it_where_tcx_is_not),
	};
#undef T
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
