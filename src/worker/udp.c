/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker/udp.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "wire/dtls.h"
#include "wire/hello13.h"
#include "worker/dtls.h"
#include "worker/dtls_resume.h"
#include "worker/rx.h"
#include "worker/sample.h"
#include "worker/session.h"
#include "worker/worker.h"

constexpr int TURNS = 8; /* batches read before the loop gets its turn */
constexpr size_t MESSAGES_MAX = 32;
constexpr size_t DATAGRAM_MAX = 16384; /* without UDP_GRO */
constexpr size_t GRO_MAX = 65536;

struct peer_entry {
	struct udp_peer peer;
	struct session *session;
	UT_hash_handle hh;
};

static struct peer_entry *find_peer(struct worker *w, const struct udp_peer *peer)
{
	struct peer_entry *e = w->udp.last;
	if (e != nullptr && memcmp(&e->peer, peer, sizeof *peer) == 0)
		return e;
	HASH_FIND(hh, w->udp.peers, peer, sizeof *peer, e);
	if (e != nullptr)
		w->udp.last = e;
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
	w->udp.last = nullptr;
	free(e);
}

/* {{ in }} */

static void dispatch_hello(struct worker *w, struct datagram *d, const struct dtls_peek *peek)
{
	const struct dtls_hello *h = &peek->hello;
	struct hello13 h13;
	bool is_13 = h->session_id_len == 0 && hello13_parse(d->bytes, d->len, &h13) == ERR_OK;
	struct route *r = is_13                               ? steer_find_app_id(&w->steer, h13.app_id)
			  : h->session_id_len == STEER_APP_ID ? steer_find_app_id(&w->steer, h->session_id)
							      : nullptr;
	/* a key is for one version only: the one that was agreed on */
	if (r == nullptr || h->random_is_zero || (r->own != nullptr && r->own->wants_dtls13 != is_13))
		STAT_INC(w, udp_unknown);
	else if (r->own != nullptr && r->own->dtls.mode == RESUME_FAKE)
		dtls_resume_hello(r->own, d);
	else if (r->own != nullptr)
		dtls_hello(r->own, is_13 ? &dtls_13 : &dtls_12, d);
	else if (d->from < 0)
		steer_hello(w, r->worker, d);
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

/* A record of DTLS 1.3 says itself whose it is. */
static void dispatch_cid(struct worker *w, struct datagram *d)
{
	int owner = dtls13_owner(d);
	if (owner < 0 || (unsigned)owner >= w->workers_n)
		STAT_INC(w, udp_malformed);
	else if ((unsigned)owner == w->index && !dtls13_feed(w, d))
		STAT_INC(w, dtls_cid_unknown);
	else if ((unsigned)owner != w->index && d->from < 0)
		steer_udp(w, (unsigned)owner, d);
}

void udp_dispatch(struct worker *w, struct datagram *d)
{
	struct dtls_peek peek;
	if (d->len > 0 && record13_has_cid(d->bytes[0])) {
		dispatch_cid(w, d);
		return;
	}
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
	if (e == nullptr) {
		dispatch_stranger(w, d);
		return;
	}
	if (d->is_probe)
		steer_claim(w, (unsigned)d->from, d); /* the next ones come straight to us */
	dtls_feed(e->session, d);
}

/* Our address that the client sent to, and the length of each datagram if the kernel has coalesced several. */
static void read_control(struct msghdr *mh, struct addr *local, size_t *each)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != nullptr; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			*local = addr_of_ip(&info.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			*local = addr_of_ip(&info.ipi6_addr, 16);
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof size);
			if (size > 0)
				*each = (size_t)size;
		}
	}
}

/* One received message: a datagram, or a train of them. */
static void take_message(struct udp_socket *u, uint32_t index, struct msghdr *mh, size_t len)
{
	struct worker *w = u->w;
	struct datagram d = { .peer = { addr_of_sockaddr(mh->msg_name), index }, .from = -1 };
	size_t each = len;
	read_control(mh, &d.local, &each);
	if ((mh->msg_flags & MSG_TRUNC) != 0) {
		STAT_INC(w, udp_malformed);
		return;
	}
	uint8_t *at = mh->msg_iov->iov_base;
	for (size_t left = len; left > 0; left -= d.len, at += d.len) {
		d.bytes = at;
		d.len = MIN(each, left);
		size_t this_len = d.len;
		STAT_INC(w, udp_datagrams);
		udp_dispatch(w, &d);
		d.len = this_len;
	}
}

/* One recvmmsg.  false: nothing more for now. */
static bool read_batch(struct udp_socket *u, uint32_t index)
{
	struct worker *w = u->w;
	struct mmsghdr msgs[MESSAGES_MAX];
	struct iovec iovs[MESSAGES_MAX];
	struct sockaddr_storage addrs[MESSAGES_MAX];
	struct udp_control controls[MESSAGES_MAX];
	size_t room = UDP_BUFFERS / w->udp.buffer_len;
	for (size_t i = 0; i < room; i++) {
		iovs[i] = (struct iovec){ w->udp.buffers + i * w->udp.buffer_len, w->udp.buffer_len };
		msgs[i].msg_hdr = (struct msghdr){ .msg_name = &addrs[i],
						   .msg_namelen = sizeof addrs[i],
						   .msg_iov = &iovs[i],
						   .msg_iovlen = 1,
						   .msg_control = &controls[i],
						   .msg_controllen = sizeof controls[i] };
	}
	int n = recvmmsg(u->fd, msgs, (unsigned)room, MSG_DONTWAIT, nullptr);
	for (int i = 0; i < n; i++)
		take_message(u, index, &msgs[i].msg_hdr, msgs[i].msg_len);
	if (n > 0) {
		STAT_ADD(w, udp_receives, (uint64_t)n);
		w->rest.packets += (uint32_t)n;
	}
	rx_flush(w); /* the packets are in the buffers of this batch */
	return n == (int)room;
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
	if (sample_is_due(&u->w->rx_sample))
		stats_hist_add(&u->w->stats->hists.rx_latency, clock_now().ns - u->w->now.ns);
}

/* {{ out }} */

/* Answer from the address that the client sent to; room is left behind for UDP_SEGMENT. */
static size_t put_local(struct udp_control *c, int family, const struct addr *local)
{
	struct cmsghdr *h = (struct cmsghdr *)c->space;
	if (!addr_is_set(local))
		return 0;
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

static size_t put_tos(struct udp_control *c, size_t at, int family, int tos)
{
	struct cmsghdr *h = (struct cmsghdr *)(c->space + at);
	h->cmsg_len = CMSG_LEN(sizeof tos);
	h->cmsg_level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	h->cmsg_type = family == AF_INET ? IP_TOS : IPV6_TCLASS;
	memcpy(CMSG_DATA(h), &tos, sizeof tos);
	return CMSG_SPACE(sizeof tos);
}

/* The last one: send_singly leaves it out. */
static size_t put_segment(struct udp_control *c, size_t at, uint16_t each)
{
	struct cmsghdr *h = (struct cmsghdr *)(c->space + at);
	h->cmsg_len = CMSG_LEN(sizeof each);
	h->cmsg_level = SOL_UDP;
	h->cmsg_type = UDP_SEGMENT;
	memcpy(CMSG_DATA(h), &each, sizeof each);
	return CMSG_SPACE(sizeof each);
}

/* Whether one more datagram of len bytes may ride with this run. */
static bool may_join(const struct worker *w, const struct udp_run *r, const struct session *s,
		     const struct udp_peer *peer, size_t len)
{
	bool is_open = r->bytes == r->n * r->each; /* a shorter one closes it */
	return w->udp.gso && r->session == s && is_open && len <= r->each && r->n < UDP_RUN_RECORDS &&
	       r->bytes + len <= UDP_RUN_BYTES && memcmp(&r->peer, peer, sizeof *peer) == 0;
}

static struct udp_run *run_of(struct worker *w, struct session *s, const struct udp_peer *peer,
			      const struct addr *local, size_t len)
{
	struct udp_out *o = &w->udp.out;
	if (s != nullptr && s->run < o->n && may_join(w, &o->runs[s->run], s, peer, len))
		return &o->runs[s->run];
	if (o->n == UDP_RUNS)
		udp_flush(w);
	if (s != nullptr)
		s->run = (uint32_t)o->n; /* later datagrams join this one only: their order is kept */
	struct udp_run *r = &o->runs[o->n++];
	r->session = s;
	r->peer = *peer;
	r->local = *local;
	r->each = (uint32_t)len;
	r->bytes = r->n = 0;
	return r;
}

void udp_queue(struct worker *w, struct session *s, const struct udp_peer *peer, const struct addr *local,
	       const void *bytes, size_t len)
{
	struct udp_run *r = run_of(w, s, peer, local, len);
	r->iovs[r->n++] = (struct iovec){ (void *)(uintptr_t)bytes, len };
	r->bytes += (uint32_t)len;
}

static void prepare(struct worker *w, size_t i)
{
	struct udp_out *o = &w->udp.out;
	struct udp_run *r = &o->runs[i];
	int family = w->udp.sockets[r->peer.socket].family;
	struct udp_control *c = &o->controls[i];
	memset(c, 0, sizeof *c);
	size_t control_len = put_local(c, family, &r->local);
	if (r->session != nullptr && r->session->tos != 0)
		control_len += put_tos(c, control_len, family, r->session->tos);
	if (r->n > 1)
		control_len += put_segment(c, control_len, (uint16_t)r->each);
	o->msgs[i].msg_hdr =
		(struct msghdr){ .msg_name = &o->addrs[i],
				 .msg_namelen = addr_to_sockaddr(&r->peer.addr, family, &o->addrs[i]),
				 .msg_iov = r->iovs,
				 .msg_iovlen = r->n,
				 .msg_control = control_len > 0 ? c : nullptr,
				 .msg_controllen = control_len };
}

/* The path or the card does not take a train: each datagram alone. */
static void send_singly(struct worker *w, const struct udp_run *r, const struct msghdr *whole)
{
	for (size_t i = 0; i < r->n; i++) {
		struct msghdr mh = *whole;
		struct iovec one = r->iovs[i];
		mh.msg_iov = &one;
		mh.msg_iovlen = 1;
		mh.msg_controllen -= MIN(mh.msg_controllen, CMSG_SPACE(sizeof(uint16_t)));
		if (sendmsg(w->udp.sockets[r->peer.socket].fd, &mh, MSG_DONTWAIT) < 0)
			STAT_INC(w, tx_queue_full);
	}
}

/* sendmmsg stopped at message i.  false: give up the rest. */
static bool send_failed(struct worker *w, size_t i, int why)
{
	struct udp_run *r = &w->udp.out.runs[i];
	if (why == EMSGSIZE && r->session != nullptr)
		session_path_shrunk(r->session, r->each);
	if ((why == EIO || why == EINVAL) && r->n > 1) {
		w->udp.gso = false;
		log_notice(
			"udp.no_segmentation: the network device refuses trains of datagrams, they go one by one");
		send_singly(w, r, &w->udp.out.msgs[i].msg_hdr);
	}
	return why != EAGAIN;
}

void udp_flush(struct worker *w)
{
	struct udp_out *o = &w->udp.out;
	for (size_t i = 0; i < o->n; i++)
		prepare(w, i);
	for (size_t done = 0; done < o->n;) {
		uint32_t socket = o->runs[done].peer.socket;
		size_t end = done + 1;
		while (end < o->n && o->runs[end].peer.socket == socket)
			end++;
		int n = sendmmsg(w->udp.sockets[socket].fd, o->msgs + done, (unsigned)(end - done),
				 MSG_DONTWAIT);
		if (n > 0) {
			STAT_ADD(w, udp_sends, (uint64_t)n);
			done += (size_t)n;
		} else if (errno != EINTR && !send_failed(w, done, errno)) {
			STAT_ADD(w, tx_queue_full, o->n - done);
			break;
		} else if (errno != EINTR) {
			done++; /* this one cannot be sent; the next may */
		}
	}
	o->n = 0;
}

/* {{ life }} */

static void try_offloads(struct worker *w)
{
	int on = 1, size = 0;
	w->udp.gso = w->udp.gro = w->udp.sockets_n > 0;
	for (size_t i = 0; i < w->udp.sockets_n; i++) {
		int fd = w->udp.sockets[i].fd;
		socklen_t len = sizeof size;
		w->udp.gro &= setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0;
		w->udp.gso &= getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len) == 0;
	}
	w->udp.buffer_len = w->udp.gro ? GRO_MAX : DATAGRAM_MAX;
	static_assert(UDP_BUFFERS / DATAGRAM_MAX <= MESSAGES_MAX);
}

enum err udp_start(struct worker *w)
{
	try_offloads(w);
	w->udp.buffers = malloc(UDP_BUFFERS);
	if (w->udp.buffers == nullptr)
		return ERR_NOMEM;
	for (size_t i = 0; i < w->udp.sockets_n; i++) {
		struct udp_socket *u = &w->udp.sockets[i];
		u->w = w;
		if (uv_poll_init(&w->loop, &u->poll, u->fd) != 0 ||
		    uv_poll_start(&u->poll, UV_READABLE, on_readable) != 0)
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
