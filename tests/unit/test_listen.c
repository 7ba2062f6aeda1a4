/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listen: whose sockets there are, what waits in that of a dead worker, what is said when a port is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

#include "base/log.h"
#include "netns.h"
#include "supervisor/listen.h"
#include "supervisor/port.h"

constexpr uint16_t PORT = 4443;
constexpr int CLIENTS_N = 64;

static char logged[8192];

static void keep_line(enum log_level level, const char *text, size_t len)
{
	(void)level;
	strncat(logged, text, MIN(len, sizeof logged - strlen(logged) - 2));
	strcat(logged, "\n");
}

static struct config *config_of(const char *more)
{
	struct config *c;
	struct config_report report = { 0 };
	char text[1024];
	int n = snprintf(
		text, sizeof text,
		"auth = plain[passwd=/p]\nserver-cert = /c\nserver-key = /k\nipv4-network = 10.9.0.0/24\n"
		"tcp-port = %u\nudp-port = %u\n%s",
		PORT, PORT, more);
	assert_int_equal(config_parse(&c, "test.conf", text, (size_t)n, &report), ERR_OK);
	config_report_fini(&report);
	return c;
}

static enum err open_with(struct listen *l, const char *more, unsigned workers_n)
{
	struct config *c = config_of(more);
	logged[0] = '\0';
	enum err e = listen_open(l, c, "test.conf", workers_n);
	config_put(c);
	return e;
}

/* {{ clients }} */

static int clients[CLIENTS_N];

static void connect_all(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (int i = 0; i < CLIENTS_N; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
	}
}

static int count_reset(void)
{
	int n = 0;
	for (int i = 0; i < CLIENTS_N; i++) {
		struct pollfd p = { .fd = clients[i] };
		n += poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0;
	}
	return n;
}

static void close_all(void)
{
	for (int i = 0; i < CLIENTS_N; i++)
		close(clients[i]);
}

static int accept_all(int listener)
{
	int n = 0;
	for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; n++)
		close(fd);
	return n;
}

/* The IPv4 TCP socket of a worker. */
static int tcp_of(const struct listen *l, unsigned worker)
{
	int fds[LISTEN_GROUPS_MAX];
	assert_true(listen_fds(l, false, worker, fds, LISTEN_GROUPS_MAX) > 0);
	return fds[0];
}

/* {{ tests }} */

static void each_worker_has_its_own_sockets(void **state)
{
	(void)state;
	struct listen l;
	int a[LISTEN_GROUPS_MAX], b[LISTEN_GROUPS_MAX];
	assert_int_equal(open_with(&l, "", 2), ERR_OK);
	for (int udp = 0; udp < 2; udp++) {
		assert_int_equal(listen_fds(&l, udp, 0, a, LISTEN_GROUPS_MAX), 2); /* IPv4, IPv6 */
		assert_int_equal(listen_fds(&l, udp, 1, b, LISTEN_GROUPS_MAX), 2);
		assert_int_not_equal(a[0], b[0]);
		assert_int_not_equal(a[1], b[1]);
		assert_true(fcntl(a[0], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(a[0], F_GETFD) & FD_CLOEXEC);
	}
	connect_all();
	int n0 = accept_all(tcp_of(&l, 0)), n1 = accept_all(tcp_of(&l, 1));
	assert_int_equal(n0 + n1, CLIENTS_N);
	assert_true(n0 > 0 && n1 > 0);
	close_all();
	listen_close(&l);
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof value;
	getsockopt(fd, level, option, &value, &len);
	return value;
}

static void udp_sockets_tell_the_address_and_have_room(void **state)
{
	(void)state;
	struct listen l;
	int fds[LISTEN_GROUPS_MAX];
	assert_int_equal(open_with(&l, "try-mtu-discovery = true\n", 1), ERR_OK);
	assert_int_equal(listen_fds(&l, true, 0, fds, LISTEN_GROUPS_MAX), 2);
	assert_int_equal(option_of(fds[0], IPPROTO_IP, IP_PKTINFO), 1);
	assert_int_equal(option_of(fds[0], IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
	assert_int_equal(option_of(fds[1], IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
	assert_int_equal(option_of(fds[1], IPPROTO_IPV6, IPV6_V6ONLY), 1);
	assert_true(option_of(fds[0], SOL_SOCKET, SO_RCVBUF) >= 4 << 20);
	listen_close(&l);
}

static void no_udp_port_no_udp_socket(void **state)
{
	(void)state;
	struct listen l;
	int fds[LISTEN_GROUPS_MAX];
	assert_int_equal(open_with(&l, "udp-port = 0\n", 1), ERR_OK);
	assert_int_equal(listen_fds(&l, true, 0, fds, LISTEN_GROUPS_MAX), 0);
	listen_close(&l);
}

static void named_hosts_only(void **state)
{
	(void)state;
	struct listen l;
	int fds[LISTEN_GROUPS_MAX];
	assert_int_equal(
		open_with(&l, "listen-host = 127.0.0.1\nlisten-host = 127.0.0.2\nudp-listen-host = ::1\n", 2),
		ERR_OK);
	assert_int_equal(listen_fds(&l, false, 1, fds, LISTEN_GROUPS_MAX), 2);
	assert_int_equal(listen_fds(&l, true, 1, fds, LISTEN_GROUPS_MAX), 1);
	listen_close(&l);
	assert_int_equal(open_with(&l, "listen-host = no.such.invalid\n", 2), ERR_NOTFOUND);
	assert_non_null(strstr(logged, "no.such.invalid"));
	listen_close(&l);
	assert_int_equal(open_with(&l, "listen-host = 192.0.2.77\n", 2), ERR_SYS);
	assert_non_null(strstr(logged, "no interface has this address"));
	listen_close(&l);
}

static void what_waits_at_a_dead_worker_is_served_by_the_next(void **state)
{
	(void)state;
	struct listen l;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 2), ERR_OK);
	connect_all();
	int n0 = accept_all(tcp_of(&l, 0));
	/* worker 1 "died" with these in its queue; the next one has the same socket from the supervisor */
	int again = dup(tcp_of(&l, 1));
	assert_int_equal(accept_all(again), CLIENTS_N - n0);
	close(again);
	close_all();
	listen_close(&l);
}

static void a_paused_worker_gets_nothing_until_resumed(void **state)
{
	(void)state;
	struct listen l;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 2), ERR_OK);
	listen_pause(&l, 1);
	connect_all();
	assert_int_equal(accept_all(tcp_of(&l, 0)), CLIENTS_N);
	assert_int_equal(accept_all(tcp_of(&l, 1)), 0);
	close_all();
	listen_resume(&l, 1);
	connect_all();
	assert_true(accept_all(tcp_of(&l, 1)) > 0);
	close_all();
	listen_close(&l);
}

static void a_pause_resets_what_waits_so_that_it_comes_again(void **state)
{
	(void)state;
	struct listen l;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 2), ERR_OK);
	connect_all();
	listen_pause(&l, 1);
	int reset = count_reset();
	assert_true(reset > 0);
	assert_int_equal(accept_all(tcp_of(&l, 0)), CLIENTS_N - reset);
	close_all();
	listen_close(&l);
}

static void the_only_worker_is_not_paused(void **state)
{
	(void)state;
	struct listen l;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 1), ERR_OK);
	listen_pause(&l, 0);
	connect_all();
	assert_int_equal(accept_all(tcp_of(&l, 0)), CLIENTS_N);
	close_all();
	listen_close(&l);
}

static int occupy(int type, bool reuse_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (type == SOCK_STREAM) /* connections of other tests are in TIME_WAIT */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (reuse_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, CLIENTS_N), 0);
	return fd;
}

static void a_taken_port_is_told_with_its_owner(void **state)
{
	(void)state;
	static const struct {
		int type;
		bool reuse_port; /* another server of ours would share the port without a word */
		const char *want;
	} rows[] = {
		{ SOCK_STREAM, false, "TCP port 4443 of 0.0.0.0 is used by " },
		{ SOCK_STREAM, true, "TCP port 4443 of 0.0.0.0 is used by " },
		{ SOCK_DGRAM, false, "UDP port 4443 of 0.0.0.0 is used by " },
		{ SOCK_DGRAM, true, "UDP port 4443 of 0.0.0.0 is used by " },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen l;
		char own[64];
		int fd = occupy(rows[i].type, rows[i].reuse_port);
		assert_int_equal(open_with(&l, "", 2), ERR_SYS);
		assert_non_null(strstr(logged, rows[i].want));
		snprintf(own, sizeof own, "(process %d)", getpid());
		assert_non_null(strstr(logged, own));
		assert_non_null(strstr(logged, rows[i].type == SOCK_STREAM ? "another tcp-port"
									   : "another udp-port"));
		listen_close(&l);
		close(fd);
	}
}

static void a_connection_in_time_wait_does_not_take_the_port(void **state)
{
	(void)state;
	struct listen l;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 1), ERR_OK);
	connect_all();
	accept_all(tcp_of(&l, 0)); /* we close first: TIME_WAIT is ours */
	close_all();
	listen_close(&l);
	assert_int_equal(open_with(&l, "udp-port = 0\n", 1), ERR_OK);
	listen_close(&l);
}

static void nobody_is_named_for_a_free_port(void **state)
{
	(void)state;
	char name[32];
	pid_t pid;
	assert_int_equal(port_owner(false, 9, name, sizeof name, &pid), ERR_NOTFOUND);
	assert_int_equal(port_owner(true, 9, name, sizeof name, &pid), ERR_NOTFOUND);
}

/* Puts fd at 3 as systemd does; what was there comes back afterwards. */
static void sockets_of_systemd_are_shared(void **state)
{
	(void)state;
	struct listen l;
	char pid[16];
	int fds[LISTEN_GROUPS_MAX], tcp = occupy(SOCK_STREAM, false);
	int before = fcntl(3, F_DUPFD_CLOEXEC, 100);
	assert_int_equal(dup2(tcp, 3), 3);
	if (tcp != 3)
		close(tcp);
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(open_with(&l, "tcp-port = 4444\n", 2), ERR_OK);
	for (unsigned worker = 0; worker < 2; worker++) {
		assert_int_equal(listen_fds(&l, false, worker, fds, LISTEN_GROUPS_MAX), 1);
		assert_int_equal(fds[0], 3);
		assert_int_equal(listen_fds(&l, true, worker, fds, LISTEN_GROUPS_MAX),
				 2); /* UDP was not given: own */
	}
	assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
	listen_pause(&l, 0); /* must not end it for all */
	connect_all();
	assert_int_equal(accept_all(3), CLIENTS_N);
	close_all();
	listen_close(&l);
	unsetenv("LISTEN_PID");
	if (before >= 0) {
		dup2(before, 3);
		close(before);
	}
}

static void a_wrong_descriptor_of_systemd_is_refused(void **state)
{
	(void)state;
	struct listen l;
	char pid[16];
	int pair[2], before = fcntl(3, F_DUPFD_CLOEXEC, 100);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	dup2(pair[0], 3);
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(open_with(&l, "", 2), ERR_UNSUPPORTED);
	assert_non_null(strstr(logged, ".socket unit"));
	listen_close(&l);
	unsetenv("LISTEN_PID");
	if (before >= 0) {
		dup2(before, 3);
		close(before);
	}
}

/* Puts fd at 3 as the service manager does; returns what was there, for give_back. */
static int hand_over(int fd, const char *n)
{
	char pid[16];
	int before = fcntl(3, F_DUPFD_CLOEXEC, 100);
	if (fd != 3) {
		assert_int_equal(dup2(fd, 3), 3);
		close(fd);
	}
	snprintf(pid, sizeof pid, "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", n, 1);
	return before;
}

static void give_back(int before)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	if (before >= 0) {
		dup2(before, 3);
		close(before);
	}
}

static int option_of_fd(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof value;
	assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

static void with_reuse_port_each_worker_has_its_own(void **state)
{
	(void)state;
	struct listen l;
	int tcp = occupy(SOCK_STREAM, true), mark = 77;
	assert_int_equal(setsockopt(tcp, SOL_SOCKET, SO_MARK, &mark, sizeof mark), 0);
	int before = hand_over(tcp, "1"), n = 0;
	assert_int_equal(open_with(&l, "udp-port = 0\n", 3), ERR_OK);
	assert_int_equal(tcp_of(&l, 0), 3);
	connect_all();
	for (unsigned worker = 0; worker < 3; worker++) {
		assert_true(worker == 0 || tcp_of(&l, worker) != tcp_of(&l, worker - 1));
		assert_int_equal(option_of_fd(tcp_of(&l, worker), SOL_SOCKET, SO_MARK), mark);
		n += accept_all(tcp_of(&l, worker));
	}
	assert_int_equal(n, CLIENTS_N);
	close_all();
	listen_close(&l);
	give_back(before);
}

static void the_socket_of_the_manager_is_never_shut(void **state)
{
	(void)state;
	struct listen l;
	int before = hand_over(occupy(SOCK_STREAM, true), "1"), kept = fcntl(3, F_DUPFD_CLOEXEC, 100);
	assert_int_equal(open_with(&l, "udp-port = 0\n", 2), ERR_OK);
	listen_pause(&l, 0);
	listen_pause(&l, 1);
	listen_close(&l);
	assert_int_equal(option_of_fd(kept, SOL_SOCKET, SO_ACCEPTCONN), 1);
	close(kept);
	give_back(before);
}

static void a_dual_stack_socket_keeps_both_families(void **state)
{
	(void)state;
	struct listen l;
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int one = 1, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), zero = 0, fds[LISTEN_GROUPS_MAX];
	if (fd < 0)
		skip();
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	int before = hand_over(fd, "1");
	assert_int_equal(open_with(&l, "", 2), ERR_OK);
	assert_int_equal(listen_fds(&l, true, 1, fds, LISTEN_GROUPS_MAX), 1);
	assert_int_equal(option_of_fd(fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 0);
	listen_close(&l);
	give_back(before);
}

static void a_number_of_descriptors_that_is_none_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "x", "1x", "-1", "33", "99999999999999999999" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen l;
		int before = hand_over(occupy(SOCK_STREAM, false), rows[i]);
		assert_int_equal(open_with(&l, "", 2), ERR_RANGE);
		assert_non_null(strstr(logged, "LISTEN_FDS"));
		listen_close(&l);
		close(3);
		give_back(before);
	}
}

int main(void)
{
	if (!netns_enter())
		return NETNS_SKIP;
	log_init("test", LOG_LEVEL_INFO, keep_line);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_has_its_own_sockets),
		cmocka_unit_test(udp_sockets_tell_the_address_and_have_room),
		cmocka_unit_test(no_udp_port_no_udp_socket),
		cmocka_unit_test(named_hosts_only),
		cmocka_unit_test(what_waits_at_a_dead_worker_is_served_by_the_next),
		cmocka_unit_test(a_paused_worker_gets_nothing_until_resumed),
		cmocka_unit_test(a_pause_resets_what_waits_so_that_it_comes_again),
		cmocka_unit_test(the_only_worker_is_not_paused),
		cmocka_unit_test(a_taken_port_is_told_with_its_owner),
		cmocka_unit_test(a_connection_in_time_wait_does_not_take_the_port),
		cmocka_unit_test(nobody_is_named_for_a_free_port),
		cmocka_unit_test(sockets_of_systemd_are_shared),
		cmocka_unit_test(a_wrong_descriptor_of_systemd_is_refused),
		cmocka_unit_test(with_reuse_port_each_worker_has_its_own),
		cmocka_unit_test(the_socket_of_the_manager_is_never_shut),
		cmocka_unit_test(a_dual_stack_socket_keeps_both_families),
		cmocka_unit_test(a_number_of_descriptors_that_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
