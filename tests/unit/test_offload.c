/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * segment and coalesce between two kernels: real senders and receivers decide whether the packets are right.
 *
 *     namespace A: socket - TUN  -> segment -> (check, harm a few) -> coalesce ->  TUN - socket :namespace B
 *                                <-              the same                      <-
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <time.h>

#include "netns.h"
#include "test_offload.h"
#include "wire/coalesce.h"
#include "wire/segment.h"

constexpr unsigned OFFLOAD_USO = 0x20 | 0x40; /* TUN_F_USO4, TUN_F_USO6: not in the headers of Linux 6.1 */
constexpr unsigned OFFLOAD_TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
constexpr size_t SLOT = 9216;
constexpr size_t SUPER_MAX = 65536 + 64;
constexpr size_t TCP_BYTES = 8u << 20;
constexpr size_t UDP_ROUNDS = 200, UDP_SIZE = 1000, UDP_EACH = 40;
constexpr int DEADLINE_S = 30;

struct row {
	const char *name;
	uint8_t version;
	bool is_udp;
	int mtu;
	unsigned offloads;
	bool joins;
	unsigned harm_every; /* 0: never */
};

struct side {
	int tun;
	unsigned supers_in, supers_out;
};

struct path {
	const struct row *row;
	struct side a, b;
	bool has_uso;
	unsigned packets, harmed;
};

static struct coalesce c;
static struct coalesce_out out;
static uint8_t slots[COALESCE_PACKETS_MAX][SLOT];
static size_t slots_n;
static bool is_root;

/* {{ two namespaces, a TUN device in each }} */

static socklen_t addr_of(const struct row *row, unsigned host, struct sockaddr_in6 *out_addr)
{
	*out_addr = (struct sockaddr_in6){};
	char text[32];
	if (row->version == 4) {
		struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(5000) };
		snprintf(text, sizeof text, "10.99.0.%u", host);
		assert_int_equal(inet_pton(AF_INET, text, &addr.sin_addr), 1);
		memcpy(out_addr, &addr, sizeof addr);
		return sizeof addr;
	}
	snprintf(text, sizeof text, "fd99::%u", host);
	out_addr->sin6_family = AF_INET6;
	out_addr->sin6_port = htons(5000);
	assert_int_equal(inet_pton(AF_INET6, text, &out_addr->sin6_addr), 1);
	return sizeof *out_addr;
}

static void set_ip4(int fd, struct ifreq *req, const char *text, unsigned long what)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	assert_int_equal(inet_pton(AF_INET, text, &addr.sin_addr), 1);
	memcpy(&req->ifr_addr, &addr, sizeof addr);
	assert_return_code(ioctl(fd, what, req), errno);
}

static void set_addrs(struct ifreq *req, unsigned host, int mtu)
{
	char text[32];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	    fd6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(text, sizeof text, "10.99.0.%u", host);
	set_ip4(fd, req, text, SIOCSIFADDR);
	set_ip4(fd, req, "255.255.255.0", SIOCSIFNETMASK);
	req->ifr_mtu = mtu;
	assert_return_code(ioctl(fd, SIOCSIFMTU, req), errno);
	req->ifr_flags = IFF_UP;
	assert_return_code(ioctl(fd, SIOCSIFFLAGS, req), errno);
	struct {
		struct in6_addr addr;
		uint32_t prefix_len;
		int index;
	} req6 = { .prefix_len = 64, .index = (int)if_nametoindex(req->ifr_name) }; /* struct in6_ifreq */
	snprintf(text, sizeof text, "fd99::%u", host);
	assert_int_equal(inet_pton(AF_INET6, text, &req6.addr), 1);
	if (mtu >= 1280)
		assert_return_code(ioctl(fd6, SIOCSIFADDR, &req6), errno);
	close(fd);
	close(fd6);
}

/* The kernel sets an IPv6 address in its own time. */
static void wait_for_addr(const struct row *row, unsigned host)
{
	struct sockaddr_in6 addr;
	socklen_t addr_len = addr_of(row, host, &addr);
	int fd = socket(row->version == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), result = -1;
	for (unsigned i = 0; i < 500 && (result = bind(fd, (struct sockaddr *)&addr, addr_len)) != 0; i++)
		usleep(10000);
	assert_return_code(result, errno);
	close(fd);
}

/* The process is in the namespace of the side afterwards. */
static void open_side(struct path *p, struct side *s, unsigned host)
{
	assert_true(netns_enter());
	struct ifreq req = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	s->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_return_code(s->tun, errno);
	assert_return_code(ioctl(s->tun, TUNSETIFF, &req), errno);
	p->has_uso = ioctl(s->tun, TUNSETOFFLOAD, (unsigned long)(OFFLOAD_TSO | OFFLOAD_USO)) == 0;
	unsigned offloads = p->row->offloads & (p->has_uso ? UINT32_MAX : ~OFFLOAD_USO);
	assert_return_code(ioctl(s->tun, TUNSETOFFLOAD, (unsigned long)offloads), errno);
	set_addrs(&req, host, p->row->mtu);
	wait_for_addr(p->row, host);
}

static int new_socket(const struct row *row)
{
	int type = (row->is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(row->version == 4 ? AF_INET : AF_INET6, type, 0), large = 8 << 20;
	assert_return_code(fd, errno);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
	return fd;
}

/* {{ the path between them }} */

static void write_out(struct side *to, const struct iovec *iov, unsigned iov_n)
{
	size_t len = 0;
	for (unsigned i = 0; i < iov_n; i++)
		len += iov[i].iov_len;
	assert_int_equal(writev(to->tun, iov, (int)iov_n), len);
}

static void drain(struct side *to)
{
	while (coalesce_next(&c, &out) == ERR_OK) {
		write_out(to, out.iov, out.iov_n);
		to->supers_out += out.packets_n > 1 ? 1 : 0;
	}
	slots_n = 0;
}

static void check(const uint8_t *p, size_t len)
{
	struct ip_packet k;
	assert_int_equal(ip_parse(p, len, &k), ERR_OK);
	assert_int_equal(k.len, len);
	if (k.protocol == IP_PROTO_TCP || k.protocol == IP_PROTO_UDP)
		assert_true(made_is_right(p, len, k.header_len, nullptr, k.protocol));
}

/* One inner packet in a slot. */
static void carry(struct path *path, struct side *to, uint8_t *p, size_t len)
{
	check(p, len);
	assert_true(len <= (size_t)path->row->mtu);
	path->packets++;
	if (path->row->harm_every != 0 && path->packets % path->row->harm_every == 0 && len > 200) {
		p[len - 1] ^= 0x10;
		path->harmed++;
	}
	if (!path->row->joins) {
		struct virtio_net_hdr plain = {};
		write_out(to, (struct iovec[]){ { &plain, sizeof plain }, { p, len } }, 2);
		return;
	}
	if (coalesce_add(&c, p, len) == ERR_OK) {
		slots_n++;
		return;
	}
	drain(to);
	memcpy(slots[0], p, len);
	assert_int_equal(coalesce_add(&c, slots[0], len), ERR_OK);
	slots_n = 1;
}

static uint8_t *next_slot(struct side *to)
{
	if (slots_n == COALESCE_PACKETS_MAX)
		drain(to);
	return slots[slots_n];
}

/* What the kernel has to send on one side goes to the other; true: something. */
static bool carry_all(struct path *path, struct side *from, struct side *to)
{
	static uint8_t whole[SUPER_MAX];
	struct virtio_net_hdr h;
	struct iovec iov[] = { { &h, sizeof h }, { whole, sizeof whole } };
	struct segment s;
	ssize_t got;
	bool any = false;
	for (unsigned i = 0; i < 64 && (got = readv(from->tun, iov, 2)) > 0; i++) {
		size_t n;
		any = true;
		assert_int_equal(segment_init(&s, &h, whole, (size_t)got - sizeof h), ERR_OK);
		from->supers_in += segment_is_lone(&s) ? 0 : 1;
		for (uint8_t *p = next_slot(to); segment_next(&s, p, SLOT, &n) == ERR_OK; p = next_slot(to))
			carry(path, to, p, n);
	}
	drain(to);
	return any;
}

static void pump(struct path *p)
{
	struct pollfd fds[] = { { p->a.tun, POLLIN, 0 }, { p->b.tun, POLLIN, 0 } };
	bool any = carry_all(p, &p->a, &p->b);
	any |= carry_all(p, &p->b, &p->a);
	if (!any)
		poll(fds, 2, 2);
}

/* {{ what goes over it }} */

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 11));
}

static void send_some(int fd, size_t *sent)
{
	uint8_t bytes[32768];
	size_t n = MIN(sizeof bytes, TCP_BYTES - *sent);
	for (size_t i = 0; i < n; i++)
		bytes[i] = byte_at(*sent + i);
	ssize_t done = n > 0 ? send(fd, bytes, n, MSG_NOSIGNAL) : 0;
	*sent += done > 0 ? (size_t)done : 0;
}

static void receive_some(int fd, size_t *received)
{
	static uint8_t bytes[65536];
	ssize_t n;
	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
		for (size_t i = 0; i < (size_t)n; i++)
			if (bytes[i] != byte_at(*received + i))
				fail_msg("byte %zu is wrong", *received + i);
		*received += (size_t)n;
	}
}

static void run_tcp(struct path *p, int from, int listener)
{
	time_t end = time(nullptr) + DEADLINE_S;
	struct sockaddr_in6 addr;
	socklen_t addr_len = addr_of(p->row, 2, &addr);
	assert_true(connect(from, (struct sockaddr *)&addr, addr_len) != 0 && errno == EINPROGRESS);
	int to = -1;
	size_t sent = 0, received = 0;
	while (received < TCP_BYTES && time(nullptr) < end) {
		if (to < 0)
			to = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
		send_some(from, &sent);
		pump(p);
		if (to >= 0)
			receive_some(to, &received);
	}
	assert_int_equal(received, TCP_BYTES);
	close(to);
}

/* A datagram is UDP_SIZE times the number of its round and place; one receive may hold many of them (UDP_GRO). */
static unsigned receive_datagrams(int fd, bool *is_large)
{
	static uint8_t bytes[65536];
	unsigned n = 0;
	ssize_t got;
	while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
		*is_large |= got > (ssize_t)UDP_SIZE;
		assert_int_equal((size_t)got % UDP_SIZE, 0);
		for (const uint8_t *at = bytes; at < bytes + got; at += UDP_SIZE, n++)
			for (size_t i = 1; i < UDP_SIZE; i++)
				assert_int_equal(at[i], at[0]);
	}
	return n;
}

static void run_udp(struct path *p, int from, int to)
{
	static uint8_t bytes[UDP_SIZE * UDP_EACH];
	int size = UDP_SIZE, yes = 1;
	bool is_large = false;
	struct sockaddr_in6 addr;
	socklen_t addr_len = addr_of(p->row, 2, &addr);
	assert_return_code(connect(from, (struct sockaddr *)&addr, addr_len), errno);
	assert_return_code(setsockopt(from, SOL_UDP, UDP_SEGMENT, &size, sizeof size), errno);
	assert_return_code(setsockopt(to, SOL_UDP, UDP_GRO, &yes, sizeof yes), errno);
	unsigned received = 0;
	for (size_t round = 0; round < UDP_ROUNDS; round++) {
		for (size_t i = 0; i < UDP_EACH; i++)
			memset(bytes + i * UDP_SIZE, (int)(round + i), UDP_SIZE);
		assert_int_equal(send(from, bytes, sizeof bytes, 0), sizeof bytes);
		pump(p);
		received += receive_datagrams(to, &is_large);
	}
	for (unsigned i = 0; i < 5; i++) {
		pump(p);
		received += receive_datagrams(to, &is_large);
	}
	assert_int_equal(received, UDP_ROUNDS * UDP_EACH - p->harmed);
	if (p->has_uso && p->row->joins)
		assert_true(is_large);
}

static void run_row(const struct row *row)
{
	struct path p = { .row = row };
	open_side(&p, &p.a, 1);
	int from = new_socket(row);
	open_side(&p, &p.b, 2);
	int to = new_socket(row);
	struct sockaddr_in6 addr;
	socklen_t addr_len = addr_of(row, 2, &addr);
	assert_return_code(bind(to, (struct sockaddr *)&addr, addr_len), errno);
	coalesce_init(&c, p.has_uso);
	slots_n = 0;
	if (row->is_udp) {
		run_udp(&p, from, to);
	} else {
		assert_return_code(listen(to, 1), errno);
		run_tcp(&p, from, to);
	}
	print_message("%s: %u packets, %u harmed; super-packets read %u, written %u\n", row->name, p.packets,
		      p.harmed, p.a.supers_in, p.b.supers_out);
	bool has_super = (row->offloads & (row->is_udp ? OFFLOAD_USO : TUN_F_TSO4)) != 0 &&
			 (!row->is_udp || p.has_uso);
	assert_int_equal(p.a.supers_in > 0, has_super);
	assert_int_equal(p.b.supers_out > 0, row->joins && (!row->is_udp || p.has_uso));
	close(from);
	close(to);
	close(p.a.tun);
	close(p.b.tun);
}

static void kernels_understand_us(void **)
{
	constexpr unsigned ALL = OFFLOAD_TSO | OFFLOAD_USO;
	static const struct row rows[] = {
		{ "tcp4", 4, false, 1400, ALL, true, 0 },
		{ "tcp6", 6, false, 1400, ALL, true, 0 },
		{ "tcp4 mtu 576", 4, false, 576, ALL, true, 0 },
		{ "tcp4 mtu 9000", 4, false, 9000, ALL, true, 0 },
		{ "tcp6 mtu 9000", 6, false, 9000, ALL, true, 0 },
		{ "tcp4 harmed", 4, false, 1400, ALL, true, 97 },
		{ "tcp6 harmed", 6, false, 1400, ALL, true, 97 },
		{ "tcp4 one by one", 4, false, 1400, ALL, false, 0 },
		{ "tcp6 one by one", 6, false, 1400, ALL, false, 0 },
		{ "tcp4 checksum offload only", 4, false, 1400, TUN_F_CSUM, false, 0 },
		{ "tcp6 checksum offload only", 6, false, 1400, TUN_F_CSUM, false, 0 },
		{ "tcp4 no offload", 4, false, 1400, 0, true, 0 },
		{ "tcp6 no offload", 6, false, 1400, 0, true, 0 },
		{ "udp4", 4, true, 1400, ALL, true, 0 },
		{ "udp6", 6, true, 1400, ALL, true, 0 },
		{ "udp4 harmed", 4, true, 1400, ALL, true, 7 },
		{ "udp6 harmed", 6, true, 1400, ALL, true, 7 },
		{ "udp4 one by one", 4, true, 1400, ALL, false, 0 },
		{ "udp6 one by one", 6, true, 1400, ALL, false, 0 },
		{ "udp4 checksum offload only", 4, true, 1400, TUN_F_CSUM, false, 0 },
		{ "udp6 checksum offload only", 6, true, 1400, TUN_F_CSUM, false, 0 },
		{ "udp4 no offload", 4, true, 1400, 0, true, 0 },
		{ "udp6 no offload", 6, true, 1400, 0, true, 0 },
	};
	if (!is_root)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_understand_us),
	};
	is_root = access("/dev/net/tun", R_OK | W_OK) == 0 && netns_enter();
	if (!is_root)
		return NETNS_SKIP;
	return cmocka_run_group_tests_name("offload", tests, nullptr, nullptr);
}
