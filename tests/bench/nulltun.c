/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nulltun - the null tunnel: what a tunnel costs that has no protocol, the yardstick of `make bench`
 *
 * TUN <-> UDP with the system calls of a fast server (IFF_VNET_HDR with all offloads, UDP_SEGMENT, UDP_GRO, recvmmsg) and,
 * if asked, one AES-128-GCM of wolfCrypt a datagram; nothing else.  A super-packet is not taken apart as a VPN must do: its
 * bytes, with the virtio_net_hdr in front, travel as chunks of CHUNK bytes in datagrams of their own and are written as they
 * came, gathered where they lie.  A lost chunk loses its super-packet.  The key is a constant: this protects nothing.
 *
 *   datagram:  id (2) | index (1) | count (1) | chunk                         count 0: hello of the client
 *   with AES:  id (2) | index (1) | count (1) | number (8) | sealed chunk | tag (16)
 *
 * One thread; it owns everything below.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>

constexpr size_t CHUNK = 1400 + sizeof(struct virtio_net_hdr);
constexpr size_t HEAD = 4, NUMBER = 8, TAG = 16;
constexpr size_t SUPER = 65536 + sizeof(struct virtio_net_hdr);
constexpr size_t CHUNKS = SUPER / CHUNK + 1;
constexpr size_t PER_SEND = 65507 / (HEAD + NUMBER + CHUNK + TAG);
constexpr size_t BATCH = 8;
constexpr int TURN = 64; /* reads of the TUN device before the socket is looked at again */
constexpr unsigned USO = 0x20 | 0x40; /* TUN_F_USO4 | TUN_F_USO6, not in the headers of Linux 6.1 */

struct sealed {
	uint8_t head[HEAD + NUMBER], tag[TAG];
};

/* Datagrams of one size that leave in one call. */
struct run {
	struct iovec iov[3 * CHUNKS];
	struct sealed sealed[CHUNKS];
	size_t iov_n, n, size;
};

/* A super-packet on its way in: its chunks, in buffers of this batch or of the one before. */
struct partial {
	struct iovec iov[CHUNKS];
	uint16_t id;
	uint8_t have, count;
};

static struct null {
	int tun, udp;
	bool has_peer, has_aes;
	Aes aes;
	uint64_t number;
	uint16_t id;
	struct run run;
	struct partial partial;
	uint64_t lost;
	uint8_t in[2][BATCH][65536];
	uint8_t super[SUPER + 16 * CHUNKS]; /* sealed in place */
} null;

[[noreturn]] static void die(const char *what)
{
	fprintf(stderr, "nulltun: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int tun_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("TUN device");
	unsigned most = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	if (ioctl(fd, TUNSETOFFLOAD, most | USO) < 0 && ioctl(fd, TUNSETOFFLOAD, most) < 0)
		die("TUN offloads");
	return fd;
}

static int udp_open(const char *local, const char *peer, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, room = 4 << 20;
	if (fd < 0 || setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one) < 0)
		die("UDP socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0)
		die("socket buffers");
	const char *text = peer != nullptr ? peer : local;
	if (inet_pton(AF_INET, text, &at.sin_addr) != 1)
		die("address");
	if (peer == nullptr) {
		if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
			die("bind");
		return fd;
	}
	if (connect(fd, (struct sockaddr *)&at, sizeof at) < 0 || send(fd, (uint8_t[HEAD]){}, HEAD, 0) < 0)
		die("connect");
	return fd;
}

/* {{ TUN -> UDP */

static void run_flush(struct run *r)
{
	uint16_t size = (uint16_t)r->size;
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof size)];
	} control = {};
	struct msghdr m = { .msg_iov = r->iov, .msg_iovlen = r->iov_n };
	if (r->n > 1) {
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof size), SOL_UDP, UDP_SEGMENT };
		memcpy(CMSG_DATA(&control.head), &size, sizeof size);
		m.msg_control = &control;
		m.msg_controllen = sizeof control;
	}
	if (r->n > 0 && null.has_peer)
		(void)!sendmsg(null.udp, &m, 0); /* a full queue drops, as any tunnel does */
	r->n = r->iov_n = 0;
}

static void run_add(struct run *r, uint8_t *chunk, size_t len, uint8_t index, uint8_t count)
{
	struct sealed *s = &r->sealed[r->n];
	size_t head = HEAD, tag = 0;
	memcpy(s->head, (uint8_t[HEAD]){ (uint8_t)(null.id >> 8), (uint8_t)null.id, index, count }, HEAD);
	if (null.has_aes) {
		uint8_t iv[12] = {};
		null.number++;
		memcpy(iv + 4, &null.number, NUMBER);
		memcpy(s->head + HEAD, &null.number, NUMBER);
		if (wc_AesGcmEncrypt(&null.aes, chunk, chunk, (word32)len, iv, sizeof iv, s->tag, TAG,
				     s->head, HEAD) != 0)
			die("seal");
		head += NUMBER;
		tag = TAG;
	}
	r->iov[r->iov_n++] = (struct iovec){ s->head, head };
	r->iov[r->iov_n++] = (struct iovec){ chunk, len };
	if (tag > 0)
		r->iov[r->iov_n++] = (struct iovec){ s->tag, tag };
	if (r->n++ == 0)
		r->size = head + len + tag;
	if (r->n == PER_SEND)
		run_flush(r);
}

static void send_super(size_t len)
{
	uint8_t count = (uint8_t)((len + CHUNK - 1) / CHUNK);
	for (uint8_t i = 0; i < count; i++) {
		size_t at = i * CHUNK;
		run_add(&null.run, null.super + at, len - at < CHUNK ? len - at : CHUNK, i, count);
	}
	run_flush(&null.run);
	null.id++;
}

static void from_tun(void)
{
	for (int i = 0; i < TURN; i++) {
		ssize_t n = read(null.tun, null.super, SUPER);
		if (n <= 0)
			return;
		send_super((size_t)n);
	}
}

/* {{ UDP -> TUN */

static bool open_chunk(uint8_t *head, uint8_t **chunk, size_t *len)
{
	*chunk = head + HEAD;
	*len -= HEAD;
	if (!null.has_aes)
		return true;
	if (*len < NUMBER + TAG)
		return false;
	uint8_t iv[12] = {};
	memcpy(iv + 4, *chunk, NUMBER);
	*chunk += NUMBER;
	*len -= NUMBER + TAG;
	return wc_AesGcmDecrypt(&null.aes, *chunk, *chunk, (word32)*len, iv, sizeof iv, *chunk + *len, TAG,
				head, HEAD) == 0;
}

static void take_datagram(uint8_t *p, size_t len)
{
	struct partial *s = &null.partial;
	uint8_t *chunk;
	if (len < HEAD || p[3] == 0 || p[3] > CHUNKS)
		return;
	uint16_t id = (uint16_t)(p[0] << 8 | p[1]);
	if (p[2] == 0) {
		null.lost += s->have != 0;
		*s = (struct partial){ .id = id, .count = p[3] };
	}
	if (id != s->id || p[2] != s->have || p[3] != s->count || !open_chunk(p, &chunk, &len)) {
		null.lost++;
		s->have = 0;
		return;
	}
	s->iov[s->have++] = (struct iovec){ chunk, len };
	if (s->have < s->count)
		return;
	(void)!writev(null.tun, s->iov, s->have);
	s->have = 0;
}

static size_t segment_size(const struct msghdr *m, size_t len)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != nullptr; c = CMSG_NXTHDR((struct msghdr *)m, c)) {
		int size;
		if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO)
			continue;
		memcpy(&size, CMSG_DATA(c), sizeof size);
		return (size_t)size;
	}
	return len;
}

static void take_buffer(const struct mmsghdr *m, uint8_t *p)
{
	size_t len = m->msg_len, size = segment_size(&m->msg_hdr, len);
	for (size_t at = 0; at < len; at += size)
		take_datagram(p + at, len - at < size ? len - at : size);
}

/* The batch before stays: the first chunks of a super-packet may lie there. */
static void from_udp(void)
{
	static unsigned side;
	static uint8_t control[BATCH][CMSG_SPACE(sizeof(int))];
	struct sockaddr_in from;
	struct mmsghdr m[BATCH];
	struct iovec iov[BATCH];
	side ^= 1;
	for (size_t i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ null.in[side][i], sizeof null.in[side][i] };
		m[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i],
						      .msg_iovlen = 1,
						      .msg_control = control[i],
						      .msg_controllen = sizeof control[i] } };
	}
	m[0].msg_hdr.msg_name = &from;
	m[0].msg_hdr.msg_namelen = sizeof from;
	int n = recvmmsg(null.udp, m, BATCH, 0, nullptr);
	if (n > 0 && !null.has_peer) {
		if (connect(null.udp, (struct sockaddr *)&from, sizeof from) < 0)
			die("connect to the client");
		null.has_peer = true;
	}
	for (int i = 0; i < n; i++)
		take_buffer(&m[i], null.in[side][i]);
}

/* {{ start */

[[noreturn]] static void usage(void)
{
	fputs("usage: nulltun -d DEVICE -p PORT {-l ADDRESS | -c SERVER} [-a] [-C CPU]\n"
	      "  -l  wait for the client   -c  be the client   -a  AES-128-GCM   -C  stay on this CPU\n",
	      stderr);
	exit(2);
}

static void pin(const char *cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		die("pin");
}

int main(int argc, char **argv)
{
	const char *device = nullptr, *local = nullptr, *peer = nullptr;
	uint16_t port = 0;
	for (int c; (c = getopt(argc, argv, "d:p:l:c:aC:")) != -1;) {
		switch (c) {
		case 'd': device = optarg; break;
		case 'p': port = (uint16_t)atoi(optarg); break;
		case 'l': local = optarg; break;
		case 'c': peer = optarg; break;
		case 'a': null.has_aes = true; break;
		case 'C': pin(optarg); break;
		default: usage();
		}
	}
	if (device == nullptr || port == 0 || (local == nullptr) == (peer == nullptr))
		usage();
	static const uint8_t key[16] = "not a secret key";
	if (wc_AesInit(&null.aes, nullptr, INVALID_DEVID) != 0 ||
	    wc_AesGcmSetKey(&null.aes, key, sizeof key) != 0)
		die("key");
	null.tun = tun_open(device);
	null.udp = udp_open(local, peer, port);
	null.has_peer = peer != nullptr;
	struct pollfd fds[] = { { .fd = null.tun, .events = POLLIN }, { .fd = null.udp, .events = POLLIN } };
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents != 0)
			from_tun();
		if (fds[1].revents != 0)
			from_udp();
	}
	die("poll");
}
