/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steering programs in the kernel: steer_tun by its test-run and with a real device, steer_udp (which has no test-run)
 * with real sockets on the loopback of a namespace of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "bpf/shared.h"
#include "bpf/steer_tun.skel.h"
#include "netns.h"
#include "supervisor/net.h"
#include "supervisor/steering.h"

constexpr unsigned WORKERS_N = 4;
constexpr uint16_t PORT = 4443;
constexpr uint32_t HASHED = UINT32_MAX; /* any queue, but always the same */

/* {{ inner packets }} */

static struct steer_inner inner_of(const char *address)
{
	struct steer_inner key = { .addr = { [10] = 0xff, [11] = 0xff } };
	if (strchr(address, ':') != nullptr)
		assert_int_equal(inet_pton(AF_INET6, address, key.addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET, address, key.addr + 12), 1);
	return key;
}

/* An IP header to the address behind the Ethernet header that the test-run wants. */
static size_t build(uint8_t out[static 128], const char *address)
{
	struct steer_inner to = inner_of(address);
	bool is_v6 = strchr(address, ':') != nullptr;
	memset(out, 0, 128);
	out[12] = is_v6 ? 0x86 : 0x08;
	out[13] = is_v6 ? 0xdd : 0x00;
	uint8_t *ip = out + 14;
	ip[0] = is_v6 ? 0x60 : 0x45;
	memcpy(ip + (is_v6 ? 24 : 16), is_v6 ? to.addr : to.addr + 12, is_v6 ? 16 : 4);
	return 14 + (is_v6 ? 48 : 28);
}

static void own(int map, const char *address, uint32_t worker)
{
	struct steer_inner key = inner_of(address);
	struct steer_worker value = { worker };
	assert_int_equal(bpf_map_update_elem(map, &key, &value, BPF_ANY), 0);
}

static uint32_t run_tun(int prog, const uint8_t *packet, size_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = (uint32_t)len);
	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
	return opts.retval;
}

static const struct {
	const char *name;
	const char *destination;
	uint32_t verdict;
} tun_rows[] = {
	{ "IPv4 of a session", "10.9.0.5", 3 },
	{ "another", "10.9.0.6", 1 },
	{ "worker 0 is not 'none'", "10.9.0.7", 0 },
	{ "IPv4 of nobody", "10.9.0.99", HASHED },
	{ "IPv6 of a session", "fd77::5", 2 },
	{ "IPv6 of nobody", "fd77::99", HASHED },
	{ "inside a /56 of a client", "fd88:0:0:1ab::1234", 1 },
	{ "the next /56 is another's", "fd88:0:0:200::1", HASHED },
	{ "inside a /64 of a client", "fd99:0:0:7:ffff::1", 3 },
	{ "IPv4 is not its mapped IPv6", "::ffff:10.9.0.5",
	  3 }, /* the same key on purpose: nobody routes mapped addresses */
	{ "multicast", "ff02::16", HASHED },
};

static void the_queue_is_that_of_the_owner(void **state)
{
	(void)state;
	struct steer_tun *s = steer_tun__open();
	assert_non_null(s);
	s->rodata->prefix_len[0] = 56;
	s->rodata->prefix_len[1] = 64;
	assert_int_equal(steer_tun__load(s), 0);
	int map = bpf_map__fd(s->maps.inner), prog = bpf_program__fd(s->progs.steer_tun);
	own(map, "10.9.0.5", 3);
	own(map, "10.9.0.6", 1);
	own(map, "10.9.0.7", 0);
	own(map, "fd77::5", 2);
	own(map, "fd88:0:0:100::", 1);
	own(map, "fd99:0:0:7::", 3);
	for (size_t i = 0; i < ARRAY_LEN(tun_rows); i++) {
		uint8_t packet[128];
		size_t len = build(packet, tun_rows[i].destination);
		uint32_t got = run_tun(prog, packet, len);
		if (tun_rows[i].verdict == HASHED)
			assert_int_equal(got, run_tun(prog, packet, len));
		else if (got != tun_rows[i].verdict)
			fail_msg("%s: queue %u, not %u", tun_rows[i].name, got, tun_rows[i].verdict);
	}
	steer_tun__destroy(s);
}

static void nobodys_packets_are_spread(void **state)
{
	(void)state;
	struct steer_tun *s = steer_tun__open_and_load();
	assert_non_null(s);
	unsigned hits[WORKERS_N] = { 0 };
	for (int i = 1; i < 250; i++) {
		char address[32];
		uint8_t packet[128];
		snprintf(address, sizeof address, "10.9.0.%d", i);
		size_t len = build(packet, address);
		hits[run_tun(bpf_program__fd(s->progs.steer_tun), packet, len) % WORKERS_N]++;
	}
	for (unsigned i = 0; i < WORKERS_N; i++)
		assert_in_range(hits[i], 30, 100);
	steer_tun__destroy(s);
}

static void a_packet_without_a_whole_header_is_no_trouble(void **state)
{
	(void)state;
	struct steer_tun *s = steer_tun__open_and_load();
	assert_non_null(s);
	uint8_t packet[128];
	build(packet, "10.9.0.5");
	packet[12] = 0x88; /* the test-run itself refuses half an IP header */
	packet[13] = 0xb5;
	for (size_t len = 15; len < 34; len++)
		assert_in_range(run_tun(bpf_program__fd(s->progs.steer_tun), packet, len), 0, 0x7fff);
	steer_tun__destroy(s);
}

/* {{ all of it, as the supervisor does it }} */

static struct {
	struct config *config;
	struct listen listen;
	struct tun tun;
	struct steering *steering;
	int inner, app_ids;
} lab;

static int lab_open(void **state)
{
	(void)state;
	struct config_report report = { 0 };
	static const char text[] =
		"auth = plain[passwd=/p]\nserver-cert = /c\nserver-key = /k\nipv4-network = 10.9.0.0/24\n"
		"ipv6-network = fd77::/64\ntcp-port = 4443\nudp-port = 4443\n";
	int maps[STEERING_MAPS_N];
	if (config_parse(&lab.config, "test.conf", text, sizeof text - 1, &report) != ERR_OK ||
	    listen_open(&lab.listen, lab.config, "test.conf", WORKERS_N) != ERR_OK ||
	    tun_open(&lab.tun, "test", WORKERS_N, false) != ERR_OK ||
	    net_configure(lab.config, lab.tun.name, 1400) != ERR_OK ||
	    steering_new(&lab.steering, lab.config, &lab.listen, &lab.tun) != ERR_OK)
		return -1;
	config_report_fini(&report);
	steering_maps(lab.steering, maps);
	lab.inner = maps[0];
	lab.app_ids = maps[1];
	return 0;
}

static int lab_close(void **state)
{
	(void)state;
	steering_freep(&lab.steering);
	tun_close(&lab.tun);
	listen_close(&lab.listen);
	config_put(lab.config);
	return 0;
}

/* The queue in which a datagram to the client comes out. */
static unsigned queue_of(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, address, &to.sin_addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to), 1);
	close(fd);
	for (;;) {
		struct pollfd p[WORKERS_N];
		for (unsigned i = 0; i < WORKERS_N; i++)
			p[i] = (struct pollfd){ .fd = lab.tun.fds[i], .events = POLLIN };
		assert_true(poll(p, WORKERS_N, 1000) > 0);
		for (unsigned i = 0; i < WORKERS_N; i++) {
			uint8_t packet[2000];
			if (p[i].revents == 0 || read(p[i].fd, packet, sizeof packet) <= TUN_VNET_HDR_LEN)
				continue;
			if (packet[TUN_VNET_HDR_LEN] == 0x45 &&
			    memcmp(packet + TUN_VNET_HDR_LEN + 16, &to.sin_addr, 4) == 0)
				return i;
		}
	}
}

static void the_device_asks_the_program(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 40; i++) {
		char address[32];
		snprintf(address, sizeof address, "10.9.0.%u", 10 + i);
		own(lab.inner, address, i % WORKERS_N);
		assert_int_equal(queue_of(address), i % WORKERS_N);
	}
	own(lab.inner, "10.9.0.10", 3); /* the client came back to another worker */
	assert_int_equal(queue_of("10.9.0.10"), 3);
}

/* {{ UDP }} */

static int client_of(int family)
{
	struct sockaddr_storage to = { .ss_family = (sa_family_t)family };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (family == AF_INET6) {
		struct sockaddr_in6 *a = (struct sockaddr_in6 *)&to;
		a->sin6_port = htons(PORT);
		a->sin6_addr = in6addr_loopback;
	} else {
		struct sockaddr_in *a = (struct sockaddr_in *)&to;
		a->sin_port = htons(PORT);
		a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	assert_int_equal(
		connect(fd, (struct sockaddr *)&to,
			family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)),
		0);
	return fd;
}

/* The worker whose socket got the datagram. */
static unsigned worker_of(int client, const void *datagram, size_t len)
{
	assert_int_equal(send(client, datagram, len, 0), len);
	for (int tries = 0; tries < 100; tries++) {
		for (unsigned worker = 0; worker < WORKERS_N; worker++) {
			int fds[LISTEN_GROUPS_MAX];
			uint8_t bytes[2000];
			size_t n = listen_fds(&lab.listen, true, worker, fds, LISTEN_GROUPS_MAX);
			for (size_t i = 0; i < n; i++)
				if (recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT) == (ssize_t)len)
					return worker;
		}
		usleep(1000);
	}
	fail_msg("the datagram arrived nowhere");
	return 0;
}

/* A DTLS 1.2 ClientHello as far as the program looks. */
struct hello {
	uint8_t type, handshake_type, session_id_len, fragment_offset;
	uint8_t id_byte; /* fills the session id */
	size_t len;
};
static const struct hello good = { 22, 1, 32, 0, 0x11, 150 };

static size_t build_hello(uint8_t out[static 256], struct hello h)
{
	memset(out, 0, 256);
	out[0] = h.type;
	out[1] = 0xfe;
	out[2] = 0xfd;
	out[13] = h.handshake_type;
	out[21] = h.fragment_offset;
	out[25] = 0xfe;
	out[26] = 0xfd;
	out[59] = h.session_id_len;
	memset(out + 60, h.id_byte, STEER_APP_ID_LEN);
	return h.len;
}

static void know(uint8_t id_byte, uint32_t worker)
{
	struct steer_app_id key;
	struct steer_worker value = { worker };
	memset(key.id, id_byte, sizeof key.id);
	assert_int_equal(bpf_map_update_elem(lab.app_ids, &key, &value, BPF_ANY), 0);
}

/* Where the kernel's hash puts this client, before the program knows it. */
static unsigned hashed(int client)
{
	return worker_of(client, "no dtls", 7);
}

/* A client whose hash is another worker than that of its session: so that the program shows. */
static int client_not_at(int family, unsigned worker)
{
	for (int i = 0; i < 200; i++) {
		int fd = client_of(family);
		if (hashed(fd) != worker)
			return fd;
		close(fd);
	}
	fail_msg("all clients are hashed to worker %u", worker);
	return -1;
}

static void a_known_hello_and_all_after_it_go_to_the_owner(void **state)
{
	(void)state;
	uint8_t bytes[256];
	for (uint32_t worker = 0; worker < WORKERS_N; worker++) {
		int family = worker % 2 == 0 ? AF_INET : AF_INET6;
		struct hello h = good;
		h.id_byte = (uint8_t)(0x20 + worker);
		know(h.id_byte, worker);
		int client = client_not_at(family, worker);
		assert_int_equal(worker_of(client, bytes, build_hello(bytes, h)), worker);
		for (int i = 0; i < 10; i++) /* records have no session id */
			assert_int_equal(worker_of(client, "\x17\xfe\xfd record", 10), worker);
		close(client);
	}
}

static void a_new_hello_from_the_same_address_moves_it(void **state)
{
	(void)state;
	uint8_t bytes[256];
	struct hello h = good;
	know(0x31, 1);
	know(0x32, 2);
	int client = client_of(AF_INET);
	h.id_byte = 0x31;
	assert_int_equal(worker_of(client, bytes, build_hello(bytes, h)), 1);
	h.id_byte = 0x32;
	assert_int_equal(worker_of(client, bytes, build_hello(bytes, h)), 2);
	assert_int_equal(worker_of(client, "record", 6), 2);
	close(client);
}

static const struct {
	const char *name;
	struct hello hello;
} strange[] = {
	{ "unknown session id", { 22, 1, 32, 0, 0x99, 150 } },
	{ "not a handshake", { 23, 1, 32, 0, 0x41, 150 } },
	{ "not a ClientHello", { 22, 2, 32, 0, 0x41, 150 } },
	{ "no session id", { 22, 1, 0, 0, 0x41, 150 } },
	{ "short session id", { 22, 1, 31, 0, 0x41, 150 } },
	{ "session id too long", { 22, 1, 33, 0, 0x41, 150 } },
	{ "second fragment", { 22, 1, 32, 1, 0x41, 150 } },
	{ "cut in the session id", { 22, 1, 32, 0, 0x41, 91 } },
	{ "cut before it", { 22, 1, 32, 0, 0x41, 60 } },
	{ "one byte", { 22, 1, 32, 0, 0x41, 1 } },
};

static void a_strange_datagram_is_left_to_the_hash(void **state)
{
	(void)state;
	uint8_t bytes[256];
	for (uint32_t worker = 0; worker < WORKERS_N; worker++) {
		know(0x41, worker);
		int client = client_not_at(AF_INET, worker);
		unsigned home = hashed(client);
		for (size_t i = 0; i < ARRAY_LEN(strange); i++)
			if (worker_of(client, bytes, build_hello(bytes, strange[i].hello)) != home)
				fail_msg("%s: moved away from its hash", strange[i].name);
		assert_int_equal(hashed(client), home); /* and nothing was remembered */
		close(client);
	}
}

static void an_impossible_worker_is_left_to_the_hash(void **state)
{
	(void)state;
	uint8_t bytes[256];
	struct hello h = good;
	h.id_byte = 0x51;
	know(h.id_byte, STEER_WORKERS_MAX + 7);
	int client = client_of(AF_INET);
	unsigned home = hashed(client);
	assert_int_equal(worker_of(client, bytes, build_hello(bytes, h)), home);
	close(client);
}

/* {{ DTLS 1.3 }} */

/* As far as the program looks: no session id, and the end of the only key's extension. */
static size_t build_hello13(uint8_t out[static 400], uint8_t id_byte, const char *digits)
{
	struct hello h = good;
	h.session_id_len = 0;
	memset(out, 0, 400);
	build_hello(out, h);
	memset(out + 60, 0, STEER_APP_ID_LEN);
	size_t len = 300, at = len - 39 - 64;
	out[at - 1] = 64;
	for (size_t i = 0; i < STEER_APP_ID_LEN; i++) {
		out[at + 2 * i] = (uint8_t)digits[id_byte >> 4];
		out[at + 2 * i + 1] = (uint8_t)digits[id_byte & 15];
	}
	return len;
}

static void a_hello_of_13_is_known_by_the_identity_of_its_key(void **state)
{
	(void)state;
	uint8_t bytes[400];
	for (uint32_t worker = 0; worker < WORKERS_N; worker++) {
		uint8_t id_byte = (uint8_t)(0x7a + 0x11 * worker);
		know(id_byte, worker);
		int client = client_not_at(worker % 2 == 0 ? AF_INET : AF_INET6, worker);
		size_t n =
			build_hello13(bytes, id_byte, worker < 2 ? "0123456789abcdef" : "0123456789ABCDEF");
		assert_int_equal(worker_of(client, bytes, n), worker);
		assert_int_equal(worker_of(client, "record", 6), worker);
		close(client);
	}
}

static void other_identities_are_left_to_the_hash(void **state)
{
	(void)state;
	uint8_t bytes[400];
	for (uint32_t worker = 0; worker < WORKERS_N; worker++) {
		know(0x77, worker);
		int client = client_not_at(AF_INET, worker);
		unsigned home = hashed(client);
		size_t n = build_hello13(bytes, 0x78, "0123456789abcdef"); /* of nobody */
		assert_int_equal(worker_of(client, bytes, n), home);
		n = build_hello13(bytes, 0x77, "0123456789abcdef");
		static const uint8_t bad[] = {
			'0' - 1, '9' + 1, 'a' - 1, 'f' + 1, 'A' - 1, 'F' + 1, 0, 0x17
		};
		for (size_t i = 0; i < sizeof bad; i++) { /* not a digit */
			bytes[n - 39 - 1] = bad[i];
			assert_int_equal(worker_of(client, bytes, n), home);
		}
		n = build_hello13(bytes, 0x77, "0123456789abcdef");
		bytes[n - 39 - 64 - 1] = 63; /* another length */
		assert_int_equal(worker_of(client, bytes, n), home);
		n = build_hello13(bytes, 0x77, "0123456789abcdef");
		assert_int_equal(worker_of(client, bytes, n - 1), home); /* cut */
		assert_int_equal(worker_of(client, bytes + n - 160, 160), home); /* too short for a hello */
		close(client);
	}
}

static void a_connection_id_tells_the_worker_from_any_address(void **state)
{
	(void)state;
	uint8_t record[40] = {};
	for (uint32_t worker = 0; worker < WORKERS_N; worker++) {
		int client = client_not_at(worker % 2 == 0 ? AF_INET : AF_INET6, worker);
		unsigned home = hashed(client);
		for (uint8_t low = 0; low < 16; low++) { /* any length of number, any epoch */
			record[0] = 0x30 | low;
			record[1] = (uint8_t)worker;
			assert_int_equal(worker_of(client, record, sizeof record), worker);
		}
		record[0] = 0x2b; /* without an id */
		assert_int_equal(worker_of(client, record, sizeof record), home);
		record[0] = 0x4b;
		assert_int_equal(worker_of(client, record, sizeof record), home);
		record[0] = 0x3b;
		assert_int_equal(worker_of(client, record, 1), home);
		record[1] = WORKERS_N; /* nobody's */
		assert_int_equal(worker_of(client, record, sizeof record), home);
		record[1] = 0xff;
		assert_int_equal(worker_of(client, record, sizeof record), home);
		close(client);
	}
}

/* {{ running }} */

static bool may_load(void)
{
	struct steer_tun *s = steer_tun__open_and_load();
	if (s == nullptr)
		printf("SKIP: eBPF is not permitted here (%s); run as root with CAP_BPF\n", strerror(errno));
	steer_tun__destroy(s);
	return s != nullptr;
}

static int print_nothing(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

int main(void)
{
	log_init("test", LOG_LEVEL_WARN, nullptr);
	libbpf_set_print(print_nothing);
	if (!netns_enter() || !may_load())
		return NETNS_SKIP;
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_queue_is_that_of_the_owner),
		cmocka_unit_test(nobodys_packets_are_spread),
		cmocka_unit_test(a_packet_without_a_whole_header_is_no_trouble),
		cmocka_unit_test_setup_teardown(the_device_asks_the_program, lab_open, lab_close),
		cmocka_unit_test_setup_teardown(a_known_hello_and_all_after_it_go_to_the_owner, lab_open,
						lab_close),
		cmocka_unit_test_setup_teardown(a_new_hello_from_the_same_address_moves_it, lab_open,
						lab_close),
		cmocka_unit_test_setup_teardown(a_strange_datagram_is_left_to_the_hash, lab_open, lab_close),
		cmocka_unit_test_setup_teardown(an_impossible_worker_is_left_to_the_hash, lab_open,
						lab_close),
		cmocka_unit_test_setup_teardown(a_hello_of_13_is_known_by_the_identity_of_its_key, lab_open,
						lab_close),
		cmocka_unit_test_setup_teardown(other_identities_are_left_to_the_hash, lab_open, lab_close),
		cmocka_unit_test_setup_teardown(a_connection_id_tells_the_worker_from_any_address, lab_open,
						lab_close),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
