/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flood - sends packets with forged sources through one device, for so many seconds and not one longer
 *
 *   flood KIND DEVICE MAC TARGET PORT SECONDS [RATE [SOURCE]]
 *     garbage   UDP with bytes that are no DTLS
 *     data      UDP with records of DTLS 1.2 application data
 *     hello     UDP with DTLS ClientHellos, each with another session id
 *     replay    the same, all with one session id, 32 bytes of hexadecimal digits in the environment variable ID
 *     syn       TCP SYN
 *   RATE: packets a second; 0, or nothing: as many as the machine can send.
 *   SOURCE: all packets come from it; else each from another of 10.0.0.0/8 or 2001:db8:f::/48.
 *
 * Meant for network namespaces: nothing asks whether the target wants it.  Prints "sent N in S.S s".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

constexpr size_t FRAME_MAX = 512, BATCH = 64;
constexpr double SECONDS_MAX = 60;
constexpr size_t ETH = 14, SESSION_ID = 32;

enum kind { GARBAGE, DATA, HELLO, REPLAY, SYN, KINDS_N };
static const char *const kinds[] = { "garbage", "data", "hello", "replay", "syn" };

struct flood {
	enum kind kind;
	bool is_v6, has_source;
	uint8_t mac[6], target[16], source[16], id[SESSION_ID];
	uint16_t port;
	double rate; /* packets a second; 0: no bound */
	uint64_t random;
};

struct frame {
	uint8_t bytes[FRAME_MAX];
	size_t len;
};

/* splitmix64 */
static uint64_t next_random(struct flood *f)
{
	uint64_t z = f->random += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t sum_of(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return n % 2 != 0 ? sum + ((uint32_t)p[n - 1] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* {{ payloads }} */

static size_t put_record(uint8_t *p, uint8_t type, size_t body)
{
	memset(p, 0, 13);
	p[0] = type;
	put16(p + 1, 0xfefd);
	put16(p + 11, body);
	return 13 + body;
}

static size_t put_hello(struct flood *f, uint8_t *p)
{
	size_t body = 130, n = put_record(p, 22, body);
	memset(p + 13, 0, body);
	p[13] = 1; /* ClientHello, whole, in one fragment */
	put16(p + 15, body - 12);
	put16(p + 23, body - 12);
	put16(p + 25, 0xfefd);
	for (size_t i = 27; i < 59; i += 8)
		memcpy(p + i, &(uint64_t){ next_random(f) }, 8);
	p[59] = SESSION_ID;
	memcpy(p + 60, f->id, SESSION_ID);
	if (f->kind == HELLO)
		memcpy(p + 60, &(uint64_t){ next_random(f) }, 8);
	return n;
}

static size_t put_payload(struct flood *f, uint8_t *p)
{
	size_t n = 100;
	if (f->kind == HELLO || f->kind == REPLAY)
		return put_hello(f, p);
	for (size_t i = 0; i < n; i += 8)
		memcpy(p + i, &(uint64_t){ next_random(f) }, 8);
	if (f->kind == GARBAGE) {
		p[0] = 'x';
		return n;
	}
	put_record(p, 23, n - 13);
	p[4] = 1;
	return n;
}

/* {{ headers }} */

static size_t put_transport(struct flood *f, uint8_t *p)
{
	uint64_t r = next_random(f);
	put16(p, 1024 + r % 60'000);
	put16(p + 2, f->port);
	if (f->kind == SYN) {
		memcpy(p + 4, &(uint32_t){ (uint32_t)(r >> 32) }, 4);
		memset(p + 8, 0, 12);
		p[12] = 0x50;
		p[13] = 2;
		put16(p + 14, 64'000);
		return 20;
	}
	size_t n = 8 + put_payload(f, p + 8);
	put16(p + 4, n);
	put16(p + 6, 0);
	return n;
}

static void put_source(struct flood *f, uint8_t *at)
{
	size_t n = f->is_v6 ? 16 : 4;
	if (f->has_source) {
		memcpy(at, f->source, n);
		return;
	}
	uint64_t r = next_random(f);
	if (f->is_v6) {
		memcpy(at, (uint8_t[6]){ 0x20, 0x01, 0x0d, 0xb8, 0, 0x0f }, 6);
		memcpy(at + 6, &r, 8);
		put16(at + 14, 1);
	} else {
		at[0] = 10;
		memcpy(at + 1, &r, 3);
	}
}

/* Addresses and a header that is the same but for them; returns its length. */
static size_t put_ip(struct flood *f, uint8_t *ip, size_t len)
{
	uint8_t protocol = f->kind == SYN ? IPPROTO_TCP : IPPROTO_UDP;
	if (f->is_v6) {
		memset(ip, 0, 8);
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = protocol;
		ip[7] = 64;
		put_source(f, ip + 8);
		memcpy(ip + 24, f->target, 16);
		return 40;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	ip[8] = 64;
	ip[9] = protocol;
	put_source(f, ip + 12);
	memcpy(ip + 16, f->target, 4);
	put16(ip + 10, fold(sum_of(ip, 20)));
	return 20;
}

static void build(struct flood *f, struct frame *out)
{
	uint8_t *p = out->bytes, transport[FRAME_MAX];
	size_t len = put_transport(f, transport);
	memcpy(p, f->mac, 6);
	memcpy(p + 6, (uint8_t[6]){ 2, 0, 0, 0, 0, 9 }, 6);
	put16(p + 12, f->is_v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	size_t head = put_ip(f, p + ETH, len);
	/* of the pseudo header and the rest */
	size_t addresses = f->is_v6 ? 8 : 12, check = f->kind == SYN ? 16 : 6;
	uint32_t sum = sum_of(p + ETH + addresses, head - addresses) + (uint32_t)len +
		       (f->kind == SYN ? IPPROTO_TCP : IPPROTO_UDP) + sum_of(transport, len);
	put16(transport + check, fold(sum));
	memcpy(p + ETH + head, transport, len);
	out->len = ETH + head + len;
}

/* {{ sending }} */

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sleeps as long as it is ahead of its rate. */
static void keep_rate(const struct flood *f, double begin, unsigned long sent)
{
	double ahead = f->rate > 0 ? (double)sent / f->rate - (now_s() - begin) : 0;
	if (ahead > 0)
		nanosleep(&(struct timespec){ (time_t)ahead, (long)((ahead - (double)(time_t)ahead) * 1e9) },
			  nullptr);
}

static int run(struct flood *f, int fd, double seconds)
{
	static struct frame frames[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned long sent = 0;
	double begin = now_s(), end = begin + seconds;
	while (now_s() < end) {
		for (size_t i = 0; i < BATCH; i++) {
			build(f, &frames[i]);
			iov[i] = (struct iovec){ frames[i].bytes, frames[i].len };
			m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		int n = sendmmsg(fd, m, BATCH, 0);
		if (n > 0)
			sent += (unsigned)n;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) {
			perror("sendmmsg");
			return 1;
		}
		keep_rate(f, begin, sent);
	}
	printf("sent %lu in %.1f s\n", sent, now_s() - begin);
	return 0;
}

static bool read_address(struct flood *f, const char *text, uint8_t out[static 16])
{
	f->is_v6 = strchr(text, ':') != nullptr;
	return inet_pton(f->is_v6 ? AF_INET6 : AF_INET, text, out) == 1;
}

static bool read_bytes(const char *text, uint8_t *out, size_t n, size_t step)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(text) < i * step + 2 || sscanf(text + i * step, "%2hhx", &out[i]) != 1)
			return false;
	return true;
}

static bool read_args(struct flood *f, int argc, char **argv)
{
	const char *id = getenv("ID");
	if (argc < 7)
		return false;
	while (f->kind < KINDS_N && strcmp(kinds[f->kind], argv[1]) != 0)
		f->kind++;
	f->port = (uint16_t)strtoul(argv[5], nullptr, 10);
	f->rate = argc > 7 ? strtod(argv[7], nullptr) : 0;
	f->has_source = argc > 8;
	if (f->kind == KINDS_N || (f->has_source && !read_address(f, argv[8], f->source)))
		return false;
	return read_bytes(argv[3], f->mac, sizeof f->mac, 3) && read_address(f, argv[4], f->target) &&
	       (f->kind != REPLAY || (id != nullptr && read_bytes(id, f->id, SESSION_ID, 2)));
}

int main(int argc, char **argv)
{
	struct flood f = { .random = (uint64_t)time(nullptr) << 20 ^ (uint64_t)getpid() };
	if (!read_args(&f, argc, argv)) {
		fputs("flood garbage|data|hello|replay|syn DEVICE MAC TARGET PORT SECONDS [RATE [SOURCE]]\n",
		      stderr);
		return 2;
	}
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[2]) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || at.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
		perror(argv[2]);
		return 1;
	}
	return run(&f, fd, MIN(strtod(argv[6], nullptr), SECONDS_MAX));
}
