/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tun and net: the device, its queues, our end of the pools, as the kernel sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "netns.h"
#include "supervisor/net.h"
#include "supervisor/tun.h"

static_assert(sizeof(struct virtio_net_hdr) == TUN_VNET_HDR_LEN);

static char logged[4096];

static void keep_line(enum log_level level, const char *text, size_t len)
{
	(void)level;
	strncat(logged, text, MIN(len, sizeof logged - strlen(logged) - 2));
	strcat(logged, "\n");
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;
	assert_int_equal(config_prefix_parse(text, &p), ERR_OK);
	return p;
}

/* {{ our end }} */

static void our_end_is_the_first_host(void **state)
{
	(void)state;
	static const struct {
		const char *pool, *own; /* own nullptr: no room */
	} rows[] = {
		{ "192.168.77.0/24", "192.168.77.1" },
		{ "10.0.0.0/8", "10.0.0.1" },
		{ "10.1.2.4/30", "10.1.2.5" },
		{ "10.1.2.0/31", nullptr },
		{ "10.1.2.1/32", nullptr },
		{ "fd77::/64", "fd77::1" },
		{ "fd77:1:2::/48", "fd77:1:2::1" },
		{ "2001:db8::/126", "2001:db8::1" },
		{ "2001:db8::/127", nullptr },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct prefix pool = prefix_of(rows[i].pool), own;
		enum err e = net_own_address(&own, &pool);
		assert_int_equal(e, rows[i].own == nullptr ? ERR_RANGE : ERR_OK);
		if (e != ERR_OK)
			continue;
		char text[INET6_ADDRSTRLEN];
		inet_ntop(own.family, own.addr, text, sizeof text);
		assert_string_equal(text, rows[i].own);
		assert_int_equal(own.len, pool.len);
	}
}

static void host_bits_of_the_pool_do_not_count(void **state)
{
	(void)state;
	struct prefix pool = { .family = AF_INET, .len = 20, .addr = { 10, 1, 0x1f, 200 } }, own;
	static const uint8_t want[4] = { 10, 1, 0x10, 1 };
	assert_int_equal(net_own_address(&own, &pool), ERR_OK);
	assert_memory_equal(own.addr, want, 4);
}

static void the_mtu_of_the_device_fits_any_session(void **state)
{
	(void)state;
	assert_int_equal(net_device_mtu(0), 1434);
	assert_int_equal(net_device_mtu(1400), 1400);
	assert_int_equal(net_device_mtu(8900), 8900);
	assert_int_equal(net_device_mtu(600), 1280); /* less, and the kernel would take IPv6 away */
}

/* {{ device }} */

static void a_device_has_a_queue_for_each_worker_and_a_free_number(void **state)
{
	(void)state;
	struct tun a, b;
	assert_int_equal(tun_open(&a, "test", 3, false), ERR_OK);
	assert_string_equal(a.name, "test0");
	assert_int_equal(a.queues_n, 3);
	assert_int_equal(tun_open(&b, "test", 1, false), ERR_OK);
	assert_string_equal(b.name, "test1");
	for (unsigned i = 0; i < a.queues_n; i++) {
		struct ifreq req = { 0 };
		int len = 0;
		assert_int_equal(ioctl(a.fds[i], TUNGETIFF, &req), 0);
		assert_string_equal(req.ifr_name, "test0");
		assert_int_equal(req.ifr_flags & (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE),
				 IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE);
		assert_int_equal(ioctl(a.fds[i], TUNGETVNETHDRSZ, &len), 0);
		assert_int_equal(len, TUN_VNET_HDR_LEN);
		assert_true(fcntl(a.fds[i], F_GETFL) & O_NONBLOCK);
	}
	tun_close(&a);
	assert_int_equal(if_nametoindex("test0"), 0); /* gone with its last queue */
	tun_close(&b);
}

static void a_bad_name_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "a-name-too-long", "with space", "with/slash", "per%cent" };
	struct tun t;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		logged[0] = '\0';
		assert_int_equal(tun_open(&t, bad[i], 1, false), ERR_RANGE);
		assert_non_null(strstr(logged, "tun.name"));
	}
}

static bool has_address(const char *device, const char *address)
{
	struct ifaddrs *all;
	bool found = false;
	assert_int_equal(getifaddrs(&all), 0);
	for (struct ifaddrs *a = all; a != nullptr; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (a->ifa_addr == nullptr || strcmp(a->ifa_name, device) != 0)
			continue;
		if (a->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr, text,
				  sizeof text);
		else if (a->ifa_addr->sa_family == AF_INET6)
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr, text,
				  sizeof text);
		found |= strcmp(text, address) == 0;
	}
	freeifaddrs(all);
	return found;
}

static int mtu_of(const char *device)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(req.ifr_name, sizeof req.ifr_name, "%s", device);
	assert_int_equal(ioctl(fd, SIOCGIFMTU, &req), 0);
	close(fd);
	return req.ifr_mtu;
}

static struct config *config_of(const char *pools)
{
	struct config *c;
	struct config_report report = { 0 };
	char text[512];
	int n = snprintf(text, sizeof text, "auth = plain[passwd=/p]\nserver-cert = /c\nserver-key = /k\n%s",
			 pools);
	assert_int_equal(config_parse(&c, "test.conf", text, (size_t)n, &report), ERR_OK);
	config_report_fini(&report);
	return c;
}

static void pools_become_addresses_and_routes(void **state)
{
	(void)state;
	struct tun t;
	struct config *c = config_of(
		"ipv4-network = 10.9.0.0/16\nipv6-network = fd77::/64\n"
		"[vhost:b.example]\nipv4-network = 10.10.0.0/16\nserver-cert = /c\nserver-key = /k\n");
	assert_int_equal(tun_open(&t, "test", 2, false), ERR_OK);
	assert_int_equal(net_configure(c, t.name, 1400), ERR_OK);
	assert_true(has_address(t.name, "10.9.0.1"));
	assert_true(has_address(t.name, "10.10.0.1"));
	assert_true(has_address(t.name, "fd77::1"));
	assert_int_equal(mtu_of(t.name), 1400);
	tun_close(&t);
	config_put(c);
}

/* A datagram to a client comes out of a queue as one packet, behind an empty virtio header. */
static void a_packet_to_the_pool_comes_out_whole(void **state)
{
	(void)state;
	struct tun t;
	struct config *c = config_of("ipv4-network = 10.9.0.0/16\n");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, "10.9.0.77", &to.sin_addr);
	assert_int_equal(tun_open(&t, "test", 1, false), ERR_OK);
	assert_int_equal(net_configure(c, t.name, 1400), ERR_OK);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to), 5);
	struct pollfd p = { .fd = t.fds[0], .events = POLLIN };
	struct {
		struct virtio_net_hdr head;
		uint8_t packet[2000];
	} got;
	/* the kernel may announce itself first */
	do {
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_true(read(t.fds[0], &got, sizeof got) > TUN_VNET_HDR_LEN);
	} while (got.packet[0] != 0x45 || got.packet[9] != IPPROTO_UDP);
	assert_int_equal(got.head.flags, 0); /* checksum complete: nothing left to us */
	assert_int_equal(got.head.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_memory_equal(got.packet + 16, &to.sin_addr, 4);
	assert_memory_equal(got.packet + 28, "hello", 5);
	close(fd);
	tun_close(&t);
	config_put(c);
}

int main(void)
{
	if (!netns_enter())
		return NETNS_SKIP;
	if (access("/dev/net/tun", R_OK | W_OK) != 0) {
		puts("SKIP: no /dev/net/tun; run 'modprobe tun' as root");
		return NETNS_SKIP;
	}
	log_init("test", LOG_LEVEL_INFO, keep_line);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_end_is_the_first_host),
		cmocka_unit_test(host_bits_of_the_pool_do_not_count),
		cmocka_unit_test(the_mtu_of_the_device_fits_any_session),
		cmocka_unit_test(a_device_has_a_queue_for_each_worker_and_a_free_number),
		cmocka_unit_test(a_bad_name_is_refused),
		cmocka_unit_test(pools_become_addresses_and_routes),
		cmocka_unit_test(a_packet_to_the_pool_comes_out_whole),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
