/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#error "linux/udp.h is too old"
#endif

constexpr int BUFFER_LEN = 8 * 1024 * 1024;

struct control {
	alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t))];
};

static socklen_t len_of(const struct sockaddr_storage *sa)
{
	return sa->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void widen(int fd, int forced, int plain)
{
	if (setsockopt(fd, SOL_SOCKET, forced, &BUFFER_LEN, sizeof BUFFER_LEN) != 0)
		setsockopt(fd, SOL_SOCKET, plain, &BUFFER_LEN, sizeof BUFFER_LEN);
}

enum err udp_open(int *fd, const struct addr *from, const struct addr *to)
{
	struct sockaddr_storage sa;
	int one = 1, family = to != nullptr && addr_is_v4(to) ? AF_INET : AF_INET6;
	int s OWNED(base_closep) = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0)
		return ERR_SYS;
	widen(s, SO_RCVBUFFORCE, SO_RCVBUF);
	widen(s, SO_SNDBUFFORCE, SO_SNDBUF);
	setsockopt(s, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
	setsockopt(s, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
	if (from != nullptr) {
		socklen_t len = addr_to_sockaddr(from, family, &sa);
		if (bind(s, (struct sockaddr *)&sa, len) != 0)
			return ERR_SYS;
	}
	if (to != nullptr) {
		socklen_t len = addr_to_sockaddr(to, family, &sa);
		if (connect(s, (struct sockaddr *)&sa, len) != 0)
			return ERR_SYS;
	}
	*fd = s;
	s = -1;
	return ERR_OK;
}

/* The length of the segments, 0 if there is only one. */
static size_t segment_of(struct msghdr *m, uint32_t *dropped)
{
	int size = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != nullptr; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(c), sizeof size);
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			memcpy(dropped, CMSG_DATA(c), sizeof *dropped);
	}
	return size > 0 ? (size_t)size : 0;
}

enum err udp_read(int fd, struct udp_in *in, udp_take *take, void *arg, uint32_t *dropped)
{
	struct mmsghdr m[UDP_BATCH] = {};
	struct iovec iov[UDP_BATCH];
	struct control control[UDP_BATCH];
	for (size_t i = 0; i < UDP_BATCH; i++) {
		iov[i] = (struct iovec){ in->bytes[i], UDP_READ };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &in->from[i],
						.msg_namelen = sizeof in->from[i],
						.msg_iov = &iov[i],
						.msg_iovlen = 1,
						.msg_control = &control[i],
						.msg_controllen = sizeof control[i] };
	}
	int n = recvmmsg(fd, m, UDP_BATCH, MSG_DONTWAIT, nullptr);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_CLOSED;
	for (int i = 0; i < n; i++) {
		size_t len = m[i].msg_len, segment = segment_of(&m[i].msg_hdr, dropped);
		if (segment == 0)
			segment = len;
		for (size_t at = 0; at < len; at += segment)
			take(arg, in->bytes[i] + at, MIN(segment, len - at), &in->from[i]);
	}
	return ERR_OK;
}

static ssize_t send_segments(int fd, struct udp_out *out, const struct sockaddr_storage *to)
{
	struct control control = {};
	struct iovec iov = { out->bytes, out->len };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(sizeof(uint16_t)) };
	if (to != nullptr) {
		m.msg_name = (void *)(uintptr_t)to;
		m.msg_namelen = len_of(to);
	}
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
	uint16_t segment = (uint16_t)out->segment;
	memcpy(CMSG_DATA(c), &segment, sizeof segment);
	return sendmsg(fd, &m, MSG_DONTWAIT);
}

static enum err send_each(int fd, struct udp_out *out, const struct sockaddr_storage *to, size_t *sent)
{
	struct mmsghdr m[UDP_SEGMENTS] = {};
	struct iovec iov[UDP_SEGMENTS];
	for (size_t i = 0; i < out->n; i++) {
		iov[i] = (struct iovec){ out->bytes + i * out->segment, out->segment };
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
		if (to != nullptr) {
			m[i].msg_hdr.msg_name = (void *)(uintptr_t)to;
			m[i].msg_hdr.msg_namelen = len_of(to);
		}
	}
	int n = sendmmsg(fd, m, (unsigned)out->n, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? ERR_BUSY : ERR_CLOSED;
	*sent = (size_t)n;
	return ERR_OK;
}

enum err udp_send(int fd, struct udp_out *out, const struct sockaddr_storage *to, size_t *sent)
{
	enum err e = ERR_OK;
	*sent = 0;
	if (out->n > 1 && !out->no_segments) {
		if (send_segments(fd, out, to) >= 0)
			*sent = out->n;
		else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
			e = ERR_BUSY;
		else if (errno == EINVAL || errno == EIO || errno == EOPNOTSUPP)
			out->no_segments = true;
		else
			e = ERR_CLOSED;
	}
	if (e == ERR_OK && *sent == 0 && out->n > 0)
		e = send_each(fd, out, to, sent);
	out->len = out->n = 0;
	return e;
}
