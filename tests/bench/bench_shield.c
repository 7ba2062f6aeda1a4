/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_shield - ns for each packet in the guard's programs, on one core, by the kernel's test-run: what a flood costs, and what a client
 *
 * Needs root. The figure has no driver in it: a real card adds its own work for each packet.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/guard.h"
#include "bpf/guard_tun.skel.h"
#include "bpf/guard_xdp.skel.h"
#include "bpf/packet.h"
#include "bpf/shared.h"

constexpr char us4[] = "198.51.100.1", us6[] = "2001:db8:1::1";
constexpr int REPEAT = 1'000'000, ROUNDS = 5;
constexpr unsigned PREFIXES = 200'000;

static const uint8_t data12[13 + 1200] = { 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 1200 >> 8, 1200 & 255 };
static const uint8_t junk[100] = "x";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void must(int result, const char *what)
{
	if (result != 0)
		die(what);
}

static void address_of(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (strchr(text, ':') != nullptr)
		inet_pton(AF_INET6, text, out);
	else
		inet_pton(AF_INET, text, out + 12);
}

/* The best of some rounds: others use the machine, too. */
static void measure(const char *name, int prog, const void *bytes, size_t len, int expected)
{
	uint32_t best = UINT32_MAX;
	for (int i = 0; i < ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = bytes, .data_size_in = (uint32_t)len,
			    .repeat = REPEAT);
		must(bpf_prog_test_run_opts(prog, &opts), name);
		if ((int)opts.retval != expected) {
			fprintf(stderr, "%s: verdict %d, not %d\n", name, (int)opts.retval, expected);
			exit(1);
		}
		best = MIN(best, opts.duration);
	}
	printf("%-52s %5u ns %6.2f M/s\n", name, best, best > 0 ? 1e3 / best : 0.0);
}

/* {{ at the card }} */

static struct guard_xdp *xdp;

static void listen_on(const char *address, uint8_t protocol)
{
	struct guard_ours key = { .port = htons(443), .protocol = protocol };
	uint32_t one = 1;
	address_of(key.addr, address);
	must(bpf_map_update_elem(bpf_map__fd(xdp->maps.ours), &key, &one, BPF_ANY), "ours");
}

static void block(uint32_t first, unsigned n, uint32_t len)
{
	struct guard_entry e = { .verdict = GUARD_VERDICT_BLOCK };
	for (unsigned i = 0; i < n; i++) {
		struct guard_key4 key = { .len = len };
		uint32_t address = htonl(first + (i << (32 - len)));
		memcpy(key.addr, &address, 4);
		must(bpf_map_update_elem(bpf_map__fd(xdp->maps.list4), &key, &e, BPF_ANY), "list4");
	}
}

static void at_the_card(const char *name, struct frame f, int expected)
{
	struct built b = build_frame(&f);
	measure(name, bpf_program__fd(xdp->progs.guard_xdp), b.bytes, b.len, expected);
}

static void measure_xdp(void)
{
	constexpr uint64_t NEVER_AGAIN = 1'000'000'000'000;
	struct guard_settings *g;
	xdp = guard_xdp__open_and_load();
	if (xdp == nullptr)
		die("guard_xdp");
	g = &xdp->bss->settings;
	*g = (struct guard_settings){ .ports_n = 1, .ports = { htons(443) }, .workers_n = 2 };
	listen_on(us4, IPPROTO_TCP);
	listen_on(us4, IPPROTO_UDP);
	listen_on(us6, IPPROTO_UDP);
	const struct frame client = { "192.0.2.7", us4, .payload = data12, .payload_len = sizeof data12 };
	const struct frame syn = { "192.0.2.7", us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN };
	struct steer_flow flow = { .port = htons(40'000) };
	uint32_t one = 1;
	at_the_card(
		"not ours: passed",
		(struct frame){ "192.0.2.7", "203.0.113.9", .port = 80, .payload = junk, .payload_len = 100 },
		XDP_PASS);
	at_the_card("not DTLS: dropped",
		    (struct frame){ "192.0.2.7", us4, .payload = junk, .payload_len = 100 }, XDP_DROP);
	address_of(flow.addr, client.source);
	must(bpf_map_update_elem(bpf_map__fd(xdp->maps.known), &flow, &one, BPF_ANY), "known");
	at_the_card("data of a known client: passed", client, XDP_PASS);
	at_the_card("established TCP: passed",
		    (struct frame){ "192.0.2.7", us4, .protocol = IPPROTO_TCP, .flags = FLAG_ACK }, XDP_PASS);
	block(0x0a000000, 1, 24);
	at_the_card("blocked, 1 prefix: dropped",
		    (struct frame){ "10.0.0.5", us4, .payload = data12, .payload_len = sizeof data12 },
		    XDP_DROP);
	block(0x0a000000, PREFIXES, 24);
	at_the_card("blocked, 200000 prefixes: dropped",
		    (struct frame){ "10.200.7.5", us4, .payload = data12, .payload_len = sizeof data12 },
		    XDP_DROP);
	at_the_card("data of a known client, 200000 prefixes: passed", client, XDP_PASS);
	g->syn = g->udp = (struct guard_rate){ NEVER_AGAIN, 0 };
	struct built first = build_frame(&syn);
	LIBBPF_OPTS(bpf_test_run_opts, once, .data_in = first.bytes, .data_size_in = (uint32_t)first.len);
	must(bpf_prog_test_run_opts(bpf_program__fd(xdp->progs.guard_xdp), &once), "first SYN");
	at_the_card("SYN beyond its bucket: dropped", syn, XDP_DROP);
	struct frame stranger = client;
	stranger.source = "192.0.2.8";
	first = build_frame(&stranger);
	must(bpf_prog_test_run_opts(bpf_program__fd(xdp->progs.guard_xdp), &once), "first datagram");
	at_the_card("stranger beyond his bucket: dropped", stranger, XDP_DROP);
	g->syn = g->udp = (struct guard_rate){ 1, UINT32_MAX };
	g->syn_total = g->udp_total = (struct guard_rate){ NEVER_AGAIN, 0 };
	must(bpf_prog_test_run_opts(bpf_program__fd(xdp->progs.guard_xdp), &once), "first of all");
	at_the_card("stranger beyond the bucket of all: dropped", stranger, XDP_DROP);
	guard_xdp__destroy(xdp);
}

/* {{ at the TUN device }} */

/* The test-run gives the program an Ethernet header, the device has none: here it is the beginning of an IP header whose source, 8.0.0.5,
 * reads as the type of IPv4. */
static void measure_tun(void)
{
	struct guard_tun *tun = guard_tun__open_and_load();
	struct steer_inner key;
	struct steer_worker worker = { 1 };
	if (tun == nullptr)
		die("guard_tun");
	address_of(key.addr, "8.0.0.5");
	must(bpf_map_update_elem(bpf_map__fd(tun->maps.inner), &key, &worker, BPF_ANY), "inner");
	struct frame f = { "8.0.0.5", "203.0.113.2", .payload = data12, .payload_len = sizeof data12 };
	struct built b = build_frame(&f);
	int prog = bpf_program__fd(tun->progs.guard_tun);
	measure("inner packet of a session: passed", prog, b.bytes + b.ip_at, b.len - b.ip_at, -1);
	f.source = "8.0.0.6";
	b = build_frame(&f);
	measure("inner packet of nobody: dropped", prog, b.bytes + b.ip_at, b.len - b.ip_at, 2);
	guard_tun__destroy(tun);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: eBPF needs root");
		return 77;
	}
	measure_xdp();
	measure_tun();
	return 0;
}
