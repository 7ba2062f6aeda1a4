/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tunping - the client's end of a tunnel without a TUN device: pings through it, and answers pings
 *
 * openconnect starts it with --script-tun --script "tunping ...": VPNFD is a datagram socket, one IP packet each, and
 * INTERNAL_IP4_ADDRESS is our address.  While the file of --while exists (or for --seconds) it sends --rate echo requests a
 * second, then it waits for the last replies; when the file appears again, a new round is counted from zero.  It stays until
 * openconnect ends, because openconnect ends with it.
 *
 * --state FILE holds one line all the time, see put_state().  Exit status 0 only if no round lost more than --lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"

constexpr size_t IP_LEN = 20, ICMP_LEN = 8, PACKET_MAX = 65536, STATE_LEN = 256;
constexpr uint64_t MS = 1'000'000, STATE_EVERY = 100 * MS, DRAIN_MOST = 3000 * MS;
constexpr uint8_t ECHO_REPLY = 0, ECHO_REQUEST = 8;

enum phase : uint8_t { PHASE_WAIT, PHASE_SEND, PHASE_DRAIN, PHASE_DONE, PHASE_N };

struct options {
	struct in_addr to;
	uint64_t rate, seconds, lost;
	size_t size;
	const char *state, *while_file;
};

struct tunping {
	struct options o;
	int fd, state_fd;
	struct in_addr own;
	enum phase phase;
	bool failed;
	uint64_t round, began, next, drain_since, state_at;
	uint64_t sent, got, again, blocked, served;
	uint64_t last, gap, gap_at; /* of the replies */
	bool missing[UINT16_MAX + 1];
	uint8_t packet[PACKET_MAX];
};

static volatile sig_atomic_t told_to_end;

static void on_signal(int)
{
	told_to_end = 1;
}

static uint64_t now_ns(void)
{
	return clock_now().ns;
}

/* {{ packets }} */

static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t own_id(void)
{
	return (uint16_t)getpid();
}

static size_t make_request(struct tunping *t, uint16_t seq)
{
	size_t len = IP_LEN + ICMP_LEN + t->o.size;
	uint8_t *ip = t->packet, *icmp = ip + IP_LEN;
	memset(ip, 0, len);
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)len);
	put16(ip + 4, seq);
	ip[8] = 64;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, &t->own, 4);
	memcpy(ip + 16, &t->o.to, 4);
	put16(ip + 10, checksum(ip, IP_LEN));
	icmp[0] = ECHO_REQUEST;
	put16(icmp + 4, own_id());
	put16(icmp + 6, seq);
	for (size_t i = 0; i < t->o.size; i++)
		icmp[ICMP_LEN + i] = (uint8_t)(seq + i);
	put16(icmp + 2, checksum(icmp, len - IP_LEN));
	return len;
}

static void send_request(struct tunping *t)
{
	uint16_t seq = (uint16_t)t->sent;
	size_t len = make_request(t, seq);
	if (send(t->fd, t->packet, len, MSG_DONTWAIT) < 0) {
		t->blocked++; /* openconnect does not read: it was never in the tunnel */
		return;
	}
	t->missing[seq] = true;
	t->sent++;
}

static void take_reply(struct tunping *t, uint16_t seq)
{
	uint64_t now = now_ns();
	if (!t->missing[seq]) {
		t->again++;
		return;
	}
	t->missing[seq] = false;
	t->got++;
	if (t->last != 0 && now - t->last > t->gap) {
		t->gap = now - t->last;
		t->gap_at = t->last;
	}
	t->last = now;
}

static void answer(struct tunping *t, size_t len)
{
	uint8_t *ip = t->packet, *icmp = ip + IP_LEN, from[4];
	memcpy(from, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, from, 4);
	icmp[0] = ECHO_REPLY;
	put16(icmp + 2, 0);
	put16(icmp + 2, checksum(icmp, len - IP_LEN));
	if (send(t->fd, ip, len, MSG_DONTWAIT) >= 0)
		t->served++;
}

static void take_packet(struct tunping *t, size_t len)
{
	const uint8_t *ip = t->packet, *icmp = ip + IP_LEN;
	if (len < IP_LEN + ICMP_LEN || ip[0] != 0x45 || ip[9] != IPPROTO_ICMP ||
	    memcmp(ip + 16, &t->own, 4) != 0 || checksum(icmp, len - IP_LEN) != 0)
		return;
	bool is_ours = icmp[4] << 8 == (own_id() & 0xff00) && icmp[5] == (own_id() & 0xff);
	if (icmp[0] == ECHO_REPLY && is_ours)
		take_reply(t, (uint16_t)(icmp[6] << 8 | icmp[7]));
	else if (icmp[0] == ECHO_REQUEST)
		answer(t, len);
}

/* false: openconnect is gone. */
static bool receive(struct tunping *t)
{
	for (;;) {
		ssize_t n = recv(t->fd, t->packet, sizeof t->packet, MSG_DONTWAIT);
		if (n > 0)
			take_packet(t, (size_t)n);
		else
			return n < 0 && (errno == EAGAIN || errno == EINTR);
	}
}

/* {{ the state file }} */

/* One line of fixed length, written at once: a reader sees the old one or the new one. */
static void put_state(struct tunping *t)
{
	static const char *const names[PHASE_N] = { "wait", "send", "drain", "done" };
	char line[STATE_LEN + 1];
	int n = snprintf(line, sizeof line,
			 "phase=%s round=%" PRIu64 " ip=%s sent=%" PRIu64 " got=%" PRIu64 " lost=%" PRIu64
			 " again=%" PRIu64 " blocked=%" PRIu64 " gap_ms=%" PRIu64 " gap_at_ms=%" PRIu64
			 " last_ms=%" PRIu64 " served=%" PRIu64,
			 names[t->phase], t->round, inet_ntoa(t->own), t->sent, t->got, t->sent - t->got,
			 t->again, t->blocked, t->gap / MS, t->gap_at / MS, t->last / MS, t->served);
	memset(line + n, ' ', STATE_LEN - (size_t)n);
	line[STATE_LEN - 1] = '\n';
	if (pwrite(t->state_fd, line, STATE_LEN, 0) != (ssize_t)STATE_LEN)
		exit(2);
	t->state_at = now_ns() + STATE_EVERY;
}

static void enter(struct tunping *t, enum phase phase)
{
	t->phase = phase;
	put_state(t);
}

/* {{ time }} */

static void send_due(struct tunping *t, uint64_t now)
{
	/* after a pause of ours not all at once: the socket holds ten packets */
	for (int burst = 0; t->next <= now && burst < 4; burst++) {
		send_request(t);
		t->next += 1000 * MS / t->o.rate;
	}
	if (t->next + 1000 * MS < now)
		t->next = now;
}

static bool is_on(const struct tunping *t, uint64_t now)
{
	if (t->o.while_file != nullptr)
		return access(t->o.while_file, F_OK) == 0;
	return t->round == 0 || (t->phase == PHASE_SEND && now - t->began < t->o.seconds * 1000 * MS);
}

static void begin_round(struct tunping *t, uint64_t now)
{
	t->sent = t->got = t->again = t->blocked = t->last = t->gap = t->gap_at = 0;
	memset(t->missing, 0, sizeof t->missing);
	t->round++;
	t->began = t->next = now;
	enter(t, PHASE_SEND);
}

static void end_round(struct tunping *t)
{
	t->failed |= t->sent - t->got > t->o.lost;
	enter(t, PHASE_DONE);
}

static void step(struct tunping *t)
{
	uint64_t now = now_ns();
	switch (t->phase) {
	case PHASE_WAIT:
	case PHASE_DONE:
		if (is_on(t, now))
			begin_round(t, now);
		break;
	case PHASE_SEND:
		send_due(t, now);
		if (!is_on(t, now)) {
			t->drain_since = now;
			enter(t, PHASE_DRAIN);
		}
		break;
	case PHASE_DRAIN:
		if (t->got == t->sent || now - t->drain_since > DRAIN_MOST)
			end_round(t);
		break;
	case PHASE_N: break;
	}
	if (now >= t->state_at)
		put_state(t);
}

static int next_timeout(const struct tunping *t)
{
	uint64_t now = now_ns(), until = now + 50 * MS;
	if (t->phase == PHASE_SEND)
		until = MIN(until, MAX(t->next, now));
	return (int)((until - now + MS - 1) / MS);
}

static int run(struct tunping *t)
{
	put_state(t);
	for (bool up = true; up && told_to_end == 0;) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };
		if (poll(&p, 1, next_timeout(t)) > 0)
			up = receive(t);
		step(t);
	}
	put_state(t);
	return t->failed || t->round == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* {{ start }} */

static uint64_t number(const char *text)
{
	return strtoull(text, nullptr, 10);
}

static bool take_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "to", required_argument, nullptr, 't' },      { "rate", required_argument, nullptr, 'r' },
		{ "seconds", required_argument, nullptr, 's' }, { "lost", required_argument, nullptr, 'l' },
		{ "size", required_argument, nullptr, 'z' },    { "state", required_argument, nullptr, 'f' },
		{ "while", required_argument, nullptr, 'w' },   { nullptr, 0, nullptr, 0 },
	};
	*o = (struct options){ .rate = 10, .size = 56, .seconds = 3 };
	for (int c; (c = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
		switch (c) {
		case 't': inet_pton(AF_INET, optarg, &o->to); break;
		case 'r': o->rate = number(optarg); break;
		case 's': o->seconds = number(optarg); break;
		case 'l': o->lost = number(optarg); break;
		case 'z': o->size = number(optarg); break;
		case 'f': o->state = optarg; break;
		case 'w': o->while_file = optarg; break;
		default: return false;
		}
	}
	return o->to.s_addr != 0 && o->state != nullptr && o->rate > 0 && o->rate <= 100'000 &&
	       o->size <= 9000;
}

int main(int argc, char **argv)
{
	static struct tunping t;
	const char *fd = getenv("VPNFD"), *own = getenv("INTERNAL_IP4_ADDRESS");
	if (!take_options(&t.o, argc, argv) || fd == nullptr || own == nullptr ||
	    inet_pton(AF_INET, own, &t.own) != 1) {
		fputs("usage: VPNFD=N INTERNAL_IP4_ADDRESS=IP tunping --to IP --state FILE [--rate N] [--size N] [--lost N]\n"
		      "       [--while FILE | --seconds N]\n",
		      stderr);
		return 2;
	}
	t.fd = (int)number(fd);
	t.state_fd = open(t.o.state, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (t.state_fd < 0) {
		perror(t.o.state);
		return 2;
	}
	signal(SIGHUP, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGINT, SIG_IGN);
	return run(&t);
}
