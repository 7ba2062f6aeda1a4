/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

constexpr size_t HEAD_LEN = 8;
constexpr size_t QUEUE_MAX = 8192; /* messages that wait for a peer that does not read */
constexpr int BATCH = 64;          /* messages read before the loop gets its turn */

enum phase : uint8_t { INIT = 1, RUN = 2, ANY = 3 };

/* Everything that is known of a message, from msgs.def */
static const struct row {
	const char *name;
	uint8_t sender, receiver;
	enum phase phase;
	uint8_t fds_max;
	const ProtobufCMessageDescriptor *payload;
} rows[MSG_N] = {
#define MSG(msg, from, to, when, body, fds) \
	[MSG_##msg] = { #msg, (from), (to), (when), (fds), &msg__##body##__descriptor },
#include "ipc/msgs.def"
#undef MSG
};

struct queued {
	struct queued *next;
	size_t len, fds_n;
	int *fds; /* duplicates, ours */
	uint8_t bytes[];
};

struct ipc {
	uv_poll_t poll;
	struct ipc_conf conf;
	struct queued *head, **tail;
	size_t queued_n;
	uint32_t last_id;
	enum phase phase;
	bool dead, freed;
	struct ipc *self; /* for the close callback */
};

static void close_fds(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void free_queued(struct queued *q)
{
	if (q == nullptr)
		return;
	close_fds(q->fds, q->fds_n);
	free(q->fds);
	free(q);
}

static void drop_queue(struct ipc *ipc)
{
	while (ipc->head != nullptr) {
		struct queued *q = ipc->head;
		ipc->head = q->next;
		free_queued(q);
	}
	ipc->tail = &ipc->head;
	ipc->queued_n = 0;
}

static void die(struct ipc *ipc, enum ipc_end why)
{
	if (ipc->dead)
		return;
	ipc->dead = true;
	uv_poll_stop(&ipc->poll);
	drop_queue(ipc);
	if (ipc->conf.ended != nullptr)
		ipc->conf.ended(ipc, why);
}

/* {{ receiving }} */

static enum err permit(const struct ipc *ipc, uint16_t type, size_t fds_n)
{
	if (type == MSG_NONE || type >= MSG_N)
		return ERR_DENIED;
	const struct row *row = &rows[type];
	bool ok = (row->sender & ipc->conf.peer) != 0 && (row->receiver & ipc->conf.self) != 0 &&
		  (row->phase & ipc->phase) != 0 && fds_n <= row->fds_max &&
		  ipc->conf.handlers[type] != nullptr;
	return ok ? ERR_OK : ERR_DENIED;
}

/* Check and deliver one datagram; ERR_DENIED ends the channel. */
static enum err deliver(struct ipc *ipc, const uint8_t *bytes, size_t len, int *fds, size_t fds_n)
{
	struct reader r = reader_of(bytes, len);
	uint16_t type = reader_u16be(&r);
	uint16_t zero = reader_u16be(&r);
	uint32_t id = reader_u32be(&r);
	if (!reader_ok(&r) || zero != 0)
		return ERR_DENIED;
	TRY(permit(ipc, type, fds_n));
	ProtobufCMessage *body = protobuf_c_message_unpack(rows[type].payload, nullptr, r.left, r.at);
	if (body == nullptr)
		return ERR_DENIED;
	struct ipc_msg m = { .type = (enum msg)type, .id = id, .body = body, .fds = fds, .fds_n = fds_n };
	ipc->conf.handlers[type](ipc, &m);
	protobuf_c_message_free_unpacked(body, nullptr);
	return ERR_OK;
}

static size_t fds_of(struct msghdr *mh, int fds[IPC_FDS_MAX])
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != nullptr; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here && n < IPC_FDS_MAX; i++)
			memcpy(&fds[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

/* Read one datagram.  false: nothing more for now, or the channel ended. */
static bool read_one(struct ipc *ipc)
{
	static uint8_t bytes[IPC_MSG_MAX]; /* one loop thread a process */
	alignas(struct cmsghdr) char control[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof bytes };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	ssize_t n = recvmsg(ipc->conf.fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		die(ipc, IPC_END_CLOSED);
		return false;
	}
	int fds[IPC_FDS_MAX];
	size_t fds_n = fds_of(&mh, fds);
	bool whole = (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
	unsigned type = n >= 2 ? (unsigned)(bytes[0] << 8 | bytes[1]) : 0;
	enum err e = whole ? deliver(ipc, bytes, (size_t)n, fds, fds_n) : ERR_DENIED;
	explicit_bzero(bytes, (size_t)n); /* passwords and cookies pass here */
	close_fds(fds, fds_n);
	if (e != ERR_OK && !ipc->freed) {
		log_err("ipc.violation from=%u/%u type=%u fds=%zu", ipc->conf.peer, ipc->conf.peer_index,
			type, fds_n);
		die(ipc, IPC_END_VIOLATION);
	}
	return !ipc->dead && !ipc->freed;
}

/* {{ sending }} */

/* ERR_BUSY: the socket is full. */
static enum err send_now(struct ipc *ipc, const uint8_t *bytes, size_t len, const int *fds, size_t fds_n)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (fds_n > 0) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
		memset(control, 0, mh.msg_controllen);
		struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fds_n * sizeof(int));
	}
	ssize_t n;
	do
		n = sendmsg(ipc->conf.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return ERR_OK;
	return errno == EAGAIN || errno == ENOBUFS ? ERR_BUSY : ERR_CLOSED;
}

static enum err keep(struct ipc *ipc, const uint8_t *bytes, size_t len, const int *fds, size_t fds_n)
{
	struct queued *q = calloc(1, sizeof *q + len);
	if (q == nullptr)
		return ERR_NOMEM;
	memcpy(q->bytes, bytes, len);
	q->len = len;
	q->fds = calloc(fds_n + 1, sizeof(int));
	for (size_t i = 0; q->fds != nullptr && i < fds_n; i++) {
		q->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
		q->fds_n++;
	}
	if (q->fds == nullptr) {
		free_queued(q);
		return ERR_NOMEM;
	}
	*ipc->tail = q;
	ipc->tail = &q->next;
	ipc->queued_n++;
	return ERR_OK;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct ipc *ipc)
{
	uv_poll_start(&ipc->poll, UV_READABLE | (ipc->head != nullptr ? UV_WRITABLE : 0), on_poll);
}

static void flush(struct ipc *ipc)
{
	while (ipc->head != nullptr) {
		struct queued *q = ipc->head;
		enum err e = send_now(ipc, q->bytes, q->len, q->fds, q->fds_n);
		if (e == ERR_BUSY)
			return;
		if (e != ERR_OK) {
			die(ipc, IPC_END_CLOSED);
			return;
		}
		ipc->head = q->next;
		if (ipc->head == nullptr)
			ipc->tail = &ipc->head;
		ipc->queued_n--;
		explicit_bzero(q->bytes, q->len);
		free_queued(q);
	}
}

static void on_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF((uv_poll_t *)handle, struct ipc, poll));
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ipc *ipc = CONTAINER_OF(poll, struct ipc, poll);
	if (status < 0) {
		die(ipc, IPC_END_CLOSED);
		return;
	}
	if ((events & UV_WRITABLE) != 0) {
		flush(ipc);
		if (!ipc->dead && !ipc->freed)
			watch(ipc);
	}
	if ((events & UV_READABLE) != 0)
		for (int i = 0; i < BATCH && !ipc->dead && !ipc->freed && read_one(ipc); i++)
			;
}

/* {{ public }} */

enum err ipc_new(struct ipc **out, const struct ipc_conf *conf)
{
	struct ipc *ipc = calloc(1, sizeof *ipc);
	if (ipc == nullptr)
		return ERR_NOMEM;
	ipc->conf = *conf;
	ipc->tail = &ipc->head;
	/* only the supervisor leads a child through a start; a channel between children is made for work */
	ipc->phase = conf->self == ROLE_SUPERVISOR || conf->peer == ROLE_SUPERVISOR ? INIT : RUN;
	if (uv_poll_init(conf->loop, &ipc->poll, conf->fd) != 0) {
		free(ipc);
		return ERR_SYS;
	}
	watch(ipc);
	*out = ipc;
	return ERR_OK;
}

void ipc_free(struct ipc *ipc)
{
	if (ipc == nullptr || ipc->freed)
		return;
	ipc->freed = true;
	ipc->dead = true;
	drop_queue(ipc);
	uv_poll_stop(&ipc->poll);
	uv_close((uv_handle_t *)&ipc->poll, on_closed);
	close(ipc->conf.fd);
}

void ipc_freep(struct ipc **ipc)
{
	ipc_free(*ipc);
	*ipc = nullptr;
}

void ipc_run(struct ipc *ipc)
{
	ipc->phase = RUN;
}

void *ipc_owner(const struct ipc *ipc)
{
	return ipc->conf.owner;
}

unsigned ipc_peer_index(const struct ipc *ipc)
{
	return ipc->conf.peer_index;
}

enum ipc_role ipc_peer_role(const struct ipc *ipc)
{
	return ipc->conf.peer;
}

bool ipc_is_alive(const struct ipc *ipc)
{
	return ipc != nullptr && !ipc->dead;
}

uint32_t ipc_next_id(struct ipc *ipc)
{
	if (++ipc->last_id == 0)
		ipc->last_id = 1;
	return ipc->last_id;
}

enum err ipc_send(struct ipc *ipc, enum msg type, uint32_t id, const ProtobufCMessage *body, const int *fds,
		  size_t fds_n)
{
	if (!ipc_is_alive(ipc))
		return ERR_CLOSED;
	const struct row *row = &rows[type];
	assert(type > MSG_NONE && type < MSG_N && body->descriptor == row->payload && fds_n <= row->fds_max);
	assert((row->sender & ipc->conf.self) != 0 && (row->receiver & ipc->conf.peer) != 0);
	size_t len = HEAD_LEN + protobuf_c_message_get_packed_size(body);
	if (len > IPC_MSG_MAX)
		return ERR_RANGE;
	static uint8_t bytes[IPC_MSG_MAX]; /* one loop thread a process */
	struct writer w = writer_of(bytes, sizeof bytes);
	writer_u16be(&w, type);
	writer_u16be(&w, 0);
	writer_u32be(&w, id);
	protobuf_c_message_pack(body, bytes + HEAD_LEN);
	enum err e = ipc->head == nullptr ? send_now(ipc, bytes, len, fds, fds_n) : ERR_BUSY;
	if (e == ERR_BUSY) {
		e = ipc->queued_n < QUEUE_MAX ? keep(ipc, bytes, len, fds, fds_n) : ERR_FULL;
		if (e == ERR_OK)
			watch(ipc);
	}
	explicit_bzero(bytes, len);
	if (e == ERR_FULL || e == ERR_CLOSED) {
		log_err("ipc.send_failed to=%u/%u msg=%s why=\"%s\"", ipc->conf.peer, ipc->conf.peer_index,
			row->name, err_text(e));
		/* the owner hears of it from the loop, not from inside its own call: reading now fails */
		shutdown(ipc->conf.fd, SHUT_RDWR);
	}
	return e;
}

void ipc_on_ping(struct ipc *ipc, struct ipc_msg *m)
{
	Msg__Pong pong;
	msg__pong__init(&pong);
	if (ipc_send(ipc, MSG_PONG, m->id, &pong.base, nullptr, 0) != ERR_OK)
		log_debug("ipc.pong error=\"not sent\"");
}

int ipc_take_fd(struct ipc_msg *m, size_t i)
{
	if (i >= m->fds_n)
		return -1;
	int fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

enum err ipc_pair(int out[2])
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return ERR_SYS;
	memcpy(out, fds, sizeof fds);
	return ERR_OK;
}
