/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rawtunnel - both channels of a tunnel, open for any bytes: hostile.py speaks through it
 *
 *   rawtunnel ADDRESS COOKIE [HEADER...]     port 443, the certificate is not looked at
 *
 * Opens the tunnel and its DTLS channel, writes the head of the answer to CONNECT as a message of kind 'A', then passes messages. A message
 * is a kind, a length of two bytes (big endian) and that many bytes.
 *
 *   in   T  the bytes as one record of TLS           U  as one record of DTLS         P  the same datagram twice
 *        C  a record of DTLS with one bit wrong      R  a datagram as it is           H  begin a new DTLS handshake, from a new port
 *   out  T  read from TLS     U  from DTLS     E  TLS has ended     H  one byte: 1, the new handshake is through; 0, it is not
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "chan.h"
#include "conn.h"
#include "reply.h"
#include "tls.h"
#include "wire/dtls.h"

constexpr int WAIT_MS = 2000;
constexpr size_t TLS_READ_MAX = 16384;

struct tunnel {
	struct tls tls;
	struct addr to;
	int fd;
	WOLFSSL *ssl;
	struct reply_tunnel facts;
	uint8_t psk[TLS_PSK_LEN];
	struct chan *chan;
	struct udp_out out;
};

static struct tunnel t;

[[noreturn]] static void give_up(const char *what)
{
	fprintf(stderr, "rawtunnel: %s\n", what);
	exit(1);
}

static void say(char kind, const void *p, size_t n)
{
	uint8_t head[] = { (uint8_t)kind, (uint8_t)(n >> 8), (uint8_t)n };
	if (fwrite(head, 1, sizeof head, stdout) != sizeof head || fwrite(p, 1, n, stdout) != n ||
	    fflush(stdout) != 0)
		exit(0);
}

/* {{ opening }} */

static void connect_tls(void)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&t.to, AF_INET, &sa);
	t.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t.fd < 0 || connect(t.fd, (struct sockaddr *)&sa, len) != 0)
		give_up("no connection");
	t.ssl = wolfSSL_new(t.tls.tls);
	if (t.ssl == nullptr)
		give_up("no memory");
	wolfSSL_SSLSetIORecv(t.ssl, EmbedReceive);
	wolfSSL_SSLSetIOSend(t.ssl, EmbedSend);
	wolfSSL_set_fd(t.ssl, t.fd);
	wolfSSL_KeepArrays(t.ssl);
	if (wolfSSL_connect(t.ssl) != WOLFSSL_SUCCESS)
		give_up("no TLS");
	if (tls_export_psk(t.ssl, t.psk) != ERR_OK)
		give_up("no key for DTLS");
}

static void ask(const char *cookie, char **headers)
{
	char text[8192];
	struct writer w = writer_of(text, sizeof text);
	writer_fmt(
		&w,
		"CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: x\r\nUser-Agent: Open AnyConnect VPN Agent v9.12\r\n"
		"Cookie: webvpn=%s\r\nX-CSTP-Version: 1\r\nX-CSTP-Base-MTU: 1500\r\nX-CSTP-MTU: 1390\r\n"
		"X-CSTP-Address-Type: IPv6,IPv4\r\nX-CSTP-Full-IPv6-Capability: true\r\n"
		"X-DTLS-Master-Secret: %096d\r\nX-DTLS-CipherSuite: PSK-NEGOTIATE\r\n",
		cookie, 0);
	for (; *headers != nullptr; headers++)
		writer_fmt(&w, "%s\r\n", *headers);
	writer_str(&w, "\r\n");
	if (!writer_ok(&w) || wolfSSL_write(t.ssl, text, (int)w.len) != (int)w.len)
		give_up("cannot ask");
}

static void hear(void)
{
	static char text[65536];
	size_t len = 0;
	struct reply r;
	for (;;) {
		int n = wolfSSL_read(t.ssl, text + len, (int)(sizeof text - len));
		if (n <= 0)
			give_up("no answer");
		len += (size_t)n;
		enum err e = reply_parse(&r, text, len, false);
		if (e == ERR_OK)
			break;
		if (e != ERR_SHORT || len == sizeof text)
			give_up("no sane answer");
	}
	if (r.status != 200 || reply_read_tunnel(&t.facts, &r) != ERR_OK || t.facts.dtls_port == 0)
		give_up("no tunnel with DTLS");
	say('A', text, r.len);
}

/* ERR_BUSY: not through in time. */
static enum err shake(struct chan **out)
{
	struct chan *c;
	enum err e = chan_new(&c, &t.tls, &t.to, &t.facts, t.psk, clock_now());
	if (e != ERR_OK)
		return e;
	e = ERR_BUSY;
	for (int waited = 0; e == ERR_BUSY && waited < WAIT_MS; waited += 100) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		uint8_t datagram[4096];
		if (poll(&p, 1, 100) == 1) {
			ssize_t n = recv(c->fd, datagram, sizeof datagram, MSG_DONTWAIT);
			e = n > 0 ? chan_shake(c, datagram, (size_t)n, clock_now()) : ERR_BUSY;
		} else {
			e = chan_tick(c, clock_now());
		}
	}
	if (e != ERR_OK) {
		chan_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

/* {{ passing }} */

static void send_datagram(const void *p, size_t n)
{
	if (send(t.chan->fd, p, n, 0) < 0 && errno != ECONNREFUSED && errno != EMSGSIZE)
		give_up("cannot send");
}

static void send_sealed(char kind, const uint8_t *p, size_t n)
{
	t.out.n = t.out.len = 0;
	memcpy(chan_payload(t.chan, &t.out), p, n);
	if (chan_seal(t.chan, &t.out, n) != ERR_OK)
		give_up("cannot seal");
	if (kind == 'C')
		t.out.bytes[t.out.len - 1] ^= 1;
	send_datagram(t.out.bytes, t.out.len);
	if (kind == 'P')
		send_datagram(t.out.bytes, t.out.len);
}

static void new_handshake(void)
{
	struct chan *fresh = nullptr;
	uint8_t through = shake(&fresh) == ERR_OK;
	if (through) {
		chan_free(t.chan);
		t.chan = fresh;
	}
	say('H', &through, 1);
}

static void read_order(void)
{
	static uint8_t bytes[65536];
	uint8_t head[3];
	if (fread(head, 1, sizeof head, stdin) != sizeof head)
		exit(0);
	size_t n = (size_t)(head[1] << 8 | head[2]);
	if (fread(bytes, 1, n, stdin) != n)
		exit(0);
	switch ((char)head[0]) {
	case 'T':
		if (n > 0 && wolfSSL_write(t.ssl, bytes, (int)n) <= 0)
			say('E', "", 0);
		break;
	case 'U':
	case 'P':
	case 'C': send_sealed((char)head[0], bytes, n); break;
	case 'R': send_datagram(bytes, n); break;
	case 'H': new_handshake(); break;
	default: give_up("no such order");
	}
}

static void read_udp(void)
{
	static uint8_t datagram[65536];
	ssize_t n = recv(t.chan->fd, datagram, sizeof datagram, MSG_DONTWAIT);
	uint8_t type, *payload;
	size_t len;
	if (n > 0 &&
	    record_open(&t.chan->rx, &t.chan->replay, datagram, (size_t)n, &type, &payload, &len) == ERR_OK &&
	    type == DTLS_TYPE_DATA)
		say('U', payload, len);
}

static bool read_tls(void)
{
	static uint8_t plain[TLS_READ_MAX];
	do {
		int n = wolfSSL_read(t.ssl, plain, sizeof plain);
		if (n <= 0) {
			say('E', "", 0);
			return false;
		}
		say('T', plain, (size_t)n);
	} while (wolfSSL_pending(t.ssl) > 0);
	return true;
}

int main(int argc, char **argv)
{
	struct options o = { .insecure = true, .dtls_version = "1.2" };
	uint8_t ip[4];
	if (argc < 3 || inet_pton(AF_INET, argv[1], ip) != 1)
		give_up("usage: rawtunnel ADDRESS COOKIE [HEADER...]");
	t.to = addr_of_ip(ip, sizeof ip);
	t.to.port = 443;
	if (tls_init(&t.tls, &o) != ERR_OK)
		give_up("no TLS library");
	setvbuf(stdin, nullptr, _IONBF, 0); /* poll must see what is there */
	connect_tls();
	ask(argv[2], argv + 3);
	hear();
	if (shake(&t.chan) != ERR_OK)
		give_up("no DTLS");
	say('H', "\1", 1);
	bool tls_open = true;
	for (;;) {
		struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				      { .fd = t.chan->fd, .events = POLLIN },
				      { .fd = tls_open ? t.fd : -1, .events = POLLIN } };
		if (poll(p, ARRAY_LEN(p), -1) < 0)
			return 1;
		if (p[1].revents != 0)
			read_udp();
		if (p[2].revents != 0)
			tls_open = read_tls();
		if (p[0].revents != 0)
			read_order();
	}
}
