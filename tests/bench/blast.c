/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast - UDP packets at a rate that iperf3 does not reach, through any tunnel that is a network device
 *
 *   blast send ADDRESS PORT SIZE RATE SECONDS   SIZE bytes of IPv4 packet, RATE packets/s (0: as fast as possible)
 *   blast count PORT SECONDS                    what arrived, until SECONDS pass or SIGTERM
 *
 * Both print "packets seconds".  Sends runs of 32 with UDP_SEGMENT, receives with UDP_GRO: a stack that can carry
 * super-packets is given them, any other cuts them as it likes.  One thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

constexpr size_t RUN = 32, BATCH = 16, HEADERS = 20 + 8;

static volatile sig_atomic_t ended;

static void on_term(int)
{
	ended = 1;
}

[[noreturn]] static void die(const char *what)
{
	fprintf(stderr, "blast: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void rest(double seconds)
{
	struct timespec t = { .tv_nsec = (long)(seconds * 1e9) };
	nanosleep(&t, nullptr);
}

static void report(uint64_t packets, double seconds)
{
	printf("%llu %.6f\n", (unsigned long long)packets, seconds);
}

/* burst: packets of one call, at most RUN */
static void blast_send(const char *address, const char *port, size_t size, double rate, double seconds,
		       size_t burst)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), payload = (int)(size - HEADERS), room = 4 << 20;
	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0 ||
	    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &payload, sizeof payload) < 0)
		die("setsockopt");
	static uint8_t data[RUN * 1500];
	uint64_t sent = 0;
	double start = now(), t = start;
	for (; t < start + seconds && !ended; t = now()) {
		if (rate > 0 && (double)(sent + burst) > (t - start) * rate) {
			rest((double)burst / rate / 4);
			continue;
		}
		if (send(fd, data, burst * (size_t)payload, 0) > 0)
			sent += burst;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
			die("send");
	}
	report(sent, t - start);
}

static uint64_t receive(int fd)
{
	static uint8_t data[BATCH][65536], control[BATCH][CMSG_SPACE(sizeof(int))];
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], sizeof data[i] };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i],
						      .msg_iovlen = 1,
						      .msg_control = control[i],
						      .msg_controllen = sizeof control[i] } };
	}
	uint64_t packets = 0;
	int n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, nullptr);
	for (int i = 0; i < n; i++) {
		size_t size = m[i].msg_len;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m[i].msg_hdr); c != nullptr;
		     c = CMSG_NXTHDR(&m[i].msg_hdr, c)) {
			int gro;
			memcpy(&gro, CMSG_DATA(c), sizeof gro);
			if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && gro > 0)
				size = (size_t)gro;
		}
		packets += size > 0 ? (m[i].msg_len + size - 1) / size : 1;
	}
	return packets;
}

static void blast_count(const char *port, double seconds)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1, room = 16 << 20;
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
		die("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 ||
	    setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one) < 0)
		die("setsockopt");
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t packets = 0;
	double start = now();
	while (!ended && now() < start + seconds)
		if (poll(&p, 1, 100) > 0)
			packets += receive(fd);
	report(packets, now() - start);
}

int main(int argc, char **argv)
{
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, nullptr);
	size_t burst = argc == 8 ? (size_t)atoi(argv[7]) : RUN;
	if ((argc == 7 || argc == 8) && burst > 0 && burst <= RUN && strcmp(argv[1], "send") == 0)
		blast_send(argv[2], argv[3], (size_t)atoi(argv[4]), atof(argv[5]), atof(argv[6]), burst);
	else if (argc == 4 && strcmp(argv[1], "count") == 0)
		blast_count(argv[2], atof(argv[3]));
	else {
		fputs("usage: blast send ADDRESS PORT SIZE RATE SECONDS [BURST] | blast count PORT SECONDS\n",
		      stderr);
		return 2;
	}
	return 0;
}
