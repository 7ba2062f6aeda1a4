/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "wire/dtls.h"
#include "worker/dtls.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr int TURNS = 8; /* batches read before the loop gets its turn */

struct peer_entry {
	struct udp_peer peer;
	struct session *session;
	UT_hash_handle hh;
};

static struct peer_entry *find_peer(struct worker *w, const struct udp_peer *peer)
{
	struct peer_entry *e;
	HASH_FIND(hh, w->udp.peers, peer, sizeof *peer, e);
	return e;
}

void udp_peer_set(struct worker *w, const struct udp_peer *peer, struct session *s)
{
	struct peer_entry *e = find_peer(w, peer);
	if (e == nullptr) {
		e = calloc(1, sizeof *e);
		if (e == nullptr)
			return; /* the client falls back to TLS */
		e->peer = *peer;
		HASH_ADD(hh, w->udp.peers, peer, sizeof e->peer, e);
	}
	e->session = s;
}

void udp_peer_drop(struct worker *w, const struct udp_peer *peer, const struct session *s)
{
	struct peer_entry *e = find_peer(w, peer);
	if (e == nullptr || e->session != s)
		return;
	HASH_DELETE(hh, w->udp.peers, e);
	free(e);
}

/* {{ in }} */

static void dispatch_hello(struct worker *w, struct datagram *d, const struct dtls_peek *peek)
{
	const struct dtls_hello *h = &peek->hello;
	struct route *r = h->session_id_len == STEER_APP_ID ? steer_find_app_id(&w->steer, h->session_id) : nullptr;
	if (r == nullptr || h->random_is_zero)
		STAT_INC(w, udp_unknown);
	else if (r->own != nullptr)
		dtls_hello(r->own, d);
	else if (d->from < 0)
		steer_udp(w, r->worker, d);
}

/* A record from an address we do not know: the owner of the flow, else a client behind a NAT that changed its mind. */
static void dispatch_stranger(struct worker *w, struct datagram *d)
{
	int owner = d->from < 0 ? steer_flow_owner(w, d) : -1;
	if (owner >= 0) {
		steer_udp(w, (unsigned)owner, d);
		return;
	}
	if (!steer_take_probe(w) || !dtls_try_rebind(w, d)) {
		STAT_INC(w, udp_unknown);
		if (d->from < 0)
			steer_probe(w, d);
	} else if (d->from >= 0) {
		steer_claim(w, (unsigned)d->from, d);
	}
}

void udp_dispatch(struct worker *w, struct datagram *d)
{
	struct dtls_peek peek;
	enum dtls_kind kind = dtls_classify(d->bytes, d->len, &peek);
	if (kind == DTLS_MALFORMED || kind == DTLS_OTHER) {
		STAT_INC(w, udp_malformed);
		return;
	}
	if (kind == DTLS_CLIENT_HELLO) {
		dispatch_hello(w, d, &peek);
		return;
	}
	struct peer_entry *e = find_peer(w, &d->peer);
	if (e != nullptr)
		dtls_feed(e->session, d);
	else
		dispatch_stranger(w, d);
}

static struct addr local_of(struct msghdr *mh)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != nullptr; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			return addr_of_ip(&info.ipi_addr, 4);
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			return addr_of_ip(&info.ipi6_addr, 16);
		}
	}
	return (struct addr){};
}

/* One recvmmsg.  false: nothing more for now. */
static bool read_batch(struct udp_socket *u, uint32_t index)
{
	struct worker *w = u->w;
	struct mmsghdr msgs[UDP_BATCH] = {};
	struct iovec iovs[UDP_BATCH];
	struct sockaddr_storage addrs[UDP_BATCH];
	struct udp_control controls[UDP_BATCH];
	for (size_t i = 0; i < UDP_BATCH; i++) {
		iovs[i] = (struct iovec){ w->udp.buffers + i * UDP_DATAGRAM_MAX, UDP_DATAGRAM_MAX };
		msgs[i].msg_hdr = (struct msghdr){ .msg_name = &addrs[i],
			                           .msg_namelen = sizeof addrs[i],
			                           .msg_iov = &iovs[i],
			                           .msg_iovlen = 1,
			                           .msg_control = &controls[i],
			                           .msg_controllen = sizeof controls[i] };
	}
	int n = recvmmsg(u->fd, msgs, UDP_BATCH, MSG_DONTWAIT, nullptr);
	for (int i = 0; i < n; i++) {
		struct datagram d = {
			.bytes = iovs[i].iov_base,
			.len = msgs[i].msg_len,
			.peer = { addr_of_sockaddr((struct sockaddr *)&addrs[i]), index },
			.local = local_of(&msgs[i].msg_hdr),
			.from = -1,
		};
		if ((msgs[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
			STAT_INC(w, udp_malformed);
		else
			udp_dispatch(w, &d);
	}
	if (n > 0)
		STAT_ADD(w, udp_datagrams, (uint64_t)n);
	return n == (int)UDP_BATCH;
}

static void on_readable(uv_poll_t *poll, int status, int)
{
	struct udp_socket *u = CONTAINER_OF(poll, struct udp_socket, poll);
	if (status < 0)
		return;
	u->w->now = clock_now();
	uint32_t index = (uint32_t)(u - u->w->udp.sockets);
	for (int i = 0; i < TURNS && read_batch(u, index); i++)
		;
	udp_flush(u->w);
}

/* {{ out }} */

/* Answer from the address that the client sent to. */
static socklen_t put_local(struct udp_control *c, int family, const struct addr *local)
{
	memset(c, 0, sizeof *c);
	if (!addr_is_set(local))
		return 0;
	struct cmsghdr *h = (struct cmsghdr *)c->space;
	if (family == AF_INET) {
		struct in_pktinfo info = {};
		memcpy(&info.ipi_spec_dst, local->ip + 12, 4);
		h->cmsg_len = CMSG_LEN(sizeof info);
		h->cmsg_level = IPPROTO_IP;
		h->cmsg_type = IP_PKTINFO;
		memcpy(CMSG_DATA(h), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	struct in6_pktinfo info = {};
	memcpy(&info.ipi6_addr, local->ip, 16);
	h->cmsg_len = CMSG_LEN(sizeof info);
	h->cmsg_level = IPPROTO_IPV6;
	h->cmsg_type = IPV6_PKTINFO;
	memcpy(CMSG_DATA(h), &info, sizeof info);
	return CMSG_SPACE(sizeof info);
}

void udp_queue(struct worker *w, struct session *s, const struct udp_peer *peer, const struct addr *local, const void *bytes,
               size_t len)
{
	struct udp_out *o = &w->udp.out;
	if (o->n == UDP_BATCH || (o->n > 0 && o->socket != peer->socket))
		udp_flush(w);
	size_t i = o->n++;
	int family = w->udp.sockets[peer->socket].family;
	o->socket = peer->socket;
	o->sessions[i] = s;
	o->iovs[i] = (struct iovec){ (void *)(uintptr_t)bytes, len };
	socklen_t addr_len = addr_to_sockaddr(&peer->addr, family, &o->addrs[i]);
	o->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &o->addrs[i],
		                              .msg_namelen = addr_len,
		                              .msg_iov = &o->iovs[i],
		                              .msg_iovlen = 1,
		                              .msg_control = &o->controls[i] };
	o->msgs[i].msg_hdr.msg_controllen = put_local(&o->controls[i], family, local);
}

void udp_flush(struct worker *w)
{
	struct udp_out *o = &w->udp.out;
	size_t done = 0;
	while (done < o->n) {
		int n = sendmmsg(w->udp.sockets[o->socket].fd, o->msgs + done, (unsigned)(o->n - done), MSG_DONTWAIT);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (errno == EMSGSIZE && o->sessions[done] != nullptr)
			session_path_shrunk(o->sessions[done], o->iovs[done].iov_len);
		if (errno == EAGAIN) {
			STAT_ADD(w, tx_queue_full, o->n - done);
			break;
		}
		done++; /* this one cannot be sent; the next may */
	}
	o->n = 0;
}

/* {{ life }} */

enum err udp_start(struct worker *w)
{
	w->udp.buffers = malloc(UDP_BATCH * UDP_DATAGRAM_MAX);
	if (w->udp.buffers == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < w->udp.sockets_n; i++) {
		struct udp_socket *u = &w->udp.sockets[i];
		u->w = w;
		if (uv_poll_init(&w->loop, &u->poll, u->fd) != 0 || uv_poll_start(&u->poll, UV_READABLE, on_readable) != 0)
			return ERR_SYS;
	}
	return ERR_OK;
}

void udp_fini(struct worker *w)
{
	struct peer_entry *e, *next;
	HASH_ITER(hh, w->udp.peers, e, next) {
		HASH_DELETE(hh, w->udp.peers, e);
		free(e);
	}
	for (size_t i = 0; i < w->udp.sockets_n; i++)
		uv_poll_stop(&w->udp.sockets[i].poll);
	free(w->udp.buffers);
	w->udp.buffers = nullptr;
}
