/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * octun - ocload's client with a TUN device: TCP over the real protocol by a client as batched as the server
 *
 * openconnect handles one packet a system call and is the limit of what a fast server can be asked for; this one takes
 * super-packets from the kernel and gives them back.  In place of ocload's load.c: packets do not come from a generator but
 * from the device.  One session, DTLS 1.2 or TLS.  For measurements only.
 *
 *   octun DEVICE idle OPTION...    options of ocload; prints "ADDRESS MTU" when the tunnel is open, ends with it
 *
 * Runs in: everything but main in the one hand's thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "crew.h"
#include "frames.h"
#include "load.h"
#include "wire/coalesce.h"
#include "wire/cstp.h"
#include "wire/segment.h"

constexpr size_t SLOT = 2048, SLOTS = COALESCE_PACKETS_MAX;
constexpr unsigned TURN = 32;           /* reads of the device before the sockets are looked at again */
constexpr unsigned USO = 0x20 | 0x40;   /* TUN_F_USO4 | TUN_F_USO6, not in the headers of Linux 6.1 */
constexpr uint64_t STUCK_NS = 500'000;

static struct {
	int fd;
	bool has_uso;
	struct coalesce in;
	size_t in_n;
	uint8_t slots[SLOTS][SLOT]; /* what came; the client's buffers are used again before we are asked */
	struct {
		struct virtio_net_hdr head;
		uint8_t bytes[65536];
	} out;
} tun;

static bool tun_open(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR };
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
	tun.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tun.fd < 0 || ioctl(tun.fd, TUNSETIFF, &ifr) < 0)
		return false;
	unsigned most = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	tun.has_uso = ioctl(tun.fd, TUNSETOFFLOAD, most | USO) == 0;
	coalesce_init(&tun.in, tun.has_uso);
	return tun.has_uso || ioctl(tun.fd, TUNSETOFFLOAD, most) == 0;
}

/* {{ tunnel -> device */

static void flush_in(void)
{
	struct coalesce_out out;
	while (coalesce_next(&tun.in, &out) == ERR_OK)
		if (writev(tun.fd, out.iov, (int)out.iov_n) < 0)
			continue; /* dropped, as by any device */
	tun.in_n = 0;
}

void load_take(struct client *, const uint8_t *p, size_t n)
{
	if (n == 0 || n > SLOT)
		return;
	if (tun.in_n == SLOTS)
		flush_in();
	uint8_t *slot = tun.slots[tun.in_n++];
	memcpy(slot, p, n);
	if (coalesce_add(&tun.in, slot, n) != ERR_OK) {
		tun.in_n--;
		flush_in();
	}
}

/* {{ device -> tunnel */

static void send_batch(struct client *c)
{
	size_t sent;
	[[maybe_unused]] enum err e = udp_send(c->chan->fd, &c->hand->out, nullptr, &sent);
}

/* The last of a run may be shorter than the others: it closes the batch. */
static void add_record(struct client *c, const uint8_t *p, size_t n)
{
	struct udp_out *out = &c->hand->out;
	size_t len = chan_record_len(c->chan, 1 + n), usual = out->segment;
	bool is_tail = out->n > 0 && len < usual && udp_fits(out, usual);
	if (!is_tail && !udp_fits(out, len))
		send_batch(c);
	uint8_t *at = chan_payload(c->chan, out);
	at[0] = CSTP_DATA;
	memcpy(at + 1, p, n);
	if (chan_seal(c->chan, out, 1 + n) != ERR_OK || !is_tail)
		return;
	out->segment = usual;
	send_batch(c);
}

static void add_frame(struct client *c, const uint8_t *p, size_t n)
{
	uint8_t *frame = c->hand->io.plain;
	cstp_put_header(frame, CSTP_DATA, n);
	memcpy(frame + CSTP_HEAD_LEN, p, n);
	[[maybe_unused]] enum err e = conn_write(&c->conn, frame, CSTP_HEAD_LEN + n);
}

static void send_super(struct client *c, size_t len)
{
	struct segment s;
	uint8_t packet[SLOT];
	size_t n;
	if (len < sizeof tun.out.head ||
	    segment_init(&s, &tun.out.head, tun.out.bytes, len - sizeof tun.out.head) != ERR_OK)
		return;
	bool by_tls = client_uses_tls(c);
	while (segment_next(&s, packet, sizeof packet, &n) == ERR_OK)
		(by_tls ? add_frame : add_record)(c, packet, n);
	if (by_tls) { /* a broken connection is noticed when it is read */
		[[maybe_unused]] enum err e = conn_flush(&c->conn);
		client_watch(c);
	}
}

uint64_t load_run(struct hand *h)
{
	struct client *c = &h->clients[0];
	flush_in();
	if (!client_is_open(c))
		return UINT64_MAX;
	bool by_tls = client_uses_tls(c);
	uint64_t wait = 0;
	for (unsigned i = 0; i < TURN && wait == 0; i++) {
		if (by_tls && conn_is_stuck(&c->conn)) {
			wait = STUCK_NS;
			break;
		}
		ssize_t n = read(tun.fd, &tun.out, sizeof tun.out);
		if (n <= 0)
			wait = UINT64_MAX;
		else
			send_super(c, (size_t)n);
	}
	if (!by_tls)
		send_batch(c);
	c->tx_at = h->now;
	return wait;
}

void load_begin(struct hand *h, const struct order *o)
{
	h->load.order = *o;
}

/* {{ start */

/* The hand takes events of the device for its own wake-ups: each turn of its loop asks load_run. */
static bool watch(struct hand *h)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = UINT64_MAX };
	return epoll_ctl(h->epoll, EPOLL_CTL_ADD, tun.fd, &ev) == 0;
}

static bool say_address(const struct client *c)
{
	char text[ADDR_TEXT_MAX];
	printf("%s %u\n", addr_text(&c->tunnel.ip4, text), c->tunnel.mtu);
	return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
	static struct options o;
	static struct crew crew;
	if (argc < 3 || !options_parse(&o, argc - 1, argv + 1))
		return 2;
	o.clients = o.threads = 1;
	if (!tun_open(argv[1])) {
		fprintf(stderr, "octun: TUN device %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (crew_begin(&crew, &o) != ERR_OK || !watch(crew.hands[0]))
		return 1;
	crew_order(&crew, &(struct order){ .kind = ORDER_OPEN });
	struct tally t = {};
	while (t.count[COUNT_opened] + crew_fails(&t) == 0 && crew_wait(&crew, 0.02))
		t = crew_tally(&crew);
	bool is_open = t.count[COUNT_opened] > 0 && say_address(&crew.hands[0]->clients[0]);
	while (is_open && crew_wait(&crew, 0.5) && crew_tally(&crew).count[COUNT_lost] == 0)
		;
	crew_end(&crew);
	crew_fini(&crew);
	return is_open ? 0 : 1;
}
