/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guard's program at the network card, by its test-run: what passes, what is dropped, and which counter says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "bpf/guard.h"
#include "bpf/guard_xdp.skel.h"
#include "bpf/shared.h"
#include "packet.h"

constexpr char us4[] = "198.51.100.1", us6[] = "2001:db8:1::1";
constexpr char he4[] = "192.0.2.7", he6[] = "2001:db8:9::7";
constexpr uint64_t SECOND = 1'000'000'000;

static struct guard_xdp *skel;

/* {{ tools }} */

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
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

static uint32_t run(const struct built *b)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->bytes, .data_size_in = (uint32_t)b->len);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.guard_xdp), &opts), 0);
	return opts.retval;
}

static uint32_t send_frame(const struct frame *f)
{
	struct built b = build_frame(f);
	return run(&b);
}

static void address_of(uint8_t out[16], const char *text)
{
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	if (strchr(text, ':') != nullptr)
		assert_int_equal(inet_pton(AF_INET6, text, out), 1);
	else
		assert_int_equal(inet_pton(AF_INET, text, out + 12), 1);
}

static void listen_on(const char *address, uint8_t protocol)
{
	struct guard_ours key = { .port = htons(443), .protocol = protocol };
	uint32_t one = 1;
	address_of(key.addr, address);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.ours), &key, &one, BPF_ANY), 0);
}

static void list(const char *prefix, uint32_t len, uint32_t verdict, uint64_t expires_ns)
{
	struct guard_entry e = { .verdict = verdict, .expires_ns = expires_ns };
	uint8_t addr[16];
	address_of(addr, prefix);
	if (strchr(prefix, ':') != nullptr) {
		struct guard_key6 key = { .len = len };
		memcpy(key.addr, addr, 16);
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.list6), &key, &e, BPF_ANY), 0);
	} else {
		struct guard_key4 key = { .len = len };
		memcpy(key.addr, addr + 12, 4);
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.list4), &key, &e, BPF_ANY), 0);
	}
}

static void know_id(uint8_t byte)
{
	struct steer_app_id key;
	struct steer_worker value = { 0 };
	memset(key.id, byte, sizeof key.id);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(skel->maps.app_ids), &key, &value, BPF_ANY), 0);
}

static struct guard_rate rate(uint64_t per_second, uint64_t burst)
{
	return (struct guard_rate){ SECOND / per_second, (burst - 1) * (SECOND / per_second) };
}

static int open_program(void **state)
{
	(void)state;
	skel = guard_xdp__open_and_load();
	if (skel == nullptr)
		return -1;
	skel->bss->settings =
		(struct guard_settings){ .ports_n = 1, .ports = { htons(443) }, .workers_n = 4 };
	listen_on(us4, IPPROTO_TCP);
	listen_on(us4, IPPROTO_UDP);
	listen_on(us6, IPPROTO_TCP);
	listen_on(us6, IPPROTO_UDP);
	return 0;
}

static int close_program(void **state)
{
	(void)state;
	guard_xdp__destroy(skel);
	return 0;
}

/* {{ payloads }} */

#define RECORD(type, high, low, epoch, len) { type, high, low, 0, epoch, 0, 0, 0, 0, 0, 1, 0, len }

static const uint8_t data12[13 + 40] = RECORD(23, 0xfe, 0xfd, 1, 40);
static const uint8_t alert10[13 + 2] = RECORD(21, 0xfe, 0xff, 0, 2);
static const uint8_t ccs_bad[13 + 1] = RECORD(20, 1, 0, 0, 1);
static const uint8_t wrong_version[13 + 40] = RECORD(23, 0xfe, 0xfe, 1, 40);
static const uint8_t wrong_type[13 + 40] = RECORD(24, 0xfe, 0xfd, 1, 40);
static const uint8_t longer[13 + 40] = RECORD(23, 0xfe, 0xfd, 1, 41);
static const uint8_t empty[13 + 40] = RECORD(23, 0xfe, 0xfd, 1, 0);
static const uint8_t cid12[13 + 40] = RECORD(25, 0xfe, 0xfd, 1, 40);
static const uint8_t cid13[40] = { 0x3e, 3 }, cid13_nobody[40] = { 0x3e, 4 }, unified[40] = { 0x2e };
static const uint8_t hello[13 + 150] = { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 150, 1 };
static const uint8_t text[] = "GET / HTTP/1.1\r\n\r\n",
		     dns[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www";

#define PAYLOAD(x) .payload = (x), .payload_len = sizeof(x)

/* {{ one packet }} */

static const struct {
	const char *name;
	struct frame frame;
	uint32_t verdict;
	int counter; /* that counts it; -1: none may */
} rows[] = {
	/* whose it is */
	{ "data of DTLS 1.2", { he4, us4, PAYLOAD(data12) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "the same over IPv6", { he6, us6, PAYLOAD(data12) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "garbage to another port", { he4, us4, .port = 53, PAYLOAD(dns) }, XDP_PASS, -1 },
	{ "garbage to another address", { he4, "198.51.100.9", PAYLOAD(dns) }, XDP_PASS, -1 },
	{ "garbage to another IPv6 address", { he6, "2001:db8:1::2", PAYLOAD(dns) }, XDP_PASS, -1 },
	{ "another protocol", { he4, us4, .protocol = IPPROTO_ICMP, PAYLOAD(dns) }, XDP_PASS, -1 },
	{ "SCTP to the same port", { he4, us4, .protocol = IPPROTO_SCTP, PAYLOAD(dns) }, XDP_PASS, -1 },
	/* what cannot be DTLS */
	{ "alert of DTLS 1.0", { he4, us4, PAYLOAD(alert10) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "before DTLS was standard", { he4, us4, PAYLOAD(ccs_bad) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "a connection id of worker 3", { he4, us4, PAYLOAD(cid13) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "a hello", { he4, us4, PAYLOAD(hello) }, XDP_PASS, GUARD_COUNT_udp_strange },
	{ "no such version", { he4, us4, PAYLOAD(wrong_version) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "no such type", { he4, us4, PAYLOAD(wrong_type) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "record longer than its datagram", { he4, us4, PAYLOAD(longer) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "record of nothing", { he4, us4, PAYLOAD(empty) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "connection id of DTLS 1.2", { he4, us4, PAYLOAD(cid12) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "connection id of no worker",
	  { he4, us4, PAYLOAD(cid13_nobody) },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "DTLS 1.3 without connection id", { he4, us4, PAYLOAD(unified) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "connection id and no room for a tag",
	  { he4, us4, .payload = cid13, .payload_len = 26 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "the least record of DTLS 1.3",
	  { he4, us4, .payload = cid13, .payload_len = 27 },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	{ "HTTP", { he4, us4, PAYLOAD(text) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "DNS", { he6, us6, PAYLOAD(dns) }, XDP_DROP, GUARD_COUNT_malformed },
	{ "nothing", { he4, us4, .payload_len = 0 }, XDP_DROP, GUARD_COUNT_malformed },
	{ "thirteen bytes",
	  { he4, us4, .payload = data12, .payload_len = 13 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "UDP longer than the frame",
	  { he4, us4, PAYLOAD(data12), .udp_len = 100 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "UDP shorter than its header",
	  { he4, us4, PAYLOAD(data12), .udp_len = 7 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "padding behind the datagram",
	  { he4, us4, PAYLOAD(data12), .udp_len = 8 + 13 + 40 - 1 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	/* ways to the header */
	{ "one VLAN tag", { he4, us4, PAYLOAD(text), .vlans = 1 }, XDP_DROP, GUARD_COUNT_malformed },
	{ "two VLAN tags", { he6, us6, PAYLOAD(text), .vlans = 2 }, XDP_DROP, GUARD_COUNT_malformed },
	{ "three are not followed", { he4, us4, PAYLOAD(text), .vlans = 3 }, XDP_PASS, -1 },
	{ "options of IPv4", { he4, us4, PAYLOAD(text), .extensions = 10 }, XDP_DROP, GUARD_COUNT_malformed },
	{ "extension headers of IPv6",
	  { he6, us6, PAYLOAD(text), .extensions = 3 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "six of them", { he6, us6, PAYLOAD(text), .extensions = 6 }, XDP_DROP, GUARD_COUNT_malformed },
	{ "seven are not followed", { he6, us6, PAYLOAD(text), .extensions = 7 }, XDP_PASS, -1 },
	{ "data behind extension headers",
	  { he6, us6, PAYLOAD(data12), .extensions = 2 },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	/* fragments */
	{ "first fragment of a record",
	  { he4, us4, PAYLOAD(data12), .fragment = 0x2000, .udp_len = 8 + 1400 },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	{ "first fragment of garbage",
	  { he4, us4, PAYLOAD(text), .fragment = 0x2000, .udp_len = 8 + 1400 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "later fragment",
	  { he4, us4, PAYLOAD(text), .fragment = 0x2010 },
	  XDP_PASS,
	  GUARD_COUNT_fragments },
	{ "last fragment", { he4, us4, PAYLOAD(text), .fragment = 0x0010 }, XDP_PASS, GUARD_COUNT_fragments },
	{ "do not fragment",
	  { he4, us4, PAYLOAD(text), .fragment = 0x4000 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "IPv6: first fragment",
	  { he6, us6, PAYLOAD(data12), .has_fragment = true, .fragment = 1, .udp_len = 8 + 1400 },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	{ "IPv6: first fragment of garbage",
	  { he6, us6, PAYLOAD(text), .has_fragment = true, .fragment = 1, .udp_len = 8 + 1400 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "IPv6: later fragment",
	  { he6, us6, PAYLOAD(text), .has_fragment = true, .fragment = 9 },
	  XDP_PASS,
	  GUARD_COUNT_fragments },
	{ "IPv6: a fragment that is whole",
	  { he6, us6, PAYLOAD(text), .has_fragment = true, .extensions = 1 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "a first fragment without a record's header",
	  { he4, us4, .payload = data12, .payload_len = 8, .fragment = 0x2000, .udp_len = 8 + 1400 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	{ "a first fragment that hides the flags of TCP",
	  { he4, us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN, .fragment = 0x2000, .cut = 14 + 20 + 8 },
	  XDP_DROP,
	  GUARD_COUNT_malformed },
	/* short frames are the kernel's business */
	{ "half an Ethernet header's IP", { he4, us4, PAYLOAD(text), .cut = 14 + 19 }, XDP_PASS, -1 },
	{ "half an IPv6 header", { he6, us6, PAYLOAD(text), .cut = 14 + 39 }, XDP_PASS, -1 },
	{ "half a UDP header", { he4, us4, PAYLOAD(text), .cut = 14 + 20 + 7 }, XDP_PASS, -1 },
	{ "half a TCP header",
	  { he4, us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN, .cut = 14 + 20 + 10 },
	  XDP_PASS,
	  -1 },
	/* TCP */
	{ "SYN", { he4, us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN }, XDP_PASS, GUARD_COUNT_syn },
	{ "SYN over IPv6",
	  { he6, us6, .protocol = IPPROTO_TCP, .flags = FLAG_SYN },
	  XDP_PASS,
	  GUARD_COUNT_syn },
	{ "ACK", { he4, us4, .protocol = IPPROTO_TCP, .flags = FLAG_ACK }, XDP_PASS, GUARD_COUNT_passed },
	{ "SYN to another port",
	  { he4, us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN, .port = 22 },
	  XDP_PASS,
	  -1 },
	/* lists */
	{ "blocked", { "203.0.113.5", us4, PAYLOAD(data12) }, XDP_DROP, GUARD_COUNT_blocked },
	{ "blocked: TCP, too",
	  { "203.0.113.5", us4, .protocol = IPPROTO_TCP, .flags = FLAG_ACK },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
	{ "blocked: not to other ports",
	  { "203.0.113.5", us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN, .port = 22 },
	  XDP_PASS,
	  -1 },
	{ "blocked: not to other addresses",
	  { "203.0.113.5", "198.51.100.9", PAYLOAD(data12) },
	  XDP_PASS,
	  -1 },
	{ "allowed inside of blocked",
	  { "203.0.113.129", us4, PAYLOAD(data12) },
	  XDP_PASS,
	  GUARD_COUNT_allowed },
	{ "the last one before it",
	  { "203.0.113.127", us4, PAYLOAD(data12) },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
	{ "blocked again inside of allowed",
	  { "203.0.113.200", us4, PAYLOAD(data12) },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
	{ "IPv6 blocked", { "2001:db8:bad::1", us6, PAYLOAD(data12) }, XDP_DROP, GUARD_COUNT_blocked },
	{ "IPv6 allowed inside",
	  { "2001:db8:bad:1::1", us6, PAYLOAD(data12) },
	  XDP_PASS,
	  GUARD_COUNT_allowed },
	{ "IPv6: the neighbour",
	  { "2001:db8:bae::1", us6, PAYLOAD(data12) },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	{ "an entry that has expired",
	  { "192.0.2.99", us4, PAYLOAD(data12) },
	  XDP_PASS,
	  GUARD_COUNT_udp_strange },
	{ "new only: SYN",
	  { "192.0.2.50", us4, .protocol = IPPROTO_TCP, .flags = FLAG_SYN },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
	{ "new only: open connections go on",
	  { "192.0.2.50", us4, .protocol = IPPROTO_TCP, .flags = FLAG_ACK },
	  XDP_PASS,
	  GUARD_COUNT_passed },
	{ "new only: a stranger's datagram",
	  { "192.0.2.50", us4, PAYLOAD(data12) },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
	{ "blocked: behind a VLAN tag and options",
	  { "203.0.113.5", us4, PAYLOAD(data12), .vlans = 1, .extensions = 2 },
	  XDP_DROP,
	  GUARD_COUNT_blocked },
};

static uint64_t sum_of_counts(void)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < GUARD_COUNT_N; i++)
		sum += count_of(i);
	return sum;
}

static void each_packet_has_its_verdict(void **state)
{
	(void)state;
	list("203.0.113.0", 24, GUARD_VERDICT_BLOCK, 0);
	list("203.0.113.128", 25, GUARD_VERDICT_ALLOW, 0);
	list("203.0.113.200", 32, GUARD_VERDICT_BLOCK, 0);
	list("2001:db8:bad::", 48, GUARD_VERDICT_BLOCK, 0);
	list("2001:db8:bad:1::", 64, GUARD_VERDICT_ALLOW, 0);
	list("192.0.2.99", 32, GUARD_VERDICT_BLOCK, now_ns() - 1);
	list("192.0.2.50", 32, GUARD_VERDICT_BLOCK_NEW, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t all = sum_of_counts();
		uint64_t before = rows[i].counter >= 0 ? count_of((uint32_t)rows[i].counter) : 0;
		uint32_t verdict = send_frame(&rows[i].frame);
		if (verdict != rows[i].verdict)
			fail_msg("%s: verdict %u, not %u", rows[i].name, verdict, rows[i].verdict);
		if (rows[i].counter < 0 && sum_of_counts() != all)
			fail_msg("%s: was counted", rows[i].name);
		if (rows[i].counter >= 0 && count_of((uint32_t)rows[i].counter) != before + 1)
			fail_msg("%s: counter %d did not count it", rows[i].name, rows[i].counter);
	}
}

static void an_entry_ends_by_itself(void **state)
{
	(void)state;
	struct frame f = { "192.0.2.60", us4, PAYLOAD(data12) };
	list("192.0.2.60", 32, GUARD_VERDICT_BLOCK, now_ns() + SECOND / 2);
	assert_int_equal(send_frame(&f), XDP_DROP);
	usleep(600'000);
	assert_int_equal(send_frame(&f), XDP_PASS);
}

/* {{ buckets }} */

static unsigned passed_of(struct frame *f, unsigned n)
{
	struct built b = build_frame(f);
	unsigned passed = 0;
	for (unsigned i = 0; i < n; i++)
		passed += run(&b) == XDP_PASS;
	return passed;
}

static void a_source_has_its_bucket(void **state)
{
	(void)state;
	skel->bss->settings.syn = rate(1, 10);
	skel->bss->settings.udp = rate(1, 20);
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.1", us4, IPPROTO_TCP, .flags = FLAG_SYN }, 50),
			 10);
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.2", us4, IPPROTO_TCP, .flags = FLAG_SYN }, 50),
			 10);
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.1", us4, PAYLOAD(data12) }, 50), 20);
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.1", us4, IPPROTO_TCP, .flags = FLAG_ACK }, 50),
			 50);
	/* a /64 is one source */
	assert_int_equal(passed_of(&(struct frame){ "2001:db8:5::1", us6, PAYLOAD(data12) }, 15), 15);
	assert_int_equal(passed_of(&(struct frame){ "2001:db8:5::2", us6, PAYLOAD(data12) }, 15), 5);
	assert_int_equal(passed_of(&(struct frame){ "2001:db8:5:1::2", us6, PAYLOAD(data12) }, 15), 15);
	usleep(1'100'000); /* one more is due */
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.1", us4, IPPROTO_TCP, .flags = FLAG_SYN }, 50),
			 1);
	skel->bss->settings.syn = skel->bss->settings.udp = (struct guard_rate){ 0 };
	assert_int_equal(passed_of(&(struct frame){ "192.0.2.1", us4, IPPROTO_TCP, .flags = FLAG_SYN }, 50),
			 50);
}

/* Random sources: n packets, each from another. */
static unsigned passed_from_everywhere(struct frame f, unsigned n, unsigned net)
{
	unsigned passed = 0;
	for (unsigned i = 0; i < n; i++) {
		char source[32];
		snprintf(source, sizeof source, "10.%u.%u.%u", net, i / 250, 1 + i % 250);
		f.source = source;
		f.seq = i * 7919;
		passed += send_frame(&f) == XDP_PASS;
	}
	return passed;
}

static void all_sources_together_have_one(void **state)
{
	(void)state;
	skel->bss->settings.udp = rate(100, 100);
	skel->bss->settings.udp_total = rate(1, 30);
	assert_int_equal(passed_from_everywhere((struct frame){ he4, us4, PAYLOAD(data12) }, 300, 1), 30);
	assert_int_equal(passed_from_everywhere((struct frame){ he4, us4, PAYLOAD(hello) }, 300, 2), 0);
	uint64_t before = count_of(GUARD_COUNT_udp_total_limited);
	assert_int_equal(passed_from_everywhere((struct frame){ he4, us4, PAYLOAD(data12) }, 10, 3), 0);
	assert_int_equal(count_of(GUARD_COUNT_udp_total_limited), before + 10);
}

static void a_long_train_costs_what_it_holds(void **state)
{
	(void)state;
	static uint8_t train[1400] = RECORD(23, 0xfe, 0xfd, 1, 40);
	struct frame f = { "192.0.2.20", us4, .payload = train, .payload_len = sizeof train };
	skel->bss->settings.udp = rate(1, 40);
	/* a first fragment tells the length of the whole: 30000 bytes are 21 datagrams */
	f.fragment = 0x2000;
	f.udp_len = 8 + 30'000;
	assert_int_equal(passed_of(&f, 50), 2);
}

/* {{ who is known }} */

/* A whole hello with this id everywhere in its session id; len at least 92. */
static size_t build_hello(uint8_t out[static 512], uint8_t id, size_t len)
{
	memset(out, 0, 512);
	memcpy(out, hello, 14);
	out[12] = (uint8_t)(len - 13);
	out[11] = (uint8_t)((len - 13) >> 8);
	out[59] = 32;
	memset(out + 60, id, 32);
	return len;
}

static size_t build_hello13(uint8_t out[static 512], uint8_t id)
{
	size_t len = build_hello(out, 0, 300), at = len - 39 - 64;
	static const char digits[] = "0123456789abcdef";
	out[59] = 0;
	out[at - 1] = 64;
	for (size_t i = 0; i < 32; i++) {
		out[at + 2 * i] = (uint8_t)digits[id >> 4];
		out[at + 2 * i + 1] = (uint8_t)digits[id & 15];
	}
	return len;
}

static void close_all_buckets(void)
{
	skel->bss->settings.udp = rate(1, 1);
	skel->bss->settings.udp_total = rate(1, 1);
	passed_from_everywhere((struct frame){ he4, us4, PAYLOAD(data12) }, 5, 9);
}

static void a_client_with_an_id_is_not_in_the_flood(void **state)
{
	(void)state;
	uint8_t bytes[512];
	close_all_buckets();
	know_id(0x42);
	struct frame f = { "192.0.2.30", us4, .payload = bytes,
			   .payload_len = build_hello(bytes, 0x42, 200) };
	struct frame data = { "192.0.2.30", us4, PAYLOAD(data12) };
	struct frame other_port = { "192.0.2.30", us4, .from = 40'001, PAYLOAD(data12) };
	assert_int_equal(send_frame(&data), XDP_DROP);
	assert_int_equal(send_frame(&f), XDP_PASS);
	assert_int_equal(passed_of(&data, 1000), 1000);
	assert_int_equal(send_frame(&other_port), XDP_DROP);
	/* the same by DTLS 1.3, whose records have a connection id */
	struct frame f13 = { "2001:db8:7::1", us6, .payload = bytes,
			     .payload_len = build_hello13(bytes, 0x42) };
	struct frame data13 = { "2001:db8:7::1", us6, PAYLOAD(cid13) };
	assert_int_equal(send_frame(&data13), XDP_DROP);
	assert_int_equal(send_frame(&f13), XDP_PASS);
	assert_int_equal(passed_of(&data13, 1000), 1000);
}

static void other_hellos_are_in_the_flood(void **state)
{
	(void)state;
	uint8_t bytes[512];
	close_all_buckets();
	know_id(0x42);
	struct frame f = { "192.0.2.31", us4, .payload = bytes,
			   .payload_len = build_hello(bytes, 0x43, 200) };
	assert_int_equal(send_frame(&f), XDP_DROP); /* nobody's id */
	build_hello(bytes, 0x42, 200);
	bytes[59] = 31; /* no id has this length */
	assert_int_equal(send_frame(&f), XDP_DROP);
	build_hello(bytes, 0x42, 200);
	bytes[21] = 1; /* not the first fragment of the message */
	assert_int_equal(send_frame(&f), XDP_DROP);
	f.payload_len = build_hello(bytes, 0x42, 91); /* cut in the id */
	assert_int_equal(send_frame(&f), XDP_DROP);
	f.payload_len = build_hello13(bytes, 0x43);
	assert_int_equal(send_frame(&f), XDP_DROP);
	f.payload_len = build_hello13(bytes, 0x42);
	bytes[f.payload_len - 39 - 1] = 'x';
	assert_int_equal(send_frame(&f), XDP_DROP);
	struct frame data = { "192.0.2.31", us4, PAYLOAD(data12) };
	assert_int_equal(send_frame(&data), XDP_DROP); /* none of these made it known */
}

static void one_id_cannot_be_repeated_for_ever(void **state)
{
	(void)state;
	uint8_t bytes[512];
	skel->bss->settings.hello = rate(1, 5);
	know_id(0x44);
	struct frame f = { he4, us4, .payload = bytes, .payload_len = build_hello(bytes, 0x44, 200) };
	assert_int_equal(passed_from_everywhere(f, 100, 4), 5);
	assert_int_equal(count_of(GUARD_COUNT_hello_limited), 95);
	know_id(0x45);
	build_hello(bytes, 0x45, 200);
	assert_int_equal(passed_from_everywhere(f, 100, 5), 5);
}

static void a_block_for_the_new_leaves_the_known(void **state)
{
	(void)state;
	uint8_t bytes[512];
	know_id(0x46);
	struct frame f = { "192.0.2.33", us4, .payload = bytes,
			   .payload_len = build_hello(bytes, 0x46, 200) };
	struct frame data = { "192.0.2.33", us4, PAYLOAD(data12) };
	assert_int_equal(send_frame(&f), XDP_PASS);
	list("192.0.2.33", 32, GUARD_VERDICT_BLOCK_NEW, 0);
	assert_int_equal(send_frame(&data), XDP_PASS);
	data.from = 1234;
	assert_int_equal(send_frame(&data), XDP_DROP);
	list("192.0.2.33", 32, GUARD_VERDICT_BLOCK, 0);
	data.from = 0;
	assert_int_equal(send_frame(&data), XDP_DROP);
}

/* A NAT that has forgotten a client gives him another port: that is no stranger's flood, but has its bucket. */
static void another_port_of_a_known_address_has_its_own_bucket(void **state)
{
	(void)state;
	uint8_t bytes[512];
	close_all_buckets();
	skel->bss->settings.udp = rate(1, 10);
	know_id(0x47);
	struct frame f = { "192.0.2.34", us4, .payload = bytes,
			   .payload_len = build_hello(bytes, 0x47, 200) };
	struct frame other = { "192.0.2.34", us4, .from = 41'000, PAYLOAD(data12) },
		     stranger = { "192.0.2.35", us4, PAYLOAD(data12) };
	assert_int_equal(send_frame(&other), XDP_DROP);
	assert_int_equal(send_frame(&f), XDP_PASS);
	assert_int_equal(passed_of(&other, 50), 9); /* the first one has been paid for, too */
	assert_int_equal(send_frame(&stranger), XDP_DROP);
}

/* {{ who is made known on the way out }} */

static void send_out(const struct frame *f)
{
	struct built b = build_frame(f);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b.bytes, .data_size_in = (uint32_t)b.len);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.guard_learn), &opts), 0);
	assert_int_equal((int)opts.retval, -1); /* TC_ACT_UNSPEC: never an end */
}

static const uint8_t hello_verify[13 + 20] = RECORD(22, 0xfe, 0xfd, 0, 20);

static const struct {
	const char *name;
	struct frame frame; /* port: of the client; from: ours */
	bool is_learned;
} out_rows[] = {
	{ "data of DTLS 1.2", { us4, "192.0.2.61", .port = 7001, .from = 443, PAYLOAD(data12) }, true },
	{ "a record of DTLS 1.3",
	  { us6, "2001:db8:61::1", .port = 7002, .from = 443, PAYLOAD(unified) },
	  true },
	{ "behind a VLAN tag",
	  { us4, "192.0.2.61", .port = 7003, .from = 443, PAYLOAD(data12), .vlans = 1 },
	  true },
	{ "the question for a cookie",
	  { us4, "192.0.2.61", .port = 7004, .from = 443, PAYLOAD(hello_verify) },
	  false },
	{ "an alert", { us4, "192.0.2.61", .port = 7005, .from = 443, PAYLOAD(alert10) }, false },
	{ "from another port", { us4, "192.0.2.61", .port = 7006, .from = 53, PAYLOAD(data12) }, false },
	{ "from an address that is not ours",
	  { "198.51.100.9", "192.0.2.61", .port = 7007, .from = 443, PAYLOAD(data12) },
	  false },
	{ "TCP",
	  { us4, "192.0.2.61", .protocol = IPPROTO_TCP, .port = 7008, .from = 443, .flags = FLAG_ACK },
	  false },
	{ "half a header",
	  { us4, "192.0.2.61", .port = 7009, .from = 443, PAYLOAD(data12), .cut = 14 + 20 + 6 },
	  false },
	{ "nothing", { us4, "192.0.2.61", .port = 7010, .from = 443 }, false },
};

static void whom_the_server_sends_data_is_known(void **state)
{
	(void)state;
	close_all_buckets();
	for (size_t i = 0; i < ARRAY_LEN(out_rows); i++) {
		const struct frame *f = &out_rows[i].frame;
		struct frame back = { f->target, f->source, .from = f->port, PAYLOAD(data12) };
		if (strcmp(f->source, us4) != 0 && strcmp(f->source, us6) != 0)
			back.target = us4;
		assert_int_equal(send_frame(&back), XDP_DROP);
		send_out(f);
		if ((send_frame(&back) == XDP_PASS) != out_rows[i].is_learned)
			fail_msg("%s: learned %d", out_rows[i].name, !out_rows[i].is_learned);
	}
	assert_int_equal(count_of(GUARD_COUNT_learned), 3);
	send_out(&out_rows[0].frame);
	assert_int_equal(count_of(GUARD_COUNT_learned), 3);
}

/* {{ SYN }} */

static void a_syn_that_comes_again_passes(void **state)
{
	(void)state;
	skel->bss->settings.syn_total = rate(1, 10);
	struct frame flood = { he4, us4, IPPROTO_TCP, .flags = FLAG_SYN };
	assert_in_range(passed_from_everywhere(flood, 2000, 6), 10, 11);
	struct frame f = { "192.0.2.40", us4, IPPROTO_TCP, .flags = FLAG_SYN, .seq = 4711 };
	assert_int_equal(send_frame(&f), XDP_DROP);
	assert_int_equal(send_frame(&f), XDP_DROP); /* at once does not count */
	usleep(1'100'000);
	passed_from_everywhere(flood, 5, 7); /* takes what was saved meanwhile */
	assert_int_equal(send_frame(&f), XDP_PASS);
	assert_int_equal(count_of(GUARD_COUNT_syn_second), 1);
	f.seq++; /* another one */
	assert_int_equal(send_frame(&f), XDP_DROP);
	f.seq--;
	f.from = 1;
	assert_int_equal(send_frame(&f), XDP_DROP);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: eBPF needs root");
		return 77;
	}
#define T(f) cmocka_unit_test_setup_teardown(f, open_program, close_program)
	const struct CMUnitTest tests[] = {
		T(each_packet_has_its_verdict),
		T(an_entry_ends_by_itself),
		T(a_source_has_its_bucket),
		T(all_sources_together_have_one),
		T(a_long_train_costs_what_it_holds),
		T(a_client_with_an_id_is_not_in_the_flood),
		T(other_hellos_are_in_the_flood),
		T(one_id_cannot_be_repeated_for_ever),
		T(a_block_for_the_new_leaves_the_known),
		T(another_port_of_a_known_address_has_its_own_bucket),
		T(whom_the_server_sends_data_is_known),
		T(a_syn_that_comes_again_passes),
	};
#undef T
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
