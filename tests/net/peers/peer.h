/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer - what the DTLS clients of this folder share: arguments, a socket, commands on standard input
 *
 *	dtls_openssl|dtls_gnutls ADDRESS PORT SUITE VERSION MASTER ID
 *
 * SUITE as in X-DTLS12-CipherSuite, VERSION "1.2" or "0.9" (0x0100), MASTER and ID in hex as in the headers.  After the handshake
 * it prints "up CIPHER", or "failed WHY" and exits 1.  Then for each line "echo N" on standard input: a DPD request with N bytes
 * goes out until its echo comes, and "ok N" or "lost N" is printed.  "again": a new handshake on the same socket, with
 * the old channel just forgotten.
 */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEER_MASTER_LEN = 48, PEER_ID_LEN = 32, PEER_ECHO_MAX = 16000, PEER_TRIES = 10, PEER_WAIT_MS = 500 };

struct peer {
	const char *suite;
	bool is_old; /* 0x0100 */
	uint8_t master[PEER_MASTER_LEN], id[PEER_ID_LEN];
	int fd;
};

[[noreturn]] static inline void peer_die(const char *why, const char *more)
{
	printf("failed %s%s%s\n", why, more != nullptr ? ": " : "", more != nullptr ? more : "");
	exit(1);
}

static inline void peer_hex(uint8_t *out, size_t n, const char *hex)
{
	if (strlen(hex) != 2 * n)
		peer_die("a hex argument has the wrong length", hex);
	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		out[i] = (uint8_t)strtoul(two, nullptr, 16);
	}
}

static inline void peer_init(struct peer *p, int argc, char **argv)
{
	setvbuf(stdout, nullptr, _IOLBF, 0);
	if (argc != 7)
		peer_die("usage", "ADDRESS PORT SUITE VERSION MASTER ID");
	p->suite = argv[3];
	p->is_old = strcmp(argv[4], "0.9") == 0;
	peer_hex(p->master, sizeof p->master, argv[5]);
	peer_hex(p->id, sizeof p->id, argv[6]);
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])) };
	p->fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || p->fd < 0 ||
	    connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0)
		peer_die("cannot connect", argv[1]);
}

static inline bool peer_readable(const struct peer *p, int ms)
{
	struct pollfd f = { .fd = p->fd, .events = POLLIN };
	return poll(&f, 1, ms) == 1;
}

/* The client's own functions: n bytes each, or <= 0. */
int peer_send(void *session, const void *p, size_t n);
int peer_receive(void *session, void *p, size_t cap);
void *peer_handshake(const struct peer *p);

static inline bool peer_echo(const struct peer *p, void *session, size_t n)
{
	static uint8_t out[PEER_ECHO_MAX + 1], in[PEER_ECHO_MAX + 1000];
	out[0] = 3; /* DPD request */
	for (size_t i = 1; i <= n; i++)
		out[i] = (uint8_t)(i * 31 + n);
	for (int tries = 0; tries < PEER_TRIES; tries++) {
		peer_send(session, out, n + 1);
		while (peer_readable(p, PEER_WAIT_MS)) {
			int got = peer_receive(session, in, sizeof in);
			if (got == (int)n + 1 && in[0] == 4 && memcmp(in + 1, out + 1, n) == 0)
				return true;
		}
	}
	return false;
}

/* The handshake may wait; an echo may not, for a readable socket may hold a repeated handshake and no data. */
static inline void *peer_begin(const struct peer *p)
{
	fcntl(p->fd, F_SETFL, 0);
	void *session = peer_handshake(p);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	return session;
}

static inline int peer_run(int argc, char **argv)
{
	static struct peer p;
	char line[64];
	peer_init(&p, argc, argv);
	void *session = peer_begin(&p);
	while (fgets(line, sizeof line, stdin) != nullptr) {
		unsigned n;
		if (sscanf(line, "echo %u", &n) == 1 && n <= PEER_ECHO_MAX)
			printf("%s %u\n", peer_echo(&p, session, n) ? "ok" : "lost", n);
		else if (strcmp(line, "again\n") == 0)
			session = peer_begin(&p);
		else
			peer_die("no such command", line);
	}
	return 0;
}
