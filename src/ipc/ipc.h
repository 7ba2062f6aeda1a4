/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipc - messages with descriptors between our processes
 *
 * One struct ipc is one end of a SOCK_SEQPACKET pair, driven by the process's libuv loop.  A datagram is
 * { u16 type, u16 zero, u32 id } and a protobuf payload.  Every received message is checked against msgs.def (sender,
 * receiver, phase, number of descriptors) before a handler sees it; the first wrong one ends the channel.
 *
 * Owner:    whoever called ipc_new; freed by ipc_free, also from inside a handler.
 * Runs in:  every process, only on the thread of its loop.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <uv.h>

#include "ipc/messages.pb-c.h"
#include "ipc/msgs.h"

constexpr size_t IPC_MSG_MAX = 65536; /* bytes of one message */
constexpr size_t IPC_FDS_MAX = 250;   /* the kernel's limit is 253 */

struct ipc;

/* A received message.  body is of the payload type of msgs.def and is freed after the handler, as are descriptors that
 * the handler did not take with ipc_take_fd. */
struct ipc_msg {
	enum msg type;
	uint32_t id;
	const ProtobufCMessage *body;
	int *fds;
	size_t fds_n;
};

/* An absent handler refuses the message like a wrong sender does. */
typedef void ipc_handler(struct ipc *ipc, struct ipc_msg *m);

enum ipc_end : uint8_t {
	IPC_END_CLOSED = 1, /* the other end is gone */
	IPC_END_VIOLATION, /* the other end broke msgs.def; already logged */
};
/* The channel is dead: no more messages; the owner should ipc_free it (here or later). */
typedef void ipc_ended(struct ipc *ipc, enum ipc_end why);

struct ipc_conf {
	uv_loop_t *loop;
	int fd; /* owned by the channel from now on */
	enum ipc_role self;
	enum ipc_role peer;
	unsigned peer_index; /* of a worker */
	ipc_handler *const *handlers; /* MSG_N of them, by type */
	ipc_ended *ended;
	void *owner; /* for ipc_owner */
};

enum err ipc_new(struct ipc **out, const struct ipc_conf *conf);
void ipc_free(struct ipc *ipc);
void ipc_freep(struct ipc **ipc);

/* GO was sent or received: messages of phase RUN are permitted, those of INIT no longer.  Channels between two children
 * are in phase RUN from their beginning. */
void ipc_run(struct ipc *ipc);

void *ipc_owner(const struct ipc *ipc);
unsigned ipc_peer_index(const struct ipc *ipc);
enum ipc_role ipc_peer_role(const struct ipc *ipc);
bool ipc_is_alive(const struct ipc *ipc);

/* A new id for a request; never 0. */
uint32_t ipc_next_id(struct ipc *ipc);

/* Queue or send; body must be of the payload type of the table (checked).  fds stay the caller's (duplicated by the kernel;
 * if the message must wait in the queue, by us).  ERR_CLOSED: the channel is dead.  ERR_FULL: the peer does not read; the channel ends. */
enum err ipc_send(struct ipc *ipc, enum msg type, uint32_t id, const ProtobufCMessage *body, const int *fds,
		  size_t fds_n);

/* Take ownership of descriptor i of m; -1 if there is none. */
int ipc_take_fd(struct ipc_msg *m, size_t i);

/* The answer of a child to the supervisor's PING: for its table of handlers. */
ipc_handler ipc_on_ping;

/* A connected pair, both ends close-on-exec and non-blocking. */
enum err ipc_pair(int out[2]);

/* Bytes of protobuf-c without copying. */
static inline ProtobufCBinaryData ipc_bytes(const void *p, size_t len)
{
	return (ProtobufCBinaryData){ .data = (uint8_t *)(uintptr_t)p, .len = len };
}
